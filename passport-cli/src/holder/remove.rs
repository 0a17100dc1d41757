//! `passport remove`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::output;
use crate::passport;
use crate::rng::os_rng;

/// Removes an entry
///
/// Whoever could read it may have kept what it said.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport remove 4f2a91c3")]
pub(crate) struct Remove {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry } = self;
        let mut passport = passport::open(app)?;
        let (section, entry) = passport::entry(&mut passport, &entry)?;
        passport::ask_who_sees(app, &passport, std::slice::from_ref(&section))?;
        passport.remove(entry.id, app.now(), &mut os_rng()?)?;
        output::changed(app, entry.id)
    }
}
