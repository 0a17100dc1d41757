//! `passport init`.

use clap::Args;
use passport_core::holder::Profile;
use passport_core::keys::RecoveryPhrase;
use passport_core::nhs_number::NhsNumber;
use passport_core::section::PartialDate;
use passport_core::time::Timestamp;
use passport_core::vault::VaultError;

use super::replace_phrase::shown;
use crate::app::App;
use crate::error::CliError;
use crate::passport::{self, Opened, Passport};
use crate::recovery;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;
use serde::Serialize;

/// Makes a new passport on this device, and prints its recovery phrase once
///
/// The recovery phrase is 24 words. With it you get your passport back on a new device;
/// so does whoever else finds it. Write it on paper and keep it safe. It is shown only now.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport init --name \"Ada Example\" --dob 2005-03-14\n\
\x20 passport init --name \"Ada Example\" --pronouns she/her --remote https://relay.example:7700")]
pub(crate) struct Init {
    /// Your name, as you want to be called
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Your date of birth, for example 2005-03-14
    #[arg(long = "dob", value_name = "DATE")]
    date_of_birth: Option<PartialDate>,
    /// Your NHS number, if you know it; spaces are fine
    #[arg(long, value_name = "NUMBER")]
    nhs_number: Option<NhsNumber>,
    /// Your pronouns, for example they/them
    #[arg(long, value_name = "PRONOUNS")]
    pronouns: Option<String>,
    /// A relay that carries sealed envelopes between you and others; can be given several times
    #[arg(long = "remote", value_name = "URL")]
    remotes: Vec<RelayUrl>,
}

impl Init {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { name, date_of_birth, nhs_number, pronouns, remotes } = self;
        plausible(&name, date_of_birth.as_ref(), app.now())?;
        if app.home().existing_vault().is_ok() {
            return again(app);
        }
        let nhs_number = nhs_number.map(|n| n.digits().to_owned());
        let profile = Profile {
            name,
            date_of_birth,
            nhs_number,
            pronouns,
            device_name: passport::device_name(),
            relays: app.usable(&remotes)?,
        };
        let mut rng = os_rng()?;
        let (mut holder, phrase) = passport::create(app, &mut rng, |vault, rng| {
            Ok(Passport::create(vault, &profile, app.now(), rng)?)
        })?;
        show(app, &mut holder, &phrase)
    }
}

/// Shows the recovery phrase, which is forgotten then.
fn show(app: &App, holder: &mut Passport, phrase: &RecoveryPhrase) -> Result<(), CliError> {
    let made = Made {
        passport: holder.passport().to_string(),
        device: holder.device().to_string(),
        recovery_phrase: &recovery::joined(phrase),
    };
    app.output().answer(&made, |made| words(made))?;
    shown(app, holder);
    Ok(())
}

/// Goes on where a run was ended before it had shown the recovery phrase.
fn again(app: &App) -> Result<(), CliError> {
    if let Ok(Opened::Holder(mut holder)) = passport::open_any(app)
        && let Some(phrase) = holder.unshown_phrase()?
    {
        return show(app, &mut holder, &phrase);
    }
    Err(VaultError::Exists.into())
}

/// Refuses what can only be a slip: it is on every grant, and how files are told to be about you.
fn plausible(name: &str, born: Option<&PartialDate>, now: Timestamp) -> Result<(), CliError> {
    if name.trim().is_empty() {
        return Err(CliError::usage("a passport needs a name")
            .hint("for example --name \"Ada Example\"; how you want to be called is enough"));
    }
    let Some(born) = born else { return Ok(()) };
    let (day, today) = (born.as_str(), now.date());
    let known = today.get(..day.len().min(today.len())).unwrap_or_default();
    if day.get(..known.len()).is_none_or(|day| day > known) {
        return Err(
            CliError::usage("the date of birth lies in the future").hint("give it like 2005-03-14")
        );
    }
    if day.get(..4).is_none_or(|year| year < "1900") {
        return Err(
            CliError::usage("the date of birth lies before 1900").hint("give it like 2005-03-14")
        );
    }
    Ok(())
}

#[derive(Serialize)]
struct Made<'a> {
    passport: String,
    device: String,
    recovery_phrase: &'a str,
}

fn words(made: &Made<'_>) -> String {
    format!(
        "Your passport is ready on this device.\n\n\
         Your recovery phrase. Write it on paper and keep it safe; it is shown only now:\n\n\
         {}\n\n\
         With it you get everything back on a new device. So does whoever else finds it.\n\
         Nothing is shared until you share it.\n",
        recovery::lines(made.recovery_phrase),
    )
}
