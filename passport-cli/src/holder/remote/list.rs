//! `passport remote list`.

use clap::Args;
use passport_core::party::Party as _;
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::passport::{self, Passport};
use crate::table::table;

/// Lists the relays, and when each last confirmed what you have
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
            let row = |l: &Line| {
                let last = l.last_confirmed.map(|at| at.to_string());
                [l.url.clone(), last.unwrap_or_else(|| "never".to_owned())]
            };
            table(["relay", "last confirmed"], &lines.iter().map(row).collect::<Vec<_>>())
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
}

/// Every relay of the passport.
///
/// # Errors
/// Returns an error when the vault cannot be read.
pub(crate) fn lines(passport: &Passport) -> Result<Vec<Line>, CliError> {
    let relays = passport.fold().relays.iter();
    relays
        .map(|url| {
            let last_confirmed = passport.remote(url)?.last_confirmed;
            Ok(Line { url: url.clone(), last_confirmed })
        })
        .collect()
}
