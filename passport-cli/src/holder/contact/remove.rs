//! `passport contact remove`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Forgets a contact with whom nothing is shared
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact remove \"Campus Medical\"")]
pub(crate) struct Remove {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        pending(contact)
    }
}
