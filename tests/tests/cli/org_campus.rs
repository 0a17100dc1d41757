//! What practices and universities take away: a folder for an inbox, a table, counts without small
//! numbers, and words explained.

use passport_core::epoch::Right;
use serde_json::{Value, json};

use crate::org_kit::Story;

fn story(seed: u64, sections: &[&str]) -> Story {
    let mut story = Story::begin(seed);
    story.medicine("Sertraline", "50 mg");
    story.share(sections, Right::Contribute);
    story
}

#[test]
fn a_practice_pack_is_a_folder_for_people_and_systems() {
    let story = story(32, &["medications", "identity"]);
    let folder = story.home().join("pack");
    let place = folder.to_str().unwrap();
    let export = ["export", "Amina Yusuf", "--format", "practice-pack", "--json", "-o", place];
    let answer = story.org(&export).success().json();
    let files = answer["files"].as_array().unwrap();
    assert_eq!(files.len(), 6, "{answer}");
    for file in files {
        assert!(folder.join(file.as_str().unwrap()).metadata().unwrap().len() > 80, "{file}");
    }
    assert!(story.org(&export).code == Some(1), "never over another");
    let bundle = folder.join("Amina-Yusuf-student-passport-2026-11-22-fhir.json");
    let _ = story.bare(&["check", bundle.to_str().unwrap()]).success();
    let csv = story.org(&["export", "Amina Yusuf", "--format", "csv"]).success().stdout;
    let line = csv.lines().find(|l| l.contains("Sertraline")).unwrap();
    assert!(line.starts_with("medications,medication,"), "{line}");
}

#[test]
fn counts_of_few_are_suppressed() {
    let mut story = story(33, &["medications", "discharge-notice"]);
    let add = ["--set", "discharged_on=2026-11-20", "--set", "setting=acute"];
    let _ = story
        .org(&[&["contribute", "Amina Yusuf", "discharge-notice"], &add[..]].concat())
        .success();
    story.exchange();
    let stats = story.org(&["stats", "--json"]).success().json();
    assert_eq!((&stats["students"], &stats["discharged"]), (&Value::Null, &Value::Null));
    let settings = stats["settings"].as_array().unwrap();
    assert!(settings.iter().all(|s| s["count"].is_null() == (s["of"] == "acute")), "{stats}");
    let words = story.org(&["stats"]).success().stdout;
    assert!(words.contains("suppressed") && !words.contains("Amina"), "{words}");
    assert_eq!(story.org(&["stats", "--min-cell", "1"]).code, Some(2));
}

#[test]
fn words_are_explained_without_a_passport() {
    let (_home, cli) = passport_tests::Cli::in_new_home();
    let words =
        cli.run(&["explain", "crisis", "team", "--audience", "university"]).success().stdout;
    assert!(words.contains("It does not mean: an emergency ambulance"), "{words}");
    assert!(words.contains("For a university") && !words.contains("For a student"), "{words}");
    let json = cli.run(&["--json", "explain", "section 3"]).success().json();
    assert_eq!((&json[0]["term"], &json[0]["sort"]), (&json!("section 2"), &json!("service")));
    let near = cli.run(&["explain", "saveguarding"]);
    assert_eq!(near.code, Some(1));
    assert!(near.stderr.contains("safeguarding"), "{}", near.stderr);
}
