//! `passport remote list`.

use clap::Args;
use passport_core::journal::RemoteState;
use passport_core::party::Party as _;
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::passport::{self, Passport};
use crate::table::table;

/// Lists the relays: when each last confirmed what you have, and last brought something new
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport remote list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let passport = passport::open(app)?;
        let lines = lines(&passport)?;
        app.output().answer(&lines, |lines| {
            if lines.is_empty() {
                return "No relays yet: `passport remote add URL`.\n".to_owned();
            }
            words(lines)
        })
    }
}

/// A relay, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Line {
    /// Its address.
    pub(crate) url: String,
    /// When it last confirmed what is here.
    pub(crate) last_confirmed: Option<Timestamp>,
    /// When it last brought something from others.
    pub(crate) last_news: Option<Timestamp>,
}

/// Relays in a table.
pub(crate) fn words(lines: &[Line]) -> String {
    let row = |l: &Line| [l.url.clone(), when(l.last_confirmed), when(l.last_news)];
    table(["relay", "last confirmed", "last news"], &lines.iter().map(row).collect::<Vec<_>>())
}

/// A moment in a table.
pub(crate) fn when(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), |at| at.to_string())
}

/// Every relay of the passport.
///
/// # Errors
/// Returns an error when the vault cannot be read.
pub(crate) fn lines(passport: &Passport) -> Result<Vec<Line>, CliError> {
    let relays = passport.fold().relays.iter();
    relays
        .map(|url| {
            let RemoteState { last_confirmed, last_news, .. } = passport.remote(url)?;
            Ok(Line { url: url.clone(), last_confirmed, last_news })
        })
        .collect()
}
