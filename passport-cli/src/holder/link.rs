//! Links that open in a browser (HL7 SMART Health Links).

mod create;
mod list;
mod revoke;

use clap::Subcommand;
use passport_core::holder::KeptLink;
use passport_core::party::Party as _;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_sync::client::Remote;
use rand_core::CryptoRng;

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

/// Ends every link of this device, as far as its relay can be reached.
///
/// # Errors
/// Returns an error when the vault cannot be read or written.
pub(super) fn end_all(
    app: &App,
    passport: &mut Passport,
    rng: &mut dyn CryptoRng,
) -> Result<(), CliError> {
    for link in passport.links()? {
        let mut relay = relay(app, passport, &link.relay)?;
        let ended = relay.drop_link(&link.id, app.now(), rng);
        match ended.map_err(CliError::from) {
            Ok(_) => passport.forget_link(&link.id)?,
            Err(error) => app.output().say(&format!(
                "The link {} goes on until {}: {}. `passport link revoke` ends it.",
                neutralise_line(&called(&link)),
                link.until,
                error.message()
            )),
        }
    }
    Ok(())
}

/// What a link is called: its label, or its sections.
fn called(link: &KeptLink) -> String {
    if !link.label.is_empty() {
        return link.label.clone();
    }
    let titles: Vec<&str> = link.sections.iter().map(SectionName::as_str).collect();
    titles.join(", ")
}
