//! `passport quarantine list`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists what was received but not accepted, and why
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport quarantine list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
