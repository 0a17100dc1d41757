//! What is kept back: opened by its own passphrase, and listed nowhere while it is closed.

use super::{NOBODY, begun};

#[test]
fn what_is_kept_back_is_listed_only_under_its_own_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let open = cli.clone().env("PASSPORT_PRIVATE_PASSPHRASE", "behind the books");
    let note = ["add", "private", "--text", "PLANTED words", "--json"];
    // Before anything was kept back, and without its passphrase afterwards, the answer is one.
    let before = open.run(&note);
    assert_eq!(before.code, Some(10), "{before:#?}");
    let _ = open.run(&["private", "set"]).success();
    let id = open.run(&note).success().json()["entries"][0]["id"].as_str().unwrap().to_owned();
    let _ = cli.run(&["add", "medications", "--set", "item=Sertraline"]).success();
    let _ = open.run(&["move", "sertraline", "private"]).success();
    let shown = open.run(&["show", "private", "--json"]).success();
    assert!(shown.stdout.contains("PLANTED words") && shown.stdout.contains("Sertraline"));

    let file = folder.path().join("record.json").display().to_string();
    for arguments in [
        &["show"][..],
        &["history"],
        &["status"],
        &["conflicts"],
        &["suggestions"],
        &["grants"],
        &["quarantine", "list"],
        &["device", "list"],
        &["export", "--format", "json", "-o", &file],
        &["export", "--format", "fhir", "-o", "-"],
    ] {
        for json in [&[][..], &["--json"]] {
            let output = cli.run(&[arguments, json].concat()).success();
            let said = format!("{}{}", output.stdout, output.stderr).to_lowercase();
            for word in ["planted", "private", "kept back", &id[..8]] {
                assert!(!said.contains(word), "{word} in {arguments:?}: {output:#?}");
            }
        }
    }
    let exported = std::fs::read_to_string(&file).unwrap();
    assert!(!exported.contains("PLANTED") && !exported.contains("private"));
    for arguments in [&["show", "PLANTED"][..], &["edit", &id, "--set", "title=x"]] {
        assert_eq!(cli.run(arguments).code, Some(1), "{arguments:?}");
    }
    let wrong = cli.clone().env("PASSPORT_PRIVATE_PASSPHRASE", "behind the hooks");
    for (cli, arguments) in [(&wrong, &["show"][..]), (&wrong, &note), (&cli, &["show", "private"])]
    {
        let refused = cli.run(arguments);
        assert_eq!(refused.code, Some(10), "{arguments:?}: {refused:#?}");
        assert!(refused.stdout.is_empty());
    }
    let shared = open.run(&["share", "private", "--with", "x", "--purpose", "care", "--yes"]);
    assert_eq!(shared.code, Some(1), "{shared:#?}");
}

#[test]
fn a_passphrase_for_what_is_kept_back_is_chosen_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let file = |name: &str, words: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, words).unwrap();
        path.display().to_string()
    };
    let (short, old, new) =
        (file("s", "short"), file("o", "the old words"), file("n", "new words!"));
    let with = |passphrase: &str, arguments: &[&str]| {
        let option = ["--private-passphrase-file", passphrase];
        cli.run(&[&option[..], arguments].concat())
    };
    assert_eq!(with(&short, &["private", "set"]).code, Some(2));
    let _ = with(&old, &["private", "set"]).success();
    assert_eq!(with(&old, &["private", "set"]).code, Some(1), "it is there already");
    let _ = with(&old, &["add", "private", "--text", "PLANTED words"]).success();
    let change = ["private", "change", "--new-passphrase-file", &new];
    assert_eq!(with(&new, &change).code, Some(10));
    let _ = with(&old, &change).success();
    assert_eq!(with(&old, &["show", "private"]).code, Some(10));
    assert!(with(&new, &["show", "private"]).success().stdout.contains("PLANTED words"));
}
