//! `passport contact add`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Adds a service you may share with, from its card
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport contact add campus-medical.card\n\
\x20 passport contact add https://campus.example/passport.card --phrase \"amber river seven oak\"")]
pub(crate) struct Add {
    /// The card: a file or an https address
    #[arg(value_name = "CARD|URL")]
    card: String,
    /// The four words the service told you; if they match, the card is surely theirs
    #[arg(long, value_name = "WORDS")]
    phrase: Option<String>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { card, phrase } = self;
        pending((card, phrase))
    }
}
