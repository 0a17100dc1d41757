//! The story that the program tells of itself.

use passport_tests::Cli;
use serde_json::Value;

#[test]
fn the_demonstration_goes_as_told_and_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("story");
    let cli = Cli::new(folder.path().join("unused"));
    let played = cli.run(&["demo", "--json", "--dir", dir.to_str().unwrap()]).success();
    let lines: Vec<Value> =
        played.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (end, steps) = lines.split_last().unwrap();
    assert!(steps.len() >= 60, "{}", steps.len());
    for (at, step) in steps.iter().enumerate() {
        assert_eq!((&step["as_told"], &step["step"]), (&true.into(), &(at + 1).into()), "{step}");
    }
    assert_eq!(end["dir"], dir.to_str().unwrap());

    // It is left to go on with.
    let phone = &end["homes"][0];
    let passphrase = phone["passphrase"].as_str().unwrap();
    let phone = Cli::new(phone["home"].as_str().unwrap()).env("PASSPORT_PASSPHRASE", passphrase);
    let shown = phone.run(&["show", "medications"]).success().stdout;
    assert!(shown.contains("100 mg") && shown.contains("Mirtazapine"), "{shown}");
    // The relay is gone: nobody takes what is sent.
    let _ = phone.run(&["add", "x-diary", "--text", "after the story"]).success();
    assert_eq!(phone.run(&["sync"]).code, Some(30));
    // The program's own home was not touched.
    assert!(!cli.home().exists());
}

#[test]
fn a_story_that_goes_wrong_says_at_which_step() {
    let folder = tempfile::tempdir().unwrap();
    let cli = Cli::new(folder.path().join("unused"));
    let dir = folder.path().join("story");
    // So late that no consent can end within the calendar.
    let late = ["demo", "--now", "9999-12-01T10:00:00Z", "--dir", dir.to_str().unwrap()];
    let played = cli.run(&late);
    assert_eq!(played.code, Some(1), "{played:#?}");
    assert!(played.stderr.contains("of the story was not as told"), "{played:#?}");
    assert!(played.stderr.contains(dir.to_str().unwrap()), "{played:#?}");
    // What is there is not overwritten.
    let again = cli.run(&["demo", "--dir", dir.to_str().unwrap()]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("is not empty"), "{again:#?}");
}
