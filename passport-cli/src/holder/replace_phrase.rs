//! `passport replace-phrase`.

use clap::Args;
use passport_core::section::display::neutralise_line;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::passport::{self, Passport};
use crate::recovery;
use crate::rng::os_rng;

/// Puts a new recovery phrase in the place of the old one, and prints it once
///
/// The old phrase is asked for, or read from standard input. From then on it opens nothing that
/// is written later, and nobody heeds what is said with it. Every device that is in stays: remove
/// those that are not yours first.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport replace-phrase\n\
\x20 passport replace-phrase --yes < old-phrase.txt")]
pub(crate) struct ReplacePhrase {}

impl ReplacePhrase {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let phrase = if let Some(phrase) = passport.unshown_phrase()? {
            // The program was ended before it had shown the last one.
            phrase
        } else {
            let names = passport.fold().live_devices().map(|d| neutralise_line(&d.name));
            let names: Vec<String> = names.collect();
            app.output().say(&format!("These devices stay: {}.", names.join(", ")));
            app.confirm().ask("The old words will open nothing new. Go on?")?;
            let old = recovery::ask()?;
            passport.replace_phrase(&old, app.now(), &mut os_rng()?)?
        };
        let words = recovery::joined(&phrase);
        let answer = json!({ "passport": passport.passport(), "recovery_phrase": *words });
        app.output().answer(&answer, |_| {
            format!(
                "Your new recovery phrase. Write it on paper and keep it safe; it is shown only \
                 now:\n\n{}\n\nThe old words are worth nothing once `passport sync` has told \
                 your relays: destroy the old paper.\n",
                recovery::lines(&words)
            )
        })?;
        shown(app, &mut passport);
        Ok(())
    }
}

/// Forgets a phrase that was shown. If that fails it is only shown once more.
pub(super) fn shown(app: &App, passport: &mut Passport) {
    if let Err(error) = passport.phrase_was_shown() {
        app.output().error(&error.into());
    }
}
