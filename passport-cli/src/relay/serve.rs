//! `passport relay serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;
use crate::relay::store::Store;

/// Runs a relay: a mailbox for sealed envelopes, which it cannot open
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport relay serve --store sqlite:/var/lib/passport/relay.sqlite\n\
\x20 passport relay serve --listen 0.0.0.0:7700 --store sqlite:relay.sqlite")]
pub(crate) struct Serve {
    /// The address and port to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    listen: SocketAddr,
    /// Where it keeps the envelopes; in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Store>,
    /// A file with limits and other settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Serve {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { listen, store, config } = self;
        pending((listen, store, config))
    }
}
