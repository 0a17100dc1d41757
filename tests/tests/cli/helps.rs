//! What `--help` tells.

use passport_tests::Cli;

fn help(arguments: &[&str]) -> String {
    let (_home, cli) = Cli::in_new_home();
    let output = cli.run(arguments).success();
    assert_eq!(output.stderr, "");
    output.stdout
}

#[test]
fn the_first_help_starts_a_student_off() {
    let text = help(&["--help"]);
    for expected in
        ["passport init --name", "Nothing is shared until you share it", "30 relay unreachable"]
    {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in [
        "init",
        "code",
        "recover",
        "import",
        "add",
        "edit",
        "remove",
        "annotate",
        "move",
        "show",
        "history",
        "conflicts",
        "resolve",
        "suggestions",
        "accept",
        "decline",
        "contact add",
        "contact verify",
        "contact list",
        "contact show",
        "contact remove",
        "share",
        "revoke",
        "grants",
        "quarantine list",
        "quarantine show",
        "quarantine release",
        "quarantine drop",
        "private set",
        "private change",
        "sync",
        "remote add",
        "remote list",
        "remote remove",
        "device add",
        "device approve",
        "device list",
        "device remove",
        "export",
        "link create",
        "link list",
        "link revoke",
        "status",
        "org init",
        "org card",
        "org sync",
        "org remote add",
        "org remote list",
        "org remote remove",
        "org students",
        "org show",
        "org history",
        "org contribute",
        "org edit",
        "org remove",
        "org annotate",
        "org suggest",
        "org discharges",
        "org conflicts",
        "org quarantine",
        "org export",
        "relay serve",
        "demo",
        "schema",
        "completions",
        "man",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let text = help(&arguments);
        assert!(text.contains("Example"), "{command}\n{text}");
        assert!(text.contains("--home <DIR>"), "{command}\n{text}");
    }
}

#[test]
fn help_never_shows_what_the_environment_holds() {
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(home.path()).env("PASSPORT_PASSPHRASE", "open-sesame");
    let cli = cli.env("PASSPORT_ACTOR", "j-smith-on-duty");
    for arguments in [&["--help"][..], &["org", "--help"], &["org", "show", "--help"]] {
        let text = cli.run(arguments).success().stdout;
        let own = home.path().to_string_lossy().into_owned();
        for secret in ["open-sesame", "j-smith-on-duty", &own] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
