//! Your phones and computers.

mod add;
mod approve;
mod list;
mod remove;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// Your phones and computers.
#[derive(Subcommand)]
pub(crate) enum Device {
    Add(add::Add),
    Approve(approve::Approve),
    List(list::List),
    Remove(remove::Remove),
}

impl Device {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Add(c) => c.run(app),
            Self::Approve(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Remove(c) => c.run(app),
        }
    }
}
