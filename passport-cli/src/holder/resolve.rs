//! `passport resolve`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Settles a conflict: chooses one of the values, or gives another
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport resolve sertraline dose --choose 1\n\
\x20 passport resolve sertraline dose --value \"75 mg\"")]
pub(crate) struct Resolve {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// The field, as `passport conflicts` names it
    #[arg(value_name = "FIELD")]
    field: String,
    /// The number of the value to keep, as `passport conflicts` counts them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    choose: Option<u16>,
    /// Another value instead
    #[arg(
        long,
        value_name = "VALUE",
        conflicts_with = "choose",
        required_unless_present = "choose"
    )]
    value: Option<String>,
}

impl Resolve {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { entry, field, choose, value } = self;
        pending((entry, field, choose, value))
    }
}
