//! Beginning a passport, writing in it, and taking in files.

use super::{NOBODY, begun, home};

#[test]
fn a_passport_begins_and_is_written_in() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, phrase) = begun(&folder, "phone", NOBODY);
    assert_eq!(phrase.split(' ').count(), 24);
    let added = cli
        .run(&["add", "medications", "--set", "item=Sertraline", "--set", "dose=50 mg", "--json"])
        .success()
        .json();
    assert_eq!(added["entries"][0]["section"], "medications");
    assert_eq!(added["skipped"], serde_json::json!([]));
    let id = added["entries"][0]["id"].as_str().unwrap().to_owned();
    let _ = cli.run(&["edit", &id[..8], "--set", "dose=100 mg"]).success();
    let _ = cli.run(&["annotate", "sertraline", "Makes me sleepy"]).success();
    let shown = cli.run(&["show", "medications", "--json"]).success().json();
    let entry = &shown["sections"][0]["entries"][0];
    assert_eq!(shown["holder"]["name"], "Ada Example");
    assert_eq!(entry["id"], id.as_str());
    assert_eq!(entry["fields"]["dose"]["value"], "100 mg");
    assert_eq!(entry["notes"][0]["text"], "Makes me sleepy");
    let history = cli.run(&["history", "sertraline", "--json"]).success().json();
    let what: Vec<&str> =
        history.as_array().unwrap().iter().map(|e| e["what"].as_str().unwrap()).collect();
    assert_eq!(what.len(), 3, "{history}");
    let moved = cli.run(&["move", &id, "x-past", "--json"]);
    assert_eq!(moved.code, Some(1), "a section of one's own holds notes alone: {moved:#?}");
    let _ = cli.run(&["remove", &id]).success();
    let gone = cli.run(&["show", &id]);
    assert_eq!(gone.code, Some(1), "{gone:#?}");
}

#[test]
fn a_slip_in_who_one_is_begins_no_passport() {
    let folder = tempfile::tempdir().unwrap();
    let cli = home(&folder, "phone");
    let ada = ["init", "--name", "Ada"];
    for slip in [
        &["init", "--name", " "][..],
        &[&ada[..], &["--dob", "2026-11-23"]].concat(),
        &[&ada[..], &["--dob", "1899-12-31"]].concat(),
        &[&ada[..], &["--nhs-number", "943 476 5918"]].concat(),
    ] {
        let refused = cli.run(slip);
        assert_eq!(refused.code, Some(2), "{slip:?}: {refused:#?}");
        assert!(!cli.home().exists(), "{slip:?}");
    }
    let short = cli.clone().env("PASSPORT_PASSPHRASE", "seven 7").run(&ada);
    assert_eq!(short.code, Some(2), "{short:#?}");
    let _ = cli.run(&[&ada[..], &["--dob", "2026", "--nhs-number", "943 476 5919"]].concat());
    assert!(cli.run(&["show", "identity"]).success().stdout.contains("9434765919"));
}

#[test]
fn none_known_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let add = ["add", "allergies", "--kind", "none-known", "--set", "asserted=2026-11-20"];
    let _ = cli.run(&add).success();
    let shown = cli.run(&["show", "allergies"]).success().stdout;
    assert!(shown.contains("  no known allergies  ["), "{shown}");
}

#[test]
fn a_discharge_brings_its_notice() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let _ = cli
        .run(&[
            "add",
            "discharges",
            "--set",
            "discharged_on=2026-11-20",
            "--set",
            "setting=mental-health",
            "--set",
            "diagnoses=not for everybody",
        ])
        .success();
    let notice = cli.run(&["show", "discharge-notice", "--json"]).success();
    let fields = &notice.json()["sections"][0]["entries"][0]["fields"];
    assert_eq!(fields["discharged_on"]["value"], "2026-11-20");
    assert!(!notice.stdout.contains("not for everybody"));
    let id = notice.json()["sections"][0]["entries"][0]["id"].as_str().unwrap().to_owned();
    let edit = |set: &str| {
        let discharges = cli.run(&["show", "discharges", "--json"]).success().json();
        let discharge = discharges["sections"][0]["entries"][0]["id"].as_str().unwrap().to_owned();
        cli.run(&["edit", &discharge, "--set", set, "--json"]).success()
    };
    let set = |entry: &str, set: &str| cli.run(&["edit", entry, "--set", set, "--json"]).success();
    // What the notice repeats changes with the discharge; what it does not say does not.
    assert_eq!(edit("discharged_on=2026-11-21").json()["notice"], id.as_str());
    assert_eq!(edit("diagnoses=something else").json()["notice"], serde_json::Value::Null);
    let _ = set(&id, "state=followed-up");
    let _ = edit("follow_up_due=2026-11-23");
    let fields = cli.run(&["show", &id, "--json"]).success().json();
    let fields = &fields["sections"][0]["entries"][0]["fields"];
    assert_eq!(fields["discharged_on"]["value"], "2026-11-21");
    assert_eq!(fields["follow_up_due"]["value"], "2026-11-23");
    assert_eq!(fields["state"]["value"], "followed-up", "what was said since stays");
    // A notice that is not surely its own stays, and that is said.
    let _ = set(&id, "discharged_on=2026-10-01");
    let left = edit("discharged_on=2026-11-22");
    assert!(left.stderr.contains("show discharge-notice"), "{left:#?}");
    assert_eq!(left.json()["notice"], serde_json::Value::Null);
}

#[test]
fn a_locked_or_missing_passport_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let missing = home(&folder, "none").run(&["show"]);
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let wrong = cli.clone().env("PASSPORT_PASSPHRASE", "wrong").run(&["show", "--json"]);
    assert_eq!(wrong.code, Some(10), "{wrong:#?}");
    assert_eq!(wrong.error_json()["error"]["code"], "vault_locked");
    let again = cli.run(&["init", "--name", "Somebody Else"]);
    assert_eq!(again.code, Some(1), "{again:#?}");
    let _ = cli.run(&["status", "--json"]).success().json();
}

#[test]
fn nothing_of_the_record_is_readable_in_the_home() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let _ = cli.run(&["add", "medications", "--set", "item=Sertraline"]).success();
    for file in std::fs::read_dir(cli.home()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in ["Sertraline", "Ada Example", "2005-03-14"] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{secret}");
        }
    }
}

fn file_about(name: &str, born: &str) -> String {
    serde_json::json!({
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {
                "resourceType": "Patient", "id": "1", "birthDate": born, "name": [{"text": name}]}},
            {"fullUrl": "urn:uuid:2", "resource": {
                "resourceType": "AllergyIntolerance", "id": "2",
                "patient": {"reference": "urn:uuid:1"},
                "code": {"text": "Penicillin"}}},
            {"fullUrl": "urn:uuid:3", "resource": {
                "resourceType": "Encounter", "id": "3", "status": "finished",
                "class": {"code": "IMP"},
                "serviceType": {"text": "Adult mental health"},
                "subject": {"reference": "urn:uuid:1"},
                "period": {"start": "2026-11-01", "end": "2026-11-18"},
                "hospitalization": {"dischargeDisposition": {"text": "Home"}}}}
        ]
    })
    .to_string()
}

#[test]
fn an_import_says_what_went_where_and_knows_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let file = folder.path().join("record.json");
    std::fs::write(&file, file_about("Ada Example", "2005-03-14")).unwrap();
    let file = file.to_str().unwrap();
    let before = cli.run(&["show", "--json"]).success().stdout;
    let dry = cli.run(&["import", file, "--dry-run", "--json"]).success().json();
    assert_eq!(cli.run(&["show", "--json"]).success().stdout, before);
    let real = cli.run(&["import", file, "--json"]).success().json();
    let sections = |answer: &serde_json::Value| -> Vec<String> {
        let entries = answer["entries"].as_array().unwrap();
        entries.iter().map(|e| e["section"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sections(&dry), sections(&real));
    for section in ["allergies", "discharges", "discharge-notice"] {
        assert!(sections(&real).iter().any(|s| s == section), "{section} in {real}");
    }
    let again = cli.run(&["import", file, "--json"]).success().json();
    assert_eq!(again["entries"], serde_json::json!([]), "{again}");
}

#[test]
fn another_persons_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let file = folder.path().join("record.json");
    std::fs::write(&file, file_about("Bob Other", "1999-01-01")).unwrap();
    let file = file.to_str().unwrap();
    let vault = || std::fs::read(cli.home().join("vault.db")).unwrap();
    let (shown, bytes) = (cli.run(&["show", "--json"]).success().stdout, vault());
    let refused = cli.run(&["import", file, "--yes"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("--same-person"), "{refused:#?}");
    assert!(!refused.stderr.contains("Bob"), "{refused:#?}");
    assert_eq!(cli.run(&["show", "--json"]).success().stdout, shown);
    assert!(vault() == bytes, "the vault's file changed");
    let _ = cli.run(&["import", file, "--same-person"]).success();
}

#[test]
fn the_record_is_exported_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (cli, _) = begun(&folder, "phone", NOBODY);
    let _ = cli.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let file = folder.path().join("out.json");
    let file = file.to_str().unwrap();
    let _ = cli.run(&["export", "--format", "fhir", "-o", file]).success();
    let (other, _) = begun(&folder, "laptop", NOBODY);
    let taken = other.run(&["import", file, "--json"]).success().json();
    assert_eq!(taken["entries"][0]["section"], "allergies", "{taken}");
    // Read back where it came from, it has nothing new, whoever else it has taken in.
    let foreign = folder.path().join("foreign.json");
    std::fs::write(&foreign, file_about("Bob Other", "1999-01-01")).unwrap();
    let _ = cli.run(&["import", foreign.to_str().unwrap(), "--same-person"]).success();
    for add in
        [["x-diary", "text=hello"], ["contacts", "name=Mum"], ["about-me", "matters_most=tea"]]
    {
        let _ = cli.run(&["add", add[0], "--set", add[1]]).success();
    }
    let written = cli.run(&["export", "--format", "fhir", "-o", file, "--json"]).success().json();
    assert_eq!(written["conflicts"], serde_json::json!([]));
    let before = cli.run(&["show", "--json"]).success().stdout;
    for import in [&["import", file, "--json"][..], &["import", file, "--same-person", "--json"]] {
        let again = cli.run(import).success().json();
        assert_eq!(again["entries"], serde_json::json!([]), "{again}");
        assert_eq!(again["updated"], serde_json::json!([]), "{again}");
    }
    assert_eq!(cli.run(&["show", "--json"]).success().stdout, before);
    let json = cli.run(&["export", "--format", "json", "-o", "-"]).success().json();
    assert_eq!(json["holder"]["name"], "Ada Example");
}
