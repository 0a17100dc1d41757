//! `passport contact add`.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use passport_core::keys::VerifiedCard;
use passport_sync::client::{RemoteConfig, RemoteError, fetch_page};

use super::ContactLine;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;
use crate::passport;
use crate::rng::os_rng;

/// Largest card file, in bytes.
const CARD_BYTES_MAX: usize = 256 * 1024;
/// Until a card has arrived from the web.
const CARD_TIMEOUT: Duration = Duration::from_secs(30);

/// Adds a service you may share with, from its card
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport contact add campus-medical.card\n\
\x20 passport contact add https://campus.example/medical.card\n\
\x20 passport contact add campus-medical.card --phrase \"amber river seven oak\"")]
pub(crate) struct Add {
    /// The card: a file, or the https:// address of one
    #[arg(value_name = "CARD|URL")]
    card: String,
    /// The four words the service told you; if they match, the card is surely theirs
    #[arg(long, value_name = "WORDS")]
    phrase: Option<String>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { card, phrase } = self;
        let text = if card.contains("://") {
            download(app, &card)?
        } else {
            files::read(Path::new(&card), CARD_BYTES_MAX)?
        };
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

/// Fetches a card. Whoever serves it cannot make one up: a card is signed, and its four words
/// are compared.
fn download(app: &App, url: &str) -> Result<Vec<u8>, CliError> {
    let config = RemoteConfig { response_timeout: CARD_TIMEOUT, ..app.remote().clone() };
    fetch_page(url, CARD_BYTES_MAX, &config).map_err(|error| {
        let code = match error {
            RemoteError::Url | RemoteError::Plain | RemoteError::Tls(_) => ExitCode::Usage,
            RemoteError::Unreachable(_) => ExitCode::RelayUnreachable,
            RemoteError::Refused { .. }
            | RemoteError::Answer { .. }
            | RemoteError::Protocol(_)
            | RemoteError::Endless
            | _ => ExitCode::UserFixable,
        };
        CliError::new(code, "the card cannot be fetched from there")
            .caused_by(error)
            .hint("an address begins with https://, and leads to the card itself")
            .hint("or download the card, then name the file; nothing was changed")
    })
}
