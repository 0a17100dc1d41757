//! A hospital's letter of discharge in the form in which hospitals send them (FHIR STU3, ITK
//! transfer of care), and who learns of it.

use passport_tests::stage::corpus;
use passport_tests::{Person, Stage};

/// The day after the discharge in the letter.
const NOW: &str = "2015-04-07T18:00:00Z";
const NAME: &str = "itk-transfer-of-care-stu3/ITK-MH-Document-Bundle-Example-1.xml";

fn discharges(party: &Person) -> serde_json::Value {
    party.sync();
    party.json(&["discharges", "--since", "2015-01-01"])
}

#[test]
fn a_mental_health_discharge_is_found_by_the_practice_and_nothing_of_why_by_the_university() {
    let stage = Stage::new(NOW);
    let practice = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Wellbeing", "university");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&practice);
    phone.meet(&campus);
    phone.share(&["discharges", "discharge-notice"], &practice, &[]);
    phone.share(&["discharge-notice"], &campus, &[]);
    let file = corpus(NAME, "discharge-stu3.xml").display().to_string();
    phone.json(&["import", "--same-person", &file]);
    phone.sync();
    for party in [&practice, &campus] {
        let check = discharges(party);
        assert_eq!(check["discharges"].as_array().map(Vec::len), Some(1), "{check:#}");
        let found = &check["discharges"][0];
        assert_eq!(found["setting"], "mental-health", "{check:#}");
        assert!(found["discharged_on"].as_str().unwrap().starts_with("2015-04-06"), "{check:#}");
        assert_eq!(found["student"]["name"], "Ada Example");
    }
    let seen = campus.json(&["show", &phone.id]).to_string().to_lowercase();
    for word in ["depress", "overdose", "informal", "follow", "trust", "source"] {
        assert!(!seen.contains(word), "{word}: {seen}");
    }
}
