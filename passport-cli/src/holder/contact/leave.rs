//! `passport contact leave`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::{GrantState, Leaving};
use passport_core::id::OrganisationId;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::consent::GrantLine;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;

/// Leaves a service: ends all sharing, asks it to delete what it has, and shows its receipt
///
/// Run it again to see what the service signed since; it asks again for what is outstanding. What
/// a service has filed in its own systems, or must keep by law, it may keep.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact leave \"Campus Medical\"")]
pub(crate) struct Leave {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

/// What became of leaving, as `--json` prints it.
#[derive(Serialize)]
struct Answer {
    id: OrganisationId,
    revoked: Vec<GrantLine>,
    #[serde(flatten)]
    leaving: LeavingLine,
}

/// What was asked and what was said to it, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct LeavingLine {
    asked: Timestamp,
    deleted: Vec<Deleted>,
    outstanding: Vec<SectionName>,
}

#[derive(Serialize)]
struct Deleted {
    section: SectionName,
    at: Timestamp,
}

impl LeavingLine {
    pub(super) fn of(leaving: Leaving) -> Self {
        let deleted = leaving.deleted.into_iter();
        Self {
            asked: leaving.asked,
            deleted: deleted.map(|(section, at)| Deleted { section, at }).collect(),
            outstanding: leaving.outstanding.into_iter().collect(),
        }
    }

    /// In words, a line for each section.
    pub(super) fn words(&self) -> String {
        let mut text = format!("Asked to delete everything: {}\n", self.asked);
        for Deleted { section, at } in &self.deleted {
            let _ = writeln!(text, "Signed that it deleted: {} ({at})", section.spec().title);
        }
        for section in &self.outstanding {
            let _ = writeln!(text, "Has not said so yet: {}", section.spec().title);
        }
        text
    }
}

impl Leave {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        let mut passport = passport::open(app)?;
        let (id, contact) = passport::contact(&passport, &contact)?;
        let done = passport.leaving(id)?.is_some_and(|l| l.outstanding.is_empty());
        let in_force = passport.grants(app.now()).into_iter();
        let in_force = in_force.filter(|g| g.grant.organisation == id);
        let in_force = in_force.filter(|g| g.state == GrantState::Active).count();
        let mut revoked = Vec::new();
        if !done || in_force > 0 {
            let name = neutralise_line(&contact.card.name);
            app.confirm().ask(&format!(
                "{name} will be asked to delete what it has; consents that end: {in_force}. Go on?"
            ))?;
            let ended = passport.leave(id, app.now(), &mut os_rng()?)?;
            let grants = passport.grants(app.now());
            revoked
                .extend(grants.iter().filter(|g| ended.contains(&g.grant.id)).map(GrantLine::of));
            app.output().say("It is asked with the next `passport sync`.");
        }
        let leaving = passport.leaving(id)?;
        let leaving = leaving.ok_or_else(|| CliError::user("something is shared with it again"))?;
        let answer = Answer { id, revoked, leaving: LeavingLine::of(leaving) };
        app.output().answer(&answer, |answer| answer.leaving.words())
    }
}
