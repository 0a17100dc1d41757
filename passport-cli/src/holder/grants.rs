//! `passport grants`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists who may see what, for what, and until when
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport grants")]
pub(crate) struct Grants {}

impl Grants {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
