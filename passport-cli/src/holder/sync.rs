//! `passport sync`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Sends what is new here and fetches what is new elsewhere
///
/// Without a network nothing is lost: what you wrote waits for the next sync.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport sync\n\
\x20 passport sync --via /media/usb-stick")]
pub(crate) struct Sync {
    /// Goes on, and prints a line each time something arrives
    #[arg(long, conflicts_with = "via")]
    watch: bool,
    /// Exchanges through a file or folder, such as a USB stick, instead of a relay
    #[arg(long, value_name = "FILE|DIR")]
    via: Option<PathBuf>,
}

impl Sync {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { watch, via } = self;
        pending((watch, via))
    }
}
