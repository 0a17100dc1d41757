//! Getting everything back with the recovery phrase.

use passport_tests::Relay;

use super::sharing::card;
use super::{NOW, begun, home};

#[test]
fn the_phrase_brings_everything_back_on_a_blank_home() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, phrase) = begun(&folder, "phone", relay.url());
    let (file, _) = card(&folder, relay.url());
    let _ = phone.run(&["contact", "add", &file]).success();
    let _ = phone.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let share = ["share", "allergies", "--with", "Campus Medical", "--purpose", "care"];
    let _ = phone.run(&[&share[..], &["--unverified", "--yes"]].concat()).success();
    let _ = phone.run(&["edit", "penicillin", "--set", "note=rash", "--yes"]).success();
    let _ = phone.run(&["sync"]).success();
    // Twice: reading the mailbox once must not empty it.
    for name in ["second", "third"] {
        let back = home(&folder, name);
        let recover = ["recover", "--remote", relay.url(), "--json"];
        let answer = back.run_with(&recover, &phrase).success().json();
        assert_eq!(answer["passport"].as_str().unwrap().len(), 64);
        let answer = |of: &passport_tests::Cli, command: &[&str]| {
            let mut answer = of.run(command).success().json();
            let said = answer.as_object_mut().and_then(|members| members.remove("recovered"));
            (answer, said.is_some())
        };
        for command in
            [&["show", "--json"][..], &["grants", "--json"], &["contact", "list", "--json"]]
        {
            let ((before, _), (after, recovered)) =
                (answer(&phone, command), answer(&back, command));
            assert_eq!(before, after, "{command:?}");
            assert_eq!(recovered, command[0] == "show", "until somebody confirms it");
        }
        let history = ["history", "allergies", "--json"];
        assert_eq!(phone.run(&history).stdout, back.run(&history).stdout);
        // It is a device like any other: it writes, and the others read it.
        let _ = back.run(&["add", "about-me", "--text", name]).success();
        let _ = back.run(&["sync"]).success();
        let _ = phone.run(&["sync"]).success();
        let section = ["show", "about-me", "--json"];
        assert_eq!(answer(&phone, &section).0, answer(&back, &section).0);
    }
}

#[test]
fn a_wrong_phrase_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, phrase) = begun(&folder, "phone", relay.url());
    let _ = phone.run(&["sync"]).success();
    let (_, stranger) = begun(&folder, "stranger", relay.url());
    let mut swapped: Vec<&str> = phrase.split(' ').collect();
    swapped.swap(0, 1);
    let short: Vec<&str> = phrase.split(' ').take(23).collect();
    let valid = "abandon ".repeat(23) + "art";
    for wrong in [swapped.join(" "), short.join(" "), valid, stranger, String::new()] {
        let back = home(&folder, "blank");
        let refused = back.run_with(&["recover", "--remote", relay.url()], &wrong);
        assert_eq!(refused.code, Some(1), "{refused:#?}");
        assert!(!back.home().exists(), "{refused:#?}");
    }
    let back = home(&folder, "blank");
    drop(relay);
    let down = back.run_with(&["recover", "--remote", super::NOBODY], &phrase);
    assert_eq!(down.code, Some(30), "{down:#?}");
    assert!(!back.home().exists());
}
