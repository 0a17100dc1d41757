//! `passport org init`.

use clap::Args;
use passport_core::keys;

use crate::app::App;
use crate::choice::OrganisationKind;
use crate::error::CliError;
use crate::pending::pending;
use crate::relay_url::RelayUrl;

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
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { name, kind, ods, remotes } = self;
        let kind = keys::OrganisationKind::from(kind);
        pending((name, kind, ods, remotes))
    }
}
