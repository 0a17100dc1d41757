//! What you keep back, under a passphrase of its own.

mod change;
mod set;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// What you keep back, under a passphrase of its own.
#[derive(Subcommand)]
pub(crate) enum Private {
    Set(set::Set),
    Change(change::Change),
}

impl Private {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Set(c) => c.run(app),
            Self::Change(c) => c.run(app),
        }
    }
}
