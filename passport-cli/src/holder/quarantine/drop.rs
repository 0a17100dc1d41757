//! `passport quarantine drop`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;

/// Throws a held-back item away
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport quarantine drop 9c01d2e3")]
pub(crate) struct Drop {
    /// The item, as `passport quarantine list` names it
    #[arg(value_name = "ID")]
    id: String,
}

impl Drop {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        super::judge(app, &id, false)
    }
}
