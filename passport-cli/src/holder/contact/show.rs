//! `passport contact show`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::GrantState;
use passport_core::section::display::neutralise_line;
use serde::Serialize;

use super::ContactLine;
use super::leave::LeavingLine;
use crate::app::App;
use crate::consent;
use crate::error::CliError;
use crate::passport;

/// Shows a contact: what it is, how to reach it, what it can see
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact show \"Campus Medical\"")]
pub(crate) struct Show {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

/// The contact, and what became of it if it was left.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    line: ContactLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaving: Option<LeavingLine>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        let mut passport = passport::open(app)?;
        let (id, contact) = passport::contact(&passport, &contact)?;
        let line = ContactLine::of(id, &contact)?;
        let mut active = passport.grants(app.now());
        active.retain(|g| g.grant.organisation == id && g.state == GrantState::Active);
        let mut shared = Vec::new();
        for grant in active {
            let lacking = passport.not_received(id, &grant.grant.section)?;
            shared.push((grant.grant, lacking));
        }
        let leaving = passport.leaving(id)?.map(LeavingLine::of);
        let answer = Answer { line, leaving };
        app.output().answer(&answer, |Answer { line, leaving }| {
            let mut text = line.words();
            let _ = writeln!(text, "Four words: {}", line.phrase);
            for (what, said) in
                [("Offers", &contact.card.services), ("How to reach it", &contact.card.contact)]
            {
                if let Some(said) = said {
                    let _ = writeln!(text, "{what}: {}", neutralise_line(said));
                }
            }
            for (grant, lacking) in &shared {
                let title = grant.section.spec().title;
                let right = consent::can(grant.can);
                let arrived = if *lacking == 0 {
                    "has received all of it"
                } else {
                    "has not said yet that it received all of it"
                };
                let _ = writeln!(text, "May {right}: {title} ({arrived})");
            }
            text.extend(leaving.as_ref().map(LeavingLine::words));
            text
        })
    }
}
