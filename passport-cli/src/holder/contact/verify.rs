//! `passport contact verify`.

use clap::Args;

use super::ContactLine;
use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;

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
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact, phrase } = self;
        let mut passport = passport::open(app)?;
        let (id, contact) = passport::contact(&passport, &contact)?;
        if let Some(typed) = phrase {
            super::compare(&id, &typed)?;
        } else {
            let words = super::phrase(&id)?;
            app.output().say(&format!("The card's four words are: {words}"));
            app.confirm().ask("Did the service tell you the same words?")?;
        }
        passport.add_contact(&contact.card, true, app.now(), &mut os_rng()?)?;
        let contact = passport_core::ledger::Contact { verified: true, ..contact };
        app.output().answer(&ContactLine::of(id, &contact)?, ContactLine::words)
    }
}
