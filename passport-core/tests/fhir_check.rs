//! The checker: no false alarm on official examples, and one defect at a time is found.
#![cfg(feature = "fhir")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a test says what must hold")]

use std::path::{Path, PathBuf};

use passport_core::fhir::check::{Finding, Severity, check};
use passport_core::fhir::export::{
    ExportConsent, ExportEntry, ExportOrganisation, ExportSubject, Summary, summary,
};
use passport_core::fhir::import;
use passport_core::id::EntryId;
use passport_core::time::Timestamp;
use serde_json::{Value as Json, json};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PASSPORT_FHIR_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PASSPORT_FHIR_CORPUS is not set");
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

fn errors(bytes: &[u8]) -> Vec<Finding> {
    let report = check(bytes).unwrap();
    report.findings.into_iter().filter(|f| f.severity == Severity::Error).collect()
}

#[test]
fn official_examples_raise_no_false_alarm() {
    let Some(corpus) = corpus() else { return };
    let mut checked = 0;
    for folder in ["ips-ig-2.0.1", "nhsengland-scr-ips", "ukcore-examples"] {
        for path in files(&corpus.join(folder)) {
            let mut found = errors(&std::fs::read(&path).unwrap());
            if path.ends_with("SCRSummary.json") {
                // Its NHS number is 1234567890, whose check digit is wrong indeed.
                assert_eq!(found.remove(0).rule, "nhs-number");
            }
            assert_eq!(found, [], "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 20, "{checked} files");
}

#[test]
fn what_is_right_and_seldom_raises_no_false_alarm() {
    let born = r#"<Patient xmlns="http://hl7.org/fhir"><birthDate><extension
        url="http://hl7.org/fhir/StructureDefinition/patient-birthTime"><valueDateTime
        value="2002-03-11T15:39:00Z"/></extension></birthDate></Patient>"#;
    let answer = json!({ "resourceType": "Bundle", "type": "batch-response", "entry": [
        { "response": { "status": "404", "outcome": { "resourceType": "OperationOutcome",
            "issue": [{ "severity": "error", "code": "not-found" }] } } },
    ] });
    for file in [born.to_owned(), answer.to_string()] {
        assert_eq!(errors(file.as_bytes()), [], "{file}");
    }
}

/// Entries as an export takes them.
fn entries(file: &[u8]) -> Vec<ExportEntry> {
    let drafts = import::read(file).unwrap().drafts;
    drafts
        .into_iter()
        .zip(1u8..)
        .map(|(d, n)| ExportEntry {
            id: EntryId::from_bytes([n; 16]),
            section: d.section,
            kind: d.kind.to_owned(),
            fields: d.fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
            conflicts: std::collections::BTreeMap::new(),
            author_name: "Elm Street Surgery".into(),
            recorded_at: Timestamp::from_seconds(1_790_000_000),
            attested: true,
            proof: None,
            data: None,
        })
        .collect()
}

fn summary_of(entries: &[ExportEntry]) -> Json {
    let mut sections: Vec<_> = entries.iter().map(|e| e.section.clone()).collect();
    sections.dedup();
    let from = Timestamp::from_seconds(1_790_000_000);
    summary(&Summary {
        subject: &ExportSubject::default(),
        entries,
        sections: &sections,
        organisation: Some(&ExportOrganisation {
            id: "ab".repeat(32),
            name: "Campus Medical".into(),
            ods: Some("A12345".into()),
        }),
        consents: &[ExportConsent {
            id: "cd".repeat(16),
            section: "medications".parse().unwrap(),
            purpose: "care while at university".into(),
            from,
            until: Some(Timestamp::from_seconds(1_800_000_000)),
        }],
        at: from,
    })
}

/// A record with something of most kinds.
fn record() -> Json {
    let subject = json!({ "reference": "Patient/p" });
    let coded = |system: &str, code: &str, words: &str| {
        json!({
        "coding": [{ "system": system, "code": code, "display": words }] })
    };
    let sct = "http://snomed.info/sct";
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    let resources = [
        json!({ "resourceType": "Patient", "id": "p", "birthDate": "2005-03-04",
            "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9434765919" }],
            "name": [{ "use": "official", "family": "Example", "given": ["Ada"] }],
            "telecom": [{ "system": "phone", "value": "01632 960000" }] }),
        json!({ "resourceType": "Condition", "id": "c", "subject": subject,
            "clinicalStatus": coded(clinical, "active", "Active"),
            "code": coded(sct, "35489007", "Depressive disorder"), "onsetDateTime": "2024-05" }),
        json!({ "resourceType": "AllergyIntolerance", "id": "a", "patient": subject,
            "clinicalStatus": coded(
                "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active", "Active"),
            "code": coded(sct, "256349002", "Peanut - dietary"),
            "reaction": [{ "manifestation": [{ "text": "Hives" }], "severity": "mild" }] }),
        json!({ "resourceType": "MedicationStatement", "id": "m", "status": "active",
            "identifier": [{ "system": "https://example.org/id", "value": "1" }],
            "medicationCodeableConcept": { "text": "Sertraline 50 mg tablets" },
            "effectivePeriod": { "start": "2026-01-02", "end": "2026-05" }, "subject": subject,
            "dosage": [{ "text": "One a day", "doseAndRate": [{ "doseQuantity": {
                "value": 50, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg" } }] }] }),
        json!({ "resourceType": "Immunization", "id": "i", "status": "completed", "patient": subject,
            "vaccineCode": { "text": "MenACWY" }, "occurrenceDateTime": "2023-09-01" }),
        json!({ "resourceType": "Observation", "id": "o", "status": "final", "subject": subject,
            "code": { "text": "PHQ-9" }, "valueQuantity": { "value": 12 },
            "effectiveDateTime": "2026-10-01T10:00:00Z" }),
        json!({ "resourceType": "Encounter", "id": "e", "status": "finished", "subject": subject,
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" },
            "period": { "start": "2026-09-01", "end": "2026-09-02" } }),
        json!({ "resourceType": "Flag", "id": "f", "status": "active", "subject": subject,
            "code": { "text": "Lives alone" } }),
    ];
    let entry: Vec<_> = resources.iter().map(|r| json!({ "resource": r })).collect();
    json!({ "resourceType": "Bundle", "type": "collection", "entry": entry })
}

/// A defect: where, and what stands there instead; nothing for a member that is taken out.
type Defect = (&'static str, &'static str, Option<Json>);

/// In a resource of this kind, or in the bundle itself.
#[expect(clippy::too_many_lines, reason = "a list of defects")]
fn defects() -> Vec<Defect> {
    let code = |system: &str, code: &str| json!({ "coding": [{ "system": system, "code": code }] });
    let put = |v: Json| Some(v);
    vec![
        ("Bundle", "/type", None),
        ("Bundle", "/type", put(json!("bundle"))),
        ("Bundle", "/timestamp", None),
        ("Bundle", "/timestamp", put(json!("2026-10-03"))),
        ("Bundle", "/identifier", None),
        ("Bundle", "/identifier/system", None),
        ("Bundle", "/total", put(json!(3))),
        ("Bundle", "/entry/0/resource", None),
        ("Bundle", "/entry/1/fullUrl", None),
        ("Bundle", "/entry/1/fullUrl", put(json!("Patient/1"))),
        ("Bundle", "/entry/2/search", put(json!({ "mode": "match" }))),
        ("Bundle", "/entry/2/request", put(json!({ "method": "PUT", "url": "x" }))),
        ("Composition", "/status", None),
        ("Composition", "/status", put(json!("done"))),
        ("Composition", "/title", None),
        ("Composition", "/date", put(json!("yesterday"))),
        ("Composition", "/author", None),
        (
            "Composition",
            "/author/0/reference",
            put(json!("urn:uuid:00000000-0000-4000-8000-000000000000")),
        ),
        ("Composition", "/subject", None),
        ("Composition", "/subject/reference", put(json!("Patient/nobody"))),
        ("Composition", "/type/coding", None),
        ("Composition", "/section", None),
        ("Composition", "/section/0/title", None),
        ("Composition", "/section/0/code", None),
        ("Composition", "/section/0/text", None),
        ("Composition", "/section/0/text/status", put(json!("made"))),
        ("Composition", "/section/0/text/div", put(json!("<div>unclosed <b>words</div>"))),
        ("Composition", "/section/0/text/div", put(json!("<div><script>x</script></div>"))),
        ("Composition", "/section/0/entry", None),
        (
            "Composition",
            "/section/0/entry/0/reference",
            put(json!("urn:uuid:00000000-0000-4000-8000-000000000000")),
        ),
        (
            "Composition",
            "/section/0/emptyReason",
            put(code("http://terminology.hl7.org/CodeSystem/list-empty-reason", "nilknown")),
        ),
        ("Patient", "/birthDate", put(json!("04/03/2005"))),
        ("Patient", "/birthDate", None),
        ("Patient", "/name", None),
        ("Patient", "/gender", put(json!("f"))),
        ("Patient", "/identifier/0/value", put(json!("9434765918"))),
        ("Patient", "/identifier/0/system", put(json!("nhs-number"))),
        ("Patient", "/telecom/0/system", None),
        ("Patient", "/nhsNumber", put(json!("9434765919"))),
        ("Condition", "/subject", None),
        ("Condition", "/code", None),
        (
            "Condition",
            "/clinicalStatus",
            put(code("http://terminology.hl7.org/CodeSystem/condition-clinical", "current")),
        ),
        ("Condition", "/abatementDateTime", put(json!("2025"))),
        ("Condition", "/onsetString", put(json!("long ago"))),
        ("Condition", "/onsetDateTime", put(json!("2024-13"))),
        ("Condition", "/code/coding/0/code", put(json!("35489008"))),
        ("Condition", "/code/coding/0/system", put(json!("SNOMED"))),
        (
            "Condition",
            "/verificationStatus",
            put(code(
                "http://terminology.hl7.org/CodeSystem/condition-ver-status",
                "entered-in-error",
            )),
        ),
        ("AllergyIntolerance", "/patient", None),
        ("AllergyIntolerance", "/clinicalStatus", None),
        ("AllergyIntolerance", "/criticality", put(json!("severe"))),
        ("AllergyIntolerance", "/reaction/0/manifestation", None),
        ("AllergyIntolerance", "/reaction/0/severity", put(json!("bad"))),
        ("MedicationStatement", "/status", put(json!("current"))),
        ("MedicationStatement", "/medicationCodeableConcept", None),
        ("MedicationStatement", "/effectivePeriod", None),
        ("MedicationStatement", "/effectivePeriod/end", put(json!("2025-12"))),
        ("MedicationStatement", "/dosage", put(json!({ "text": "One a day" }))),
        ("MedicationStatement", "/dosage/0/doseAndRate/0/doseQuantity/value", put(json!("50"))),
        ("MedicationStatement", "/dosage/0/doseAndRate/0/doseQuantity/system", None),
        ("MedicationStatement", "/identifier/0/value", None),
        ("Immunization", "/vaccineCode", None),
        ("Immunization", "/occurrenceDateTime", None),
        ("Immunization", "/status", put(json!("not-done"))),
        ("Observation", "/status", None),
        ("Observation", "/dataAbsentReason", put(json!({ "text": "not done" }))),
        ("Observation", "/effectiveDateTime", put(json!("2026-10-01T10:00:00"))),
        ("Observation", "/note", put(json!([{ "txt": "x" }]))),
        ("Encounter", "/class", None),
        ("Encounter", "/period/end", put(json!("2026-08-31"))),
        ("Flag", "/status", put(json!("inactive"))),
        ("Flag", "/extension", put(json!([{ "url": "https://example.org/x" }]))),
        (
            "Flag",
            "/contained",
            put(json!([{ "resourceType": "Organization", "id": "x", "name": "X" }])),
        ),
        ("Organization", "/name", None),
        ("Consent", "/scope", None),
        ("Consent", "/category", put(json!([]))),
        ("Provenance", "/recorded", put(json!("2026"))),
        (
            "Provenance",
            "/target/0/reference",
            put(json!("urn:uuid:00000000-0000-4000-8000-000000000000")),
        ),
    ]
}

/// The bundle with one defect, if there is such a place.
fn broken(valid: &Json, (kind, pointer, instead): &Defect) -> Option<Json> {
    let mut made = valid.clone();
    let at = if *kind == "Bundle" {
        &mut made
    } else {
        let entries = made.get_mut("entry").unwrap().as_array_mut().unwrap();
        let mut resources = entries.iter_mut().filter_map(|e| e.get_mut("resource"));
        resources.find(|r| r.get("resourceType").is_some_and(|t| t == kind))?
    };
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = at.pointer_mut(parent)?.as_object_mut()?;
    match instead {
        Some(value) => drop(parent.insert(name.to_owned(), value.clone())),
        None => drop(parent.remove(name)?),
    }
    Some(made)
}

#[test]
fn one_defect_at_a_time_is_found() {
    let valid = summary_of(&entries(record().to_string().as_bytes()));
    assert_eq!(errors(valid.to_string().as_bytes()), []);
    let mut missed = Vec::new();
    let defects = defects();
    for defect in &defects {
        let made = broken(&valid, defect);
        assert!(made.is_some(), "no such place: {} {}", defect.0, defect.1);
        let made = made.unwrap();
        if errors(made.to_string().as_bytes()).is_empty() {
            missed.push((defect.0, defect.1, defect.2.clone()));
        }
    }
    println!("{} of {} defects found", defects.len() - missed.len(), defects.len());
    assert!(missed.len() * 20 <= defects.len(), "missed: {missed:#?}");
}

#[test]
fn what_official_examples_say_goes_out_without_an_error() {
    let Some(corpus) = corpus() else { return };
    for folder in ["ips-ig-2.0.1", "ukcore-examples"] {
        for path in files(&corpus.join(folder)) {
            let entries = entries(&std::fs::read(&path).unwrap());
            let written = summary_of(&entries).to_string();
            assert_eq!(errors(written.as_bytes()), [], "{}", path.display());
        }
    }
}
