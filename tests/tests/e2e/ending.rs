//! Consent that ends: taken back, or run out while the student is away.

use std::collections::BTreeSet;
use std::path::Path;

use passport_core::id::EnvelopeId;
use passport_tests::spy::{Loot, Spy};
use passport_tests::stage::text;
use passport_tests::{Person, Stage};

const DAY_0: &str = "2026-09-20T09:00:00Z";
const DAY_6: &str = "2026-09-26T09:00:00Z";
const DAY_30: &str = "2026-10-20T09:00:00Z";

/// A copy of somebody's home as it is now.
fn copy(person: &Person, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(person.cli.home()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn ids(loot: &Loot) -> BTreeSet<EnvelopeId> {
    loot.envelopes.iter().map(passport_core::envelope::VerifiedEnvelope::id).collect()
}

/// What this person's keys open of what came to the relay since `before`.
fn opens_of_the_new(person: &Person, old: &[&Path], before: &Loot, after: &Loot) -> usize {
    let mut spy = Spy::default();
    for home in old {
        spy.take(home);
    }
    spy.take(person.cli.home());
    spy.read_letters(after, person.cli.home());
    let (known, opened) = (ids(before), spy.open(after));
    let new = opened.iter().filter(|e| !known.contains(&e.id())).count();
    println!("{}: {} keys open {}, {new} new", person.name, spy.keys(), opened.len());
    // Not of what came after: a relay forgets an epoch that everybody has left.
    assert!(!spy.open(before).is_empty(), "{} reads what it was given", person.name);
    new
}

#[test]
fn who_was_shut_out_opens_nothing_of_what_is_written_from_then_on() {
    let stage = Stage::new(DAY_0);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Medical", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    phone.meet(&campus);
    let sections = ["medications", "allergies"];
    phone.share(&sections, &home, &["--can", "contribute"]);
    phone.share(&sections, &campus, &["--can", "contribute"]);
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let _ = phone.record(&phone, "allergies", &["agent=Penicillin"]);
    phone.sync();
    home.sync();
    campus.sync();
    let lithium = home.record(&phone, "medications", &["item=Lithium", "dose=400 mg"]);
    home.sync();
    campus.sync();
    phone.sync();
    let read = campus.section(&phone, "medications");
    let earlier = stage.path("campus-earlier");
    copy(&campus, &earlier);
    let before = Loot::of(&stage.relay.database());

    phone.json(&["revoke", "Campus Medical"]);
    phone.sync();
    home.sync();
    home.json(&["edit", &lithium, "--set", "dose=600 mg"]);
    let _ = home.record(&phone, "allergies", &["agent=Latex"]);
    let _ = phone.record(&phone, "medications", &["item=Ibuprofen"]);
    for party in [&home, &phone, &campus, &home, &phone] {
        party.sync();
    }

    let after = Loot::of(&stage.relay.database());
    assert_eq!(opens_of_the_new(&campus, &[&earlier], &before, &after), 0);
    assert!(opens_of_the_new(&home, &[], &before, &after) >= 5, "who is still in reads on");
    assert_eq!(campus.section(&phone, "medications"), read, "what was read stays readable");
    assert_eq!(home.digest(&phone, "medications", 3), phone.digest(&phone, "medications", 3));
    let grants = phone.json(&["grants"]);
    let ended = grants.as_array().unwrap().iter().filter(|g| g["state"] == "revoked").count();
    assert_eq!(ended, 2, "{grants:#}");
    let refused = campus.run(&["contribute", &phone.id, "medications", "--set", "item=Aspirin"]);
    assert_eq!(refused.code, Some(20), "{refused:#?}");
}

#[test]
fn a_consent_that_ran_out_while_the_student_was_away_opens_nothing_new() {
    let mut stage = Stage::new(DAY_0);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Medical", "gp");
    let university = stage.organisation("university", "Dale University", "university");
    let phone = stage.student("phone", "Ada Example");
    for organisation in [&home, &campus, &university] {
        phone.meet(organisation);
    }
    let both = ["discharges", "discharge-notice"];
    phone.share(&both, &home, &["--can", "contribute"]);
    phone.share(&both, &campus, &["--can", "contribute", "--until", "5d"]);
    phone.share(&["discharge-notice"], &university, &[]);
    let old = ["discharged_on=2026-01-05", "setting=acute"];
    let _ = phone.record(&phone, "discharges", &old);
    phone.sync();
    for organisation in [&home, &campus, &university] {
        organisation.sync();
    }
    let shown = campus.digest(&phone, "discharges", 1);
    let before = Loot::of(&stage.relay.database());

    // The student's devices stay off; the practice at home writes on the sixth day.
    stage.relay.restart(DAY_6);
    let [home, campus, university] = [home, campus, university].map(|o| o.at(DAY_6));
    let left = ["discharged_on=2026-09-25", "setting=mental-health", "reason=Low mood"];
    let _ = home.record(&phone, "discharges", &left);
    home.sync();
    university.sync();
    campus.sync();
    let check = university.json(&["discharges", "--since", "30d"]);
    assert_eq!(check["discharges"].as_array().unwrap().len(), 1, "{check:#}");
    assert!(text(&check, "/discharges/0/discharged_on").starts_with("2026-09-25"), "{check:#}");
    let after = Loot::of(&stage.relay.database());
    assert_eq!(opens_of_the_new(&campus, &[], &before, &after), 0);
    assert!(opens_of_the_new(&university, &[], &before, &after) > 0, "it reads the notice");
    assert!(opens_of_the_new(&home, &[], &before, &after) > 1, "it wrote both");
    assert_eq!(campus.digest(&phone, "discharges", 1), shown, "what was read stays readable");

    // A month later the phone is switched on again.
    stage.relay.restart(DAY_30);
    let (phone, home, university) = (phone.at(DAY_30), home.at(DAY_30), university.at(DAY_30));
    phone.sync();
    home.sync();
    university.sync();
    assert_eq!(phone.digest(&phone, "discharges", 2), home.digest(&phone, "discharges", 2));
    let noticed = phone.digest(&phone, "discharge-notice", 2);
    assert_eq!(noticed, university.digest(&phone, "discharge-notice", 2));
}
