//! Consents that go on, and a service that is left and forgets.

use passport_tests::Relay;
use serde_json::json;

use crate::org_exchange::{practice, share};
use crate::{NOBODY, NOW, begun};

#[test]
fn a_service_that_is_left_is_asked_to_delete_and_signs_that_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (student, _) = begun(&folder, "phone", relay.url());
    let practice = practice(&folder, relay.url());
    share(&folder, &student, &practice);
    let leave = ["contact", "leave", "Campus Medical Centre"];
    let _ = student.run(&["sync"]).success();
    let _ = practice.run(&["org", "sync"]).success();
    let unasked = student.run(&leave);
    assert_eq!(unasked.code, Some(1), "there is nobody to ask: {unasked:#?}");
    let left = student.run(&[&leave[..], &["--yes", "--json"]].concat()).success().json();
    assert_eq!(left["revoked"][0]["state"], "revoked");
    assert_eq!((&left["deleted"], &left["outstanding"]), (&json!([]), &json!(["medications"])));
    let _ = student.run(&["sync"]).success();
    let _ = practice.run(&["org", "sync"]).success();
    let students = practice.run(&["org", "students", "--json"]).success().json();
    assert_eq!(students[0]["deletion_asked"], NOW);
    let listed = practice.run(&["org", "students"]).success().stdout;
    assert!(listed.contains("deletion asked 2026"), "{listed}");

    let forget = ["org", "forget", "Ada Example"];
    assert_eq!(practice.run(&forget).code, Some(1));
    let forgotten = practice.run(&[&forget[..], &["--yes", "--json"]].concat()).success().json();
    assert_eq!(forgotten["sections"], json!(["medications"]));
    assert_eq!(practice.run(&["org", "students", "--json"]).success().json(), json!([]));
    let show = practice.run(&["org", "show", "Ada Example", "medications"]);
    assert_eq!(show.code, Some(20), "{show:#?}");
    let log = practice.run(&["org", "audit", "--json"]).success().json();
    assert_eq!((&log[0]["what"], &log[0]["actor"]), (&json!("deleted"), &json!("j.smith")));
    assert_eq!(log[0]["student"]["name"], "(forgotten)");

    let _ = practice.run(&["org", "sync"]).success();
    let _ = student.run(&["sync"]).success();
    // Nothing is left to agree to: it shows the receipt.
    let shown = student.run(&[&leave[..], &["--json"]].concat()).success().json();
    assert_eq!((&shown["revoked"], &shown["outstanding"]), (&json!([]), &json!([])));
    assert_eq!(shown["deleted"], json!([{"section": "medications", "at": NOW}]));
    let contact = student.run(&["contact", "show", "Campus Medical Centre", "--json"]);
    assert_eq!(contact.success().json()["leaving"]["deleted"], shown["deleted"]);
    let log = student.run(&["access-log", "--json"]).success().json();
    assert!(log.as_array().unwrap().iter().any(|l| l["what"] == "deleted"), "{log:#}");
}

#[test]
fn a_consent_goes_on_until_later_and_no_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let (student, _) = begun(&folder, "phone", NOBODY);
    let practice = practice(&folder, NOBODY);
    share(&folder, &student, &practice);
    let grants = || student.run(&["grants", "--json"]).success().json();
    let before = grants();
    let id = before[0]["id"].as_str().unwrap();
    let extend = |until: &str, more: &[&str]| {
        let extend = ["grants", "extend", &id[..8], "--until", until, "--json"];
        student.run(&[&extend[..], more].concat())
    };
    assert_eq!(extend("2029-07-31", &[]).code, Some(1), "there is nobody to ask");
    assert_eq!(extend("2026-12-01", &["--yes"]).code, Some(1), "it ends later than that already");
    assert_eq!(grants(), before);
    let extended = extend("2029-07-31", &["--yes"]).success().json();
    assert_eq!(extended[0]["state"], "active");
    assert!(extended[0]["until"].as_str().unwrap().starts_with("2029-07-31"));
    for same in ["contact", "section", "can", "purpose"] {
        assert_eq!(extended[0][same], before[0][same], "{same}");
    }
}
