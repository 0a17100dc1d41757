//! `passport quarantine release`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;

/// Lets a held-back item into your record after all
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport quarantine release 9c01d2e3")]
pub(crate) struct Release {
    /// The item, as `passport quarantine list` names it
    #[arg(value_name = "ID")]
    id: String,
}

impl Release {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        super::judge(app, &id, true)
    }
}
