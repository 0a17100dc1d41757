//! `passport status`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Says how your passport is: devices, relays, what waits to be sent
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport status")]
pub(crate) struct Status {}

impl Status {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        pending(self)
    }
}
