//! `passport org show`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Shows what a student shares
///
/// Opening a record is noted with your staff name, and the student is told that it was opened.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org --actor j.smith show \"Ada Example\"\n\
\x20 passport org --actor j.smith show \"Ada Example\" medications")]
pub(crate) struct Show {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// Only this section
    #[arg(value_name = "SECTION")]
    section: Option<SectionName>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, section } = self;
        let actor = app.actor()?;
        pending((actor, student, section))
    }
}
