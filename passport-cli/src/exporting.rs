//! Views as an export takes them: what the holder's and the organisation's exports share.

use std::collections::BTreeMap;

use passport_core::fhir::export::ExportEntry;
use passport_core::fhir::proof::Proof;
use passport_core::id::{EntryId, PassportId};
use passport_core::replica::EntryNow;
use passport_core::section::SectionName;
use passport_core::view::View;
use serde::Serialize;

/// A field that has several values: where it is.
#[derive(Serialize)]
pub(crate) struct OpenField {
    section: SectionName,
    entry: EntryId,
    field: String,
}

/// Every field of views that has several values.
pub(crate) fn conflicts(views: &[View]) -> Vec<OpenField> {
    let mut open = Vec::new();
    for view in views {
        for entry in &view.entries {
            let contested = entry.fields.iter().filter(|(_, field)| field.settled().is_none());
            open.extend(contested.map(|(name, _)| OpenField {
                section: view.section.clone(),
                entry: entry.id,
                field: name.clone(),
            }));
        }
    }
    open
}

/// The entries of views.
pub(crate) fn entries(views: &[View], passport: PassportId) -> Vec<ExportEntry> {
    let mut entries = Vec::new();
    for view in views {
        for entry in &view.entries {
            let fields: BTreeMap<_, _> = entry
                .fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), field.settled()?.value.clone())))
                .collect();
            let contested = entry.fields.iter().filter(|(_, field)| field.settled().is_none());
            let conflicts = contested.map(|(name, field)| {
                (name.clone(), field.versions.iter().map(|v| v.value.clone()).collect())
            });
            entries.push(ExportEntry {
                id: entry.id,
                section: view.section.clone(),
                kind: entry.kind.clone(),
                fields,
                conflicts: conflicts.collect(),
                author_name: view.name(entry.author).to_owned(),
                recorded_at: entry.recorded_at,
                attested: entry.own_attestation().is_some()
                    && entry.changed_since_signed().is_empty(),
                proof: proof(view, entry, passport),
            });
        }
    }
    entries
}

/// What the author signed of an entry, without what would let others guess an overwritten value.
fn proof(view: &View, entry: &EntryNow, passport: PassportId) -> Option<Proof> {
    let mut attestation = entry.own_attestation()?.clone();
    let card = view.card_of(&attestation)?.clone();
    let signed = attestation.clone();
    attestation.withhold(|name| {
        let now = entry.fields.get(name).and_then(|field| field.settled());
        now.is_some_and(|v| signed.covers(name, &v.value))
    });
    let (section, kind) = (view.section.clone(), entry.kind.clone());
    Some(Proof::new(passport, entry.id, section, kind, attestation, card))
}
