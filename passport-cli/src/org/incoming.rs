//! Entries for one section of a student, taken from a FHIR file.

use std::collections::BTreeMap;
use std::path::Path;

use passport_core::attachment::Filed;
use passport_core::author::Author;
use passport_core::discharge::notice_of;
use passport_core::fhir::import::{self, Draft, Import};
use passport_core::fhir::{self, Existing, Identity, Step};
use passport_core::id::EntryId;
use passport_core::organisation::StudentName;
use passport_core::section::{SectionName, Value};
use passport_core::view::View;

use super::desk::Party;
use super::fault;
use crate::attached;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;
use crate::rng::os_rng;

/// Fields to set, or to clear.
type Changes = Vec<(String, Option<Value>)>;

/// What a file holds for the section.
pub(super) struct Incoming {
    /// Entries to add.
    pub(super) add: Vec<Adding>,
    /// Own entries that say something else now.
    pub(super) update: Vec<(EntryId, Changes)>,
    /// What stays out, and why.
    pub(super) skipped: Vec<Skipped>,
}

/// An entry to add.
pub(super) struct Adding {
    /// Its kind.
    pub(super) kind: &'static str,
    /// Its fields.
    pub(super) fields: Vec<(String, Value)>,
    /// The file that they name.
    pub(super) file: Option<Filed>,
}

/// Something that stays out.
#[derive(serde::Serialize)]
pub(super) struct Skipped {
    /// Which part of the file.
    pub(super) resource: String,
    /// Why.
    pub(super) reason: String,
}

/// Reads a file and keeps what belongs in the section.
///
/// # Errors
/// Returns an error when it is no FHIR file, or about another person.
pub(super) fn read(
    party: &mut Party,
    student: &StudentName,
    section: &SectionName,
    file: &Path,
) -> Result<Incoming, CliError> {
    let bytes = files::read(file, import::limits::FILE)?;
    let import = import::read(&bytes).map_err(|source| {
        CliError::user(format!("{} cannot be taken in", file.display()))
            .caused_by(source)
            .hint("it must be FHIR R4 or STU3, in JSON or XML; nothing was changed")
    })?;
    same_person(&import, &known(party, student))?;
    let Import { drafts, skipped, .. } = import;
    let reason =
        |s: import::Skipped| Skipped { resource: s.resource, reason: s.reason.to_string() };
    let mut skipped: Vec<Skipped> = skipped.into_iter().map(reason).collect();
    let notices = drafts.iter().any(|d| d.section.as_str() == "discharge-notice");
    let mut wanted = Vec::new();
    for mut draft in drafts {
        if draft.section.as_str() == "discharges"
            && section.as_str() == "discharge-notice"
            && !notices
        {
            draft = noticed(&draft, section);
        }
        if draft.section == *section {
            wanted.push(draft);
        } else if section.as_str() != "discharges" || draft.section.as_str() != "discharge-notice" {
            // A discharge brings its own notice along.
            let reason = format!("belongs in `{}`", draft.section);
            skipped.push(Skipped { resource: draft.resource, reason });
        }
    }
    let own = own(party, student, section);
    planned(party, student, (section, &own), wanted, skipped)
}

/// The notice of a discharge that the file has only in full.
fn noticed(draft: &Draft, section: &SectionName) -> Draft {
    let fields: Vec<(String, Value)> =
        draft.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let kind = section.spec().kinds.first();
    let named = |name: &str| kind.and_then(|k| k.field(name)).map(|f| f.name);
    Draft {
        section: section.clone(),
        kind: kind.map_or("notice", |k| k.name),
        fields: notice_of(&fields).into_iter().filter_map(|(n, v)| Some((named(&n)?, v))).collect(),
        resource: draft.resource.clone(),
        enclosed: None,
    }
}

fn planned(
    party: &mut Party,
    student: &StudentName,
    (section, own): (&SectionName, &[Existing]),
    drafts: Vec<Draft>,
    mut skipped: Vec<Skipped>,
) -> Result<Incoming, CliError> {
    let (mut add, mut update) = (Vec::new(), Vec::new());
    for step in fhir::plan(drafts, own) {
        match step {
            Step::Add(mut draft) => {
                let enclosed = draft.enclosed.take();
                let named = |(n, v): (&str, Value)| (n.to_owned(), v);
                let mut fields: Vec<_> = draft.fields.into_iter().map(named).collect();
                let mut filed = None;
                if let Some(enclosed) = enclosed {
                    let filing = party.begin_file(student.id, section, &mut os_rng()?);
                    let filing = filing.map_err(fault::refused)?;
                    match attached::take_in_enclosed(section, draft.kind, enclosed, filing) {
                        Ok((field, file)) => {
                            let value = Value::Attachment(file.attachment.clone());
                            fields.push((field.to_owned(), value));
                            filed = Some(file);
                        }
                        Err(reason) => skipped.push(Skipped { resource: draft.resource, reason }),
                    }
                }
                add.push(Adding { kind: draft.kind, fields, file: filed });
            }
            Step::Known { draft, .. } => {
                let reason = "already recorded, and says the same".to_owned();
                skipped.push(Skipped { resource: draft.resource, reason });
            }
            Step::Update { id, changes, draft } => {
                if draft.enclosed.is_some() {
                    let reason = "its words were updated, its file stays as it was".to_owned();
                    skipped.push(Skipped { resource: draft.resource, reason });
                }
                let fields = changes.into_iter().map(|(n, v)| (n.to_owned(), Some(v))).collect();
                update.push((id, fields));
            }
        }
    }
    Ok(Incoming { add, update, skipped })
}

/// What this organisation itself recorded in the section.
fn own(party: &mut Party, student: &StudentName, section: &SectionName) -> Vec<Existing> {
    let author = Author::Organisation(party.id());
    let view = party.view(student.id, section).ok();
    let entries = view.into_iter().flat_map(|v: View| v.entries).filter(|e| e.author == author);
    entries
        .map(|entry| {
            let settled = |(name, now): (&String, &passport_core::replica::FieldNow)| {
                Some((name.clone(), now.settled()?.value.clone()))
            };
            let fields: BTreeMap<String, Value> = entry.fields.iter().filter_map(settled).collect();
            Existing { id: entry.id, section: section.clone(), kind: entry.kind, fields }
        })
        .collect()
}

/// The student, as far as consents and a shared `identity` say.
fn known(party: &mut Party, student: &StudentName) -> fhir::Holder {
    let mut known = fhir::Holder::default();
    for held in party.grants().iter().filter(|g| g.grant.passport == student.id) {
        known.names.push(held.grant.holder_name.clone());
        known.nhs_number =
            held.grant.nhs_number.as_deref().and_then(|n| n.parse().ok()).or(known.nhs_number);
    }
    let identity = "identity".parse().ok();
    let view = identity.and_then(|section| party.view(student.id, &section).ok());
    for entry in view.iter().flat_map(|v| &v.entries).filter(|e| e.kind == "person") {
        for (name, field) in &entry.fields {
            for version in &field.versions {
                match (name.as_str(), &version.value) {
                    ("name", Value::Text(name)) => known.names.push(name.clone()),
                    ("date_of_birth", Value::Date(day)) => {
                        known.date_of_birth.get_or_insert_with(|| day.clone());
                    }
                    _ => {}
                }
            }
        }
    }
    known.names.sort();
    known.names.dedup();
    known
}

fn same_person(import: &Import, known: &fhir::Holder) -> Result<(), CliError> {
    match fhir::same_person(&import.subject, known) {
        Identity::Same | Identity::Unknown => Ok(()),
        Identity::Other { why } => {
            Err(CliError::new(ExitCode::UserFixable, "the file is about another person")
                .caused_by(why)
                .hint("check the student and the file; nothing was added"))
        }
    }
}
