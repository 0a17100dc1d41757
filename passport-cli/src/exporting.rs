//! Views as an export takes them: what the holder's and the organisation's exports share.

use std::collections::BTreeMap;

use passport_core::fhir::export::ExportEntry;
use passport_core::fhir::proof::Proof;
use passport_core::id::{EntryId, PassportId};
use passport_core::party::PartyError;
use passport_core::replica::EntryNow;
use passport_core::section::{Attachment, SectionName, Value};
use passport_core::view::View;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::app::App;
use crate::error::CliError;

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
                data: None,
            });
        }
    }
    entries
}

/// Most bytes of files in one export: what is beyond is named in it, without its content.
pub(crate) const FILES_BYTES: u64 = 32 * 1024 * 1024;

/// Adds the content of files to entries, as far as it is here and there is room for so many bytes;
/// returns how many stay out.
///
/// # Errors
/// Returns what `read` does.
pub(crate) fn enclose(
    entries: &mut [ExportEntry],
    room: u64,
    read: impl Fn(&Attachment) -> Result<Option<Vec<u8>>, CliError>,
) -> Result<usize, CliError> {
    let (mut left, mut out) = (room, 0);
    for entry in entries.iter_mut().filter(|e| e.section.spec().shareable) {
        let file = |value: &Value| {
            if let Value::Attachment(file) = value { Some(file.clone()) } else { None }
        };
        let Some(file) = entry.fields.values().find_map(file) else { continue };
        entry.data = if file.size <= left { read(&file)? } else { None };
        if entry.data.is_some() {
            left -= file.size;
        } else {
            out += 1;
        }
    }
    Ok(out)
}

/// All of a file, from its pieces; none if it has not all come.
///
/// # Errors
/// Returns an error when it cannot be read, or is not what its entry says.
pub(crate) fn content<I>(pieces: Result<I, PartyError>) -> Result<Option<Vec<u8>>, CliError>
where
    I: Iterator<Item = Result<Zeroizing<Vec<u8>>, PartyError>>,
{
    if let Err(PartyError::PartOfFile { .. }) = pieces {
        return Ok(None);
    }
    let mut content = Vec::new();
    for piece in pieces? {
        content.extend_from_slice(&piece?);
    }
    Ok(Some(content))
}

/// Says how many files an export names without their content.
pub(crate) fn tell_left_out(app: &App, count: usize, save: &str) {
    if count > 0 {
        app.output().say(&format!(
            "{count} files are named without their content, which is not all here or too much for this; `{save}` saves one."
        ));
    }
}

/// What the author signed of an entry, without what would let others guess an overwritten value.
fn proof(view: &View, entry: &EntryNow, passport: PassportId) -> Option<Proof> {
    let mut attestation = entry.own_attestation()?.clone();
    let card = view.card_of(&attestation)?.clone();
    let signed = attestation.clone();
    attestation.withhold(|name| {
        let now = entry.fields.get(name).and_then(|field| field.settled());
        // What is said of a file holds its key, which no export has.
        let file = |v: &Value| matches!(v, Value::Attachment(_));
        now.is_some_and(|v| !file(&v.value) && signed.covers(name, &v.value))
    });
    let (section, kind) = (view.section.clone(), entry.kind.clone());
    Some(Proof::new(passport, entry.id, section, kind, attestation, card))
}
