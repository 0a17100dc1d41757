//! Links that open in a browser (HL7 SMART Health Links).

mod create;
mod list;
mod revoke;

use clap::Subcommand;
use passport_core::holder::KeptLink;
use passport_core::party::Party as _;
use passport_core::section::SectionName;
use passport_sync::client::Remote;

use crate::app::App;
use crate::error::CliError;
use crate::passport::Passport;

/// Links that let somebody without this program read sections, in a browser.
#[derive(Subcommand)]
pub(crate) enum Link {
    Create(create::Create),
    List(list::List),
    Revoke(revoke::Revoke),
}

impl Link {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Create(c) => c.run(app),
            Self::List(c) => c.run(app),
            Self::Revoke(c) => c.run(app),
        }
    }
}

/// The relay that keeps a link, spoken to as whoever made it.
fn relay(app: &App, passport: &Passport, url: &str) -> Result<Remote, CliError> {
    Ok(Remote::new(url, passport.request_key().clone(), app.remote())?)
}

/// What a link is called: its label, or its sections.
fn called(link: &KeptLink) -> String {
    if !link.label.is_empty() {
        return link.label.clone();
    }
    let titles: Vec<&str> = link.sections.iter().map(SectionName::as_str).collect();
    titles.join(", ")
}
