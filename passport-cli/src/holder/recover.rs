//! `passport recover`.

use clap::Args;
use passport_core::holder::{Recovered, Recovery};
use passport_core::party::PartyError;
use passport_core::vault::VaultError;
use passport_sync::client::exchange::{Http, fetch_all};

use rand_core::CryptoRng;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::recovery;
use crate::relay_url::RelayUrl;
use crate::rng::os_rng;
use crate::syncing;
use serde_json::json;

/// Gets your passport back on this device with your recovery phrase
///
/// The phrase is asked for, or read from standard input. It is never an argument, because
/// other programs and the shell history could see it there.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport recover --remote https://relay.example:7700\n\
\x20 passport recover --remote https://relay.example:7700 < phrase.txt")]
pub(crate) struct Recover {
    /// A relay that carries sealed envelopes between you and others; can be given several times
    #[arg(long = "remote", value_name = "URL")]
    remotes: Vec<RelayUrl>,
}

impl Recover {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { remotes } = self;
        if app.home().existing_vault().is_ok() {
            return Err(VaultError::Exists.into());
        }
        let phrase = recovery::ask()?;
        let urls = app.usable(&remotes)?;
        if urls.is_empty() {
            return Err(CliError::usage("where your passport is kept must be said")
                .hint("name its relay with --remote URL"));
        }
        let mut rng = os_rng()?;
        let mut recovery = Recovery::new(&phrase);
        look(app, &mut recovery, &urls, &mut rng)?;
        let others: Vec<String> =
            recovery.relays().into_iter().filter(|url| !urls.contains(url)).collect();
        look(app, &mut recovery, &others, &mut rng)?;
        let mut passport = passport::create(app, &mut rng, |vault, rng| {
            let name = passport::device_name();
            Ok(recovery.complete(vault, &name, &urls, app.now(), rng)?)
        })?;
        // What the ledger names comes now; if it does not, the next sync brings it.
        match syncing::with_relays(app, &mut passport, &urls, &mut rng) {
            Ok(_) => {}
            Err(error) => app.output().error(&error),
        }
        let back = json!({"passport": passport.passport(), "device": passport.device()});
        let recovered = passport.recovered()?;
        app.output().answer(&back, |_| {
            let back = "Your passport is back on this device. `passport show` shows it.";
            recovered.map_or_else(|| back.to_owned(), |r| format!("{back}\n{}", caution(&r)))
        })
    }
}

/// What a recovered device says of itself until it is confirmed.
pub(super) fn caution(recovered: &Recovered) -> String {
    format!(
        "This device was recovered on {}, and nobody has confirmed that the relay gave it the \
         latest: compare what you see with what you remember, and your consents too. It is \
         confirmed once another of your devices, after an exchange, writes something; a section \
         also when a service adds to what you wrote in it.",
        recovered.at.date()
    )
}

/// Looks through the recovery mailboxes, as far as relays can be reached.
fn look(
    app: &App,
    recovery: &mut Recovery,
    urls: &[String],
    rng: &mut dyn CryptoRng,
) -> Result<(), CliError> {
    let mut failed: Option<CliError> = None;
    for url in urls {
        let key = recovery.request_key().clone();
        let mut way = Http::new(url, app.remote());
        let fetched = fetch_all(&mut way, &key, app.now(), rng, &mut |page| recovery.receive(page));
        failed = fetched.err().map(CliError::from).or(failed);
    }
    if let Some(at) = recovery.replaced() {
        return Err(PartyError::PhraseReplaced { at }.into());
    }
    match failed {
        _ if recovery.is_found() => Ok(()),
        Some(error) => Err(error),
        None => Err(PartyError::NothingToRecover.into()),
    }
}
