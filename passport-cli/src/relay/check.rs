//! `passport relay check`.

use clap::Args;
use passport_sync::store::Checked;

use super::store::{self, Store};
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Checks the relay's database, or a copy of it: its structure, and every object in it
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport relay check --store sqlite:/backup/relay.sqlite")]
pub(crate) struct Check {
    /// The database; the one in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Store>,
}

impl Check {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let damaged = || {
            CliError::new(ExitCode::VaultDamaged, "the relay's database is damaged")
                .hint("start a relay with a backup, or an empty one: devices offer what it lacks")
        };
        let checked = store::look_at(app, self.store)?.check();
        let checked = checked.map_err(|source| damaged().caused_by(source))?;
        app.output().answer(&checked, words)?;
        if checked.is_well() { Ok(()) } else { Err(damaged()) }
    }
}

fn words(checked: &Checked) -> String {
    format!(
        "{} objects looked at: {} altered, {} channels miscounted, {} rows of feeds astray, \
         {} orphaned.",
        checked.objects, checked.altered, checked.miscounted, checked.astray, checked.orphaned
    )
}
