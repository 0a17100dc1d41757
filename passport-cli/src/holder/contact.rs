//! The services and people you may share with.

mod add;
mod list;
mod remove;
mod show;
mod verify;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The services and people you may share with.
#[derive(Subcommand)]
pub(crate) enum Contact {
    Add(add::Add),
    Verify(verify::Verify),
    List(list::List),
    Show(show::Show),
    Remove(remove::Remove),
}

impl Contact {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Add(c) => c.run(app),
            Self::Verify(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Show(c) => c.run(app),
            Self::Remove(c) => c.run(app),
        }
    }
}
