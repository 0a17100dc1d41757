//! `passport contact remove`.

use clap::Args;
use passport_core::holder::{GrantState, GrantView};

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;
use serde_json::json;

/// Forgets a contact with whom nothing is shared
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact remove \"Campus Medical\"")]
pub(crate) struct Remove {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        let mut passport = passport::open(app)?;
        let (id, _) = passport::contact(&passport, &contact)?;
        let shares = |g: &GrantView| g.grant.organisation == id && g.state == GrantState::Active;
        if passport.grants(app.now()).iter().any(shares) {
            return Err(CliError::user("something is still shared with this contact")
                .hint("end it first with `passport revoke CONTACT`"));
        }
        passport.remove_contact(id, app.now(), &mut os_rng()?)?;
        app.output().answer(&json!({ "id": id }), |_| "Forgotten.".to_owned())
    }
}
