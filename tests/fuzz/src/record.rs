//! What is done with a case, and what must hold whatever it is.

use passport_core::fhir::check::{self, check};
use passport_core::fhir::import::{self, Import};
use passport_core::fhir::smart::{IssuerKeys, Manifest, Received, jwe, recognise};
use passport_core::fhir::{Holder, proof, same_person};
use passport_core::section::Value;
use passport_core::section::display::{display_value, neutralise, neutralise_line};

use super::{KEY, said};

/// Bytes that a case may come to, for each of its own, and in any case.
const SWELLS: (usize, usize) = (64, 256 * 1024);

/// What came of a case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Whether anything was read.
    pub read: bool,
    /// How many entries that made.
    pub entries: u64,
}

/// Gives a record to every reader of records there is.
#[must_use]
pub fn record(bytes: &[u8]) -> Outcome {
    let mut out = Outcome::default();
    match recognise(bytes) {
        Ok(Received::Fhir) => resource(bytes, &mut out),
        Ok(Received::Cards(cards)) => {
            assert!(!cards.is_empty());
            for card in cards {
                resource(card.bundle(), &mut out);
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
        resource(&opened.bytes, &mut out);
    }
    out.read |= Manifest::parse(bytes).is_ok() || IssuerKeys::from_json(bytes).is_ok();
    out
}

fn resource(bytes: &[u8], out: &mut Outcome) {
    if let Ok(report) = check(bytes) {
        assert!(report.findings.len() <= check::limits::FINDINGS);
        assert!(report.findings.len() <= report.errors + report.warnings);
    }
    if let Ok(found) = proof::verify(bytes) {
        out.read |= found.iter().flatten().any(proof::Verified::holds);
    }
    let read = import::read(bytes);
    said::nothing_twice(bytes, read.as_ref());
    let Ok(import) = read else { return };
    out.read = true;
    out.entries += import.drafts.len() as u64;
    holds(&import, bytes.len());
    said::nothing_is_lost(bytes, &import);
    let _same_or_not = same_person(&import.subject, &Holder::default());
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
            let shown = display_value(value);
            assert_eq!(neutralise(&shown), shown, "{name}");
        }
        size += draft.resource.len() + draft.enclosed.as_ref().map_or(0, |e| e.bytes.len());
        assert_eq!(neutralise_line(&draft.resource), draft.resource);
    }
    for skipped in &import.skipped {
        assert_eq!(neutralise_line(&skipped.resource), skipped.resource);
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
