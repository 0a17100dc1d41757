//! `passport grants`.

mod extend;

use clap::{Args, Subcommand};

use crate::app::App;
use crate::consent::{self, GrantLine};
use crate::error::CliError;
use crate::passport;

/// Lists who may see what, for what, and until when
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport grants\n\
\x20 passport grants extend 3f2a --until 2028-07-31")]
pub(crate) struct Grants {
    #[command(subcommand)]
    command: Option<Change>,
}

#[derive(Subcommand)]
enum Change {
    Extend(extend::Extend),
}

impl Grants {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { command } = self;
        if let Some(Change::Extend(extend)) = command {
            return extend.run(app);
        }
        let mut passport = passport::open(app)?;
        let views = passport.grants(app.now());
        let grants = GrantLine::all(&mut passport, &views)?;
        app.output().answer(&grants, |grants| consent::words(grants))
    }
}
