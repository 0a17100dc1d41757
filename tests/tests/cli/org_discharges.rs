//! The discharge check and entries taken from FHIR files, through the real program.

use passport_core::epoch::Right;
use serde_json::{Value, json};

use crate::org_kit::Story;

const CAUTION: &str = "No entry does not mean no discharge.";

fn bundle(name: &str) -> Value {
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            { "resource": {
                "resourceType": "Patient",
                "id": "p",
                "name": [{ "text": name }],
                "birthDate": "2006-03-14",
            } },
            { "resource": {
                "resourceType": "Encounter",
                "id": "stay",
                "status": "finished",
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": "IMP",
                },
                "subject": { "reference": "Patient/p" },
                "serviceType": { "text": "Adult mental health service" },
                "reasonCode": [{ "text": "Severe depressive episode" }],
                "period": { "start": "2026-11-10", "end": "2026-11-20" },
                "hospitalization": { "dischargeDisposition": { "text": "Home" } },
            } },
        ],
    })
}

fn contribute(story: &Story, section: &str, name: &str) -> passport_tests::Output {
    let file = story.home().join("stay.json");
    std::fs::write(&file, bundle(name).to_string()).unwrap();
    story.org(&["contribute", "Amina Yusuf", section, "--json", "--from", file.to_str().unwrap()])
}

#[test]
fn a_discharge_brings_its_notice_and_the_check_finds_it_once() {
    let mut story = Story::begin(21);
    story.share(&["discharges", "discharge-notice"], Right::Contribute);
    let added = contribute(&story, "discharges", "Amina Yusuf").success().json();
    let sections: Vec<&Value> =
        added["entries"].as_array().unwrap().iter().map(|e| &e["section"]).collect();
    assert_eq!(sections, ["discharges", "discharge-notice"]);
    let check = story.org(&["discharges", "--json"]).success().json();
    assert_eq!(check["as_of"], "2026-11-22T10:00:00Z");
    assert_eq!(check["students_sharing"], 1);
    let found = check["discharges"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{check:#}");
    assert_eq!(found[0]["student"]["name"], "Amina Yusuf");
    assert_eq!(found[0]["discharged_on"], "2026-11-20");
    assert_eq!(found[0]["setting"], "mental-health");
    assert_eq!(found[0]["attested_by"], "Campus Medical Centre");
    assert_eq!(check["sources"][0]["organisation"], "Campus Medical Centre");

    let words = story.org(&["discharges"]).success().stdout;
    assert!(words.contains("Within 72 hours of discharge: 1"), "{words}");
    assert!(words.trim_end().ends_with(CAUTION), "{words}");
    let csv = story.org(&["discharges", "--csv"]).success();
    assert_eq!(csv.stdout.lines().count(), 2);
    assert!(csv.stderr.contains(CAUTION));
    let acute = story.org(&["discharges", "--setting", "acute", "--json"]).success().json();
    assert_eq!((&acute["discharges"], &acute["students_sharing"]), (&json!([]), &json!(1)));
    assert_eq!(story.org(&["discharges", "--setting", "ward"]).code, Some(2));
    let later = story.org_at("2026-12-30T10:00:00Z", &["discharges"]).success().stdout;
    assert!(later.contains("No discharge was found") && later.trim_end().ends_with(CAUTION));
}

#[test]
fn a_notice_says_nothing_of_why() {
    let mut story = Story::begin(22);
    story.share(&["discharge-notice"], Right::Contribute);
    let added = contribute(&story, "discharge-notice", "Amina Yusuf").success().json();
    assert_eq!(added["entries"].as_array().unwrap().len(), 1, "{added:#}");
    let shown = story.org(&["show", "Amina Yusuf", "--json"]).success().stdout;
    assert!(shown.contains("2026-11-20") && !shown.contains("depressive"), "{shown}");
    assert!(!shown.contains("\"reason\""), "{shown}");
}

#[test]
fn a_file_about_another_person_adds_nothing() {
    let mut story = Story::begin(23);
    story.share(&["discharges"], Right::Contribute);
    let refused = contribute(&story, "discharges", "Horace Skelly");
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:#?}");
    let shown = story.org(&["show", "Amina Yusuf", "--json"]).success().json();
    assert_eq!(shown["sections"][0]["entries"], json!([]));
}

#[test]
fn a_file_taken_in_twice_adds_once() {
    let mut story = Story::begin(24);
    story.share(&["discharges"], Right::Contribute);
    let _ = contribute(&story, "discharges", "Amina Yusuf").success();
    let again = contribute(&story, "discharges", "Amina Yusuf").success().json();
    assert_eq!(again["entries"], json!([]), "{again:#}");
    assert!(again["skipped"].to_string().contains("already recorded"), "{again:#}");
}

#[test]
fn those_who_do_not_share_are_not_counted_or_named() {
    let mut story = Story::begin(25);
    story.share(&["medications"], Right::Read);
    let answer = story.org(&["discharges"]).success().stdout;
    assert!(answer.contains("No student shares discharges with you"), "{answer}");
    assert!(!answer.contains("Amina") && answer.trim_end().ends_with(CAUTION), "{answer}");
}

#[test]
fn what_was_done_about_a_discharge_is_noted_and_its_number_confirmed() {
    let mut story = Story::begin(26);
    story.share(&["discharges", "discharge-notice", "plan", "identity"], Right::Contribute);
    let _ = contribute(&story, "discharges", "Amina Yusuf").success();
    let due = |story: &Story, now: &str| {
        let check = story.org_at(now, &["discharges", "--json"]).success().json();
        check["discharges"][0].clone()
    };
    let late = "2026-11-26T09:00:00Z";
    assert_eq!(due(&story, late)["follow_up"]["overdue"], true);
    assert_eq!(due(&story, late)["state"], "new");
    let done = ["follow-up", "Amina Yusuf", "--state", "followed-up", "--note", "rang", "--json"];
    let noted = story.org(&done).success().json();
    assert!(noted["plan"].is_string(), "{noted}");
    let after = due(&story, late);
    assert_eq!(
        (&after["state"], &after["follow_up"]["overdue"]),
        (&json!("followed-up"), &json!(false))
    );
    assert_eq!(after["handled"]["note"], "rang");
    let words = story.org_at(late, &["discharges"]).success().stdout;
    assert!(words.contains("followed up, j.smith") && !words.contains("OVERDUE"), "{words}");

    let number = ["confirm", "Amina Yusuf", "--nhs-number", "943 476 5919", "--json"];
    let confirmed = story.org(&number).success().json();
    assert_eq!(confirmed["suggestions"].as_array().unwrap().len(), 3);
    let shown = story.org(&["show", "Amina Yusuf"]).success().stdout;
    assert!(shown.contains("NHS number, confirmed by you"), "{shown}");
    let wrong = ["confirm", "Amina Yusuf", "--nhs-number", "943 476 5918"];
    assert_eq!(story.org(&wrong).code, Some(2));
}
