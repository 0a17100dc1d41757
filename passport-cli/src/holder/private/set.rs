//! `passport private set`.

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;

/// Begins to keep things back under a passphrase of their own
///
/// What is in the section `private` opens only under this passphrase, on each of your devices and
/// after a recovery too; nobody can get it back for you. Without it the section is not listed
/// anywhere. Whoever opens this device's files with tools of their own can tell that something
/// is kept back, and about how much, but not what.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport private set\n\
\x20 passport add private --text \"Only for me\"\n\
\x20 passport show private")]
pub(crate) struct Set {}

impl Set {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open_without_kept_back(app)?;
        let passphrase = app.kept_back().chosen()?;
        passport.keep_back(&passphrase, app.now(), &mut os_rng()?)?;
        app.output().answer(&json!({"section": "private"}), |_| {
            "Done. Add to it with `passport add private`, look with `passport show private`.\n\
             What you move there stays in the history of the section it came from."
                .to_owned()
        })
    }
}
