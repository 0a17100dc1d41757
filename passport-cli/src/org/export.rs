//! `passport org export`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::choice::OrgFormat;
use crate::error::CliError;
use crate::pending::pending;

/// Writes what a student shares to a file for another system
///
/// The file is not encrypted. The export is noted with your staff name, and the student is told.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format fhir -o ada.json")]
pub(crate) struct Export {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: OrgFormat,
    /// The file to write; standard output when left out
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sends it to a FHIR server instead
    #[arg(long, value_name = "FHIR-BASE-URL", conflicts_with = "output")]
    to: Option<String>,
}

impl Export {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, format, output, to } = self;
        let actor = app.actor()?;
        pending((actor, student, format, output, to))
    }
}
