//! Commands that answer without a vault.

use passport_tests::Cli;

#[test]
fn a_schema_is_one_json_document() {
    let (_home, cli) = Cli::in_new_home();
    let plain = cli.run(&["schema", "org", "discharges"]).success().json();
    let compact = cli.run(&["schema", "org", "discharges", "--json"]).success();
    assert_eq!(compact.stdout.lines().count(), 1);
    assert_eq!(compact.json(), plain);
    assert_eq!(plain["title"], "passport org discharges");
    assert_eq!(cli.run(&["schema", "fly"]).code, Some(2));
}

#[test]
fn every_listed_schema_can_be_had() {
    let (_home, cli) = Cli::in_new_home();
    let names = cli.run(&["schema", "--json"]).success().json();
    for name in names.as_array().unwrap() {
        let mut arguments = vec!["schema"];
        arguments.extend(name.as_str().unwrap().split(' '));
        let _ = cli.run(&arguments).success().json();
    }
}

#[test]
fn completions_and_the_manual_are_data() {
    let (_home, cli) = Cli::in_new_home();
    for shell in ["bash", "zsh", "fish"] {
        let output = cli.run(&["completions", shell]).success();
        assert!(output.stdout.contains("passport"), "{shell}");
        assert_eq!(output.stderr, "");
    }
    let manual = cli.run(&["man"]).success().stdout;
    assert!(manual.contains(".TH"), "{manual}");
}

#[test]
fn asking_makes_no_vault() {
    let (_home, cli) = Cli::in_new_home();
    let _ = cli.run(&["--version"]).success();
    let _ = cli.run(&["show"]);
    assert!(!cli.home().exists());
}
