//! The services and people you may share with.

mod add;
mod leave;
mod list;
mod remove;
mod show;
mod verify;

use clap::Subcommand;
use passport_core::id::OrganisationId;
use passport_core::keys::{ComparisonWords, OrganisationKind, verification_phrase};
use passport_core::section::display::neutralise_line;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::names::short;

/// The services and people you may share with.
#[derive(Subcommand)]
pub(crate) enum Contact {
    Add(add::Add),
    Verify(verify::Verify),
    List(list::List),
    Show(show::Show),
    Leave(leave::Leave),
    Remove(remove::Remove),
}

impl Contact {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Add(c) => c.run(app),
            Self::Verify(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Show(c) => c.run(app),
            Self::Leave(c) => c.run(app),
            Self::Remove(c) => c.run(app),
        }
    }
}

/// A contact, as `--json` prints it.
#[derive(Serialize)]
struct ContactLine {
    id: OrganisationId,
    name: String,
    kind: &'static str,
    phrase: String,
    verified: bool,
}

impl ContactLine {
    fn of(id: OrganisationId, contact: &passport_core::ledger::Contact) -> Result<Self, CliError> {
        Ok(Self {
            id,
            name: contact.card.name.clone(),
            kind: kind(contact.card.kind),
            phrase: phrase(&id)?.to_string(),
            verified: contact.verified,
        })
    }

    fn words(&self) -> String {
        let name = neutralise_line(&self.name);
        let checked = if self.verified {
            "You have compared its four words."
        } else {
            "Its four words were not compared yet: `passport contact verify`."
        };
        format!("{name}  [{}]\n{checked}\n", short(&self.id.to_string()))
    }
}

const fn kind(kind: OrganisationKind) -> &'static str {
    match kind {
        OrganisationKind::Gp => "gp",
        OrganisationKind::University => "university",
        OrganisationKind::Hospital => "hospital",
        OrganisationKind::Other => "other",
    }
}

/// The four words of a contact.
fn phrase(id: &OrganisationId) -> Result<ComparisonWords, CliError> {
    verification_phrase(id)
        .map_err(|error| CliError::user("the four words cannot be worked out").caused_by(error))
}

/// Compares what was typed with a contact's words.
fn compare(id: &OrganisationId, typed: &str) -> Result<(), CliError> {
    if phrase(id)?.matches(typed) {
        return Ok(());
    }
    Err(CliError::new(ExitCode::VerificationFailed, "these are not the four words of this card")
        .hint("check them with the service, not with whoever sent the card")
        .hint("nothing was changed"))
}
