//! What an organisation sees and records, through the real program.

use passport_core::epoch::Right;
use passport_core::section::Value;
use serde_json::json;

use crate::org_kit::{NOW, Story, at};

#[test]
fn an_organisation_is_set_up_once_and_shows_its_card() {
    let story = Story::begin(1);
    let card = story.org(&["card", "--json"]).success().json();
    assert_eq!(card["name"], "Campus Medical Centre");
    assert_eq!(card["phrase"].as_str().unwrap().split(' ').count(), 4);
    assert_eq!(card["file"], json!(null));
    let again = story.bare(&["org", "init", "--name", "Other", "--kind", "gp"]);
    assert_eq!(again.code, Some(1), "{again:#?}");
    assert_eq!(story.org(&["card", "--json"]).success().json(), card);
}

#[test]
fn a_card_that_nobody_would_accept_leaves_no_vault() {
    let (_home, cli) = passport_tests::Cli::in_new_home();
    let cli = cli.env("PASSPORT_PASSPHRASE", "x");
    let output = cli.run(&["org", "init", "--name", " ", "--kind", "gp"]);
    assert_eq!(output.code, Some(2), "{output:#?}");
    assert!(!cli.home().join("vault.db").exists());
}

#[test]
fn a_wrong_passphrase_is_exit_code_10() {
    let story = Story::begin(2);
    let cli = passport_tests::Cli::new(story.home()).env("PASSPORT_PASSPHRASE", "wrong");
    assert_eq!(cli.run(&["org", "students"]).code, Some(10));
}

#[test]
fn nothing_shared_is_exit_code_20_with_a_hint() {
    let mut story = Story::begin(3);
    let output = story.org(&["show", "Amina Yusuf"]);
    assert_eq!(output.code, Some(20), "{output:#?}");
    story.share(&["allergies"], Right::Read);
    let output = story.org(&["show", "Amina Yusuf", "medications", "--json"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(20), ""));
    let error = output.error_json();
    assert_eq!(error["error"]["code"], "no_grant");
    assert!(!error["error"]["hints"].as_array().unwrap().is_empty());
    let foreign = "ab".repeat(32);
    assert_eq!(story.org(&["show", &foreign]).code, Some(20));
    assert_eq!(story.org(&["show", "Somebody Else"]).code, Some(1));
}

#[test]
fn what_is_shared_reads_the_same_on_both_sides() {
    let mut story = Story::begin(4);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications", "allergies"], Right::Contribute);
    let students = story.org(&["students", "--json"]).success().json();
    assert_eq!(students.as_array().unwrap().len(), 2);
    assert_eq!(students[1]["student"]["name"], "Amina Yusuf");
    assert_eq!(
        (&students[1]["can"], &students[1]["state"]),
        (&json!("contribute"), &json!("active"))
    );
    let passport = students[0]["student"]["id"].as_str().unwrap().to_owned();
    let shown = story.org(&["show", &passport[..6], "medications", "--json"]).success().json();
    assert_eq!(shown["passport"], passport.as_str());
    assert_eq!(shown["holder"]["name"], "Amina Yusuf");
    assert_eq!(shown["sections"], json!([story.students_view("medications")]));
    let all = story.org(&["show", "amina yusuf", "--json"]).success().json();
    let names: Vec<&str> = all["sections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["section"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["allergies", "medications"]);
    let words = story.org(&["show", "Amina Yusuf"]).success().stdout;
    assert!(
        words.contains("Sertraline") && words.contains("as recorded by the student"),
        "{words}"
    );
}

#[test]
fn nobody_opens_a_record_without_a_name() {
    let mut story = Story::begin(5);
    story.share(&["medications"], Right::Read);
    for command in [
        &["show", "Amina Yusuf"][..],
        &["history", "Amina Yusuf"],
        &["conflicts"],
        &["export", "Amina Yusuf", "--format", "fhir"],
    ] {
        let output = story.bare(&[&["org", "--now", NOW], command].concat());
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn what_it_records_is_signed_and_the_students_screen_says_so() {
    let mut story = Story::begin(6);
    story.share(&["medications"], Right::Contribute);
    let set = ["--set", "item=Sertraline", "--set", "dose=100 mg", "--json"];
    let added = story.org(&[&["contribute", "Amina Yusuf", "medications"], &set[..]].concat());
    let added = added.success().json();
    let entry = added["entries"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(added["entries"][0]["section"], "medications");
    story.exchange();
    let seen = story.students_view("medications");
    assert_eq!(seen["entries"][0]["id"], entry.as_str());
    assert_eq!(seen["entries"][0]["attested"], true);
    assert_eq!(seen["entries"][0]["author"]["name"], "Campus Medical Centre");

    let _ = story.org(&["edit", &entry[..8], "--set", "dose=75 mg"]).success();
    let _ = story.org(&["annotate", &entry[..8], "reviewed with the student"]).success();
    story.exchange();
    let seen = story.students_view("medications");
    assert_eq!(seen["entries"][0]["fields"]["dose"]["value"], "75 mg");
    assert_eq!(seen["entries"][0]["attested"], true);
    assert_eq!(seen["entries"][0]["notes"][0]["text"], "reviewed with the student");
    let removed = story.org(&["remove", &entry[..8]]);
    assert_eq!(removed.code, Some(1), "it asks first, and there is nobody: {removed:#?}");
    let _ = story.org(&["remove", &entry[..8], "--yes"]).success();
    story.exchange();
    assert_eq!(story.students_view("medications")["entries"], json!([]));
    let history = story.org(&["history", "Amina Yusuf", "--json"]).success().json();
    assert!(history.as_array().unwrap().len() >= 4, "{history:#}");
}

#[test]
fn nobody_signs_for_what_the_student_changed_without_being_asked() {
    let mut story = Story::begin(12);
    story.share(&["medications"], Right::Contribute);
    let set = ["--set", "item=Sertraline", "--set", "dose=100 mg", "--json"];
    let added = story.org(&[&["contribute", "Amina Yusuf", "medications"], &set[..]].concat());
    let entry = added.success().json()["entries"][0]["id"].as_str().unwrap().to_owned();
    story.exchange();
    let dose = [("dose".to_owned(), Some(Value::Text("25 mg".to_owned())))];
    story.student.edit(entry.parse().unwrap(), &dose, at(NOW), &mut story.rng).unwrap();
    story.exchange();
    let edit = ["edit", &entry[..8], "--set", "note=take with food"];
    let asked = story.org(&edit);
    assert_eq!(asked.code, Some(1), "{asked:#?}");
    assert!(asked.stderr.contains("changed dose"), "{asked:#?}");
    let _ = story.org(&[&edit[..], &["--yes"]].concat()).success();
    story.exchange();
    let seen = story.students_view("medications");
    assert_eq!(seen["entries"][0]["attested"], true);
}

#[test]
fn anothers_entry_is_not_changed_but_a_change_can_be_suggested() {
    let mut story = Story::begin(7);
    let entry = story.medicine("Sertraline", "50 mg").to_string();
    story.share(&["medications"], Right::Contribute);
    let refused = story.org(&["edit", &entry, "--set", "dose=100 mg"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("org suggest"), "{refused:#?}");
    let _ =
        story.org(&["suggest", "Amina Yusuf", &entry, "--set", "dose=100 mg", "--json"]).success();
    story.exchange();
    let seen = story.students_view("medications");
    assert_eq!(seen["entries"][0]["fields"]["dose"]["value"], "50 mg");
    assert_eq!(seen["entries"][0]["suggestions"][0]["value"], "100 mg");
}

#[test]
fn reading_rights_do_not_write() {
    let mut story = Story::begin(8);
    story.share(&["medications"], Right::Read);
    let refused = story.org(&["contribute", "Amina Yusuf", "medications", "--set", "item=x"]);
    assert_eq!(refused.code, Some(20), "{refused:#?}");
}

#[test]
fn after_a_revocation_it_says_that_the_consent_has_ended() {
    let mut story = Story::begin(9);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications"], Right::Contribute);
    let card = story.org(&["card", "--json"]).success().json();
    let practice = card["id"].as_str().unwrap().parse().unwrap();
    story.student.revoke(practice, &[], at("2026-11-10T09:00:00Z"), &mut story.rng).unwrap();
    story.medicine("Lithium", "400 mg");
    story.exchange();
    let shown = story.org(&["show", "Amina Yusuf"]).success().stdout;
    assert!(shown.contains("withdrawn by the student on 2026-11-10"), "{shown}");
    assert!(shown.contains("Sertraline") && !shown.contains("Lithium"), "{shown}");
    let json = story.org(&["show", "Amina Yusuf", "--json"]).success().json();
    assert_eq!(json["consent_ended"][0]["state"], "revoked");
    let students = story.org(&["students", "--json"]).success().json();
    assert_eq!(students[0]["state"], "revoked");
    let set = ["contribute", "Amina Yusuf", "medications", "--set", "item=x"];
    assert_eq!(story.org(&set).code, Some(20));
    let export = ["export", "Amina Yusuf", "--format", "fhir"];
    assert_eq!(story.org(&export).code, Some(20));
}

#[test]
fn after_its_end_a_consent_has_expired() {
    let mut story = Story::begin(10);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications"], Right::Contribute);
    let later = "2027-09-01T09:00:00Z";
    let shown = story.org_at(later, &["show", "Amina Yusuf"]).success().stdout;
    assert!(shown.contains("the consent ended on 2027-07-31"), "{shown}");
    let students = story.org_at(later, &["students", "--json"]).success().json();
    assert_eq!(students[0]["state"], "expired");
}

#[test]
fn an_export_is_a_bundle_of_what_is_shared() {
    let mut story = Story::begin(11);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications"], Right::Read);
    let bundle = story.org(&["export", "Amina Yusuf", "--format", "fhir"]).success().json();
    assert_eq!(bundle["resourceType"], "Bundle");
    assert!(bundle.to_string().contains("Sertraline"), "{bundle:#}");
    let html = story.org(&["export", "Amina Yusuf", "--format", "html"]).success().stdout;
    assert!(html.contains("Student passport: Amina Yusuf") && html.contains("Sertraline"));
    assert!(html.contains("as recorded by the student"), "{html}");
    let unshared = "Not part of this document.";
    assert_eq!(html.matches(unshared).count(), 3, "allergies, conditions, contacts: {html}");
    let unnamed = story.bare(&["org", "export", "Amina Yusuf", "--format", "pdf"]);
    assert_ne!(unnamed.code, Some(0), "nobody exports unnamed");
    assert_eq!(story.org(&["quarantine", "--json"]).success().json(), json!([]));
    assert_eq!(story.org(&["conflicts", "--json"]).success().json(), json!([]));
}

#[test]
fn a_summary_keeps_the_rules_and_shows_what_was_signed() {
    let mut story = Story::begin(21);
    story.medicine("Sertraline", "50 mg");
    story.share(&["medications", "allergies"], Right::Contribute);
    let add = ["contribute", "Amina Yusuf", "allergies", "--set", "agent=Penicillin"];
    let _ = story.org(&add).success();
    let export = ["export", "Amina Yusuf", "--format", "ips"];
    let written = story.org(&export).success().stdout;
    assert_eq!(written, story.org(&export).success().stdout, "the same view, the same bytes");
    let file = story.home().join("summary.json");
    let name = file.to_str().unwrap();
    std::fs::write(&file, &written).unwrap();
    let report = story.bare(&["check", name, "--json"]).success().json();
    assert_eq!(report["errors"], 0);
    let shown = story.bare(&["verify", name, "--json"]).success().json();
    assert_eq!(shown["entries"][0]["signer"]["name"], "Campus Medical Centre");
    assert_eq!(shown["entries"][0]["intact"], json!(["agent"]));
    let kinds: Vec<_> = serde_json::from_str::<serde_json::Value>(&written).unwrap()["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["resource"]["resourceType"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds[0], "Composition");
    assert_eq!(kinds.iter().filter(|k| *k == "Consent").count(), 2);

    // Of the signed entry alone; the narrative is not what was signed.
    let altered = written.replace("\"text\": \"Penicillin\"", "\"text\": \"Peanut\"");
    assert_ne!(altered, written);
    std::fs::write(&file, altered).unwrap();
    let output = story.bare(&["verify", name, "--json"]);
    assert_eq!(output.code, Some(21), "{output:#?}");
    std::fs::write(&file, written.replace("\"status\": \"final\"", "\"status\": \"done\""))
        .unwrap();
    let output = story.bare(&["check", name]);
    assert_eq!(output.code, Some(21), "{output:#?}");
    std::fs::write(&file, "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}").unwrap();
    assert_eq!(story.bare(&["verify", name]).code, Some(1));
    assert_eq!(story.bare(&["check", name]).code, Some(0));
}
