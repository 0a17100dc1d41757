//! Going on: live connections to every relay, and an eye on the vault.
//!
//! ```text
//!  relay ──frame──┐                                  ┌──► receive, tell, offer ──► relay
//!  vault changed ─┼─► one queue of events ─► vault ──┤
//!  signal ────────┘   (waits 50 ms at most)  opened  └──► let go of once another waits for it
//! ```
//!
//! The vault stays open until another command wants it, which then gets its turn; what that wrote
//! is noticed by the file's time, and sent.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use passport_core::party::Party;
use passport_core::vault::{SqliteVault, VaultAgain};
use passport_sync::client::exchange::{Exchanged, LiveError, LiveExchange, LiveTurn};
use passport_sync::client::{LiveConnection, LiveEvent, Remote, RemoteError};
use passport_sync::session::{Backoff, BackoffPolicy};
use passport_sync::wire::LiveFrame;
use rand_core::CryptoRng;

use crate::app::App;
use crate::error::CliError;
use crate::passport::WAIT;
use crate::signals;
use crate::syncing::{self, RemoteLine, Synced};

/// How long it waits for an event before it looks who wants the vault, or has had it.
const TICK: Duration = Duration::from_millis(50);
/// Ticks in a second.
const TICKS: u64 = 20;
/// Most events that wait.
const EVENTS_MAX: usize = 16;
/// A relay that is away is tried at least twice a minute, for ever.
const POLICY: BackoffPolicy =
    BackoffPolicy { first_seconds: 1, most_seconds: 30, budget: u32::MAX };

/// A party that can be opened again and again.
pub(crate) trait Watched: Party + Sized {
    /// Opens it.
    fn open_again(vault: SqliteVault) -> Result<Self, CliError>;
    /// Whether another process waits for its vault.
    fn is_wanted(&self) -> bool;
    /// Its relays.
    fn relays(&self) -> Vec<String>;
}

/// What is told to whoever watches.
pub(crate) trait Teller<P> {
    /// An exchange brought or sent something, or is the first with a relay.
    fn exchanged(&mut self, party: &mut P, synced: Synced) -> Result<(), CliError>;

    /// Another command wrote in the vault.
    fn written(&mut self, party: &mut P) -> Result<(), CliError> {
        let _ = party;
        Ok(())
    }
}

enum Event {
    Live { link: usize, life: u64, event: Box<LiveEvent> },
    End,
}

/// A relay.
struct Link {
    url: String,
    live: Option<(LiveConnection, LiveExchange)>,
    /// Counts connections, so that the end of an earlier one is not taken for this one's.
    life: u64,
    backoff: Backoff,
    ticks_to_wait: u64,
}

struct Watch<'a, P> {
    app: &'a App,
    again: &'a VaultAgain,
    teller: &'a mut dyn Teller<P>,
    /// While the vault is open.
    party: Option<P>,
    /// What the file was like when it was let go of.
    seen: Option<(SystemTime, u64)>,
    links: Vec<Link>,
    events: SyncSender<Event>,
}

/// Exchanges with every relay, then goes on until somebody asks it to end.
///
/// # Errors
/// Returns an error when the party cannot go on, or the output is closed.
pub(crate) fn watch<P: Watched>(
    app: &App,
    again: &VaultAgain,
    teller: &mut dyn Teller<P>,
    rng: &mut dyn CryptoRng,
) -> Result<(), CliError> {
    let (events, queue) = sync_channel(EVENTS_MAX);
    let ending = events.clone();
    let told = move || {
        // An exchange may be cut anywhere: whoever does not come to an end by itself is ended.
        let _queued = ending.try_send(Event::End);
        syncing::pause(3);
        std::process::exit(0);
    };
    signals::tell(told).map_err(|e| CliError::user("signals cannot be received").caused_by(e))?;
    let mut watch: Watch<'_, P> =
        Watch { app, again, teller, party: None, seen: None, links: Vec::new(), events };
    let urls = watch.party()?.relays();
    if urls.is_empty() {
        return Err(syncing::no_relay());
    }
    let link =
        |url| Link { url, live: None, life: 0, backoff: Backoff::new(POLICY), ticks_to_wait: 0 };
    watch.links = urls.into_iter().map(link).collect();
    watch.run(&queue, rng)
}

impl<P: Watched> Watch<'_, P> {
    fn run(&mut self, queue: &Receiver<Event>, rng: &mut dyn CryptoRng) -> Result<(), CliError> {
        self.connect(rng)?;
        loop {
            match queue.recv_timeout(TICK) {
                Ok(Event::Live { link, life, event }) => {
                    let current = self.links.get(link).is_some_and(|l| l.life == life);
                    if current {
                        self.happened(link, *event, rng)?;
                    }
                    self.make_way();
                }
                Ok(Event::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => self.quiet(rng)?,
            }
        }
    }

    /// The party, opened if it is not.
    fn party(&mut self) -> Result<&mut P, CliError> {
        let party = match self.party.take() {
            Some(party) => party,
            None => P::open_again(self.again.open(WAIT)?)?,
        };
        Ok(self.party.insert(party))
    }

    /// Lets go of the vault if another waits for it, and remembers how it was left.
    fn make_way(&mut self) {
        if self.party.take_if(|party| party.is_wanted()).is_some() {
            self.seen = changed(&self.again.file());
        }
    }

    /// Nothing came for a while: was something written here, or is a relay to be tried again?
    fn quiet(&mut self, rng: &mut dyn CryptoRng) -> Result<(), CliError> {
        self.make_way();
        if self.party.is_none() && changed(&self.again.file()) != self.seen {
            self.offer(rng)?;
            self.party()?;
            if let Some(party) = &mut self.party {
                self.teller.written(party)?;
            }
        }
        for link in self.links.iter_mut().filter(|l| l.live.is_none()) {
            link.ticks_to_wait = link.ticks_to_wait.saturating_sub(1);
        }
        self.connect(rng)
    }

    /// Offers what there is to every relay.
    fn offer(&mut self, rng: &mut dyn CryptoRng) -> Result<(), CliError> {
        self.party()?;
        let (Some(party), now) = (&mut self.party, self.app.now()) else { return Ok(()) };
        for link in &mut self.links {
            if let Some((connection, exchange)) = &mut link.live
                && let Some(request) = exchange.offer(party, now, rng)?
            {
                connection.send(&request);
            }
        }
        Ok(())
    }

    /// Exchanges with relays that are not connected and whose time has come, and connects them.
    fn connect(&mut self, rng: &mut dyn CryptoRng) -> Result<(), CliError> {
        let due = |l: &Link| l.live.is_none() && l.ticks_to_wait == 0;
        let waiting: Vec<usize> =
            (0..).zip(&self.links).filter(|(_, l)| due(l)).map(|(n, _)| n).collect();
        for number in waiting {
            self.exchange(number, rng)?;
            if let Err(error) = self.begin(number, rng)? {
                self.lost(number, &error, rng);
            }
        }
        Ok(())
    }

    /// One whole exchange with a relay, which tells its outcome when there is something to tell.
    fn exchange(&mut self, number: usize, rng: &mut dyn CryptoRng) -> Result<(), CliError> {
        let Some(link) = self.links.get(number) else { return Ok(()) };
        let (app, url, first) = (self.app, link.url.clone(), link.life == 0);
        self.party()?;
        let Some(party) = &mut self.party else { return Ok(()) };
        let synced = syncing::with_relay(app, party, &url, rng)?;
        if first || synced.sent + synced.received > 0 {
            self.teller.exchanged(party, synced)?;
        }
        Ok(())
    }

    fn begin(
        &mut self,
        number: usize,
        rng: &mut dyn CryptoRng,
    ) -> Result<Result<(), RemoteError>, CliError> {
        self.party()?;
        let (Some(party), Some(link)) = (&mut self.party, self.links.get_mut(number)) else {
            return Ok(Ok(()));
        };
        link.life += 1;
        let (exchange, first) = LiveExchange::begin(party, &link.url)?;
        let (events, life) = (self.events.clone(), link.life);
        let sink = Box::new(move |event| {
            events.send(Event::Live { link: number, life, event: Box::new(event) }).is_ok()
        });
        let config = self.app.remote();
        let connection = Remote::new(&link.url, party.request_key().clone(), config)
            .and_then(|mut remote| remote.live(&first, config, self.app.now(), rng, sink));
        Ok(connection.map(|connection| {
            link.live = Some((connection, exchange));
        }))
    }

    fn happened(
        &mut self,
        number: usize,
        event: LiveEvent,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), CliError> {
        match event {
            LiveEvent::Lost(error) => self.lost(number, &error, rng),
            LiveEvent::Frame(LiveFrame::Beat) => {
                let live = self.links.get_mut(number).and_then(|link| link.live.as_mut());
                if live.map(|(_, exchange)| exchange.beat()) == Some(LiveTurn::Offer) {
                    self.offer(rng)?;
                }
            }
            LiveEvent::Frame(frame) => match self.take(number, frame)? {
                Ok(LiveTurn::Rest) => {}
                Ok(LiveTurn::Offer) => self.offer(rng)?,
                // Not at once, or what is refused each time would be offered without a pause.
                Ok(LiveTurn::Exchange) => self.later(number, None, rng),
                Err(error) => self.lost(number, &error, rng),
            },
        }
        Ok(())
    }

    /// Takes a frame in, and tells what it brought.
    fn take(
        &mut self,
        number: usize,
        frame: LiveFrame,
    ) -> Result<Result<LiveTurn, RemoteError>, CliError> {
        self.party()?;
        let (Some(party), Some(link)) = (&mut self.party, self.links.get_mut(number)) else {
            return Ok(Ok(LiveTurn::Rest));
        };
        let Some((_, exchange)) = &mut link.live else { return Ok(Ok(LiveTurn::Rest)) };
        let mut done = Exchanged::default();
        let turn = match exchange.take(party, frame, self.app.now(), &mut done) {
            Ok(turn) => turn,
            Err(LiveError::Remote(error)) => return Ok(Err(error)),
            Err(LiveError::Party(error)) => return Err(error.into()),
            Err(_) => return Ok(Ok(LiveTurn::Exchange)),
        };
        if done.sent + done.received > 0 {
            link.backoff.succeeded();
            let mut synced = Synced::new();
            synced.add(self.app, &done);
            let last_confirmed = party.remote(&link.url)?.last_confirmed;
            synced.remotes.push(RemoteLine { url: link.url.clone(), ok: true, last_confirmed });
            self.teller.exchanged(party, synced)?;
        }
        Ok(Ok(turn))
    }

    fn lost(&mut self, number: usize, error: &RemoteError, rng: &mut dyn CryptoRng) {
        tracing::info!(%error, "lost the relay");
        self.later(number, error.retry_after(), rng);
    }

    /// Lets go of a relay's connection, to exchange and connect anew in a while; not before the
    /// seconds that the relay asked for.
    fn later(&mut self, number: usize, asked: Option<u32>, rng: &mut dyn CryptoRng) {
        let Some(link) = self.links.get_mut(number) else { return };
        link.live = None;
        let now = self.app.now();
        link.backoff.failed(now, asked, rng);
        let wait = link.backoff.next().map_or(1, |next| next.as_seconds() - now.as_seconds());
        link.ticks_to_wait = u64::try_from(wait).unwrap_or(1).saturating_mul(TICKS);
    }
}

/// When a file was last changed, and its size.
fn changed(file: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(file).ok()?;
    Some((found.modified().ok()?, found.len()))
}
