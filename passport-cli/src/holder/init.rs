//! `passport init`.

use clap::Args;
use passport_core::section::PartialDate;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;
use crate::relay_url::RelayUrl;

/// Makes a new passport on this device, and prints its recovery phrase once
///
/// The recovery phrase is 24 words. With it you get your passport back on a new device;
/// so does whoever else finds it. Write it on paper and keep it safe. It is shown only now.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport init --name \"Ada Example\" --dob 2005-03-14\n\
\x20 passport init --name \"Ada Example\" --pronouns she/her --remote https://relay.example")]
pub(crate) struct Init {
    /// Your name, as you want to be called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Your date of birth, for example 2005-03-14
    #[arg(long = "dob", value_name = "DATE")]
    date_of_birth: Option<PartialDate>,
    /// Your NHS number, if you know it; spaces are fine
    #[arg(long, value_name = "NUMBER")]
    nhs_number: Option<String>,
    /// Your pronouns, for example they/them
    #[arg(long, value_name = "PRONOUNS")]
    pronouns: Option<String>,
    /// A relay that carries sealed envelopes between you and others; can be given several times
    #[arg(long = "remote", value_name = "URL")]
    remotes: Vec<RelayUrl>,
}

impl Init {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { name, date_of_birth, nhs_number, pronouns, remotes } = self;
        pending((name, date_of_birth, nhs_number, pronouns, remotes))
    }
}
