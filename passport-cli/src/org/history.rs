//! `passport org history`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists who changed what in a student's record, and when
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith history \"Ada Example\"")]
pub(crate) struct History {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
}

impl History {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { student } = self;
        pending(student)
    }
}
