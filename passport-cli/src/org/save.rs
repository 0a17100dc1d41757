//! `passport org save`.

use clap::Args;
use passport_core::receipt::Access;

use super::desk;
use super::fault;
use crate::app::App;
use crate::attached::{self, Saved, Target};
use crate::error::CliError;

/// Saves the file that an entry of a student has
///
/// It is checked against what its entry says, and saved whole or not at all. What is saved is not
/// encrypted. That it was is noted with your staff name in your own log.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith save \"Ada Example\" 4f4f4f4f -o letter.pdf")]
pub(crate) struct Save {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The entry: what it is called, or the first letters of its id
    #[arg(value_name = "ENTRY")]
    entry: String,
    #[command(flatten)]
    target: Target,
}

impl Save {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, entry, target } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let found = desk::entry(&mut party, Some(&student), &entry)?;
        let file = attached::one_of(&found.entry)?;
        party.file(student.id, file).map_err(fault::refused)?;
        // Written before anything leaves: nobody takes a file unnoticed.
        desk::audit(&mut party, app, student.id, [&found.section], Access::Exported)?;
        let pieces = party.file(student.id, file).map_err(fault::refused)?;
        let saved = attached::save((found.entry.id, file), pieces, target)?;
        saved.map_or(Ok(()), |saved| app.output().answer(&saved, Saved::words))
    }
}
