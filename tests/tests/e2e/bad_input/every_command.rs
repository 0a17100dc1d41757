//! Every command there is: without a passport, with a wrong passphrase, with an option it does
//! not know. A command that is added has no row, and the first test says so.

use passport_tests::{Cli, Person, Stage};

use super::{NOW, refused};

/// Where a command works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum In {
    /// In a holder's vault: without one it ends with 1, without the passphrase with 10.
    Vault,
    /// In an organisation's vault, likewise.
    Office,
    /// Wherever it is; this is what it ends with when given what the row says.
    Anywhere(i32),
}

/// A relay that nobody runs.
const NOBODY: &str = "http://127.0.0.1:9";
const WORDS: &str = "abandon abandon abandon abandon";
/// Stands for a file that is not there.
const MISSING: &str = "@missing";
/// Stands for an organisation's card.
const CARD: &str = "@card";

/// Commands, and arguments they would take; the faults are around them.
const ROWS: &[(&str, &[&str], In)] = &[
    ("init", &["--name", "Ada", "--remote", NOBODY, "--nhs-number", "1"], In::Anywhere(2)),
    ("code", &[], In::Vault),
    ("recover", &["--remote", NOBODY], In::Anywhere(1)),
    ("import", &[MISSING], In::Vault),
    ("add", &["medications", "--set", "item=x"], In::Vault),
    ("edit", &["x", "--set", "note=y"], In::Vault),
    ("remove", &["x"], In::Vault),
    ("erase", &["x"], In::Vault),
    ("annotate", &["x", "y"], In::Vault),
    ("move", &["x", "plan"], In::Vault),
    ("show", &[], In::Vault),
    ("save", &["x", "-o", MISSING], In::Vault),
    ("history", &[], In::Vault),
    ("confirm", &[], In::Vault),
    ("conflicts", &[], In::Vault),
    ("resolve", &["x", "dose", "--choose", "1"], In::Vault),
    ("suggestions", &[], In::Vault),
    ("accept", &["00"], In::Vault),
    ("decline", &["00"], In::Vault),
    ("quarantine list", &[], In::Vault),
    ("quarantine show", &["00"], In::Vault),
    ("quarantine release", &["00"], In::Vault),
    ("quarantine drop", &["00"], In::Vault),
    ("private set", &[], In::Vault),
    ("private change", &[], In::Vault),
    ("sync", &[], In::Vault),
    ("remote add", &[NOBODY], In::Vault),
    ("remote list", &[], In::Vault),
    ("remote remove", &[NOBODY], In::Vault),
    ("device add", &["--remote", NOBODY], In::Anywhere(30)),
    ("device approve", &["7K3M-9QXR-2BVN-0HTD-P5WE-8JAC-Z4"], In::Vault),
    ("device list", &[], In::Vault),
    ("device remove", &["x"], In::Vault),
    ("export", &["--format", "json", "-o", MISSING], In::Vault),
    ("link create", &["medications"], In::Vault),
    ("link list", &[], In::Vault),
    ("link revoke", &["x"], In::Vault),
    ("status", &[], In::Vault),
    ("contact add", &[CARD], In::Vault),
    ("contact verify", &["x", "--phrase", WORDS], In::Vault),
    ("contact list", &[], In::Vault),
    ("contact show", &["x"], In::Vault),
    ("contact remove", &["x"], In::Vault),
    ("contact leave", &["x"], In::Vault),
    ("share", &["medications", "--with", "x", "--purpose", "care"], In::Vault),
    ("revoke", &["x"], In::Vault),
    ("grants", &[], In::Vault),
    ("grants extend", &["x", "--until", "12 months"], In::Vault),
    ("access-log", &[], In::Vault),
    ("org init", &["--name", "Elm", "--kind", "bakery"], In::Anywhere(2)),
    ("org card", &[], In::Office),
    ("org sync", &[], In::Office),
    ("org remote add", &[NOBODY], In::Office),
    ("org remote list", &[], In::Office),
    ("org remote remove", &[NOBODY], In::Office),
    ("org students", &[], In::Office),
    ("org show", &["x"], In::Office),
    ("org save", &["x", "y", "-o", MISSING], In::Office),
    ("org history", &["x"], In::Office),
    ("org contribute", &["x", "medications", "--set", "item=x"], In::Office),
    ("org edit", &["x", "--set", "note=y"], In::Office),
    ("org remove", &["x"], In::Office),
    ("org annotate", &["x", "y"], In::Office),
    ("org suggest", &["x", "y", "--set", "note=z"], In::Office),
    ("org discharges", &[], In::Office),
    ("org follow-up", &["x", "--state", "seen"], In::Office),
    ("org confirm", &["x", "--discharge", "y"], In::Office),
    ("org conflicts", &[], In::Office),
    ("org quarantine", &[], In::Office),
    ("org export", &["x", "--format", "fhir"], In::Office),
    ("org audit", &[], In::Office),
    ("org stats", &[], In::Office),
    ("org forget", &["x"], In::Office),
    ("relay serve", &["--store", "bread"], In::Anywhere(2)),
    ("relay backup", &[MISSING, "--store", "sqlite:/nowhere/relay.sqlite"], In::Anywhere(1)),
    (
        "relay migrate",
        &["sqlite:/nowhere/relay.sqlite", "sqlite:/nowhere/copy.sqlite"],
        In::Anywhere(1),
    ),
    ("relay check", &["--store", "sqlite:/nowhere/relay.sqlite"], In::Anywhere(1)),
    ("relay stats", &["--store", "sqlite:/nowhere/relay.sqlite"], In::Anywhere(1)),
    ("verify", &[MISSING], In::Anywhere(1)),
    ("check", &[MISSING], In::Anywhere(1)),
    ("explain", &["qqqq"], In::Anywhere(1)),
    ("demo", &["--dir", CARD], In::Anywhere(1)),
    ("schema", &["bread"], In::Anywhere(2)),
    ("completions", &["bread"], In::Anywhere(2)),
    ("man", &["bread"], In::Anywhere(2)),
];

/// What the program says it has: commands with an answer, and the three without.
fn tree(cli: &Cli) -> Vec<String> {
    let listed = cli.run(&["--json", "schema"]).success().json();
    let mut names: Vec<String> = serde_json::from_value(listed).unwrap();
    names.retain(|name| name != "error");
    names.extend(["schema", "completions", "man"].map(str::to_owned));
    names.sort();
    names
}

fn filled(words: &[&str], stage: &Stage, card: &str) -> Vec<String> {
    let missing = stage.path("nowhere/at-all.json").display().to_string();
    let place = |word: &&str| match *word {
        MISSING => missing.clone(),
        CARD => card.to_owned(),
        word => word.to_owned(),
    };
    words.iter().map(place).collect()
}

/// All arguments of a row, for everybody.
fn line(command: &str, arguments: &[String]) -> Vec<String> {
    let mut all: Vec<String> = vec!["--json".into(), "--yes".into()];
    all.extend(command.split(' ').map(str::to_owned));
    if command.starts_with("org ") {
        all.extend(["--actor".into(), "s.teller".into()]);
    }
    all.extend_from_slice(arguments);
    all
}

fn run(cli: &Cli, line: &[String]) -> passport_tests::Output {
    let words: Vec<&str> = line.iter().map(String::as_str).collect();
    cli.run(&words)
}

/// The content of every file of a home.
fn content(person: &Person) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(person.cli.home())
        .map(|folder| {
            folder
                .map(|file| {
                    let file = file.unwrap();
                    let name = file.file_name().into_string().unwrap();
                    (name, std::fs::read(file.path()).unwrap())
                })
                .collect()
        })
        .unwrap_or_default();
    // Beside an SQLite file, opening it may leave an empty journal.
    files.retain(|(_, bytes)| !bytes.is_empty());
    files.sort();
    files
}

#[test]
fn every_command_has_a_row() {
    let (_home, cli) = Cli::in_new_home();
    let mut rows: Vec<&str> = ROWS.iter().map(|(name, ..)| *name).collect();
    rows.sort_unstable();
    assert_eq!(rows, tree(&cli));
}

#[test]
fn every_command_refuses_an_absent_or_locked_vault_and_unknown_options_and_changes_nothing() {
    let stage = Stage::new(NOW);
    let office = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    let card = office.card.display().to_string();
    let blank = stage.blank("blank");
    let before = [content(&phone), content(&office)];
    let mut wrong = Vec::new();
    for (command, arguments, place) in ROWS {
        let line = line(command, &filled(arguments, &stage, &card));
        let mut unknown = line.clone();
        unknown.push("--no-such-option".to_owned());
        wrong.extend(refused(&format!("{command}: unknown option"), &run(&blank.cli, &unknown), 2));
        let (absent, vault) = match place {
            In::Vault => (1, Some(&phone)),
            In::Office => (1, Some(&office)),
            In::Anywhere(code) => (*code, None),
        };
        let kept = "PASSPORT_PRIVATE_PASSPHRASE";
        let private = command.starts_with("private ");
        let opened = |cli: &Cli| {
            let cli = cli.clone();
            if private { cli.env(kept, "nine green bottles on a wall") } else { cli }
        };
        let without = run(&opened(&blank.cli), &line);
        wrong.extend(refused(&format!("{command}: {absent}"), &without, absent));
        if !content(&blank).is_empty() {
            wrong.push(format!("{command}: made something"));
        }
        if let Some(vault) = vault {
            let stranger = opened(&vault.cli).env("PASSPORT_PASSPHRASE", "not this one");
            wrong.extend(refused(&format!("{command}: locked"), &run(&stranger, &line), 10));
        }
    }
    println!("{} commands", ROWS.len());
    assert!(before == [content(&phone), content(&office)], "a file of a vault changed");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
