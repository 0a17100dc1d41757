//! The commands of a relay.

mod backup;
mod check;
mod migrate;
mod serve;
mod settings;
mod stats;
pub(crate) mod store;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The commands of a relay.
#[derive(Subcommand)]
pub(crate) enum Relay {
    Serve(Box<serve::Serve>),
    Backup(backup::Backup),
    Migrate(migrate::Migrate),
    Check(check::Check),
    Stats(stats::Show),
}

impl Relay {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Serve(c) => c.run(app),
            Self::Backup(c) => c.run(app),
            Self::Migrate(c) => c.run(app),
            Self::Check(c) => c.run(app),
            Self::Stats(c) => c.run(app),
        }
    }
}
