//! `passport suggestions`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists changes that others suggest to your entries
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport suggestions")]
pub(crate) struct Suggestions {}

impl Suggestions {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
