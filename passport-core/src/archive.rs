//! The archive of an epoch: its envelopes as packs, for whoever may read history.
//!
//! An archive is a stream of its own in the section's channel, under a key that follows from all
//! of the epoch's: whoever has those could read everything in it before. When everybody has left
//! an epoch, the holder's devices write it there, and relays may forget the envelopes themselves.
//! Packs are made alike by whoever makes them, and read as a set: two devices that archive at once
//! do no harm.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::domain;
use crate::envelope::{
    EnvelopeError, Header, Kind, OpenedEnvelope, SealedEnvelope, pack, seal_alike, unpack,
};
use crate::epoch::{PhaseKeys, VerifiedCharter};
use crate::id::{ChannelId, EnvelopeId, EpochId};
use crate::keys::{PhaseKey, SigningKey};
use crate::party::open_with;

/// Where the history of one epoch is kept, and the key to it.
#[derive(Clone, Debug)]
pub struct Archive {
    id: EpochId,
    of: EpochId,
    key: PhaseKey,
}

impl Archive {
    /// The archive of an epoch; none unless the keys of all its phases are at hand.
    #[must_use]
    pub fn of(charter: &VerifiedCharter, keys: &PhaseKeys) -> Option<Self> {
        let of = charter.id();
        let known = (0..).zip(&charter.phases).map(|(phase, _)| keys.get(&phase));
        let known: Vec<&[u8]> =
            known.map(|key| Some(key?.as_bytes().as_slice())).collect::<Option<_>>()?;
        let key = Zeroizing::new(domain::ARCHIVE_KEY.hash(&known));
        let key = PhaseKey::from_bytes(&key);
        let id = domain::ARCHIVE.hash(&[of.as_bytes(), &key.commitment()]);
        Some(Self { id: EpochId::from_bytes(id), of, key })
    }

    /// The epoch.
    #[must_use]
    pub fn of_epoch(&self) -> EpochId {
        self.of
    }

    /// What stands for the epoch in the headers of its packs.
    #[must_use]
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> &PhaseKey {
        &self.key
    }

    /// Writes envelopes as packs, sealed. Each stands for itself, under the archive's own author.
    ///
    /// # Errors
    /// Returns [`EnvelopeError`].
    pub fn seal(
        &self,
        channel: ChannelId,
        envelopes: impl IntoIterator<Item = OpenedEnvelope>,
    ) -> Result<Vec<SealedEnvelope>, EnvelopeError> {
        let author = SigningKey::from_seed(&self.key.derive(domain::ARCHIVE_AUTHOR));
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel,
            epoch: self.id,
            phase: 0,
            author: author.verification_key(),
            seq: 1,
            prev: None,
            deps: Vec::new(),
            kind: Kind::Pack,
        };
        let packs = pack(envelopes).into_iter();
        packs.map(|pack| seal_alike(&header, pack.body().to_vec(), &self.key, &author)).collect()
    }

    /// The envelopes in a pack of this archive; none if it is not one, or not all of it holds.
    #[must_use]
    pub fn open(
        &self,
        pack: &SealedEnvelope,
        charter: &VerifiedCharter,
        keys: &PhaseKeys,
    ) -> Option<Vec<OpenedEnvelope>> {
        let opened = open_with(pack, |_| Some(self.key.clone()))?;
        if opened.header().epoch != self.id || opened.header().kind != Kind::Pack {
            return None;
        }
        let held =
            unpack(opened.body(), charter.channel, |phase| keys.get(&phase).cloned()).ok()?;
        held.iter().all(|e| e.header().epoch == charter.id()).then_some(held)
    }
}

/// Envelopes once each, those that others build on before them.
#[must_use]
pub fn in_order(envelopes: impl IntoIterator<Item = OpenedEnvelope>) -> Vec<OpenedEnvelope> {
    let mut left: BTreeMap<EnvelopeId, OpenedEnvelope> =
        envelopes.into_iter().map(|e| (e.id(), e)).collect();
    let mut ordered = Vec::with_capacity(left.len());
    let mut stack: Vec<EnvelopeId> = left.keys().rev().copied().collect();
    let mut opened: BTreeSet<EnvelopeId> = BTreeSet::new();
    while let Some(id) = stack.pop() {
        let Some(envelope) = left.get(&id) else { continue };
        if opened.insert(id) {
            // Once more after its parents; an identity is a hash, so there is no way back to it.
            stack.push(id);
            stack.extend(envelope.header().parents().filter(|p| left.contains_key(*p)));
        } else {
            ordered.extend(left.remove(&id));
        }
    }
    ordered
}
