//! `passport accept`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Accepts a suggested change
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport accept 77aa1122")]
pub(crate) struct Accept {
    /// The suggestion, as `passport suggestions` lists it
    #[arg(value_name = "ID")]
    id: String,
}

impl Accept {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        pending(id)
    }
}
