//! `passport contact add`.

use std::path::Path;

use clap::Args;
use passport_core::keys::VerifiedCard;

use super::ContactLine;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;
use crate::passport;
use crate::rng::os_rng;

/// Largest card file, in bytes.
const CARD_BYTES_MAX: usize = 256 * 1024;

/// Adds a service you may share with, from its card
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport contact add campus-medical.card\n\
\x20 passport contact add campus-medical.card --phrase \"amber river seven oak\"")]
pub(crate) struct Add {
    /// The card: a file
    #[arg(value_name = "CARD")]
    card: String,
    /// The four words the service told you; if they match, the card is surely theirs
    #[arg(long, value_name = "WORDS")]
    phrase: Option<String>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { card, phrase } = self;
        if card.contains("://") {
            return Err(CliError::user("this version reads cards from files only")
                .hint("download the card first, then name the file"));
        }
        let text = files::read(Path::new(&card), CARD_BYTES_MAX)?;
        let refused = || {
            CliError::new(ExitCode::VerificationFailed, "this is not a card that can be trusted")
                .hint("ask the service for its card again; nothing was changed")
        };
        let text = String::from_utf8(text).map_err(|error| refused().caused_by(error))?;
        let card = VerifiedCard::from_text(&text).map_err(|error| refused().caused_by(error))?;
        if let Some(typed) = &phrase {
            super::compare(&card.id(), typed)?;
        }
        let mut passport = passport::open(app)?;
        passport.add_contact(&card, phrase.is_some(), app.now(), &mut os_rng()?)?;
        let contact = passport.fold().contacts.get(&card.id());
        let contact = contact.ok_or_else(|| CliError::user("the contact was not kept"))?;
        app.output().answer(&ContactLine::of(card.id(), contact)?, ContactLine::words)
    }
}
