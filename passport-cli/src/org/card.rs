//! `passport org card`.

use std::path::PathBuf;

use clap::Args;
use passport_core::keys::verification_phrase;
use serde_json::json;

use super::desk;
use crate::app::App;
use crate::error::CliError;
use crate::{files, qr};

/// Writes the organisation's card, and prints its four verification words
///
/// Give the card to students as you like: it is public. Tell them the four words another way,
/// at the desk or on the telephone, so that they can be sure the card is yours.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org card -o campus-medical.card\n\
\x20 passport org card -o campus-medical.card --qr campus-medical.svg")]
pub(crate) struct Card {
    /// The file to write the card to
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also draws the card as a code to scan: a PNG picture where the name ends so, on the
    /// terminal where it is `-`, otherwise SVG
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// The old card that this one takes over from, for example after a merger
    #[arg(long, value_name = "OLD")]
    succeeds: Option<PathBuf>,
}

impl Card {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { output, qr, succeeds } = self;
        if succeeds.is_some() {
            return Err(CliError::usage("`--succeeds` is not in this version yet")
                .hint("give students the new card, and tell them its four words"));
        }
        let party = desk::open(app)?;
        let card = party.card();
        let phrase = verification_phrase(&card.id())
            .map_err(|e| CliError::user("the verification words cannot be made").caused_by(e))?;
        let file = output.as_ref().map(|file| file.display().to_string());
        if let Some(file) = &output {
            files::write(file, format!("{}\n", card.to_text()).as_bytes())?;
        }
        if let Some(file) = &qr {
            qr::write(app, file, &card.to_text())?;
        }
        let answer = json!({
            "id": card.id(),
            "name": card.name,
            "phrase": phrase.to_string(),
            "file": file,
        });
        app.output().answer(&answer, |_| {
            let place = file.map_or_else(
                || card.to_text(),
                |file| format!("The card is in {file}. It is public: give it to students."),
            );
            format!(
                "{place}\n\nVerification words: {phrase}\n\
                 Tell students these words another way, at the desk or on the telephone."
            )
        })
    }
}
