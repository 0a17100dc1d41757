//! `passport import`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Takes in a health record from a file, and says what went where
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport import record.json --dry-run\n\
\x20 passport import record.json")]
pub(crate) struct Import {
    /// The files: FHIR in JSON or XML; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only says what would happen
    #[arg(long)]
    dry_run: bool,
    /// Takes the file although it names another person than you
    #[arg(long)]
    same_person: bool,
}

impl Import {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { files, dry_run, same_person } = self;
        pending((files, dry_run, same_person))
    }
}
