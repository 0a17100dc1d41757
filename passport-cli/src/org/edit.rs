//! `passport org edit`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::fields::Assignment;
use crate::pending::pending;

/// Changes an entry that the organisation recorded, or one in a shared plan
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org edit 4f2a91c3 --set dose=\"100 mg\"")]
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
