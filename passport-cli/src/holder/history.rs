//! `passport history`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lists who changed what, and when
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport history\n\
\x20 passport history medications")]
pub(crate) struct History {
    /// A section or an entry; everything when left out
    #[arg(value_name = "SECTION|ENTRY")]
    what: Option<String>,
}

impl History {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { what } = self;
        pending(what)
    }
}
