//! `passport remote add`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;
use crate::relay_url::RelayUrl;

/// Adds a relay
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport remote add https://relay.example")]
pub(crate) struct Add {
    /// The relay's address
    #[arg(value_name = "URL")]
    url: RelayUrl,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { url } = self;
        pending(url)
    }
}
