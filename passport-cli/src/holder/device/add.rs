//! `passport device add`.

use clap::Args;

use crate::app::App;
use crate::duration::Away;
use crate::error::CliError;
use crate::pending::pending;

/// Shows a code that lets this new device join your passport
///
/// Run this on the new device; then run `passport device approve CODE` on the one you have.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport device add\n\
\x20 passport device add --temporary 2h")]
pub(crate) struct Add {
    /// Only for a while, on a borrowed or shared device, for example 2h
    #[arg(long, value_name = "DURATION")]
    temporary: Option<Away>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { temporary } = self;
        pending(temporary)
    }
}
