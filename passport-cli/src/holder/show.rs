//! `passport show`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::help;
use crate::pending::pending;

/// Shows your record, a section or an entry
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport show\n\
\x20 passport show medications\n\
\x20 passport show --as-seen-by \"Campus Medical\""))]
pub(crate) struct Show {
    /// A section or an entry; everything when left out
    #[arg(value_name = "SECTION|ENTRY")]
    what: Option<String>,
    /// Shows exactly what this contact can see now
    #[arg(long, value_name = "CONTACT")]
    as_seen_by: Option<String>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { what, as_seen_by } = self;
        pending((what, as_seen_by))
    }
}
