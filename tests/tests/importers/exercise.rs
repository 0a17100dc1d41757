//! What is done with a case, and what must hold whatever it is.

use std::collections::BTreeMap;

use passport_core::fhir::check::{self, check};
use passport_core::fhir::export::{ExportEntry, ExportSubject, bundle};
use passport_core::fhir::import::{self, Draft, Import};
use passport_core::fhir::smart::{IssuerKeys, Manifest, Received, jwe, recognise};
use passport_core::fhir::{Existing, Holder, plan, proof, same_person};
use passport_core::id::EntryId;
use passport_core::section::Value;
use passport_core::time::Timestamp;

use super::samples::KEY;

/// Bytes that a case may come to, for each of its own, and in any case.
const SWELLS: (usize, usize) = (64, 256 * 1024);

/// What came of a case.
pub(super) struct Outcome {
    /// Whether anything was read.
    pub(super) read: bool,
    /// How many entries that made.
    pub(super) entries: u64,
}

/// Gives a case to every reader there is.
pub(super) fn exercise(bytes: &[u8], number: u64) -> Outcome {
    let mut out = Outcome { read: false, entries: 0 };
    match recognise(bytes) {
        Ok(Received::Fhir) => record(bytes, number, &mut out),
        Ok(Received::Cards(cards)) => {
            assert!(!cards.is_empty());
            for card in cards {
                record(card.bundle(), number, &mut out);
            }
        }
        Ok(Received::Link(link)) => {
            out.read = true;
            let written = link.to_text().unwrap();
            let Ok(Received::Link(again)) = recognise(written.as_bytes()) else {
                panic!("a link that was read is none when it is written")
            };
            assert!(again.key == link.key && again.url == link.url && again.until == link.until);
        }
        Err(_) => {}
    }
    if let Some(opened) = core::str::from_utf8(bytes).ok().and_then(|t| jwe::decrypt(t, &KEY).ok())
    {
        record(&opened.bytes, number, &mut out);
    }
    out.read |= Manifest::parse(bytes).is_ok() || IssuerKeys::from_json(bytes).is_ok();
    out
}

fn record(bytes: &[u8], number: u64, out: &mut Outcome) {
    if let Ok(report) = check(bytes) {
        assert!(report.findings.len() <= check::limits::FINDINGS);
        assert!(report.findings.len() <= report.errors + report.warnings);
    }
    if let Ok(found) = proof::verify(bytes) {
        out.read |= found.iter().flatten().any(proof::Verified::holds);
    }
    let Ok(import) = import::read(bytes) else { return };
    out.read = true;
    out.entries += import.drafts.len() as u64;
    holds(&import, bytes.len());
    let _same_or_not = same_person(&import.subject, &Holder::default());
    if number.is_multiple_of(4) {
        again(import.drafts);
    }
}

/// What holds of everything that was read.
fn holds(import: &Import, len: usize) {
    let tally = import.tally;
    assert_eq!(tally.resources, tally.placed + tally.kept + tally.skipped);
    assert!(tally.resources > tally.skipped, "nothing was read, and not refused");
    let mut size = 0;
    for draft in &import.drafts {
        let kind = draft.section.spec().kind(draft.kind).unwrap();
        for (name, value) in &draft.fields {
            assert!(kind.field(name).unwrap().kind.admits(value), "{name}");
            assert!(value.check().is_ok(), "{name}");
            size += width(value);
        }
        size += draft.resource.len() + draft.enclosed.as_ref().map_or(0, |e| e.bytes.len());
        assert!(!draft.resource.contains(|c: char| c.is_control()));
    }
    assert!(size <= SWELLS.0 * len + SWELLS.1, "{len} bytes became {size}");
}

fn width(value: &Value) -> usize {
    match value {
        Value::Text(t) | Value::Prose(t) | Value::Choice(t) => t.len(),
        Value::Source { content, .. } => content.len(),
        Value::Code(c) => {
            [&c.system, &c.code, &c.display, &c.text].into_iter().flatten().map(String::len).sum()
        }
        Value::Attachment(_)
        | Value::Boolean(_)
        | Value::Date(_)
        | Value::Entry(_)
        | Value::Period(_)
        | Value::Quantity(_) => 32,
    }
}

fn id(n: usize) -> EntryId {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    EntryId::from_bytes(bytes)
}

fn fields(draft: &Draft) -> BTreeMap<String, Value> {
    draft.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// What was read goes out, comes in again, and is known again.
fn again(drafts: Vec<Draft>) {
    let existing: Vec<Existing> = drafts
        .iter()
        .enumerate()
        .map(|(n, draft)| Existing {
            id: id(n),
            section: draft.section.clone(),
            kind: draft.kind.to_owned(),
            fields: fields(draft),
        })
        .collect();
    let entries: Vec<ExportEntry> = existing
        .iter()
        .map(|entry| ExportEntry {
            id: entry.id,
            section: entry.section.clone(),
            kind: entry.kind.clone(),
            fields: entry.fields.clone(),
            conflicts: BTreeMap::new(),
            author_name: "Elm Street Surgery".into(),
            recorded_at: Timestamp::from_seconds(1_790_000_000),
            attested: false,
            proof: None,
            data: None,
        })
        .collect();
    let at = Timestamp::from_seconds(1_790_000_000);
    let written = bundle(&ExportSubject::default(), &entries, at).to_string();
    match import::read(written.as_bytes()) {
        Ok(read) => assert!(read.tally.resources > 0),
        Err(error) => panic!("what was read goes out as what cannot be read: {error}\n{written}"),
    }
    assert_eq!(plan(drafts, &existing).len(), existing.len());
}
