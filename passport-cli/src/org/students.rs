//! `passport org students`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists which students share what, for what, and until when
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org students\n\
\x20 passport org students --section discharge-notice")]
pub(crate) struct Students {
    /// Only those who share this section
    #[arg(long, value_name = "SECTION")]
    section: Option<SectionName>,
}

impl Students {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { section } = self;
        pending(section)
    }
}
