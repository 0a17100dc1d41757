//! Words planted in a passport are looked for wherever they must not be.

use std::path::Path;
use std::process::Command;

use passport_tests::Stage;
use passport_tests::search::{files, found};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const NOW: &str = "2026-09-20T09:00:00Z";

/// Words that nobody else says.
fn words(rng: &mut ChaCha20Rng, count: usize) -> Vec<String> {
    let mut word =
        || (0..14).map(|_| char::from(b'a' + (rng.next_u32() % 26) as u8)).collect::<String>();
    (0..count).map(|_| word()).collect()
}

/// How a process's memory can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// A dump by gdb's `gcore`, which has everything.
    CoreDump,
    /// `/proc/PID/mem`, where whatever is writable is read.
    ProcMem,
}

/// The memory of a running process by the best method that this machine allows.
fn memory(process: &str, folder: &Path) -> Option<(Method, Vec<u8>)> {
    let core = folder.join("core");
    match Command::new("gcore").arg("-o").arg(&core).arg(process).output() {
        Ok(dumped) if dumped.status.success() => {
            let dump = std::fs::read(folder.join(format!("core.{process}"))).unwrap();
            return Some((Method::CoreDump, dump));
        }
        Ok(refused) => println!("gcore: {}", String::from_utf8_lossy(&refused.stderr)),
        Err(absent) => println!("gcore: {absent}"),
    }
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mem = std::fs::File::open(format!("/proc/{process}/mem")).ok()?;
    let mut all = Vec::new();
    for line in maps.lines().filter(|l| l.split(' ').nth(1).is_some_and(|p| p.starts_with("rw"))) {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let to = u64::from_str_radix(to, 16).ok()?;
        let mut part = vec![0; usize::try_from(to - from).ok()?];
        if std::os::unix::fs::FileExt::read_exact_at(&mem, &mut part, from).is_ok() {
            all.extend(part);
        }
    }
    (!all.is_empty()).then_some((Method::ProcMem, all))
}

/// A process that has a word in its memory and nowhere else: what the search must find.
fn process_with(word: &str) -> std::process::Child {
    use std::io::{Read as _, Write as _};
    use std::process::Stdio;
    let script = "read -r word; echo ready; read -r rest";
    let mut shell = Command::new("sh")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(shell.stdin.as_mut().unwrap(), "{word}").unwrap();
    shell.stdout.as_mut().unwrap().read_exact(&mut [0; 5]).unwrap();
    shell
}

#[test]
fn a60_planted_words_are_nowhere_but_in_what_was_unsealed_on_purpose() {
    let seed = std::env::var("PASSPORT_TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(11);
    println!("PASSPORT_TEST_SEED={seed}");
    let planted = words(&mut ChaCha20Rng::seed_from_u64(seed), 8);
    let [name, own, item, dose, agent, note, gp, purpose] = planted.as_slice() else {
        unreachable!("there are eight")
    };
    let stage = Stage::new(NOW);
    let temporary = stage.path("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let in_temporary = |mut person: passport_tests::Person| {
        person.cli = person.cli.env("TMPDIR", &temporary.display().to_string());
        person.cli = person.cli.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        person
    };
    let home = in_temporary(stage.organisation("home", &format!("{gp} Surgery"), "gp"));
    let phone = in_temporary(stage.student("phone", &format!("Ada {name}")));
    phone.meet(&home);
    let section = format!("x-{own}");
    let sertraline = phone.record(
        &phone,
        "medications",
        &[&format!("item={item}"), &format!("dose={dose} a day")],
    );
    let _ = phone.record(&phone, "allergies", &[&format!("agent={agent}")]);
    let _ = phone.record(&phone, &section, &["text=nobody else's business"]);
    let more = ["--can", "contribute", "--purpose", purpose];
    let mut share = vec!["share", "medications", "allergies", &section, "--with", &home.name];
    share.extend(more);
    phone.json(&share);
    phone.sync();
    home.sync();
    home.json(&["annotate", &sertraline, &format!("{note} as discussed")]);
    home.sync();
    phone.sync();
    let laptop = stage.join("laptop", &phone);

    // What is shown, and what is unsealed on purpose, has every one of them.
    let unsealed = stage.path("unsealed.json").display().to_string();
    phone.json(&["export", "--format", "json", "-o", &unsealed]);
    let mut control = std::fs::read(&unsealed).unwrap();
    control.extend(laptop.json(&["show"]).to_string().into_bytes());
    control.extend(phone.json(&["contact", "list"]).to_string().into_bytes());
    control.extend(phone.json(&["grants"]).to_string().into_bytes());
    control.extend(home.json(&["show", &phone.id]).to_string().into_bytes());
    for word in &planted {
        assert!(!found(&control, std::slice::from_ref(word)).is_empty(), "{word} is shown");
    }
    let exported = std::fs::read(&unsealed).unwrap();
    for word in [item, dose, agent, note, own] {
        assert!(!found(&exported, std::slice::from_ref(word)).is_empty(), "{word} is exported");
    }
    std::fs::remove_file(&unsealed).unwrap();

    // An organisation's card is public: its name is told there, and there alone.
    std::fs::remove_file(&home.card).unwrap();
    let mut searched = 0;
    for file in files(stage.folder.path()) {
        let bytes = std::fs::read(&file).unwrap();
        searched += bytes.len();
        let found = found(&bytes, &planted);
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
    let log = std::fs::read_to_string(stage.relay.log()).unwrap();
    assert!(log.contains("synced"), "the relay said what it did: {log}");
    println!("{searched} bytes in files");

    let outside = tempfile::tempdir().unwrap();
    let mut shell = process_with(item);
    let searched = memory(&shell.id().to_string(), outside.path());
    shell.kill().unwrap();
    let _ = shell.wait();
    let Some((method, positive)) = searched else {
        println!("skipped: this machine does not let us read a process's memory");
        return;
    };
    println!("memory is searched by {method:?}");
    assert!(!found(&positive, std::slice::from_ref(item)).is_empty(), "the search finds nothing");
    let relay = memory(&stage.relay.process().to_string(), outside.path());
    let (by, memory) = relay.expect("what worked for one process works for another");
    println!("{} bytes of the relay's memory", memory.len());
    assert_eq!(by, method, "the same method for both");
    let listening = stage.relay.authority().to_owned();
    assert!(!found(&memory, &[listening]).is_empty(), "its own address is in its memory");
    assert_eq!(found(&memory, &planted), Vec::<String>::new());
}
