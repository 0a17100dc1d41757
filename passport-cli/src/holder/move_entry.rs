//! `passport move`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::help;
use crate::pending::pending;

/// Moves an entry to another section
///
/// Who recorded it, and their signature, move with it.
#[derive(Args)]
#[command(after_help = help::with_sections("Example:\n\
\x20 passport move 4f2a91c3 private"))]
pub(crate) struct MoveEntry {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// The section it goes to
    #[arg(value_name = "SECTION")]
    section: SectionName,
}

impl MoveEntry {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { entry, section } = self;
        pending((entry, section))
    }
}
