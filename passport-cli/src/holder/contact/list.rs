//! `passport contact list`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists the services and people you know
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
