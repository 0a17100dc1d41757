//! `passport org init`.

use clap::Args;
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::section::display::neutralise_line;
use passport_core::vault::MemoryVault;
use serde_json::json;

use super::fault;
use crate::app::App;
use crate::choice::OrganisationKind;
use crate::error::CliError;
use crate::passport;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;

/// Makes an organisation's vault and its card on this machine
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org init --name \"Campus Medical\" --kind gp --ods A12345")]
pub(crate) struct Init {
    /// The organisation's name, as students know it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it is
    #[arg(long, value_enum, value_name = "KIND")]
    kind: OrganisationKind,
    /// Its ODS code, if it has one
    #[arg(long, value_name = "CODE")]
    ods: Option<String>,
    /// A relay that carries sealed envelopes between you and others; can be given several times
    #[arg(long = "remote", value_name = "URL")]
    remotes: Vec<RelayUrl>,
}

impl Init {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { name, kind, ods, remotes } = self;
        let profile = OrganisationProfile {
            name: name.trim().to_owned(),
            kind: kind.into(),
            ods: ods.map(|code| code.trim().to_ascii_uppercase()),
            relays: app.usable(&remotes)?,
        };
        let mut rng = os_rng()?;
        // Refused before anything is made: a vault without an organisation helps nobody.
        Organisation::create(MemoryVault::default(), &profile, app.now(), &mut rng)
            .map_err(fault::refused)?;
        let party = passport::create(app, &mut rng, |vault, rng| {
            Organisation::create(vault, &profile, app.now(), rng).map_err(fault::refused)
        })?;
        let answer = json!({ "id": party.id(), "name": party.card().name });
        app.output().answer(&answer, |_| {
            format!(
                "{} is set up in {}.\nNext: passport org card -o FILE writes the card to give to students.",
                neutralise_line(&party.card().name),
                app.home().dir().display(),
            )
        })
    }
}
