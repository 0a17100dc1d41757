//! Phrase and relay bring everything back on a blank machine; nothing less does.

use passport_tests::{Person, Stage};
use rusqlite::Connection;

const NOW: &str = "2026-09-20T09:00:00Z";

fn everything(person: &Person) -> Vec<(&'static str, serde_json::Value)> {
    let mut grants = person.json(&["grants"]);
    // What a service said it received is known where its receipts came.
    for grant in grants.as_array_mut().unwrap() {
        grant.as_object_mut().unwrap().remove("not_received");
    }
    let mut shown = person.json(&["show"]);
    shown.as_object_mut().unwrap().remove("recovered");
    ["history", "conflicts"]
        .map(|command| (command, person.json(&[command])))
        .into_iter()
        .chain([("show", shown)])
        .chain([("grants", grants)])
        .chain([("contact list", person.json(&["contact", "list"]))])
        .collect()
}

/// A home in which a recovery that fails leaves nothing.
fn refuses(stage: &Stage, words: &str, code: i32, why: &str) {
    let blank = stage.blank("blank");
    let arguments = blank.whole(&["recover", "--remote", stage.relay.url()]);
    let refused = blank.cli.run_with(&arguments, words);
    assert_eq!(refused.code, Some(code), "{why}: {refused:#?}");
    let error = refused.error_json();
    assert!(!error["error"]["hints"].as_array().unwrap().is_empty(), "{why}: {error:#}");
    let words: Vec<&str> = words.split(' ').collect();
    for two in words.windows(2).map(|two| two.join(" ")) {
        assert!(!refused.stderr.contains(&two), "{why} tells `{two}`");
    }
    let left = std::fs::read_dir(blank.cli.home()).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{why}: nothing is left behind");
}

/// How many envelopes the relay forgot.
fn forgotten(stage: &Stage) -> i64 {
    let relay = Connection::open(stage.path("relay").join("relay.sqlite")).unwrap();
    let count = "SELECT count(*) FROM objects WHERE dropped = 1";
    relay.query_row(count, [], |row| row.get(0)).unwrap()
}

#[test]
fn history_comes_back_from_before_an_epoch_that_the_relay_forgot() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    let sertraline = phone.record(&phone, "medications", &["item=Sertraline", "dose=50 mg"]);
    phone.json(&["edit", &sertraline, "--set", "dose=75 mg"]);
    phone.sync();
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.sync();
    phone.json(&["edit", &sertraline, "--set", "dose=100 mg"]);
    phone.sync();
    assert_eq!(forgotten(&stage), 0, "nobody knows whether the surgery has heard");
    home.sync();
    // Six weeks later the first epoch is archived, and with the next exchange forgotten.
    let later = phone.at("2026-11-01T09:00:00Z");
    later.sync();
    later.sync();
    assert_eq!(forgotten(&stage), 3, "a snapshot, an entry and a change");
    // What the surgery has is what it had.
    home.sync();
    assert_eq!(home.digest(&phone, "medications", 1), phone.digest(&phone, "medications", 1));

    let wanted = everything(&phone);
    let history = phone.json(&["history", &sertraline]);
    assert!(history.to_string().contains("50 mg"), "{history:#}");
    let blank = stage.blank("blank");
    let arguments = blank.whole(&["recover", "--remote", stage.relay.url()]);
    let _ = blank.cli.run_with(&arguments, &phone.words).success();
    for person in [&phone, &blank] {
        person.sync();
    }
    for ((command, wanted), (_, found)) in wanted.iter().zip(everything(&blank)) {
        assert_eq!(&found, wanted, "{command} differs");
    }
    assert_eq!(blank.json(&["history", &sertraline]), history);
    assert_eq!(blank.digest(&blank, "medications", 1), phone.digest(&phone, "medications", 1));
}

#[test]
fn a_phrase_and_a_relay_bring_everything_back() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Medical", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    phone.meet(&campus);
    let sertraline = phone.record(&phone, "medications", &["item=Sertraline", "dose=50 mg"]);
    let private = phone.record(&phone, "x-climbing", &["title=Grade", "text=6b at last"]);
    phone.json(&["edit", &sertraline, "--set", "dose=75 mg"]);
    // Sharing and taking back each found an epoch; what came before is in an older one.
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.share(&["medications"], &campus, &[]);
    phone.sync();
    home.sync();
    let lithium = home.record(&phone, "medications", &["item=Lithium", "dose=400 mg"]);
    home.sync();
    phone.sync();
    phone.json(&["revoke", "Campus Medical"]);
    phone.json(&["edit", &lithium, "--set", "dose=500 mg"]);
    phone.sync();
    let words = phone.words.clone();

    let mut reversed: Vec<&str> = words.split(' ').collect();
    reversed.reverse();
    refuses(&stage, &reversed.join(" "), 1, "the wrong order");
    refuses(&stage, &words.replacen(|c: char| c != ' ', "q", 1), 1, "one letter off");
    refuses(&stage, &words[..words.rfind(' ').unwrap()], 1, "one word short");
    refuses(&stage, &format!("{}art", "abandon ".repeat(23)), 1, "somebody else's phrase");

    let wanted = everything(&phone);
    let blank = stage.blank("blank");
    let arguments = blank.whole(&["recover", "--remote", stage.relay.url()]);
    let back = blank.cli.run_with(&arguments, &words).success().json();
    assert_eq!(back["passport"], phone.id.as_str());
    phone.sync();
    blank.sync();
    for ((command, wanted), (_, found)) in wanted.iter().zip(everything(&blank)) {
        assert_eq!(&found, wanted, "{command} differs");
    }
    for section in ["medications", "x-climbing"] {
        assert_eq!(blank.digest(&blank, section, 1), phone.digest(&phone, section, 1));
    }
    let history = blank.json(&["history", &sertraline]).to_string();
    assert!(history.contains("50 mg") && history.contains("75 mg"), "{history}");
    assert!(blank.json(&["history", &private]).to_string().contains("6b at last"));
    // It can go on from there.
    blank.json(&["edit", &sertraline, "--set", "dose=100 mg"]);
    for person in [&blank, &phone, &home] {
        person.sync();
    }
    assert_eq!(home.digest(&phone, "medications", 2), blank.digest(&phone, "medications", 2));
    // Whether it has the latest, another device's next word says.
    let recovered = |person: &Person| person.json(&["status"])["recovered"].clone();
    assert_eq!(recovered(&blank)["at"], NOW);
    phone.share(&["allergies"], &home, &[]);
    for person in [&phone, &blank] {
        person.sync();
    }
    assert_eq!((recovered(&blank), recovered(&phone)), (().into(), ().into()));
}

#[test]
fn words_that_were_replaced_are_told_so_and_the_new_ones_bring_everything_back() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.sync();
    let old = phone.words.clone();
    let replace = phone.whole(&["replace-phrase"]);
    let wrong = phone.cli.run_with(&replace, &format!("{}art", "abandon ".repeat(23)));
    assert_eq!(wrong.code, Some(1), "{wrong:#?}");
    let made = phone.cli.run_with(&replace, &old).success().json();
    let new = made["recovery_phrase"].as_str().unwrap().to_owned();
    assert_ne!(new, old);
    let status = phone.json(&["status"]);
    assert_eq!((&status["phrase_unshown"], &status["phrase_void"]), (&false.into(), &false.into()));
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    phone.sync();
    refuses(&stage, &old, 1, "words that were replaced");
    let blank = stage.blank("blank");
    let arguments = blank.whole(&["recover", "--remote", stage.relay.url()]);
    let told = blank.cli.run_with(&arguments, &old);
    assert!(told.stderr.contains("were replaced by others on 2026-09-20"), "{told:#?}");
    let back = blank.cli.run_with(&arguments, &new).success().json();
    assert_eq!(back["passport"], phone.id.as_str());
    for person in [&home, &phone, &blank] {
        person.sync();
    }
    assert_eq!(blank.digest(&blank, "medications", 1), phone.digest(&phone, "medications", 1));
    assert_eq!(home.digest(&phone, "medications", 1), phone.digest(&phone, "medications", 1));
}
