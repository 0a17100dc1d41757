//! Entries to export: one of every kind, and those that a file brings.

use std::collections::BTreeMap;

use passport_core::fhir::export::{ExportEntry, ExportSubject, Summary, summary};
use passport_core::fhir::import::Draft;
use passport_core::id::EntryId;
use passport_core::section::{
    Code, FieldKind, FieldSpec, Period, Quantity, SectionName, Value, table,
};
use passport_core::time::Timestamp;

/// What a file that was read becomes, as a practice's entries.
pub(crate) fn entries(drafts: &[Draft]) -> Vec<ExportEntry> {
    drafts
        .iter()
        .zip(1u32..)
        .map(|(d, n)| ExportEntry {
            id: id(n),
            section: d.section.clone(),
            kind: d.kind.to_owned(),
            fields: d.fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
            conflicts: BTreeMap::new(),
            author_name: "Elm Street Surgery".into(),
            recorded_at: Timestamp::from_seconds(1_790_000_000),
            attested: true,
            proof: None,
            data: None,
        })
        .collect()
}

pub(crate) fn id(n: u32) -> EntryId {
    let mut bytes = [0x5a; 16];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    EntryId::from_bytes(bytes)
}

/// A summary of all there is.
pub(crate) fn summary_of(entries: &[ExportEntry]) -> serde_json::Value {
    let mut sections: Vec<_> = entries.iter().map(|e| e.section.clone()).collect();
    sections.sort();
    sections.dedup();
    summary(&Summary {
        subject: &ExportSubject::default(),
        entries,
        sections: &sections,
        organisation: None,
        consents: &[],
        at: Timestamp::from_seconds(1_790_000_000),
    })
}

fn any_value(field: &FieldSpec) -> Value {
    let text = format!("{} “ü” & <b>", field.title);
    match field.kind {
        FieldKind::Text => Value::Text(if field.name == "identifier" {
            "https://example.org/id|7".into()
        } else {
            text
        }),
        FieldKind::Prose => Value::Prose(format!("{text}\n\nand more")),
        FieldKind::Code => Value::Code(Code {
            system: Some("http://snomed.info/sct".into()),
            code: Some("35489007".into()),
            display: Some("Depressive disorder".into()),
            text: Some(text),
        }),
        FieldKind::Date => Value::Date("2026-10".parse().unwrap()),
        FieldKind::Period => {
            Value::Period(Period { start: "2026-09-01".parse().ok(), end: "2027".parse().ok() })
        }
        FieldKind::Quantity => Value::Quantity(Quantity {
            value: "0.50".into(),
            unit: Some("mg".into()),
            code: Some("mg".into()),
        }),
        FieldKind::Boolean => Value::Boolean(field.name.len().is_multiple_of(2)),
        FieldKind::Choice(choices) => Value::Choice(choices.last().unwrap().name.to_owned()),
        FieldKind::Entry => Value::Entry(id(99)),
        FieldKind::Attachment => panic!("a file goes along as a file"),
        FieldKind::Source => panic!("a source is received, not written"),
    }
}

/// An entry of each kind of each section, with each field that `wanted` picks.
pub(crate) fn of_every_kind(wanted: impl Fn(&FieldSpec) -> bool) -> Vec<ExportEntry> {
    let shareable = table::SECTIONS.iter().filter(|s| s.shareable).map(|s| s.name);
    shareable
        .chain(["x-running-club"])
        .map(|name| name.parse::<SectionName>().unwrap())
        .flat_map(|section| section.spec().kinds.iter().map(move |k| (section.clone(), k)))
        .zip(1u32..)
        .map(|((section, kind), n)| {
            let apart = |f: &FieldSpec| matches!(f.kind, FieldKind::Source | FieldKind::Attachment);
            let field = |f: &FieldSpec| !apart(f) && (f.required || wanted(f));
            let fields = kind.fields.iter().filter(|f| field(f));
            ExportEntry {
                id: id(n),
                section,
                kind: kind.name.to_owned(),
                fields: fields.map(|f| (f.name.to_owned(), any_value(f))).collect(),
                conflicts: BTreeMap::new(),
                author_name: "Amina Khan".into(),
                recorded_at: Timestamp::from_seconds(1_790_000_000 + i64::from(n)),
                attested: n.is_multiple_of(2),
                proof: None,
                data: None,
            }
        })
        .filter(|e| !e.fields.is_empty())
        .collect()
}

/// A person, so that no other Patient is made up.
pub(crate) fn of_person() -> ExportEntry {
    let mut person = of_every_kind(|_| false).remove(0);
    person.id = id(1000);
    person
}
