//! The relays that carry your sealed envelopes.

mod add;
pub(crate) mod list;
mod remove;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The relays that carry your sealed envelopes.
#[derive(Subcommand)]
pub(crate) enum Remote {
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
}

impl Remote {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Add(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Remove(c) => c.run(app),
        }
    }
}
