//! The relay's end: what is accepted from whom, and what is handed out.
//!
//! All of it is defence in depth. Whoever holds an envelope checks it again with keys the relay
//! does not have.

mod admission;
mod live;
mod retention;

pub use live::Live;
pub use retention::{Swept, sweep};

use std::collections::BTreeSet;

use passport_core::access::{AccessList, DropEpoch};
use passport_core::codec;
use passport_core::id::{ChannelId, ObjectId, VerificationKey};
use passport_core::keys::{Signed, Verified};
use passport_core::time::{DAY_SECONDS, Timestamp};

use self::admission::{Checked, append_all, check_envelopes, deliver, drop_epoch, fetch, set_list};
use crate::session::port::{
    self, FeedPage, FeedQuery, MailboxState, Meter, Snapshot, Store, StoreError, Transaction,
};
use crate::wire::{
    AccessConflict, BLOB_MAX, BLOB_SECONDS, Cursor, Generation, Letter, OBJECTS_MAX, Outcome,
    Rejection, RelayId, Results, SyncRequest, SyncResponse, object_id,
};

/// Most bytes of items in one response, leaving room for results.
const ITEMS_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Most bytes of current access lists told in one response.
const CONFLICT_BYTES_MAX: usize = 1024 * 1024;

/// How much a relay takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayLimits {
    /// Bytes of envelopes in one channel.
    pub channel_bytes: u64,
    /// Bytes of new envelopes from one key in a day.
    pub bytes_per_day: u64,
    /// Letters in one mailbox.
    pub mailbox_letters: u64,
    /// Bytes in one mailbox.
    pub mailbox_bytes: u64,
    /// Letters of one sender in one mailbox.
    pub sender_letters: u64,
    /// Bytes of one sender in one mailbox.
    pub sender_bytes: u64,
    /// Letters from one sender in a day.
    pub letters_per_day: u64,
    /// Channels opened by one key in a day.
    pub channels_per_day: u64,
    /// Rendezvous objects put by one key in a day.
    pub blobs_per_day: u64,
    /// Days a letter is kept after its owner acknowledged it.
    pub letter_days: i64,
    /// Days envelopes are kept after the last right to read them ended.
    pub unread_days: i64,
}

impl Default for RelayLimits {
    fn default() -> Self {
        Self {
            channel_bytes: 1024 * 1024 * 1024,
            bytes_per_day: 1024 * 1024 * 1024,
            mailbox_letters: 50_000,
            mailbox_bytes: 512 * 1024 * 1024,
            sender_letters: 1000,
            sender_bytes: 16 * 1024 * 1024,
            letters_per_day: 10_000,
            channels_per_day: 1000,
            blobs_per_day: 1000,
            letter_days: 30,
            unread_days: 400,
        }
    }
}

/// Who asks, when, and how much they may.
#[derive(Clone, Copy, Debug)]
struct Asker {
    key: VerificationKey,
    now: Timestamp,
    limits: RelayLimits,
}

impl Asker {
    /// Letters that were acknowledged before this moment go.
    fn letters_expired(&self) -> Timestamp {
        self.now.plus_days(self.limits.letter_days.saturating_neg())
    }
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What the asker is told.
    pub response: SyncResponse,
    /// Whose feeds grew by it.
    pub fed: BTreeSet<VerificationKey>,
}

/// Answers one authenticated request.
///
/// # Errors
/// Returns [`StoreError`] when the store fails; then nothing of the request was kept.
pub fn handle(
    request: SyncRequest,
    sender: &VerificationKey,
    now: Timestamp,
    limits: &RelayLimits,
    store: &dyn Store,
) -> Result<Answered, StoreError> {
    answer(request, sender, now, limits, store, true)
}

/// Answers a request, with a page of the feed or without.
fn answer(
    request: SyncRequest,
    sender: &VerificationKey,
    now: Timestamp,
    limits: &RelayLimits,
    store: &dyn Store,
    paged: bool,
) -> Result<Answered, StoreError> {
    let asker = Asker { key: *sender, now, limits: *limits };
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(usize::MAX).min(ITEMS_BYTES_MAX);
    let page = Asked { cursor: request.cursor, bytes_max, paged };
    let work = Work::check(request);
    if work.is_empty() {
        let looked = port::read(store, |snapshot| {
            let standing = Standing::of(snapshot, &asker, page.cursor)?;
            if standing.acknowledges(&asker) {
                return Ok(None);
            }
            page.answer(snapshot, &asker, &standing, Results::default()).map(Some)
        })?;
        if let Some(response) = looked {
            return Ok(Answered { response, fed: BTreeSet::new() });
        }
    }
    // All of it in the one write: what a reader would have to wait for, the writer has at hand.
    let own = work.own();
    let mut answered = port::write(store, move |tx| {
        let standing = Standing::of(tx, &asker, page.cursor)?;
        if standing.acknowledges(&asker) {
            tx.acknowledge(&asker.key, standing.position(), now)?;
            tx.expire_letters(&asker.key, asker.letters_expired())?;
        }
        let results = work.settle(tx, &asker, standing.position())?;
        let response = page.answer(tx, &asker, &standing, results)?;
        Ok(Answered { response, fed: tx.fed() })
    })?;
    // Whoever pushes an envelope need not be sent it.
    answered.response.items.retain(|item| own.is_empty() || !own.contains(&object_id(&item.bytes)));
    Ok(answered)
}

/// What a request asks for beside its work.
#[derive(Clone, Copy)]
struct Asked {
    cursor: Option<Cursor>,
    bytes_max: usize,
    /// Whether a page of the feed is wanted.
    paged: bool,
}

impl Asked {
    fn answer(
        self,
        snapshot: &dyn Snapshot,
        asker: &Asker,
        standing: &Standing,
        results: Results,
    ) -> Result<SyncResponse, StoreError> {
        let position = standing.position();
        let Asker { key, now, .. } = *asker;
        let bytes_max = self.bytes_max;
        let page = if self.paged {
            snapshot.feed(&FeedQuery {
                key,
                after: position,
                now,
                rows_max: OBJECTS_MAX,
                bytes_max,
            })?
        } else {
            FeedPage { position, ..FeedPage::default() }
        };
        Ok(SyncResponse {
            relay: standing.relay,
            time: now,
            reset: self.cursor.is_some() && standing.cursor.is_none(),
            results,
            items: page.items,
            cursor: Cursor {
                relay: standing.relay,
                generation: standing.generation,
                position: page.position,
            },
            more: page.more,
        })
    }
}

/// Keeps a rendezvous object for an hour.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn put_blob(
    id: &ObjectId,
    bytes: Vec<u8>,
    sender: &VerificationKey,
    now: Timestamp,
    limits: &RelayLimits,
    store: &dyn Store,
) -> Result<Outcome, StoreError> {
    if bytes.len() > BLOB_MAX {
        return Ok(Rejection::TooLarge.into());
    }
    if object_id(&bytes) != *id {
        return Ok(Rejection::Malformed.into());
    }
    let (id, sender, most) = (*id, *sender, limits.blobs_per_day);
    port::write(store, move |tx| {
        if tx.count(&sender, Meter::Blobs, day(now), 1)? > most {
            return Ok(Rejection::RateLimited.into());
        }
        let expires = Timestamp::from_seconds(now.as_seconds().saturating_add(BLOB_SECONDS));
        tx.put_blob(&id, &bytes, now, expires)?;
        Ok(Outcome::Stored)
    })
}

/// Fetches a rendezvous object; whoever knows its id may have it.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn fetch_blob(
    id: &ObjectId,
    now: Timestamp,
    store: &dyn Store,
) -> Result<Option<Vec<u8>>, StoreError> {
    port::read(store, |snapshot| snapshot.blob(id, now))
}

/// Fetches the rendezvous object whose id begins with these 16 bytes; whoever knows so much of it
/// may have it.
///
/// # Errors
/// Returns [`StoreError`] when the store fails.
pub fn find_blob(
    start: &[u8; 16],
    now: Timestamp,
    store: &dyn Store,
) -> Result<Option<Vec<u8>>, StoreError> {
    port::read(store, |snapshot| snapshot.blob_from(start, now))
}

/// Days since 1970.
fn day(now: Timestamp) -> i64 {
    now.as_seconds().div_euclid(DAY_SECONDS)
}

/// Where relay and asker stand before anything is changed.
struct Standing {
    relay: RelayId,
    generation: Generation,
    /// The asker's cursor, if it is of this relay's past.
    cursor: Option<Cursor>,
    mailbox: MailboxState,
}

impl Standing {
    fn of(
        snapshot: &dyn Snapshot,
        asker: &Asker,
        cursor: Option<Cursor>,
    ) -> Result<Self, StoreError> {
        let relay = snapshot.relay()?;
        let cursor = match cursor {
            Some(c) if c.relay == relay && snapshot.has_reached(&c.generation, c.position)? => {
                Some(c)
            }
            _ => None,
        };
        Ok(Self {
            relay,
            generation: snapshot.generation()?,
            cursor,
            mailbox: snapshot.mailbox(&asker.key)?,
        })
    }

    /// How far the asker has read.
    fn position(&self) -> u64 {
        self.cursor.map_or(0, |cursor| cursor.position)
    }

    /// Whether letters are newly acknowledged or expired. A poll that changes nothing writes
    /// nothing.
    fn acknowledges(&self, asker: &Asker) -> bool {
        let newly = self.mailbox.unacknowledged.is_some_and(|first| first <= self.position());
        newly || self.mailbox.acknowledged.is_some_and(|first| first < asker.letters_expired())
    }
}

/// An access list, and its encoding with its signature.
type CheckedList = (Verified<AccessList>, Vec<u8>);

/// What was pushed, with everything checked that needs no store.
struct Work {
    lists: Vec<Result<CheckedList, Rejection>>,
    envelopes: Vec<Result<Checked, Rejection>>,
    letters: Vec<Letter>,
    drops: Vec<Result<Verified<DropEpoch>, Rejection>>,
    fetches: Vec<ChannelId>,
}

impl Work {
    fn check(request: SyncRequest) -> Self {
        let list = |signed: &Signed<AccessList>| {
            let list = AccessList::check(signed).map_err(admission::refusal)?;
            Ok((list, codec::encode(signed)))
        };
        let drop =
            |signed: &Signed<DropEpoch>| DropEpoch::check(signed).map_err(admission::refusal);
        Self {
            lists: request.access_lists.iter().map(list).collect(),
            envelopes: check_envelopes(request.envelopes),
            letters: request.letters,
            drops: request.drop_epochs.iter().map(drop).collect(),
            fetches: request.fetch_channels,
        }
    }

    /// The envelopes among it.
    fn own(&self) -> BTreeSet<ObjectId> {
        self.envelopes.iter().flatten().map(Checked::id).collect()
    }

    fn is_empty(&self) -> bool {
        self.lists.is_empty()
            && self.envelopes.is_empty()
            && self.letters.is_empty()
            && self.drops.is_empty()
            && self.fetches.is_empty()
    }

    /// Does it, for somebody who has read so far.
    fn settle(
        self,
        tx: &mut dyn Transaction,
        asker: &Asker,
        read_to: u64,
    ) -> Result<Results, StoreError> {
        let mut results = Results::default();
        let mut told = 0;
        for (index, list) in (0_u32..).zip(self.lists) {
            let (outcome, current) = match list {
                Ok((list, bytes)) => set_list(tx, asker, &list, &bytes)?,
                Err(rejection) => (rejection.into(), None),
            };
            results.access_lists.push(outcome);
            if let Some(bytes) = current {
                told += bytes.len();
                let current = codec::decode(&bytes, bytes.len())
                    .map_err(|_| StoreError::Damaged { table: "channels", column: "signed" })?;
                if told <= CONFLICT_BYTES_MAX {
                    results.conflicts.push(AccessConflict { index, current });
                }
            }
        }
        results.envelopes = append_all(tx, asker, self.envelopes)?;
        for letter in self.letters {
            results.letters.push(deliver(tx, asker, letter)?);
        }
        for drop in self.drops {
            results.drop_epochs.push(match drop {
                Ok(drop) => drop_epoch(tx, asker, read_to, &drop)?,
                Err(rejection) => rejection.into(),
            });
        }
        for channel in self.fetches {
            results.fetch_channels.push(fetch(tx, asker, &channel)?);
        }
        Ok(results)
    }
}
