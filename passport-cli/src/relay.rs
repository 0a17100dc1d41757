//! The commands of a relay.

mod serve;
pub(crate) mod store;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The commands of a relay.
#[derive(Subcommand)]
pub(crate) enum Relay {
    Serve(serve::Serve),
}

impl Relay {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Serve(c) => c.run(app),
        }
    }
}
