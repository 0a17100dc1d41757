//! Files that this project did not write, read from the folder in `PASSPORT_FHIR_CORPUS`.
#![cfg(feature = "fhir")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what must hold")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use passport_core::fhir::import::{self, Draft, Import, ImportError};
use passport_core::fhir::smart::{Received, jwe, recognise};
use passport_core::fhir::{Holder, Identity, Mismatch, same_person};
use passport_core::section::Value;

/// The corpus, or nothing where there is none.
fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PASSPORT_FHIR_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PASSPORT_FHIR_CORPUS is not set");
    }
    folder
}

fn fhir_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            fhir_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "json" || e == "xml") {
            found.push(path);
        }
    }
}

/// Resources in a file, counted apart from the code under test.
fn count(json: &serde_json::Value) -> usize {
    let inside = json
        .get("entry")
        .and_then(serde_json::Value::as_array)
        .filter(|_| json.get("resourceType").is_some_and(|t| t == "Bundle"));
    1 + inside.map_or(0, |entries| entries.iter().map(|e| e.get("resource").map_or(1, count)).sum())
}

fn read(corpus: &Path, name: &str) -> Import {
    match import::read(&std::fs::read(corpus.join(name)).unwrap()) {
        Ok(import) => import,
        Err(error) => panic!("{name}: {error}"),
    }
}

fn of<'a>(import: &'a Import, section: &str, kind: &str) -> Vec<&'a Draft> {
    import.drafts.iter().filter(|d| d.section.as_str() == section && d.kind == kind).collect()
}

fn words(draft: &Draft, field: &str) -> String {
    draft.fields.get(field).map(passport_core::section::display::display_value).unwrap_or_default()
}

#[test]
fn every_resource_is_placed_kept_or_skipped_with_a_reason() {
    let Some(corpus) = corpus() else { return };
    let mut files = Vec::new();
    fhir_files(&corpus, &mut files);
    assert!(files.len() > 30, "{} files", files.len());
    println!("{:>5} {:>6} {:>5} {:>7} {:>7}  file", "total", "placed", "kept", "skipped", "drafts");
    for path in files {
        let name = path.strip_prefix(&corpus).unwrap().display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        let import = match import::read(&bytes) {
            Ok(import) => import,
            Err(error) => {
                println!("{:>36}  {name}: {error}", "refused");
                continue;
            }
        };
        let tally = import.tally;
        println!(
            "{:>5} {:>6} {:>5} {:>7} {:>7}  {name}",
            tally.resources,
            tally.placed,
            tally.kept,
            tally.skipped,
            import.drafts.len()
        );
        for skipped in &import.skipped {
            println!("{:>36}  {}: {}", "", skipped.resource, skipped.reason);
        }
        assert_eq!(tally.resources, tally.placed + tally.kept + tally.skipped, "{name}");
        if let Ok(json) = serde_json::from_slice(&bytes) {
            assert_eq!(tally.resources, count(&json), "{name}");
        }
        for draft in &import.drafts {
            let kind = draft.section.spec().kind(draft.kind).unwrap();
            for (field, value) in &draft.fields {
                assert!(kind.field(field).unwrap().kind.admits(value), "{name}: {field}");
                assert!(value.check().is_ok(), "{name}: {field}");
            }
        }
        let notices = of(&import, "discharge-notice", "notice");
        assert_eq!(notices.len(), of(&import, "discharges", "discharge").len(), "{name}");
        for notice in notices {
            for field in notice.fields.keys() {
                assert!(["discharged_on", "setting", "state", "identifier"].contains(field));
            }
        }
    }
}

#[test]
fn a_stay_with_a_disposition_is_a_discharge_and_a_notice() {
    let Some(corpus) = corpus() else { return };
    let import = read(&corpus, "ktc-patient-shared/encounter-imp-hospitalization.json");
    let [discharge] = of(&import, "discharges", "discharge")[..] else { panic!("no discharge") };
    assert!(words(discharge, "discharged_on").starts_with("2025-06-19"));
    assert_eq!(words(discharge, "reason"), "Community-acquired pneumonia");
    assert!(!words(discharge, "destination").is_empty());
    let [notice] = of(&import, "discharge-notice", "notice")[..] else { panic!("no notice") };
    assert_eq!(words(notice, "discharged_on"), "2025-06-19");
    assert_eq!(words(notice, "setting"), "acute");
    let said: Vec<_> = notice.fields.values().map(|v| format!("{v:?}").to_lowercase()).collect();
    assert!(!said.concat().contains("pneumonia") && !said.concat().contains("enc-2025"));

    let attendance = read(&corpus, "ktc-patient-shared/encounter-emer-discharge.json");
    assert!(of(&attendance, "discharges", "discharge").is_empty());
    let [visit] = of(&attendance, "care-history", "encounter")[..] else { panic!("no visit") };
    assert_eq!(words(visit, "class"), "attendance");

    let stay = read(&corpus, "ips-connectathon/UK_NHSx_IPS_Example_01-modified.json");
    let [stay] = of(&stay, "care-history", "encounter")[..] else { panic!("no stay") };
    assert_eq!(words(stay, "possible_discharge"), "yes");
}

#[test]
fn a_summary_fills_a_passport_of_its_own_and_is_refused_for_somebody_else() {
    let Some(corpus) = corpus() else { return };
    for (name, label, born, expected) in [
        (
            "ips-connectathon/UK_NHSx_IPS_Example_01-modified.json",
            "Horace SKELLY",
            "1925-04-21",
            &[
                ("problems", "problem", 4),
                ("medications", "medication", 4),
                ("contacts", "contact", 1),
            ][..],
        ),
        (
            "nhsengland-scr-ips/SCRSummary.json",
            "John Smith",
            "1970-01-01",
            &[
                ("problems", "problem", 2),
                ("allergies", "allergy", 2),
                ("medications", "medication", 2),
                ("immunisations", "immunisation", 2),
                ("results", "result", 3),
            ],
        ),
    ] {
        let import = read(&corpus, name);
        for (section, kind, number) in expected {
            assert_eq!(of(&import, section, kind).len(), *number, "{name} {section}");
        }
        for medicine in of(&import, "medications", "medication") {
            assert!(!words(medicine, "item").is_empty(), "{name}");
        }
        assert_eq!(words(of(&import, "identity", "person")[0], "name"), label);
        let own = Holder {
            names: vec![label.to_owned()],
            date_of_birth: born.parse().ok(),
            nhs_number: None,
        };
        assert_eq!(same_person(&import.subject, &own), Identity::Same, "{name}");
        let other = Holder {
            names: vec!["Amina Khan".into()],
            date_of_birth: "2005-03-04".parse().ok(),
            nhs_number: "9434765919".parse().ok(),
        };
        assert!(matches!(same_person(&import.subject, &other), Identity::Other { .. }), "{name}");
        let namesake = Holder { date_of_birth: None, names: other.names, nhs_number: None };
        let why = Mismatch::Name;
        assert_eq!(same_person(&import.subject, &namesake), Identity::Other { why }, "{name}");
    }
    let invalid = read(&corpus, "nhsengland-scr-ips/SCRSummary.json");
    let person = of(&invalid, "identity", "person")[0];
    assert_eq!(words(person, "nhs_number"), "1234567890");
    assert_eq!(words(person, "nhs_number_status"), "invalid");
    assert!(invalid.subject.nhs_number.is_none());
}

#[test]
fn discharges_that_hospitals_send_today_are_recognised() {
    let Some(corpus) = corpus() else { return };
    for (name, setting) in [
        ("itk-transfer-of-care-stu3/ITK-MH-Document-Bundle-Example-1.xml", "mental-health"),
        ("itk-transfer-of-care-stu3/ITK-EDIS-Example-1.xml", "acute"),
    ] {
        let import = read(&corpus, name);
        let [discharge] = of(&import, "discharges", "discharge")[..] else { panic!("{name}") };
        let [notice] = of(&import, "discharge-notice", "notice")[..] else { panic!("{name}") };
        assert_eq!(words(notice, "setting"), setting, "{name}");
        assert!(words(discharge, "discharged_on").starts_with(&words(notice, "discharged_on")));
        assert!(!of(&import, "medications", "medication").is_empty(), "{name}");
        assert!(!import.subject.names.is_empty(), "{name}");
        for field in ["diagnoses", "medicine_changes", "follow_up", "told", "note"] {
            assert!(!words(discharge, field).is_empty(), "{name}: {field}");
        }
    }
    let letter = read(&corpus, "itk-transfer-of-care-stu3/ITK-MH-Document-Bundle-Example-1.xml");
    let [discharge] = of(&letter, "discharges", "discharge")[..] else { panic!("no discharge") };
    assert_eq!(words(discharge, "legal_status"), "Informal");
    assert!(words(discharge, "diagnoses").contains("Severe depressive episode"));
    let [risk] = of(&letter, "risks", "risk")[..] else { panic!("no risk") };
    assert!(words(risk, "detail").starts_with("Risks to self: Has taken an overdose"));
    let [practice] = of(&letter, "registrations", "registration")[..] else {
        panic!("no practice")
    };
    assert_eq!(words(practice, "practice"), "MGP Medical Centre");
}

#[test]
fn adjustments_referrals_and_teams_have_their_sections() {
    let Some(corpus) = corpus() else { return };
    let flags = read(&corpus, "nhsengland/AddRARecordTransaction-Bundle-Example.xml");
    let [impairment] = of(&flags, "adjustments", "impairment")[..] else { panic!("no impairment") };
    assert!(words(impairment, "impairment").starts_with("Learning or understanding"));
    let adjustments = of(&flags, "adjustments", "adjustment");
    assert!(adjustments.iter().any(|a| words(a, "adjustment").starts_with("Requires support")));
    assert!(of(&flags, "risks", "risk").is_empty() && of(&flags, "problems", "problem").is_empty());
    let name = "itk-transfer-of-care-stu3/Hospital-To-MentalHealth-Referral-Example-9658218881.xml";
    let referrals = read(&corpus, name);
    let [referral] = of(&referrals, "care-history", "referral")[..] else { panic!("no referral") };
    assert!(!words(referral, "service").is_empty());
    let team = read(&corpus, "us-behavioral-health/bh-care-team-example-1.xml");
    let [team] = of(&team, "contacts", "professional")[..] else { panic!("no team") };
    assert!(words(team, "role").starts_with("Wise Owl, MD (Adult intensive care"));
}

#[test]
fn none_known_and_no_information_are_told_apart() {
    let Some(corpus) = corpus() else { return };
    let sections = ["problems", "allergies", "medications"];
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for name in [
        "ips-connectathon/NZ_Peter_Jordan_AAA1234.json",
        "hl7-test-cases/ips-link.json",
        "ips-connectathon/Bundle-NZPSNoClinicalInfoBundle.json",
        "ips-connectathon/Bundle-aups-section-emptyreason.json",
        "ips-ig-2.0.1/Bundle-bundle-no-info-required-sections.json",
    ] {
        let import = read(&corpus, name);
        for kind in ["none-known", "no-information"] {
            let number: usize = sections.iter().map(|s| of(&import, s, kind).len()).sum();
            *seen.entry(kind).or_default() += number;
            println!("{name}: {number} {kind}");
        }
    }
    assert!(seen.values().all(|n| *n > 0), "{seen:?}");
}

#[test]
fn every_original_is_kept_word_for_word() {
    let Some(corpus) = corpus() else { return };
    let name = "ips-ig-2.0.1/Bundle-bundle-ips-all-sections.json";
    let text = std::fs::read_to_string(corpus.join(name)).unwrap();
    for draft in read(&corpus, name).drafts {
        let Some(Value::Source { content, .. }) = draft.fields.get("source") else { continue };
        let derived = ["Patient/", "Composition/", "Bundle/", "DocumentReference/"];
        if !derived.iter().any(|d| draft.resource.starts_with(d)) {
            assert!(text.contains(content.as_str()), "{}", draft.resource);
        }
    }
}

/// The examples of HL7's guide: a link with a key, the file that it leads to, and a card.
#[test]
fn a_link_and_a_card_of_the_guide_open() {
    let Some(corpus) = corpus() else { return };
    let file = |name: &str| std::fs::read(corpus.join("shl-vectors").join(name)).unwrap();
    let Ok(Received::Link(link)) = recognise(&file("IPS_IG-bundle-01-shl.txt")) else {
        panic!("no link")
    };
    assert!(link.flags.long && link.flags.direct && !link.flags.passcode);
    assert_eq!(link.label, "Demo SHL for IPS_IG-bundle-01");
    let sealed = String::from_utf8(file("IPS_IG-bundle-01-enc.txt")).unwrap();
    let opened = jwe::decrypt(&sealed, &link.key).map_err(|e| e.to_string());
    let bundle = opened.unwrap_or_else(|error| panic!("{error}")).bytes;
    assert!(
        !of(&import::read(&bundle).unwrap_or_else(|e| panic!("{e}")), "results", "result")
            .is_empty()
    );
    let Ok(Received::Cards(cards)) = recognise(&file("CARIN_INS_CD-bundle-01-enc.txt")) else {
        panic!("no card")
    };
    assert!(cards[0].issuer().starts_with("https://"), "{}", cards[0].issuer());
    // An insurance card of two patients, each under a name.
    assert!(import::read(cards[0].bundle()).err() == Some(ImportError::SeveralPeople));
}
