//! A new device goes in: it looks for its letter, and both devices show the same words.

use std::path::Path;

use passport_core::holder::PendingDevice;
use passport_core::journal::Incoming;
use passport_core::vault::SqliteVault;
use passport_sync::client::exchange::{Http, fetch_all, letters_in};
use passport_sync::client::via::Via;

use rand_core::CryptoRng;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::passport::Passport;

/// Completes the enrolment of this device, if its letter is there.
///
/// # Errors
/// Returns an error when it is not, or the words differ.
pub(crate) fn join(
    app: &App,
    pending: PendingDevice<SqliteVault>,
    via: Option<&Path>,
    rng: &mut dyn CryptoRng,
) -> Result<Passport, CliError> {
    let mut found: Vec<Incoming> = Vec::new();
    if let Some(path) = via {
        let own = pending.request_key().verification_key();
        let letters = letters_in(&Via::at(path), &own).map_err(|source| {
            CliError::user("the file or folder cannot be used").caused_by(source)
        })?;
        found.push(letters);
    } else {
        let mut failed: Option<CliError> = None;
        for url in pending.relays() {
            let (mut way, key) = (Http::new(url, app.remote()), pending.request_key());
            let fetched = fetch_all(&mut way, key, app.now(), rng, &mut |page| found.push(page));
            failed = fetched.err().map(CliError::from).or(failed);
        }
        if let (true, Some(error)) = (found.is_empty(), failed) {
            return Err(error);
        }
    }
    let mut waiting = pending;
    for incoming in found {
        match waiting.receive(incoming)? {
            Err(again) => waiting = again,
            Ok(joined) => {
                let words = joined.words().map_err(|source| {
                    CliError::user("the four words cannot be worked out").caused_by(source)
                })?;
                app.output().say(&format!("This device was let in. Its four words are: {words}"));
                app.output().say("They must be those that the approving device showed.");
                app.confirm().ask("Are they the same?").map_err(|error| {
                    CliError::new(ExitCode::VerificationFailed, "the words were not compared")
                        .caused_by(std::io::Error::other(error.message().to_owned()))
                        .hint("if they are the same, `passport sync` asks again")
                        .hint("if they differ, remove the new device on the other one with `passport device remove`")
                        .hint(format!(
                            "then delete {} here and begin again",
                            app.home().dir().display()
                        ))
                })?;
                let relays = joined.relays.clone();
                return first_exchange(app, joined.accept()?, &relays, via, rng);
            }
        }
    }
    let (_, code) = waiting.request();
    Err(CliError::user("this device was not let in yet")
        .hint(format!("on another device: passport device approve {code}"))
        .hint("then `passport sync` there, and here"))
}

/// The ledger comes with the first exchange, and says where the relays are.
fn first_exchange(
    app: &App,
    mut passport: Passport,
    relays: &[String],
    via: Option<&Path>,
    rng: &mut dyn CryptoRng,
) -> Result<Passport, CliError> {
    if via.is_none() {
        crate::syncing::with_relays(app, &mut passport, relays, rng)?;
    }
    Ok(passport)
}
