//! SMART Health Links of ours, opened by `kill-the-clipboard`, which knows nothing of this program.

use std::process::Command;

use passport_tests::Stage;
use passport_tests::stage::text;

use crate::{node, readers};

/// How a link is made, the passcode it is opened with, and how long a file its opener takes in
/// the list itself.
const KINDS: [(&[&str], &str, &str); 8] = [
    (&[], "-", "-"),
    (&[], "-", "10"),
    (&["--flag", "L"], "-", "-"),
    (&["--flag", "L"], "-", "10"),
    (&["--passcode", "4711"], "4711", "-"),
    (&["--passcode", "4711"], "4711", "10"),
    (&["--flag", "L", "--passcode", "4711"], "4711", "-"),
    (&["--flag", "U"], "-", "-"),
];

#[test]
fn another_program_opens_every_kind_of_link_embedded_and_by_location() {
    let Some(readers) = readers() else { return };
    // It compares a link's end with the machine's own clock.
    let clock = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
    let stage = Stage::new(String::from_utf8(clock.stdout).unwrap().trim());
    let phone = stage.student("phone", "Ada Example");
    let _id = phone.record(&phone, "allergies", &["agent=Penicillin"]);
    for (options, passcode, max) in KINDS {
        let made = phone.json(&[&["link", "create", "allergies"], options].concat());
        let link = text(&made, "/link");
        let asked = |passcode| {
            node(&readers, include_str!("open_link.mjs"), &[link.as_str(), passcode, max])
        };
        if passcode != "-" {
            let wrong = asked("0000");
            assert!(wrong.is_err_and(|said| said.contains("passcode")), "{options:?}");
        }
        let opened = asked(passcode).unwrap();
        assert!(opened.contains("Penicillin"), "{options:?} {max}: {opened}");
    }
}
