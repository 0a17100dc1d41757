//! Taking a party through its relays, or a file or folder.

use std::fmt::Write as _;

use std::path::Path;

use passport_core::party::Party;
use passport_core::time::Timestamp;
use passport_sync::client;
use passport_sync::client::exchange::{Exchange, Exchanged};
use passport_sync::client::via::Via;
use passport_sync::session::BackoffPolicy;
use rand_core::CryptoRng;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::progress::Progress;

/// A command somebody waits for gives up soon; nothing is lost by it.
const POLICY: BackoffPolicy = BackoffPolicy { first_seconds: 1, most_seconds: 4, budget: 2 };

/// What a sync did, as `--json` prints it.
#[derive(Serialize)]
pub(crate) struct Synced {
    /// Envelopes and letters sent.
    pub(crate) sent: usize,
    /// Envelopes and letters received.
    pub(crate) received: usize,
    /// What is held back.
    pub(crate) quarantined: Vec<serde_json::Value>,
    /// The relays asked.
    pub(crate) remotes: Vec<RemoteLine>,
}

/// A relay, and how it went.
#[derive(Serialize)]
pub(crate) struct RemoteLine {
    /// Its address.
    pub(crate) url: String,
    /// Whether everything went through.
    pub(crate) ok: bool,
    /// When it last confirmed what is here.
    pub(crate) last_confirmed: Option<Timestamp>,
}

impl Synced {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { sent: 0, received: 0, quarantined: Vec::new(), remotes: Vec::new() }
    }

    /// Exchanges with a relay, and says why it failed if it did.
    fn exchange(
        &mut self,
        app: &App,
        party: &mut dyn Party,
        url: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<CliError>, CliError> {
        let spinner = Progress::start(app.output(), "asking the relay");
        let mut progress = |_: &Exchanged| {};
        let done = exchange(app, &mut pause, &mut progress).with_relay(party, url, rng)?;
        drop(spinner);
        self.add(app, &done);
        let last_confirmed = party.remote(url)?.last_confirmed;
        let ok = done.failed.is_none();
        self.remotes.push(RemoteLine { url: url.to_owned(), ok, last_confirmed });
        Ok(done.failed.map(CliError::from))
    }

    /// Adds what an exchange did.
    pub(crate) fn add(&mut self, app: &App, done: &Exchanged) {
        self.sent += done.sent;
        self.received += done.received;
        if done.refused > 0 {
            app.output().say(&format!("The relay will not take {} items.", done.refused));
        }
        if done.unusable > 0 {
            app.output().say(&format!("{} items received could not be used.", done.unusable));
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        let mut text = format!("Sent {}, received {}.\n", self.sent, self.received);
        if !self.quarantined.is_empty() {
            let held = self.quarantined.len();
            let _ = writeln!(text, "{held} held back: see `passport quarantine list`.");
        }
        for remote in self.remotes.iter().filter(|r| !r.ok) {
            let _ = writeln!(text, "{} did not answer as it should.", remote.url);
        }
        text
    }
}

/// Exchanges everything with every relay; one that fails does not stop the others.
///
/// # Errors
/// Returns an error when no relay could be used at all, or the party itself cannot go on.
pub(crate) fn with_relays(
    app: &App,
    party: &mut dyn Party,
    urls: &[String],
    rng: &mut dyn CryptoRng,
) -> Result<Synced, CliError> {
    if urls.is_empty() {
        return Err(no_relay());
    }
    let mut synced = Synced::new();
    let mut failed: Option<CliError> = None;
    let mut said = Vec::new();
    for url in urls {
        if let Some(error) = synced.exchange(app, party, url, rng)? {
            said.push(format!("{url}: {}", error.message()));
            let unreachable = error.code() == ExitCode::RelayUnreachable;
            if failed.is_none() || !unreachable {
                failed = Some(error);
            }
        }
    }
    match failed {
        Some(error) if synced.remotes.iter().all(|r| !r.ok) => Err(error),
        _ => {
            for line in &said {
                app.output().say(line);
            }
            Ok(synced)
        }
    }
}

/// Exchanges everything through a file or folder.
///
/// # Errors
/// Returns an error when it cannot be used.
pub(crate) fn via(
    app: &App,
    party: &mut dyn Party,
    path: &Path,
    rng: &mut dyn CryptoRng,
) -> Result<Synced, CliError> {
    let mut synced = Synced::new();
    let name = via_name(path);
    let done = client::exchange::via(party, &Via::at(path), &name, app.now(), rng)?;
    synced.add(app, &done);
    let last_confirmed = party.remote(&name)?.last_confirmed;
    synced.remotes.push(RemoteLine { url: name, ok: true, last_confirmed });
    Ok(synced)
}

/// Exchanges everything with one relay; one that fails is said, and is no error.
///
/// # Errors
/// Returns an error when the party itself cannot go on.
pub(crate) fn with_relay(
    app: &App,
    party: &mut dyn Party,
    url: &str,
    rng: &mut dyn CryptoRng,
) -> Result<Synced, CliError> {
    let mut synced = Synced::new();
    if let Some(error) = synced.exchange(app, party, url, rng)? {
        app.output().say(&format!("{url}: {}", error.message()));
    }
    Ok(synced)
}

/// A party that syncs needs a relay.
pub(crate) fn no_relay() -> CliError {
    CliError::user("there is no relay to sync with")
        .hint("add one with `passport remote add URL`")
        .hint("or exchange through a file or folder with `passport sync --via DIR`")
}

fn exchange<'a>(
    app: &App,
    pause: &'a mut dyn FnMut(u32),
    progress: &'a mut dyn FnMut(&Exchanged),
) -> Exchange<'a> {
    Exchange { now: app.now(), policy: POLICY, pause, config: app.remote().clone(), progress }
}

/// What the journal calls a file or folder.
fn via_name(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!("file:{}", whole.display())
}

/// Waits so many seconds.
#[expect(clippy::disallowed_methods, reason = "a person waits at the terminal meanwhile")]
pub(crate) fn pause(seconds: u32) {
    std::thread::sleep(std::time::Duration::from_secs(seconds.into()));
}
