//! `passport remote add`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;
use serde_json::json;

/// Adds a relay
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport remote add https://relay.example:7700")]
pub(crate) struct Add {
    /// The relay's address
    #[arg(value_name = "URL")]
    url: RelayUrl,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { url } = self;
        app.usable(std::slice::from_ref(&url))?;
        let mut passport = passport::open(app)?;
        let mut relays = passport.fold().relays.clone();
        if !relays.iter().any(|r| r == url.as_str()) {
            relays.push(url.to_string());
            passport.set_relays(relays, app.now(), &mut os_rng()?)?;
        }
        let answer = json!({ "url": url.as_str() });
        app.output().answer(&answer, |_| format!("`passport sync` uses {url} from now on."))
    }
}
