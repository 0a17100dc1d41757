//! How errors read, and which exit codes they have.

use passport_tests::Cli;

#[test]
fn a_mistyped_command_is_a_usage_error_with_a_hint() {
    let (_home, cli) = Cli::in_new_home();
    let output = cli.run(&["shwo"]);
    assert_eq!(output.code, Some(2));
    assert_eq!(output.stdout, "");
    assert_eq!(
        output.stderr,
        "Error: unrecognized subcommand 'shwo'\n\
         Hint: a similar subcommand exists: 'show'\n\
         Hint: Usage: passport [OPTIONS] <COMMAND>\n\
         Hint: For more information, try '--help'.\n"
    );
}

#[test]
fn with_json_a_usage_error_is_one_document_on_standard_error() {
    let (_home, cli) = Cli::in_new_home();
    for arguments in
        [&["shwo", "--json"][..], &["--json", "resolve", "x"], &["--json", "--now", "soon", "show"]]
    {
        let output = cli.run(arguments);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        let error = &output.error_json()["error"];
        assert_eq!(error["code"], "usage");
        assert!(error["message"].is_string() && error["hints"].is_array(), "{error}");
    }
}

#[test]
fn what_cannot_be_parsed_is_told_with_an_example() {
    let (_home, cli) = Cli::in_new_home();
    for (arguments, said) in [
        (&["edit", "a1", "--set", "dose"][..], "dose=\"50 mg\""),
        (&["org", "discharges", "--since", "lately"], "30d"),
        (&["add", "no-such-section", "--text", "x"], "discharge-notice"),
        (&["add", "medications", "--set", "doze=1"], "  dose "),
        (&["add", "medications", "--set", "dose=50 mg"], "needs `item`"),
        (&["add", "medications", "--set", "item=a", "--set", "started=soon"], "2026-10-03"),
        (&["org", "show", "Ada Example"], "--actor STAFF"),
        (&["remote", "add", "relay.example"], "https://relay.example:7700"),
        (&["remote", "add", "http://relay.example"], "--allow-http"),
        (&["device", "approve", "nonsense"], "CODE"),
        (&["relay", "serve", "--store", "postgres://x"], "sqlite:PATH"),
    ] {
        let output = cli.run(arguments);
        assert_eq!(output.code, Some(2), "{output:#?}");
        assert!(output.stderr.contains(said), "{output:#?}");
    }
}

#[test]
fn no_command_at_all_is_a_usage_error_that_names_the_help() {
    let (_home, cli) = Cli::in_new_home();
    for (arguments, help) in
        [(&[][..], "`passport --help`"), (&["contact"], "`passport contact --help`")]
    {
        let output = cli.run(arguments);
        assert_eq!(output.code, Some(2));
        assert!(output.stderr.contains(help), "{output:#?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_output_is_exit_code_3_and_no_talk() {
    let (_home, cli) = Cli::in_new_home();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = cli.command(&["man"]);
    let child = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_wrong_recovery_phrase_is_told_by_place_alone() {
    let (_home, cli) = Cli::in_new_home();
    let phrase = "abandon ".repeat(23) + "xylophonist";
    let output = cli.run_with(&["recover"], &phrase);
    assert_eq!(output.code, Some(1), "{output:#?}");
    assert!(output.stderr.contains("word 24"), "{output:#?}");
    assert!(!output.stderr.contains("xylophonist"), "{output:#?}");
}

#[test]
fn what_was_typed_cannot_drive_the_terminal() {
    let (_home, cli) = Cli::in_new_home();
    let output = cli.run(&["show\u{1b}[2J\u{202e}"]);
    assert_eq!(output.code, Some(2));
    assert!(!output.stderr.contains(['\u{1b}', '\u{202e}']), "{:?}", output.stderr);
}
