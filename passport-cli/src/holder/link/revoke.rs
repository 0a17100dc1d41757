//! `passport link revoke`.

use clap::Args;
use serde_json::json;

use super::{called, relay};
use crate::app::App;
use crate::error::CliError;
use crate::names::{Candidate, resolve};
use crate::passport;
use crate::rng::os_rng;

/// Ends a link: the relay forgets its file
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport link revoke \"For the pharmacy\"")]
pub(crate) struct Revoke {
    /// The link: its label, or the first letters of its id
    #[arg(value_name = "ID")]
    link: String,
}

impl Revoke {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { link } = self;
        let mut passport = passport::open(app)?;
        let mut links = passport.links()?;
        let candidates: Vec<Candidate> =
            links.iter().map(|l| Candidate { id: l.id.to_string(), name: called(l) }).collect();
        let link = links.swap_remove(resolve("link", &link, &candidates)?);
        relay(app, &passport, &link.relay)?.drop_link(&link.id, app.now(), &mut os_rng()?)?;
        passport.forget_link(&link.id)?;
        let answer = json!({ "id": link.id });
        app.output().answer(&answer, |_| {
            "The link opens nothing any more. What was read stays read.".to_owned()
        })
    }
}
