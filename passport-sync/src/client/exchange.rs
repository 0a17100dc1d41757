//! Taking a party through an exchange: with a relay, or through a file or folder.
//!
//! ```text
//!  pull every page ──► tidy ──► offer lists, envelopes, letters ──► settle ──┐
//!     ▲                                                                      │
//!     └─────── more to offer, a list that did not fit, something new,        │
//!              or what had waited for that ◄─────────────────────────────────┘
//! ```
//!
//! What a relay has is remembered by the party alone, with each page in one write: cut anywhere,
//! the next exchange completes it. Pulling comes first, so that a device that was away does not
//! put an older idea of who may read in the place of a newer one.

mod files;
mod live;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use passport_core::access::AccessList;
use passport_core::id::VerificationKey;
use passport_core::journal::{Incoming, IncomingItem, Outgoing, Position, Verdict, Verdicts};
use passport_core::keys::{Signed, SigningKey};
use passport_core::party::{Pace, Party, PartyError};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use super::remote::{Remote, RemoteConfig, RemoteError};
use crate::session::{Backoff, BackoffPolicy, PAGE_BYTES, Reset};
use crate::wire::{
    Cursor, DeliveredLetter, Item, ItemKind, Letter, Outcome, Rejection, Results, SyncRequest,
    SyncResponse,
};

pub use live::{LiveError, LiveExchange, LiveTurn};

pub use files::{ViaExchangeError, letters_in, via};

/// Most rounds of one exchange; what is left goes with the next.
const ROUNDS_MAX: usize = 64;

/// Most pages read in one exchange, of up to 4 MiB each; what is left comes with the next.
const PAGES_MAX: usize = 1_024;

/// Most pages read for a key that belongs to no party yet: what comes is kept in memory.
const FETCHED_MAX: usize = 64;

/// The way to one relay.
pub trait Transport {
    /// Sends one request in the name of a key, and checks that the response answers it; says
    /// with it whether the relay started from the beginning.
    ///
    /// # Errors
    /// Returns [`RemoteError`]; the relay may have settled the request all the same.
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError>;
}

/// The way over HTTP: a connection for each key.
#[derive(Debug)]
pub struct Http<'a> {
    url: &'a str,
    config: &'a RemoteConfig,
    remotes: BTreeMap<VerificationKey, Remote>,
}

impl<'a> Http<'a> {
    /// The way to the relay at a URL. Nothing is sent yet.
    #[must_use]
    pub const fn new(url: &'a str, config: &'a RemoteConfig) -> Self {
        Self { url, config, remotes: BTreeMap::new() }
    }
}

impl Transport for Http<'_> {
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        let remote = match self.remotes.entry(key.verification_key()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Remote::new(self.url, key.clone(), self.config)?),
        };
        remote.exchange(request, now, rng)
    }
}

/// What an exchange needs from outside.
#[expect(missing_debug_implementations, reason = "it holds closures")]
pub struct Exchange<'a> {
    /// The time.
    pub now: Timestamp,
    /// When to try again, and when to give up for now.
    pub policy: BackoffPolicy,
    /// Waits so many seconds before another try.
    pub pause: &'a mut dyn FnMut(u32),
    /// How relays are reached.
    pub config: RemoteConfig,
    /// Told what was done so far, after each round trip.
    pub progress: &'a mut dyn FnMut(&Exchanged),
}

/// What an exchange did.
#[derive(Debug, Default)]
pub struct Exchanged {
    /// Envelopes and letters that were taken for the first time.
    pub sent: usize,
    /// Objects that were refused for good.
    pub refused: usize,
    /// Envelopes and letters received that were new.
    pub received: usize,
    /// Objects received that could not be used.
    pub unusable: usize,
    /// Why it ended early; none if it is complete.
    pub failed: Option<RemoteError>,
}

/// Why an exchange stopped.
enum Stop {
    Remote(RemoteError),
    Party(PartyError),
}

impl From<RemoteError> for Stop {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

impl From<PartyError> for Stop {
    fn from(error: PartyError) -> Self {
        Self::Party(error)
    }
}

impl Exchange<'_> {
    /// Exchanges everything with the relay at a URL, trying again within the budget. A relay
    /// that fails is told in [`Exchanged::failed`]: others can still be asked.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the party itself cannot go on.
    pub fn with_relay(
        &mut self,
        party: &mut dyn Party,
        url: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Exchanged, PartyError> {
        let config = self.config.clone();
        self.through(&mut Http::new(url, &config), party, url, rng)
    }

    /// The same over any way to the relay that the party knows by a URL.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the party itself cannot go on.
    pub fn through(
        &mut self,
        way: &mut dyn Transport,
        party: &mut dyn Party,
        url: &str,
        rng: &mut dyn CryptoRng,
    ) -> Result<Exchanged, PartyError> {
        let mut done = Exchanged::default();
        let mut backoff = Backoff::new(self.policy);
        loop {
            let error = match self.attempt(way, party, url, &mut done, rng) {
                Ok(()) => return Ok(done),
                Err(Stop::Party(error)) => return Err(error),
                Err(Stop::Remote(error)) => error,
            };
            backoff.failed(self.now, error.retry_after(), rng);
            if !error.is_transient() || backoff.is_spent() {
                done.failed = Some(error);
                return Ok(done);
            }
            let next = backoff.next().unwrap_or(self.now).as_seconds();
            let wait = next.saturating_sub(self.now.as_seconds());
            (self.pause)(u32::try_from(wait).unwrap_or(1));
        }
    }

    fn attempt(
        &mut self,
        way: &mut dyn Transport,
        party: &mut dyn Party,
        url: &str,
        done: &mut Exchanged,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Stop> {
        for _ in 0..ROUNDS_MAX {
            self.pull(way, party, url, done, rng)?;
            let tidied = party.tidy(Pace::Coming, self.now, rng)?;
            if self.offer(way, party, url, done, rng)? {
                continue;
            }
            // No more comes: what waited for it waits no longer.
            if !tidied.waits || party.tidy(Pace::Quiet, self.now, rng)?.made == 0 {
                break;
            }
        }
        Ok(party.keep()?)
    }

    /// Fetches every page there is.
    fn pull(
        &mut self,
        way: &mut dyn Transport,
        party: &mut dyn Party,
        url: &str,
        done: &mut Exchanged,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Stop> {
        for _ in 0..PAGES_MAX {
            let request = request(party, url)?;
            let (response, reset) = way.exchange(party.request_key(), &request, self.now, rng)?;
            let more = response.more;
            self.take(party, url, response, reset, done)?;
            if !more {
                return Ok(());
            }
        }
        Err(RemoteError::Endless.into())
    }

    /// Takes a page in, with how far it goes.
    fn take(
        &mut self,
        party: &mut dyn Party,
        url: &str,
        response: SyncResponse,
        reset: Option<Reset>,
        done: &mut Exchanged,
    ) -> Result<usize, Stop> {
        let new = take_in(party, url, response, reset.is_some(), self.now, done)?;
        (self.progress)(done);
        Ok(new)
    }

    /// Offers what the relay has not got; whether another round is of use.
    fn offer(
        &mut self,
        way: &mut dyn Transport,
        party: &mut dyn Party,
        url: &str,
        done: &mut Exchanged,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Stop> {
        let outgoing = party.outgoing(url, self.now)?;
        if outgoing.is_empty() {
            party.settle_with(url, &outgoing, &Verdicts::default(), self.now)?;
            return Ok(false);
        }
        let mut request = request(party, url)?;
        fill(&mut request, &outgoing);
        let (mut response, reset) = way.exchange(party.request_key(), &request, self.now, rng)?;
        let results = core::mem::take(&mut response.results);
        let new = self.take(party, url, response, reset, done)?;
        if reset.is_some() {
            // What it said was of the relay that was there before: all is offered anew.
            return Ok(true);
        }
        let verdicts = verdicts(&results);
        done.sent += stored(&results);
        done.refused += party.settle_with(url, &outgoing, &verdicts, self.now)?;
        (self.progress)(done);
        let conflict = self.learn_lists(way, party, url, &results, rng)?;
        Ok(conflict || new > 0 || progressed(&outgoing, &verdicts))
    }

    /// Learns the lists that are current where others were offered; whether one was new.
    fn learn_lists(
        &mut self,
        way: &mut dyn Transport,
        party: &mut dyn Party,
        url: &str,
        results: &Results,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, Stop> {
        let conflict = |o: &&Outcome| o.rejection() == Some(Rejection::AccessConflict);
        let conflicts = results.access_lists.iter().filter(conflict).count();
        let mut learned = false;
        for told in &results.conflicts {
            learned |= party.learn_list(url, &told.current)?;
        }
        if results.conflicts.len() >= conflicts {
            return Ok(learned);
        }
        // A device that is not in the current list is not told it; the key that may sign the next
        // one is.
        for key in party.list_keys() {
            let mut lists = Vec::new();
            fetch_all(way, &key, self.now, rng, &mut |incoming| {
                lists.extend(incoming.items.into_iter().filter_map(access_list));
            })?;
            for list in &lists {
                learned |= party.learn_list(url, list)?;
            }
        }
        Ok(learned)
    }
}

/// Fetches what a relay has for the mailbox and channels of a key that belongs to no party yet:
/// a device that waits to join, or a recovery phrase. Nothing is remembered.
///
/// # Errors
/// Returns [`RemoteError`].
pub fn fetch_all(
    way: &mut dyn Transport,
    key: &SigningKey,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
    take: &mut dyn FnMut(Incoming),
) -> Result<(), RemoteError> {
    let mut cursor: Option<Cursor> = None;
    for _ in 0..FETCHED_MAX {
        let ask = SyncRequest { cursor, max_bytes: PAGE_BYTES, ..SyncRequest::default() };
        let (response, _) = way.exchange(key, &ask, now, rng)?;
        take(Incoming {
            relay: response.relay,
            position: position(response.cursor),
            items: response.items.into_iter().filter_map(incoming).collect(),
        });
        if !response.more {
            return Ok(());
        }
        cursor = Some(response.cursor);
    }
    Err(RemoteError::Endless)
}

/// Takes a page in, with how far it goes; returns how much of it was new.
fn take_in(
    party: &mut dyn Party,
    url: &str,
    response: SyncResponse,
    reset: bool,
    now: Timestamp,
    done: &mut Exchanged,
) -> Result<usize, PartyError> {
    party.met(url, response.relay, reset)?;
    let incoming = Incoming {
        relay: response.relay,
        position: position(response.cursor),
        items: response.items.into_iter().filter_map(incoming).collect(),
    };
    let received = party.receive(url, incoming, now)?;
    done.received += received.new;
    done.unusable += received.unusable;
    Ok(received.new)
}

/// Puts what is offered into a request.
fn fill(request: &mut SyncRequest, outgoing: &Outgoing) {
    request.access_lists.clone_from(&outgoing.lists);
    request.envelopes = outgoing.envelopes.iter().map(|e| e.bytes.clone().into()).collect();
    let letter = |l: &passport_core::journal::OutgoingLetter| Letter {
        to: l.to,
        body: l.bytes.clone().into(),
    };
    request.letters = outgoing.letters.iter().map(letter).collect();
    request.drop_epochs = outgoing.drops.iter().map(|d| d.signed.clone()).collect();
}

/// A request that says how far the feed was read; what is offered is for [`fill`]. That, and what
/// was read, is on disk from here on.
fn request(party: &mut dyn Party, url: &str) -> Result<SyncRequest, PartyError> {
    party.keep()?;
    let state = party.remote(url)?;
    let cursor = state.relay.map(|relay| Cursor {
        relay,
        generation: state.position.generation,
        position: state.position.at,
    });
    Ok(SyncRequest { cursor, max_bytes: PAGE_BYTES, ..SyncRequest::default() })
}

fn position(cursor: Cursor) -> Position {
    Position { generation: cursor.generation, at: cursor.position }
}

/// An item as the party takes it; what is not even framed as it should be is left.
fn incoming(item: Item) -> Option<IncomingItem> {
    match item.kind {
        ItemKind::Envelope => Some(IncomingItem::Envelope(item.bytes.into())),
        ItemKind::Letter => {
            let letter = DeliveredLetter::decode(&item.bytes).ok()?;
            Some(IncomingItem::Letter(letter.body.into()))
        }
        ItemKind::AccessList => Some(IncomingItem::AccessList(item.bytes.into())),
    }
}

fn access_list(item: IncomingItem) -> Option<Signed<AccessList>> {
    let IncomingItem::AccessList(bytes) = item else { return None };
    passport_core::codec::decode(&bytes, bytes.len()).ok()
}

fn verdicts(results: &Results) -> Verdicts {
    let all = |outcomes: &[Outcome]| outcomes.iter().copied().map(verdict).collect();
    Verdicts {
        lists: all(&results.access_lists),
        envelopes: all(&results.envelopes),
        letters: all(&results.letters),
        drops: all(&results.drop_epochs),
    }
}

/// A rejection is final only where no change at the relay can turn it round: rights, quotas and
/// software change.
fn verdict(outcome: Outcome) -> Verdict {
    let rejection = match outcome {
        Outcome::Stored | Outcome::Known => return Verdict::Kept,
        Outcome::Rejected { .. } => outcome.rejection(),
    };
    match rejection {
        Some(Rejection::Malformed | Rejection::TooLarge | Rejection::BadSignature) => {
            Verdict::Refused
        }
        Some(_) | None => Verdict::Later,
    }
}

/// Envelopes and letters that the relay took for the first time.
fn stored(results: &Results) -> usize {
    let objects = results.envelopes.iter().chain(&results.letters);
    objects.filter(|o| **o == Outcome::Stored).count()
}

/// Whether there is more to offer than went, and it can get its turn.
fn progressed(outgoing: &Outgoing, verdicts: &Verdicts) -> bool {
    let objects = verdicts.envelopes.iter().chain(&verdicts.letters);
    outgoing.more && !objects.clone().any(|v| *v == Verdict::Later) && objects.count() > 0
}

/// Whether a letter is for this key.
fn is_for(letter: &Letter, key: &VerificationKey) -> bool {
    letter.to == *key
}

#[cfg(test)]
mod tests;
