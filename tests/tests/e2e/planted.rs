//! Words planted in a passport are looked for wherever they must not be.

use std::path::Path;
use std::process::Command;

use passport_tests::search::{files, found};
use passport_tests::{Relay, Stage};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const NOW: &str = "2026-09-20T09:00:00Z";

/// Words that nobody else says.
fn words(rng: &mut ChaCha20Rng, count: usize) -> Vec<String> {
    let mut word =
        || (0..14).map(|_| char::from(b'a' + (rng.next_u32() % 26) as u8)).collect::<String>();
    (0..count).map(|_| word()).collect()
}

/// The memory of a running process; none where this machine does not let us look.
fn memory(relay: &Relay, folder: &Path) -> Option<Vec<u8>> {
    let process = relay.process().to_string();
    let core = folder.join("core");
    let dumped = Command::new("gcore").arg("-o").arg(&core).arg(&process).output();
    let file = folder.join(format!("core.{process}"));
    if dumped.is_ok_and(|d| d.status.success()) {
        return Some(std::fs::read(file).unwrap());
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
    (!all.is_empty()).then_some(all)
}

#[test]
fn planted_words_are_nowhere_but_in_what_was_unsealed_on_purpose() {
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
    match memory(&stage.relay, outside.path()) {
        None => println!("skipped: this machine does not let us read a process's memory"),
        Some(memory) => {
            println!("{} bytes of the relay's memory", memory.len());
            let listening = stage.relay.authority().to_owned();
            assert!(!found(&memory, &[listening]).is_empty(), "its own address is in its memory");
            assert_eq!(found(&memory, &planted), Vec::<String>::new());
        }
    }
}
