//! What was received but not accepted.

mod drop;
mod list;
mod release;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// What was received but not accepted.
#[derive(Subcommand)]
pub(crate) enum Quarantine {
    List(list::List),
    Release(release::Release),
    Drop(drop::Drop),
}

impl Quarantine {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::List(c) => c.run(app),
            Self::Release(c) => c.run(app),
            Self::Drop(c) => c.run(app),
        }
    }
}
