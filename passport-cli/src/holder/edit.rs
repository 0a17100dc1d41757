//! `passport edit`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::fields::Assignment;
use crate::pending::pending;

/// Changes fields of an entry
///
/// An empty value clears the field. What it said before stays in `passport history`.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport edit sertraline --set dose=\"100 mg\"\n\
\x20 passport edit 4f2a91c3 --set stopped=2026-10-03 --set reason=")]
pub(crate) struct Edit {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    set: Vec<Assignment>,
}

impl Edit {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { entry, set } = self;
        pending((entry, set))
    }
}
