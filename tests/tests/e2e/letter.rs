//! Hospitals' letters of discharge in the form in which they send them (FHIR STU3, ITK transfer of
//! care), and who learns of it.

use std::collections::BTreeMap;

use passport_tests::stage::corpus;
use passport_tests::{Person, Stage};

/// The day after the later discharge.
const NOW: &str = "2015-04-07T18:00:00Z";
/// Where ITK's two letters of mental-health services are in a folder of real files, what stands in
/// for each, and when the stay ended.
const LETTERS: [(&str, &str, &str); 2] = [
    ("ITK-MH-Document-Bundle-Example-1.xml", "discharge-stu3.xml", "2015-04-06"),
    ("ITK-MH-Document-Bundle-Example-2.xml", "discharge-stu3-detained.xml", "2015-03-05"),
];

fn discharges(party: &Person) -> serde_json::Value {
    party.sync();
    party.json(&["discharges", "--since", "2015-01-01"])
}

#[test]
fn mental_health_discharges_are_found_by_the_practice_and_nothing_of_why_by_the_university() {
    let stage = Stage::new(NOW);
    let practice = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Wellbeing", "university");
    let mut phones = BTreeMap::new();
    for ((name, stead, day), student) in LETTERS.into_iter().zip(["Ada Example", "Ben Example"]) {
        let phone = stage.student(student, student);
        phone.meet(&practice);
        phone.meet(&campus);
        phone.share(&["discharges", "discharge-notice"], &practice, &[]);
        phone.share(&["discharge-notice"], &campus, &[]);
        let file = corpus(&format!("itk-transfer-of-care-stu3/{name}"), stead);
        phone.json(&["import", "--same-person", file.to_str().unwrap()]);
        phone.sync();
        phones.insert(day, phone);
    }
    for party in [&practice, &campus] {
        let check = discharges(party);
        let found = check["discharges"].as_array().unwrap();
        assert_eq!(found.len(), phones.len(), "{check:#}");
        for (day, phone) in &phones {
            let of_student = found.iter().find(|d| d["student"]["name"] == phone.name.as_str());
            let discharge = of_student.unwrap_or_else(|| panic!("{}: {check:#}", phone.name));
            assert_eq!(discharge["setting"], "mental-health", "{check:#}");
            let discharged = discharge["discharged_on"].as_str().unwrap();
            assert!(discharged.starts_with(day), "{check:#}");
        }
    }
    for phone in phones.values() {
        let seen = campus.json(&["show", &phone.id]).to_string().to_lowercase();
        let words = ["depress", "overdose", "formal", "schizo", "follow", "trust", "source"];
        for word in words {
            assert!(!seen.contains(word), "{word}: {seen}");
        }
    }
}
