//! `passport revoke`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Stops sharing with a contact
///
/// The contact sees nothing that is written from now on. What it read before, it may have kept.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport revoke \"Campus Medical\"\n\
\x20 passport revoke \"Campus Medical\" risks")]
pub(crate) struct Revoke {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
    /// The sections to stop sharing; all of them when left out
    #[arg(value_name = "SECTION")]
    sections: Vec<SectionName>,
}

impl Revoke {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { contact, sections } = self;
        pending((contact, sections))
    }
}
