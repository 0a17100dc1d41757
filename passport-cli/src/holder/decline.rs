//! `passport decline`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Declines a suggested change
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport decline 77aa1122")]
pub(crate) struct Decline {
    /// The suggestion, as `passport suggestions` lists it
    #[arg(value_name = "ID")]
    id: String,
}

impl Decline {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        pending(id)
    }
}
