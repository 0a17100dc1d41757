//! `passport grants`.

use clap::Args;

use crate::app::App;
use crate::consent::{self, GrantLine};
use crate::error::CliError;
use crate::passport;

/// Lists who may see what, for what, and until when
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport grants")]
pub(crate) struct Grants {}

impl Grants {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let views = passport.grants(app.now());
        let grants = GrantLine::all(&mut passport, &views)?;
        app.output().answer(&grants, |grants| consent::words(grants))
    }
}
