//! `passport accept`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;
use serde_json::json;

/// Accepts a suggested change
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport accept 77aa1122")]
pub(crate) struct Accept {
    /// The suggestion, as `passport suggestions` lists it
    #[arg(value_name = "ID")]
    id: String,
}

impl Accept {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { id } = self;
        let mut passport = passport::open(app)?;
        let id = passport::suggestion(&mut passport, &id)?;
        passport.settle(id, true, app.now(), &mut os_rng()?)?;
        app.output().answer(&json!({ "id": id }), |_| "Done.".to_owned())
    }
}
