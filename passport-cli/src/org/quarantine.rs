//! `passport org quarantine`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists what was received but not accepted, and why
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org quarantine")]
pub(crate) struct Quarantine {}

impl Quarantine {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
