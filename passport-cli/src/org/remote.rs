//! The relays where an organisation's mailbox is.

use clap::{Args, Subcommand};
use passport_core::journal::RemoteState;
use serde_json::json;

use super::{desk, fault};
use crate::app::App;
use crate::error::CliError;
use crate::holder::remote::list::{Line, words};
use crate::relay_url::RelayUrl;

/// The relays where the organisation's mailbox is.
#[derive(Subcommand)]
pub(crate) enum Remote {
    Add(Add),
    List(List),
    Remove(Remove),
}

impl Remote {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Add(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Remove(c) => c.run(app),
        }
    }
}

/// Adds a relay, also to the card; cards given out before stay good
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org remote add https://relay.example:7700")]
pub(crate) struct Add {
    /// The relay's address
    #[arg(value_name = "URL")]
    url: RelayUrl,
}

impl Add {
    /// Carries it out.
    fn run(self, app: &App) -> Result<(), CliError> {
        let Self { url } = self;
        app.usable(std::slice::from_ref(&url))?;
        let mut party = desk::open(app)?;
        let mut relays = party.card().relays.clone();
        if !relays.iter().any(|r| r == url.as_str()) {
            relays.push(url.to_string());
            party.set_relays(relays, app.now()).map_err(fault::refused)?;
        }
        app.output().answer(&json!({ "url": url.as_str() }), |_| {
            format!("`passport org sync` uses {url} from now on.")
        })
    }
}

/// Lists the relays: when each last confirmed what you have, and last brought something new
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org remote list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    #[expect(clippy::unused_self, reason = "every command is run alike")]
    fn run(self, app: &App) -> Result<(), CliError> {
        let party = desk::open(app)?;
        let mut lines = Vec::new();
        for url in &party.card().relays {
            let remote = party.journal().remote(url).map_err(|e| fault::refused(e.into()))?;
            let RemoteState { last_confirmed, last_news, .. } = remote;
            lines.push(Line { url: url.clone(), last_confirmed, last_news });
        }
        app.output().answer(&lines, |lines| {
            if lines.is_empty() {
                return "No relays yet: `passport org remote add URL`.\n".to_owned();
            }
            words(lines)
        })
    }
}

/// Stops using a relay
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org remote remove https://relay.example:7700")]
pub(crate) struct Remove {
    /// The relay's address
    #[arg(value_name = "URL")]
    url: RelayUrl,
}

impl Remove {
    /// Carries it out.
    fn run(self, app: &App) -> Result<(), CliError> {
        let Self { url } = self;
        let mut party = desk::open(app)?;
        let mut relays = party.card().relays.clone();
        let before = relays.len();
        relays.retain(|r| r != url.as_str());
        if relays.len() == before {
            return Err(CliError::user(format!("{url} is none of your relays"))
                .hint("`passport org remote list` lists them"));
        }
        party.set_relays(relays, app.now()).map_err(fault::refused)?;
        let answer = json!({ "url": url.as_str() });
        app.output().answer(&answer, |_| format!("{url} is not used any more."))
    }
}
