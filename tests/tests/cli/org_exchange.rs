//! An organisation's exchanges, with a relay and through a folder.

use passport_tests::{Cli, Relay};
use serde_json::json;

use crate::{NOW, begun, home};

pub(crate) fn practice(folder: &tempfile::TempDir, remote: &str) -> Cli {
    let cli = home(folder, "practice").env("PASSPORT_ACTOR", "j.smith");
    let init = ["org", "init", "--name", "Campus Medical Centre", "--kind", "gp"];
    let _ = cli.run(&[&init[..], &["--remote", remote]].concat()).success();
    cli
}

/// The student gets to know the practice and shares medicines with it.
pub(crate) fn share(folder: &tempfile::TempDir, student: &Cli, practice: &Cli) {
    let card = folder.path().join("practice.card");
    let card = card.to_str().unwrap();
    let told = practice.run(&["org", "card", "-o", card, "--json"]).success().json();
    let phrase = told["phrase"].as_str().unwrap().to_owned();
    let _ = student.run(&["contact", "add", card, "--phrase", &phrase]).success();
    let set = ["--set", "item=Sertraline", "--set", "dose=50 mg"];
    let _ = student.run(&[&["add", "medications"], &set[..]].concat()).success();
    let purpose = ["--purpose", "care", "--can", "contribute", "--yes"];
    let with = ["share", "medications", "--with", "Campus Medical Centre"];
    let _ = student.run(&[&with[..], &purpose].concat()).success();
}

/// What both sides print of the section, from its name on.
fn both(student: &Cli, practice: &Cli) -> (String, String) {
    let from = |text: &str| text.split_once("\"sections\":").unwrap().1.to_owned();
    let own = student.run(&["show", "medications", "--json"]).success().stdout;
    let theirs = ["org", "show", "Ada Example", "medications", "--json"];
    (from(&own), from(&practice.run(&theirs).success().stdout))
}

#[test]
fn through_a_relay_both_sides_come_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (student, _) = begun(&folder, "phone", relay.url());
    let practice = practice(&folder, relay.url());
    share(&folder, &student, &practice);
    let _ = student.run(&["sync"]).success();
    let synced = practice.run(&["org", "sync", "--json"]).success().json();
    assert!(synced["received"].as_u64().unwrap() > 0, "{synced:#}");
    assert_eq!(synced["quarantined"], json!([]));
    assert_eq!(synced["remotes"][0]["ok"], true);
    let set = ["--set", "item=Salbutamol"];
    let add = ["org", "contribute", "Ada Example", "medications"];
    let _ = practice.run(&[&add[..], &set].concat()).success();
    assert_eq!(practice.run(&["org", "sync", "--json"]).success().json()["sent"], 1);
    let _ = student.run(&["sync"]).success();
    let (own, theirs) = both(&student, &practice);
    assert_eq!(own, theirs);
    assert!(own.contains("Salbutamol") && own.contains("Sertraline"), "{own}");
}

#[test]
fn without_a_relay_a_folder_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = crate::NOBODY;
    let (student, _) = begun(&folder, "phone", nobody);
    let practice = practice(&folder, nobody);
    share(&folder, &student, &practice);
    assert_eq!(practice.run(&["org", "sync"]).code, Some(30));
    let stick = folder.path().join("stick");
    std::fs::create_dir(&stick).unwrap();
    let stick = stick.to_str().unwrap();
    let _ = student.run(&["sync", "--via", stick]).success();
    let _ = practice.run(&["org", "sync", "--via", stick]).success();
    let (own, theirs) = both(&student, &practice);
    assert_eq!(own, theirs);
}

#[test]
fn a_students_vault_is_no_organisation_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let (student, _) = begun(&folder, "phone", crate::NOBODY);
    let refused = student.run(&["org", "students"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("not an organisation's"), "{refused:#?}");
    let practice = practice(&folder, crate::NOBODY);
    assert_eq!(practice.run(&["show"]).code, Some(1));
}
