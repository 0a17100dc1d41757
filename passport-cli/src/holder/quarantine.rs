//! What was received but not accepted.

mod drop;
mod list;
mod release;
mod show;

use clap::Subcommand;
use passport_core::holder::Quarantined;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::names::{Candidate, resolve};
use crate::passport::{self, Passport};
use crate::rng::os_rng;

/// What was received but not accepted.
#[derive(Subcommand)]
pub(crate) enum Quarantine {
    List(list::List),
    Show(show::Show),
    Release(release::Release),
    Drop(drop::Drop),
}

impl Quarantine {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::List(c) => c.run(app),
            Self::Show(c) => c.run(app),
            Self::Release(c) => c.run(app),
            Self::Drop(c) => c.run(app),
        }
    }
}

/// What is held back, as `--json` prints it.
///
/// # Errors
/// Returns an error when a section cannot be read.
pub(crate) fn listed(passport: &mut Passport) -> Result<Vec<serde_json::Value>, CliError> {
    let all = passport.quarantined()?;
    Ok(all.iter().map(one).collect())
}

fn one(held: &Quarantined) -> serde_json::Value {
    json!({
        "id": held.envelope,
        "reason": reason(held),
        "section": held.section,
        "author": held.author,
        "at": held.at,
        "edits": held.edits.iter().map(|e| e.what).collect::<Vec<_>>(),
    })
}

/// Why it is held back.
fn reason(held: &Quarantined) -> String {
    let late = || "came late from somebody who may no longer write here".to_owned();
    held.refusal.map_or_else(late, |refusal| refusal.to_string())
}

/// The held-back item that `text` names.
fn named(passport: &mut Passport, text: &str) -> Result<Quarantined, CliError> {
    let mut all = passport.quarantined()?;
    let candidates: Vec<Candidate> = all
        .iter()
        .map(|q| Candidate { id: q.envelope.to_string(), name: q.author.clone() })
        .collect();
    let place = resolve("held-back item", text, &candidates)?;
    Ok(all.swap_remove(place))
}

fn judge(app: &App, id: &str, release: bool) -> Result<(), CliError> {
    let mut passport = passport::open(app)?;
    let id = named(&mut passport, id)?.envelope;
    passport.judge(id, release, app.now(), &mut os_rng()?)?;
    app.output().answer(&json!({ "id": id }), |_| "Done.".to_owned())
}
