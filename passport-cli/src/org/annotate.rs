//! `passport org annotate`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Adds a signed note to an entry
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org annotate 4f2a91c3 \"Dose reviewed with the student\"")]
pub(crate) struct Annotate {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// What the note says
    #[arg(value_name = "TEXT")]
    text: String,
}

impl Annotate {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { entry, text } = self;
        pending((entry, text))
    }
}
