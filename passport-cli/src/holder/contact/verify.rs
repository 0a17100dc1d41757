//! `passport contact verify`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Checks that a card is really the service's: compares four words
///
/// Ask the service for its four words on the telephone, at the desk or on its website, not in
/// the message that brought you the card.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport contact verify \"Campus Medical\"\n\
\x20 passport contact verify \"Campus Medical\" --phrase \"amber river seven oak\"")]
pub(crate) struct Verify {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
    /// The four words the service told you; asked for when left out
    #[arg(long, value_name = "WORDS")]
    phrase: Option<String>,
}

impl Verify {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { contact, phrase } = self;
        pending((contact, phrase))
    }
}
