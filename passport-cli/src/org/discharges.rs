//! `passport org discharges`.

use clap::Args;

use crate::app::App;
use crate::duration::When;
use crate::error::CliError;
use crate::pending::pending;

/// Lists students who left hospital lately and share that they did
///
/// Only students who share their discharges with you can appear. No entry does not mean no
/// discharge.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org discharges\n\
\x20 passport org discharges --since 7d --setting mental-health\n\
\x20 passport org discharges --since 2026-09-01 --csv > discharges.csv")]
pub(crate) struct Discharges {
    /// How far back: a span or a date
    #[arg(long, value_name = "DURATION|DATE", default_value = "30d")]
    since: When,
    /// Only from this kind of setting, for example mental-health or acute
    #[arg(long, value_name = "SETTING")]
    setting: Option<String>,
    /// Prints a table for a spreadsheet
    #[arg(long)]
    csv: bool,
}

impl Discharges {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { since, setting, csv } = self;
        let since = since.since(app.now());
        let since = since.map_err(|e| CliError::usage("`--since` has no start").caused_by(e))?;
        pending((since, setting, csv))
    }
}
