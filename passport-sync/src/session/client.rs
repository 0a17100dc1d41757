//! The client's end: one state machine for each remote.
//!
//! ```text
//!            begin            poll_request           handle_response
//!   resting ───────► wanting ─────────────► waiting ────────────────► wanting, or resting
//!                       ▲                      │ handle_failure
//!                       └──── after a wait ────┘
//! ```
//!
//! Nothing is lost by stopping anywhere: what was offered and not settled is offered again, and
//! the relay answers [`Outcome::Known`]; a page that was not stored is fetched again.

mod offer;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use passport_core::access::{AccessList, DropEpoch};
use passport_core::id::{ChannelId, VerificationKey};
use passport_core::keys::Signed;
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use self::offer::{Flight, Offer, Slot};
use super::backoff::{Backoff, BackoffPolicy};
use crate::wire::{Cursor, Item, Letter, Outcome, SyncRequest, SyncResponse};

/// Most bytes of items asked for at a time.
const PAGE_BYTES: u32 = 4 * 1024 * 1024;
/// Most bytes of items taken in one round; the rest waits for the next.
const ROUND_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// What a client remembers of one remote, to be stored after each page.
///
/// CBOR: `[cursor / null]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RemoteState {
    /// Everything up to here is stored by the client.
    #[n(0)]
    pub cursor: Option<Cursor>,
}

/// Names an offer until it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OfferId(u64);

/// What became of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub offer: OfferId,
    /// What became of it. After a transient rejection it may be offered again.
    pub outcome: Outcome,
    /// The access list that is current instead of the one offered, if the relay told.
    pub current: Option<Signed<AccessList>>,
}

/// Why the relay started from the beginning. In both cases the caller should offer again
/// whatever it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Another relay answers at this address, or it was born again.
    NewRelay,
    /// The same relay has lost its latest past.
    RolledBack,
}

/// One response, checked and taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Items to verify and store. They may repeat what is known.
    pub items: Vec<Item>,
    /// What became of offers.
    pub settled: Vec<Settled>,
    /// Whether the relay started from the beginning.
    pub reset: Option<Reset>,
    /// The relay's clock, to warn of a wrong one; never to be relied on.
    pub relay_time: Timestamp,
    /// Whether more pages follow.
    pub more: bool,
}

/// The response contradicts the protocol: nothing of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A response to nothing that was asked.
    #[error("response to no request")]
    Unasked,
    /// Results do not match what was pushed.
    #[error("results do not match the request")]
    Results,
    /// Relay identity or cursor do not fit what came before.
    #[error("cursor does not go on from the last")]
    Cursor,
    /// Items out of order, or outside of the page.
    #[error("items out of order")]
    Items,
    /// More is promised, and nothing comes.
    #[error("no progress")]
    Stalled,
}

/// The client's side of the exchange with one remote.
#[derive(Debug)]
pub struct ClientSync {
    state: RemoteState,
    outbox: BTreeMap<Slot, Offer>,
    next_offer: u64,
    wants_page: bool,
    flight: Option<Flight>,
    round_bytes: usize,
    wait_seconds: u16,
    backoff: Backoff,
}

impl ClientSync {
    /// Goes on from what is remembered of a remote, resting.
    #[must_use]
    pub fn new(state: RemoteState, policy: BackoffPolicy) -> Self {
        Self {
            state,
            outbox: BTreeMap::new(),
            next_offer: 0,
            wants_page: false,
            flight: None,
            round_bytes: 0,
            wait_seconds: 0,
            backoff: Backoff::new(policy),
        }
    }

    /// What to remember: to be stored after everything of the last page has been.
    #[must_use]
    pub const fn state(&self) -> RemoteState {
        self.state
    }

    /// Offers an access list.
    pub fn offer_access_list(&mut self, list: Signed<AccessList>) -> OfferId {
        self.offer(Offer::AccessList(list))
    }

    /// Offers an encoded envelope.
    pub fn offer_envelope(&mut self, bytes: Vec<u8>) -> OfferId {
        self.offer(Offer::Envelope(bytes.into()))
    }

    /// Offers a sealed letter for the mailbox of `to`.
    pub fn offer_letter(&mut self, to: VerificationKey, body: Vec<u8>) -> OfferId {
        self.offer(Offer::Letter(Letter { to, body: body.into() }))
    }

    /// Offers a statement that an epoch may be forgotten.
    pub fn offer_drop(&mut self, drop: Signed<DropEpoch>) -> OfferId {
        self.offer(Offer::Drop(drop))
    }

    /// Asks for a whole channel once more; its envelopes come as items.
    pub fn fetch_channel(&mut self, channel: ChannelId) -> OfferId {
        self.offer(Offer::Fetch(channel))
    }

    fn offer(&mut self, offer: Offer) -> OfferId {
        let id = OfferId(self.next_offer);
        self.next_offer += 1;
        self.outbox.insert(Slot::of(&offer, id), offer);
        id
    }

    /// How many offers are not settled.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.outbox.len()
    }

    /// Starts a round: everything offered is pushed, everything new is fetched.
    pub const fn begin(&mut self) {
        self.wants_page = true;
        self.round_bytes = 0;
        self.wait_seconds = 0;
    }

    /// Starts a round in which the relay, if there is nothing to push and nothing new, may wait
    /// so many seconds for something to arrive.
    pub const fn begin_waiting(&mut self, seconds: u16) {
        self.begin();
        self.wait_seconds = seconds;
    }

    /// Whether there is nothing to send and nothing to wait for.
    #[must_use]
    pub fn is_resting(&self) -> bool {
        self.flight.is_none() && !self.wants_page && self.outbox.is_empty()
    }

    /// When to poll again after a failure; none for no need to wait.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Timestamp> {
        self.backoff.next()
    }

    /// Whether so many tries failed that the caller should give up for now.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.backoff.is_spent()
    }

    /// The next request, if one should be sent now. It must be answered by
    /// [`ClientSync::handle_response`] or [`ClientSync::handle_failure`].
    pub fn poll_request(&mut self, now: Timestamp) -> Option<SyncRequest> {
        let early = self.backoff.next().is_some_and(|next| now < next);
        if early || self.flight.is_some() || self.is_resting() {
            return None;
        }
        let (flight, mut request) = Flight::fill(&self.outbox);
        request.cursor = self.state.cursor;
        request.max_bytes = PAGE_BYTES;
        request.wait_seconds = if request.is_push() { 0 } else { self.wait_seconds };
        self.flight = Some(flight);
        Some(request)
    }

    /// Takes the answer to the last request.
    ///
    /// Store the page's items, then [`ClientSync::state`].
    ///
    /// # Errors
    /// Returns [`ProtocolError`] when the response contradicts the request; then nothing has
    /// changed and the caller reports a failure.
    pub fn handle_response(&mut self, response: SyncResponse) -> Result<Page, ProtocolError> {
        let flight = self.flight.as_ref().ok_or(ProtocolError::Unasked)?;
        let reset = self.check(&response)?;
        let settled = flight.settle(response.results).ok_or(ProtocolError::Results)?;
        for slot in flight.slots() {
            self.outbox.remove(slot);
        }
        self.flight = None;
        self.wait_seconds = 0;
        self.backoff.succeeded();
        self.state.cursor = Some(response.cursor);
        self.round_bytes += response.items.iter().map(|item| item.bytes.len()).sum::<usize>();
        self.wants_page = response.more && self.round_bytes < ROUND_BYTES_MAX;
        Ok(Page {
            items: response.items,
            settled,
            reset,
            relay_time: response.time,
            more: response.more,
        })
    }

    /// Notes that the last request was not answered, or not acceptably.
    pub fn handle_failure(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) {
        self.flight = None;
        self.backoff.failed(now, rng);
    }

    fn check(&self, response: &SyncResponse) -> Result<Option<Reset>, ProtocolError> {
        let cursor = response.cursor;
        let (start, reset) = match self.state.cursor {
            Some(last) if response.reset && last.relay == response.relay => {
                (0, Some(Reset::RolledBack))
            }
            Some(_) if response.reset => (0, Some(Reset::NewRelay)),
            Some(last) if last.relay != response.relay => return Err(ProtocolError::Cursor),
            Some(last) => (last.position, None),
            None if response.reset => return Err(ProtocolError::Cursor),
            None => (0, None),
        };
        if cursor.relay != response.relay || cursor.position < start {
            return Err(ProtocolError::Cursor);
        }
        let mut last = start;
        for item in &response.items {
            if item.position <= last || item.position > cursor.position {
                return Err(ProtocolError::Items);
            }
            last = item.position;
        }
        if response.more && cursor.position == start {
            return Err(ProtocolError::Stalled);
        }
        Ok(reset)
    }
}

#[cfg(test)]
mod tests;
