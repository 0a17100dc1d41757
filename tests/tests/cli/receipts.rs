//! Who opened what: the organisation's own log, and what the student is told.

use passport_core::epoch::Right;
use passport_tests::Relay;
use serde_json::json;

use super::{NOBODY, NOW, begun};
use crate::org_kit::Story;

#[test]
fn staff_are_named_in_their_own_log_and_to_the_student_by_role() {
    let mut story = Story::begin(61);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications", "allergies"], Right::Read);
    let unnamed = story.bare(&["org", "discharges"]);
    assert_eq!(unnamed.code, Some(2), "{unnamed:#?}");
    let _ = story.org(&["--role", "nurse", "show", "Amina Yusuf", "medications"]).success();
    let _ = story.org(&["export", "Amina Yusuf", "--format", "fhir"]).success();
    let log = story.org(&["audit", "--json"]).success().json();
    let said: Vec<_> = log.as_array().unwrap().iter().map(|l| &l["what"]).collect();
    assert_eq!(said, ["opened", "exported", "exported"]);
    assert_eq!((&log[0]["actor"], &log[0]["role"]), (&json!("j.smith"), &json!("nurse")));
    assert_eq!(log[0]["student"]["name"], "Amina Yusuf");

    story.exchange();
    let told = story.student.access_log(None).unwrap();
    assert!(told.iter().all(|l| !l.role.contains("smith")));
    let of = |what: &str| told.iter().filter(|l| l.what.name() == what).count();
    assert_eq!((of("received"), of("opened"), of("exported")), (2, 1, 2));
}

#[test]
fn a_student_sees_what_was_not_received_and_then_who_opened_it() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let (file, mut campus) = crate::sharing::card(&folder, relay.url());
    let _ = phone.run(&["contact", "add", &file]).success();
    let share = ["share", "allergies", "--with", "campus medical", "--purpose", "care"];
    let _ = phone.run(&[&share[..], &["--unverified", "--yes"]].concat()).success();
    let grants = || phone.run(&["grants", "--json"]).success().json();
    assert_eq!(grants()[0]["not_received"], 1);
    let shown = phone.run(&["contact", "show", "campus medical"]).success().stdout;
    assert!(shown.contains("not said yet"), "{shown}");
    let _ = phone.run(&["sync"]).success();
    let _ = crate::sharing::sync(&mut campus, relay.url(), 10);
    let _ = phone.run(&["sync"]).success();
    assert_eq!(grants()[0]["not_received"], 0);
    let log = phone.run(&["access-log", "--contact", "campus", "--json"]);
    assert_eq!(log.code, Some(1), "a name is given whole: {log:#?}");
    let log = phone.run(&["access-log", "--contact", "campus medical", "--json"]);
    let log = log.success().json();
    assert_eq!((&log[0]["what"], &log[0]["section"]), (&json!("received"), &json!("allergies")));
    assert_eq!(log[0]["contact"]["name"], "Campus Medical");
    let (alone, _) = begun(&folder, "alone", NOBODY);
    assert_eq!(alone.run(&["access-log", "--json"]).success().json(), json!([]));
}
