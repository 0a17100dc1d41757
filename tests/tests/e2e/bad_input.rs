//! Bad input to every command: the documented exit code, what to do about it, nothing half-done.

mod every_command;
#[cfg(unix)]
mod full_disk;
#[cfg(unix)]
mod hostile;

use passport_tests::{Output, Person, Relay, Stage};

const NOW: &str = "2026-09-20T09:00:00Z";

/// A refusal says what happened and what to do, in JSON, and never panics.
fn refused(case: &str, output: &Output, code: i32) -> Option<String> {
    if output.code != Some(code) {
        return Some(format!("{case}: not {code} but {output:?}"));
    }
    let Ok(error) = serde_json::from_str::<serde_json::Value>(&output.stderr) else {
        return Some(format!("{case}: no JSON on standard error: {output:?}"));
    };
    let hints = error["error"]["hints"].as_array().map_or(0, Vec::len);
    let said = error["error"]["message"].as_str().map_or(0, str::len);
    let silent = !output.stdout.is_empty();
    (hints == 0 || said == 0 || silent)
        .then(|| format!("{case}: says not what to do, or something on stdout: {output:?}"))
}

/// Runs a table of commands of one party; `shown` must stay as it is.
fn table(person: &Person, show: &[&str], cases: &[(i32, &[&str])]) -> Vec<String> {
    let mut before = person.json(show);
    let mut wrong = Vec::new();
    for (code, arguments) in cases {
        let case = format!("{}: {}", person.name, arguments.join(" "));
        wrong.extend(refused(&case, &person.run(arguments), *code));
        let after = person.run(show);
        if after.code != Some(0) || after.json() != before {
            wrong.push(format!("{case}: changed what is shown"));
            before = person.json(show);
        }
    }
    wrong
}

struct Files {
    missing: String,
    prose: String,
    brackets: String,
    full: String,
    number: String,
    card: String,
}

impl Files {
    fn new(stage: &Stage) -> Self {
        let write = |name: &str, bytes: &[u8]| {
            let path = stage.path(name);
            std::fs::write(&path, bytes).unwrap();
            path.display().to_string()
        };
        // By a link: whatever goes wrong happens to the link, not to everybody's device.
        let full = stage.path("full");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        Self {
            missing: stage.path("nowhere/at-all.json").display().to_string(),
            prose: write(
                "prose.json",
                b"Dear Dr Smith, thank you for seeing this pleasant student.",
            ),
            brackets: write("brackets.json", &vec![b'['; 50 << 20]),
            full: full.display().to_string(),
            number: write("number.json", b"42"),
            card: write("bad.card", b"passport-card:AAAA"),
        }
    }
}

#[test]
fn a_holders_commands_refuse_bad_input_whole() {
    let stage = Stage::new(NOW);
    let files = Files::new(&stage);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    let card = home.card.display().to_string();
    phone.json(&["contact", "add", &card]);
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let _ = phone.record(&phone, "medications", &["item=Lithium"]);
    let with = ["--with", "Elm Street Surgery", "--purpose", "care"];
    let share = |section| [&["share", section][..], &with].concat();
    let (unverified, private, unknown) = (share("medications"), share("private"), share("bread"));
    let past = [&share("medications")[..], &["--unverified", "--until", "2020-01-01"]].concat();
    let cases: &[(i32, &[&str])] = &[
        (1, &["init", "--name", "Again"]),
        (1, &["import", &files.missing]),
        (1, &["import", &files.prose]),
        (1, &["import", &files.brackets]),
        (1, &["import", &files.number]),
        (2, &["add", "bread", "--set", "item=x"]),
        (2, &["add", "medications", "--set", "loaf=x"]),
        (2, &["add", "medications", "--set", "dose=1 mg"]),
        (2, &["add", "medications", "--set", "item=x", "--set", "started=soon"]),
        (1, &["edit", "sertraline", "--set", "dose=1 mg"]),
        (1, &["edit", "nothing", "--set", "dose=1 mg"]),
        (2, &["edit", "lithium", "--set", "loaf=1"]),
        (1, &["remove", "sertraline"]),
        (1, &["remove", "nothing"]),
        (1, &["annotate", "sertraline", "x"]),
        (2, &["move", "lithium", "bread"]),
        (1, &["show", "nothing"]),
        (1, &["show", "--as-seen-by", "nobody"]),
        (1, &["history", "nothing"]),
        (1, &["resolve", "lithium", "dose", "--choose", "1"]),
        (1, &["accept", "00"]),
        (1, &["decline", "00"]),
        (1, &["contact", "add", &files.missing]),
        (21, &["contact", "add", &files.card]),
        (21, &["contact", "add", &files.prose]),
        (1, &["contact", "add", &files.brackets]),
        (21, &["contact", "add", &card, "--phrase", "abandon abandon abandon abandon"]),
        (1, &["contact", "verify", "nobody", "--phrase", "abandon abandon abandon abandon"]),
        (1, &["contact", "show", "nobody"]),
        (1, &["contact", "remove", "nobody"]),
        (21, &unverified),
        (1, &private),
        (2, &unknown),
        (2, &past),
        (1, &["share", "medications", "--with", "nobody", "--purpose", "care"]),
        (1, &["revoke", "nobody"]),
        (1, &["quarantine", "release", "00"]),
        (1, &["quarantine", "drop", "00"]),
        (2, &["device", "approve", "bread"]),
        (21, &["device", "approve", "--request", &files.prose]),
        (1, &["device", "remove", "nothing"]),
        (2, &["remote", "add", "bread"]),
        (1, &["remote", "remove", "http://127.0.0.1:9"]),
        (1, &["export", "--format", "json", "-o", &files.missing]),
        (1, &["export", "--format", "json", "-o", &files.full]),
        (1, &["sync", "--via", &files.full]),
        (2, &["schema", "bread"]),
    ];
    let wrong = table(&phone, &["show"], cases);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_organisations_commands_refuse_bad_input_whole() {
    let stage = Stage::new(NOW);
    let files = Files::new(&stage);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.share(&["allergies"], &home, &[]);
    let sertraline = phone.record(&phone, "medications", &["item=Sertraline"]);
    phone.sync();
    home.sync();
    let (ada, stranger) = (phone.id.as_str(), "f".repeat(64));
    let cases: &[(i32, &[&str])] = &[
        (1, &["init", "--name", "Again", "--kind", "gp"]),
        (2, &["init", "--name", "Again", "--kind", "bakery"]),
        (1, &["card", "-o", &files.missing]),
        (1, &["card", "-o", &files.full]),
        (20, &["show", &stranger]),
        (1, &["show", "Nobody At All"]),
        (20, &["show", ada, "risks"]),
        (2, &["show", ada, "bread"]),
        (1, &["history", "Nobody At All"]),
        (20, &["contribute", ada, "allergies", "--set", "agent=Latex"]),
        (20, &["contribute", ada, "risks", "--set", "risk=x"]),
        (2, &["contribute", ada, "medications", "--set", "loaf=x"]),
        (2, &["contribute", ada, "medications", "--set", "dose=1 mg"]),
        (1, &["contribute", ada, "medications", "--from", &files.missing]),
        (1, &["contribute", ada, "medications", "--from", &files.prose]),
        (1, &["contribute", ada, "medications", "--from", &files.brackets]),
        (1, &["edit", "nothing", "--set", "dose=1 mg"]),
        (1, &["edit", &sertraline, "--set", "dose=1 mg"]),
        (1, &["remove", &sertraline]),
        (1, &["annotate", "nothing", "x"]),
        (1, &["suggest", ada, "nothing", "--set", "dose=1 mg"]),
        (2, &["suggest", ada, &sertraline, "--set", "loaf=1"]),
        (2, &["discharges", "--since", "bread"]),
        (2, &["discharges", "--setting", "bread"]),
        (1, &["export", "Nobody At All", "--format", "fhir", "-o", &files.missing]),
        (1, &["export", ada, "--format", "fhir", "-o", &files.full]),
        (2, &["remote", "add", "bread"]),
        (1, &["remote", "remove", "http://127.0.0.1:9"]),
    ];
    let mut wrong = table(&home, &["show", ada], cases);
    // Nobody opens a record without a name.
    let unnamed = home.cli.run(&["--json", "org", "show", ada]);
    wrong.extend(refused("without --actor", &unnamed, 2));
    // A vault of the other side.
    wrong.extend(refused(
        "org in a student's home",
        &phone.cli.run(&["--json", "org", "students"]),
        1,
    ));
    wrong.extend(refused("holder in a practice", &home.cli.run(&["--json", "show"]), 1));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn locked_absent_and_unreachable_are_told_apart_and_change_nothing() {
    let mut stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let before = phone.json(&["show"]);
    let mut wrong = Vec::new();
    let stranger = phone.cli.clone().env("PASSPORT_PASSPHRASE", "not this one");
    for arguments in [&["show"][..], &["sync"], &["add", "allergies", "--set", "agent=Latex"]] {
        let all = [&["--json", "--yes"][..], arguments].concat();
        wrong.extend(refused("wrong passphrase", &stranger.run(&all), 10));
    }
    let blank = stage.blank("blank");
    for arguments in [&["show"][..], &["sync"], &["add", "allergies", "--set", "agent=Latex"]] {
        wrong.extend(refused("no passport", &blank.run(arguments), 1));
        assert!(!blank.cli.home().exists(), "{arguments:?} made something");
    }
    let url = stage.relay.url().to_owned();
    stage.relay = Relay::start(&stage.path("spare"), NOW);
    wrong.extend(refused("relay down", &phone.run(&["sync"]), 30));
    let recover = blank.whole(&["recover", "--remote", &url]);
    let recovered = blank.cli.run_with(&recover, &phone.words);
    wrong.extend(refused("recover, relay down", &recovered, 30));
    let joined = blank.run(&["device", "add", "--remote", &url]);
    wrong.extend(refused("device add, relay down", &joined, 30));
    let left = std::fs::read_dir(blank.cli.home()).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what could not be made is not there");
    let taken = stage.relay.authority().to_owned();
    let second = blank.run(&["relay", "serve", "--listen", &taken]);
    wrong.extend(refused("relay on a taken port", &second, 1));
    let store = blank.run(&["relay", "serve", "--store", "bread"]);
    wrong.extend(refused("relay without a store", &store, 2));
    assert_eq!(phone.json(&["show"]), before);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
