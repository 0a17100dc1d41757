//! What an argument of `import` is: a file, a health card in any of its forms, or a link.

use std::path::{Path, PathBuf};

use passport_core::fhir::import::limits;
use passport_core::fhir::smart::{HealthCard, IssuerKeys, Received, recognise};
use passport_core::section::display::neutralise_line;

use super::link::{self, Opener};
use crate::added::{CardLine, Skipped};
use crate::app::App;
use crate::attached;
use crate::error::CliError;
use crate::files;

/// Largest file of an issuer's keys, in bytes.
const KEYS_MAX: usize = 1024 * 1024;

/// FHIR to take in, and where it came from.
#[derive(Default)]
pub(super) struct Source {
    /// Documents in FHIR, or letters and pictures as they are.
    pub(super) documents: Vec<Vec<u8>>,
    /// The cards that they came out of.
    pub(super) cards: Vec<CardLine>,
    /// What was left where it was.
    pub(super) skipped: Vec<Skipped>,
}

/// What cards are held against, and how links are opened.
pub(super) struct Reader<'a> {
    app: &'a App,
    keys: Option<IssuerKeys>,
    opener: Opener<'a>,
}

impl<'a> Reader<'a> {
    /// A reader that holds every card against the keys in a file, if there is one.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read, or holds no keys.
    pub(super) fn new(
        app: &'a App,
        keys: Option<&PathBuf>,
        opener: Opener<'a>,
    ) -> Result<Self, CliError> {
        let read = |file: &PathBuf| {
            let bytes = files::read(file, KEYS_MAX)?;
            IssuerKeys::from_json(&bytes).map_err(|source| {
                CliError::user(format!("{} cannot be used", file.display())).caused_by(source).hint(
                    "issuers publish their keys below their address, at /.well-known/jwks.json",
                )
            })
        };
        Ok(Self { app, keys: keys.map(read).transpose()?, opener })
    }

    /// Reads an argument, fetching what it leads to.
    ///
    /// # Errors
    /// Returns an error when it cannot be read or fetched, or a card does not hold.
    pub(super) fn read(&self, argument: &Path) -> Result<Source, CliError> {
        let bytes = match written(argument) {
            Some(text) => text.as_bytes().to_vec(),
            None => files::read(argument, limits::FILE)?,
        };
        let mut source = Source::default();
        if attached::is_document(&bytes) {
            source.documents.push(bytes);
            return Ok(source);
        }
        match recognise(&bytes)? {
            Received::Fhir => source.documents.push(bytes),
            Received::Cards(cards) => self.take(&cards, &mut source)?,
            Received::Link(link) => {
                drop(bytes);
                let fetched = link::fetch(self.app, &link, &self.opener)?;
                source.skipped = fetched.skipped;
                for file in fetched.files {
                    match recognise(&file)? {
                        Received::Fhir => source.documents.push(file),
                        Received::Cards(cards) => self.take(&cards, &mut source)?,
                        Received::Link(_) => {
                            return Err(CliError::user("the link leads to another link")
                                .hint("open that one, if you trust whoever made it"));
                        }
                    }
                }
            }
        }
        Ok(source)
    }

    fn take(&self, cards: &[HealthCard], source: &mut Source) -> Result<(), CliError> {
        for card in cards {
            let vouched =
                self.keys.as_ref().map(|keys| card.verify(keys, self.app.now())).transpose()?;
            source.cards.push(CardLine::of(card, vouched.as_ref(), self.app.now()));
            source.documents.push(card.bundle().to_vec());
        }
        Ok(())
    }
}

/// What to call an argument in a message: a link's text opens it, so it is never shown.
pub(super) fn called(argument: &Path) -> String {
    written(argument).map_or_else(
        || neutralise_line(&argument.display().to_string()),
        |_| "what was given".to_owned(),
    )
}

/// The text of a card or link that stands in an argument itself.
fn written(argument: &Path) -> Option<&str> {
    let text = argument.to_str()?;
    let is_written = ["shc:/", "shlink:/"].iter().any(|scheme| text.starts_with(scheme))
        || (text.contains("://") && text.contains("#shlink:/"));
    is_written.then_some(text)
}
