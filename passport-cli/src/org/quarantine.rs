//! `passport org quarantine`.

use clap::Args;
use passport_core::author::Author;
use passport_core::id::{EnvelopeId, EpochId};
use passport_core::organisation::StudentName;
use passport_core::section::SectionName;
use passport_core::time::Timestamp;
use passport_core::view::View;
use serde::Serialize;

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::table::table;

/// Lists what was received but not accepted, and why
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org quarantine")]
pub(crate) struct Quarantine {}

impl Quarantine {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let listed = listed(&mut desk::open(app)?)?;
        app.output().answer(&listed, |listed| {
            if listed.is_empty() {
                return "Nothing was put aside.".to_owned();
            }
            let row = |held: &HeldBack| {
                [
                    short(&held.id.to_string()).to_owned(),
                    held.student.name.clone(),
                    held.section.to_string(),
                    held.author.clone(),
                    held.reason.clone(),
                ]
            };
            let rows: Vec<[String; 5]> = listed.iter().map(row).collect();
            table(["id", "student", "section", "by", "why it was not accepted"], &rows)
        })
    }
}

/// An envelope that was put aside.
#[derive(Serialize)]
pub(super) struct HeldBack {
    id: EnvelopeId,
    reason: String,
    student: StudentName,
    section: SectionName,
    author: String,
    at: Timestamp,
}

/// What was put aside in all that the organisation holds.
///
/// # Errors
/// Returns an error when the vault is damaged.
pub(super) fn listed(party: &mut Party) -> Result<Vec<HeldBack>, CliError> {
    let mut listed = Vec::new();
    let epochs: Vec<EpochId> = party.epochs().keys().copied().collect();
    for epoch in epochs {
        let replica = party.replica(epoch).map_err(fault::refused)?;
        let view = View::of(replica);
        let charter = replica.charter();
        let (passport, section) = (charter.passport, charter.section.clone());
        let put_aside: Vec<_> = replica
            .quarantined()
            .map(|(id, node, why)| {
                let organisation = charter.organisation_of(&node.header.author);
                let author = organisation.map_or("unknown", |o| view.name(Author::Organisation(o)));
                (*id, author.to_owned(), node.at, why.to_string())
            })
            .collect();
        let student = StudentName { id: passport, name: party.student_name(passport) };
        listed.extend(put_aside.into_iter().map(|(id, author, at, reason)| HeldBack {
            id,
            reason,
            student: student.clone(),
            section: section.clone(),
            author,
            at,
        }));
    }
    Ok(listed)
}
