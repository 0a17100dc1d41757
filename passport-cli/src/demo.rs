//! `passport demo`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Plays the whole story with example people, and leaves it to go on with
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport demo --dir ./passport-demo")]
pub(crate) struct Demo {
    /// Where to leave the vaults; a new temporary directory when left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { dir } = self;
        pending(dir)
    }
}
