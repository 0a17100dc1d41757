//! `passport remote remove`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;
use serde_json::json;

/// Stops using a relay
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport remote remove https://relay.example:7700")]
pub(crate) struct Remove {
    /// The relay's address
    #[arg(value_name = "URL")]
    url: RelayUrl,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { url } = self;
        let mut passport = passport::open(app)?;
        let mut relays = passport.fold().relays.clone();
        let before = relays.len();
        relays.retain(|r| r != url.as_str());
        if relays.len() == before {
            return Err(CliError::user(format!("{url} is none of your relays"))
                .hint("`passport remote list` lists them"));
        }
        passport.set_relays(relays, app.now(), &mut os_rng()?)?;
        let answer = json!({ "url": url.as_str() });
        app.output().answer(&answer, |_| format!("{url} is not used any more."))
    }
}
