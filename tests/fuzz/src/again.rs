//! That what was read goes out, comes in again as it was, and is known again.

use std::collections::BTreeMap;

use passport_core::fhir::export::{ExportEntry, ExportSubject, Summary, bundle, summary};
use passport_core::fhir::import::{self, Draft};
use passport_core::fhir::{Existing, Step, plan};
use passport_core::id::EntryId;
use passport_core::section::{SectionName, Value};
use passport_core::time::Timestamp;

use super::xml;

/// When everything is exported.
const AT: Timestamp = Timestamp::from_seconds(1_790_000_000);

/// What an entry says, without where it came from.
type Said = (String, String, BTreeMap<String, Value>);

/// Reads a record, exports what came of it in both forms, and reads it again.
pub fn again(bytes: &[u8]) {
    let Ok(import) = import::read(bytes) else { return };
    xml::reads_alike(bytes, &import);
    let entries = entries(&import.drafts);
    let mut expected: Vec<Said> =
        entries.iter().map(|e| said(&e.section, &e.kind, e.fields.clone())).collect();
    expected.sort();
    let mut sections: Vec<_> = entries.iter().map(|e| e.section.clone()).collect();
    sections.sort();
    sections.dedup();
    let subject = ExportSubject::default();
    let whole = Summary {
        subject: &subject,
        entries: &entries,
        sections: &sections,
        organisation: None,
        consents: &[],
        at: AT,
    };
    for written in [bundle(&subject, &entries, AT), summary(&whole)].map(|json| json.to_string()) {
        let drafts = match import::read(written.as_bytes()) {
            Ok(read) => read.drafts,
            Err(error) => panic!("goes out as what cannot be read: {error}\n{written}"),
        };
        let mut found: Vec<Said> = drafts
            .iter()
            .filter(|d| d.resource != "Provenance")
            .map(|d| said(&d.section, d.kind, entry_fields(d)))
            .collect();
        found.sort();
        assert!(expected == found, "{}", differences(&expected, &found, &written));
        known(drafts, &entries, &written);
    }
}

/// What one's own export has is known.
fn known(drafts: Vec<Draft>, entries: &[ExportEntry], written: &str) {
    let existing: Vec<Existing> = entries
        .iter()
        .map(|e| Existing {
            id: e.id,
            section: e.section.clone(),
            kind: e.kind.clone(),
            fields: e.fields.clone(),
        })
        .collect();
    for step in plan(drafts, &existing) {
        let Step::Add(draft) = step else { continue };
        panic!("one's own {} in {} is new\n{written}", draft.kind, draft.section);
    }
}

fn entries(drafts: &[Draft]) -> Vec<ExportEntry> {
    let entry = |(draft, n): (&Draft, u64)| ExportEntry {
        id: id(n),
        section: draft.section.clone(),
        kind: draft.kind.to_owned(),
        fields: entry_fields(draft),
        conflicts: BTreeMap::new(),
        author_name: "Elm Street Surgery".into(),
        recorded_at: AT,
        attested: false,
        proof: None,
        data: None,
    };
    drafts.iter().zip(1..).map(entry).collect()
}

fn id(n: u64) -> EntryId {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    EntryId::from_bytes(bytes)
}

pub(super) fn entry_fields(draft: &Draft) -> BTreeMap<String, Value> {
    draft.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn said(section: &SectionName, kind: &str, mut fields: BTreeMap<String, Value>) -> Said {
    fields.remove("source");
    let is_ours = |value: &Value| matches!(value, Value::Text(t) if t.starts_with("urn:student-passport:") || t.ends_with("/holder"));
    // A person is found again by the NHS number, and an entry that came without an identifier gets
    // one of ours.
    let is_person = (section.as_str(), kind) == ("identity", "person");
    if is_person
        || section.as_str() == "discharge-notice"
        || fields.get("identifier").is_some_and(is_ours)
    {
        fields.remove("identifier");
    }
    (section.to_string(), kind.to_owned(), fields)
}

fn differences(expected: &[Said], found: &[Said], written: &str) -> String {
    let lost: Vec<_> = expected.iter().filter(|e| !found.contains(e)).collect();
    let new: Vec<_> = found.iter().filter(|f| !expected.contains(f)).collect();
    format!(
        "went out: {lost:#?}\ncame back: {new:#?}\n{} and {}\n{written}",
        expected.len(),
        found.len()
    )
}
