//! `passport device remove`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Shuts a lost or old device out
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport device remove old-phone")]
pub(crate) struct Remove {
    /// The device: its name, or the first letters of its id
    #[arg(value_name = "DEVICE")]
    device: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { device } = self;
        pending(device)
    }
}
