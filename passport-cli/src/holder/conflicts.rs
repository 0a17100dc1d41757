//! `passport conflicts`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists fields that two people set at the same time
///
/// Both values are kept and shown until someone chooses: see `passport resolve --help`.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport conflicts")]
pub(crate) struct Conflicts {}

impl Conflicts {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
