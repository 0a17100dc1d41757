//! A relay within the process: the real session over the real store in memory, at the end of a
//! way on which requests and answers are lost, repeated and late.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "it serves tests, and may panic as tests do"
)]

use std::collections::BTreeMap;

use passport_core::codec;
use passport_core::envelope::SealedEnvelope;
use passport_core::id::{ObjectId, VerificationKey};
use passport_core::journal::Incoming;
use passport_core::keys::SigningKey;
use passport_core::time::Timestamp;
use passport_sync::client::RemoteError;
use passport_sync::client::exchange::{Transport, fetch_all};
use passport_sync::session::port::read;
use passport_sync::session::{RelayLimits, Reset, check, handle};
use passport_sync::store::MemoryStore;
use passport_sync::wire::{RelayId, SyncRequest, SyncResponse};
use rand_core::CryptoRng;

/// A relay.
#[derive(Debug)]
pub struct Post {
    /// What parties know it by.
    pub url: String,
    store: MemoryStore,
    /// As it was when somebody made a copy of its disk.
    copy: Option<MemoryStore>,
    /// Requests that are still under way, though their senders gave up.
    late: Vec<(VerificationKey, SyncRequest)>,
    opened: u64,
    /// Every envelope that it was ever sent, also before it was emptied or set back.
    sent: BTreeMap<ObjectId, SealedEnvelope>,
}

/// What happens on the way, in times of a hundred.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// A request never arrives.
    pub request_lost: u32,
    /// A request arrives, and its answer does not.
    pub answer_lost: u32,
    /// A request arrives long after its sender gave up.
    pub late: u32,
    /// A request arrives twice.
    pub twice: u32,
    /// The relay cannot be reached at all.
    pub parted: bool,
    /// Whoever asks ends after so many requests.
    pub crash_after: Option<u32>,
}

/// The way of one party to a relay.
#[derive(Debug)]
pub struct Way<'a> {
    /// The relay.
    pub post: &'a mut Post,
    /// What happens on the way.
    pub weather: Weather,
    /// Requests asked.
    pub asked: u32,
}

/// The relay was not reached, or seemed not to be.
#[derive(Debug, thiserror::Error)]
#[error("nobody answers")]
struct Silence;

fn silence() -> RemoteError {
    RemoteError::Unreachable(Box::new(Silence))
}

impl Post {
    /// An empty relay.
    #[must_use]
    pub fn new(url: &str, relay: RelayId) -> Self {
        let store = MemoryStore::new(relay);
        Self {
            url: url.to_owned(),
            store,
            copy: None,
            late: Vec::new(),
            opened: 0,
            sent: BTreeMap::new(),
        }
    }

    /// Begins anew with nothing, as another relay at the same address.
    pub fn empty(&mut self, relay: RelayId) {
        self.store = MemoryStore::new(relay);
    }

    /// Makes a copy of its disk.
    pub fn copy(&mut self) {
        self.copy = Some(self.reopened());
    }

    /// Goes back to the copy, if there is one; whether there was.
    pub fn roll_back(&mut self) -> bool {
        let Some(copy) = self.copy.take() else { return false };
        self.store = copy;
        self.store = self.reopened();
        true
    }

    /// Stops and starts.
    pub fn restart(&mut self) {
        self.store = self.reopened();
    }

    fn reopened(&mut self) -> MemoryStore {
        self.opened += 1;
        self.store.reopen(self.opened.to_be_bytes())
    }

    /// One request that is still under way arrives; whether there was one.
    pub fn arrive(&mut self, now: Timestamp) -> bool {
        if self.late.is_empty() {
            return false;
        }
        let (key, request) = self.late.remove(0);
        self.answer(&key, &request, now);
        true
    }

    /// Whether it has an object.
    #[must_use]
    pub fn has(&self, id: &ObjectId) -> bool {
        read(&self.store, |at| at.has_object(id)).unwrap()
    }

    /// Every envelope that it was ever sent, kept or not.
    pub fn sent(&self) -> impl Iterator<Item = &SealedEnvelope> {
        self.sent.values()
    }

    fn answer(
        &mut self,
        key: &VerificationKey,
        request: &SyncRequest,
        now: Timestamp,
    ) -> SyncResponse {
        for bytes in &request.envelopes {
            if let Ok(envelope) = SealedEnvelope::decode(bytes) {
                self.sent.insert(ObjectId::of(bytes), envelope);
            }
        }
        let asked = SyncRequest::decode(&codec::encode(request)).unwrap();
        let answer = handle(asked, key, now, &RelayLimits::default(), &self.store).unwrap();
        SyncResponse::decode(&codec::encode(&answer.response)).unwrap()
    }
}

impl Way<'_> {
    /// Everything there is for a key that belongs to no party yet.
    pub fn everything_for(
        &mut self,
        key: &SigningKey,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Incoming> {
        let mut all = Vec::new();
        fetch_all(self, key, now, rng, &mut |incoming| all.push(incoming)).unwrap();
        all
    }
}

impl Transport for Way<'_> {
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        let crashed = self.weather.crash_after.is_some_and(|most| self.asked >= most);
        self.asked += 1;
        let mut happens = |percent: u32| rng.next_u32() % 100 < percent;
        let weather = self.weather;
        if weather.parted || crashed || happens(weather.request_lost) {
            return Err(silence());
        }
        let key = key.verification_key();
        if happens(weather.late) {
            self.post.late.push((key, request.clone()));
            return Err(silence());
        }
        if happens(weather.twice) {
            self.post.answer(&key, request, now);
        }
        let answer = self.post.answer(&key, request, now);
        if happens(weather.answer_lost) {
            return Err(silence());
        }
        let reset = check(request, &answer)?;
        Ok((answer, reset))
    }
}
