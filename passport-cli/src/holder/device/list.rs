//! `passport device list`.

use clap::Args;
use passport_core::ledger::Device;

use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::table::table;
use serde_json::json;

/// Lists your devices
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport device list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let passport = passport::open(app)?;
        let own = passport.device();
        let devices: Vec<_> = passport.fold().live_devices().collect();
        let lines: Vec<_> = devices
            .iter()
            .map(|d| {
                json!({
                    "id": d.verified.key(),
                    "name": d.name,
                    "this": d.verified.key() == own,
                    "until": d.verified.expires(),
                })
            })
            .collect();
        app.output().answer(&lines, |_| {
            let row = |d: &&Device| {
                let key = d.verified.key();
                let this = if key == own { "this one" } else { "" };
                let until = d.verified.expires().map(|until| until.to_string());
                let id = key.to_string();
                [short(&id).to_owned(), d.name.clone(), this.to_owned(), until.unwrap_or_default()]
            };
            let rows: Vec<[String; 4]> = devices.iter().map(row).collect();
            table(["id", "name", "", "until"], &rows)
        })
    }
}
