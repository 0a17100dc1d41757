//! Going on: `sync --watch` and `org sync --watch`.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use passport_tests::{Cli, Relay};
use serde_json::Value;

use crate::org_exchange::{practice, share};
use crate::{NOW, begun};

/// A command that goes on, and the documents it prints, one a line.
struct Watching {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watching {
    fn start(cli: &Cli, arguments: &[&str]) -> Self {
        let mut command = cli.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> Value {
        let line = self.lines.next().expect("it goes on").unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The next document that counts something under a name.
    fn until(&mut self, name: &str) -> Value {
        loop {
            let document = self.next();
            if document[name].as_u64().unwrap() > 0 {
                return document;
            }
        }
    }

    /// Its exit code after SIGTERM.
    fn end(mut self) -> Option<i32> {
        let number = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &number]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

#[test]
fn who_watches_sees_it_lets_other_commands_write_and_ends_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Relay::start(&folder.path().join("relay"), NOW);
    let (student, _) = begun(&folder, "phone", relay.url());
    let practice = practice(&folder, relay.url());
    share(&folder, &student, &practice);
    let mut there = Watching::start(&student, &["sync", "--watch", "--json"]);
    assert_eq!(there.next()["remotes"][0]["ok"], true);
    let mut here = Watching::start(&practice, &["org", "sync", "--watch", "--json"]);
    here.until("received");
    // Both sides write with commands of their own while the other two go on.
    let add = |item: &str| {
        let set = format!("item={item}");
        let _ = student.run(&["add", "medications", "--set", &set, "--yes"]).success();
    };
    add("Salbutamol");
    assert_eq!(there.until("sent")["remotes"][0]["ok"], true);
    here.until("received");
    let contribute = ["org", "contribute", "Ada Example", "medications", "--set", "item=Codeine"];
    let _ = practice.run(&contribute).success();
    here.until("sent");
    there.until("received");
    // A relay that goes away and comes back is found again, and what was written meanwhile sent.
    relay.restart(NOW);
    add("Paracetamol");
    there.until("sent");
    here.until("received");
    assert_eq!((there.end(), here.end()), (Some(0), Some(0)));
}
