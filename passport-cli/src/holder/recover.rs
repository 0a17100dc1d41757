//! `passport recover`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;
use crate::recovery;
use crate::relay_url::RelayUrl;

/// Gets your passport back on this device with your recovery phrase
///
/// The phrase is asked for, or read from standard input. It is never an argument, because
/// other programs and the shell history could see it there.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport recover --remote https://relay.example\n\
\x20 passport recover --remote https://relay.example < phrase.txt")]
pub(crate) struct Recover {
    /// A relay that carries sealed envelopes between you and others; can be given several times
    #[arg(long = "remote", value_name = "URL")]
    remotes: Vec<RelayUrl>,
}

impl Recover {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { remotes } = self;
        let phrase = recovery::ask()?;
        pending((phrase, remotes))
    }
}
