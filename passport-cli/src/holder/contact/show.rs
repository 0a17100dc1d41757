//! `passport contact show`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Shows a contact: what it is, how to reach it, what it can see
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact show \"Campus Medical\"")]
pub(crate) struct Show {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        pending(contact)
    }
}
