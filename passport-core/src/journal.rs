//! A party's journal: the envelopes and letters it holds, and what each relay has of them.
//!
//! Envelopes are kept in order of arrival per epoch, sealed as they came; letters to send
//! likewise. A pack takes the place of the envelopes it stands for. For each relay the journal
//! remembers how far it has been offered, so a sync can be cut at any point and the next one
//! completes it. A relay that is new, emptied or rolled back is offered everything again.

mod remote;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::codec;
use crate::envelope::{Kind, MAX_ENVELOPE, SealedEnvelope, Stretch, parts};
use crate::id::{ChannelId, EnvelopeId, EpochId, ObjectId, VerificationKey};
use crate::letter::MAX_LETTER;
use crate::vault::{Batch, Secret, Table, Vault, VaultError};

pub use remote::{
    Incoming, IncomingItem, KnownList, Outgoing, OutgoingDrop, OutgoingEnvelope, OutgoingLetter,
    Position, RemoteState, Verdict, Verdicts,
};

/// Which relay an object came from; none for one's own.
pub type RelayId = [u8; 16];

/// Why the journal could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The vault refused.
    #[error("vault refused")]
    Vault(#[from] VaultError),
    /// A record does not decode: it was written by other software, or is damaged.
    #[error("record {index} of {table} does not decode")]
    Record {
        /// The table.
        table: Table,
        /// Which record.
        index: u64,
    },
}

/// The journal of one party, over its vault.
#[derive(Debug)]
pub struct Journal<V> {
    vault: V,
    extents: BTreeMap<EpochId, Extent>,
    letters: u64,
    fresh: BTreeSet<ObjectId>,
    authors: BTreeMap<EpochId, Authors>,
}

/// Who wrote which of so many envelopes of an epoch, those too that a pack took the place of.
#[derive(Debug, Default)]
struct Authors {
    count: u64,
    places: BTreeMap<VerificationKey, Vec<u64>>,
}

/// How much there is of an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Extent {
    /// Envelopes that ever came or were made here, packs included; it never goes down.
    #[n(0)]
    pub count: u64,
    /// Bytes of those that are here, sealed.
    #[n(1)]
    pub bytes: u64,
    /// Envelopes that are here, by themselves or in packs; a pack that came before the key to it
    /// counts as one.
    #[n(2)]
    pub held: u64,
    /// Envelopes made here since it was last seen whether they make a pack.
    #[n(3)]
    pub loose: u64,
    /// The channel, where these are chunks of a file and no epoch.
    #[n(4)]
    pub file_in: Option<ChannelId>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredEnvelope {
    #[cbor(n(0), with = "minicbor::bytes")]
    source: Option<RelayId>,
    #[cbor(n(1), with = "minicbor::bytes")]
    bytes: Vec<u8>,
    /// What it took the place of, which is known all the same.
    #[n(2)]
    replaced: Vec<ObjectId>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredLetter {
    #[n(0)]
    to: VerificationKey,
    #[cbor(n(1), with = "minicbor::bytes")]
    bytes: Vec<u8>,
}

const LETTERS: &[u8] = b"letters";
const STORED_MAX: usize = MAX_ENVELOPE + MAX_LETTER;

impl<V: Vault> Journal<V> {
    /// Opens the journal in a vault.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn open(vault: V) -> Result<Self, JournalError> {
        let (extents, letters, fresh) = (BTreeMap::new(), 0, BTreeSet::new());
        let mut journal = Self { vault, extents, letters, fresh, authors: BTreeMap::new() };
        journal.recount()?;
        Ok(journal)
    }

    /// The vault.
    #[must_use]
    pub fn vault(&self) -> &V {
        &self.vault
    }

    /// Writes a batch; when this returns, it is on disk.
    ///
    /// # Errors
    /// Returns [`JournalError`] when nothing was written.
    pub fn commit(&mut self, batch: Batch) -> Result<(), JournalError> {
        let written = self.vault.commit(batch);
        self.fresh.clear();
        if written.is_err() {
            // What the batch would have added was counted already: count anew.
            self.authors.clear();
            self.recount()?;
        }
        Ok(written?)
    }

    /// Puts on disk what a vault that groups commits has held back.
    ///
    /// # Errors
    /// Returns [`JournalError`] when nothing was written.
    pub fn keep(&mut self) -> Result<(), JournalError> {
        Ok(self.vault.flush()?)
    }

    fn recount(&mut self) -> Result<(), JournalError> {
        self.extents.clear();
        for (key, value) in self.vault.scan(Table::Cache)? {
            if let Ok(epoch) = EpochId::from_slice(&key) {
                self.extents.insert(epoch, counted(&value)?);
            }
        }
        self.letters = self.vault.get(Table::Meta, LETTERS)?.map_or(Ok(0), |v| counted(&v))?;
        Ok(())
    }

    /// Adds an envelope to a batch; whether it is new.
    ///
    /// It is known again by all its bytes and not by its identity, which does not cover the
    /// ciphertext: a copy that was spoiled on the way must not keep the good one out.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn append(
        &mut self,
        batch: &mut Batch,
        envelope: &SealedEnvelope,
        source: Option<RelayId>,
    ) -> Result<bool, JournalError> {
        self.put(batch, envelope, source, Vec::new())
    }

    /// Whether just these bytes of an envelope are here, or a pack has taken their place.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub(crate) fn knows(&self, bytes: &[u8]) -> Result<bool, JournalError> {
        self.has(&ObjectId::of(bytes))
    }

    fn has(&self, id: &ObjectId) -> Result<bool, JournalError> {
        Ok(self.fresh.contains(id) || self.vault.get(Table::Envelope, id.as_bytes())?.is_some())
    }

    fn put(
        &mut self,
        batch: &mut Batch,
        envelope: &SealedEnvelope,
        source: Option<RelayId>,
        replaced: Vec<ObjectId>,
    ) -> Result<bool, JournalError> {
        let bytes = envelope.encode();
        let id = ObjectId::of(&bytes);
        if self.has(&id)? {
            return Ok(false);
        }
        self.fresh.insert(id);
        let epoch = envelope.header().epoch;
        let extent = self.extents.entry(epoch).or_default();
        let place = place(epoch.as_bytes(), extent.count);
        if let Some(known) = self.authors.get_mut(&epoch).filter(|a| a.count == extent.count) {
            known.places.entry(envelope.header().author).or_default().push(extent.count);
            known.count += 1;
        }
        // All of it, or none: what pretends to be a chunk makes no file of an epoch.
        let begun = extent.count == 0 || extent.file_in.is_some();
        let chunk = begun && envelope.header().kind == Kind::Chunk;
        extent.file_in = chunk.then_some(envelope.header().channel);
        extent.count += 1;
        extent.bytes += bytes.len() as u64;
        extent.held += 1;
        extent.loose += u64::from(source.is_none());
        let stored = StoredEnvelope { source, bytes, replaced };
        batch.put(Table::Envelope, *id.as_bytes(), Vec::new());
        batch.put(Table::Envelope, place, codec::encode(&stored));
        batch.put(Table::Cache, *epoch.as_bytes(), codec::encode(extent));
        Ok(true)
    }

    /// Adds a pack of so many envelopes to a batch, in the place of those of them that are here;
    /// whether it is new. Whoever calls has read it: what it says it stands for is in it.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn append_pack(
        &mut self,
        batch: &mut Batch,
        pack: &SealedEnvelope,
        envelopes: usize,
        source: Option<RelayId>,
    ) -> Result<bool, JournalError> {
        let run = Stretch::of(pack).filter(|stretch| stretch.packed);
        let Some(run) = run else { return self.append(batch, pack, source) };
        let mut ending: BTreeMap<EnvelopeId, Vec<(u64, Stretch)>> = BTreeMap::new();
        for (index, envelope) in self.written_by(&run.epoch, &run.author)? {
            let stretch = Stretch::of(&envelope).filter(|stretch| stretch.is_beside(&run));
            if let Some(stretch) = stretch {
                ending.entry(stretch.last).or_default().push((index, stretch));
            }
        }
        let gone = parts(&run, |last| {
            Ok::<_, JournalError>(ending.get(last).cloned().unwrap_or_default())
        })?;
        let mut replaced = Vec::new();
        let mut bytes = 0;
        for index in &gone {
            let stored = self.envelope(&run.epoch, *index)?;
            bytes += stored.bytes.len() as u64;
            replaced.push(ObjectId::of(&stored.bytes));
            replaced.extend(stored.replaced);
        }
        if !self.put(batch, pack, source, replaced)? {
            return Ok(false);
        }
        for index in &gone {
            batch.delete(Table::Envelope, place(run.epoch.as_bytes(), *index));
        }
        let extent = self.extents.entry(run.epoch).or_default();
        // The parts make up the whole run, or there are none.
        let came = if gone.is_empty() { envelopes as u64 } else { 0 };
        extent.held = extent.held.saturating_sub(1).saturating_add(came);
        extent.bytes = extent.bytes.saturating_sub(bytes);
        batch.put(Table::Cache, *run.epoch.as_bytes(), codec::encode(extent));
        Ok(true)
    }

    /// Notes in a batch how many envelopes made here might make a pack.
    pub fn set_loose(&mut self, batch: &mut Batch, epoch: &EpochId, loose: u64) {
        if let Some(extent) = self.extents.get_mut(epoch) {
            extent.loose = loose;
            batch.put(Table::Cache, *epoch.as_bytes(), codec::encode(extent));
        }
    }

    /// Adds a letter to send to a batch.
    pub fn post(&mut self, batch: &mut Batch, to: VerificationKey, bytes: Vec<u8>) {
        let stored = StoredLetter { to, bytes };
        batch.put(Table::Outbox, place(LETTERS, self.letters), codec::encode(&stored));
        self.letters += 1;
        batch.put(Table::Meta, LETTERS, codec::encode(&self.letters));
    }

    /// The epochs of which there are envelopes.
    pub fn epochs(&self) -> impl Iterator<Item = &EpochId> {
        self.extents.keys()
    }

    /// How much of an epoch there is.
    #[must_use]
    pub fn extent(&self, epoch: &EpochId) -> Extent {
        self.extents.get(epoch).copied().unwrap_or_default()
    }

    /// The envelopes of an epoch in order of arrival.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn envelopes(&self, epoch: &EpochId) -> Result<Vec<SealedEnvelope>, JournalError> {
        self.each(epoch).map(|entry| Ok(entry?.1)).collect()
    }

    /// The same, each with its number, read one at a time.
    pub fn each(
        &self,
        epoch: &EpochId,
    ) -> impl Iterator<Item = Result<(u64, SealedEnvelope), JournalError>> {
        let all = (0..self.extent(epoch).count)
            .map(|index| Ok(self.entry(epoch, index)?.map(|envelope| (index, envelope))));
        all.filter_map(Result::transpose)
    }

    /// The envelope of this number in an epoch; none if a pack took its place.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn entry(
        &self,
        epoch: &EpochId,
        index: u64,
    ) -> Result<Option<SealedEnvelope>, JournalError> {
        let sealed = self.kept(epoch, index)?.map(|stored| SealedEnvelope::decode(&stored.bytes));
        sealed.transpose().map_err(|_| JournalError::Record { table: Table::Envelope, index })
    }

    /// Who wrote in an epoch. What was looked through once is not looked through again.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn authors(&mut self, epoch: &EpochId) -> Result<BTreeSet<VerificationKey>, JournalError> {
        self.look_through(epoch)?;
        let known = self.authors.get(epoch);
        Ok(known.into_iter().flat_map(|known| known.places.keys().copied()).collect())
    }

    /// The envelopes of one author in an epoch in order of arrival, each with its number.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn written_by(
        &mut self,
        epoch: &EpochId,
        author: &VerificationKey,
    ) -> Result<Vec<(u64, SealedEnvelope)>, JournalError> {
        self.look_through(epoch)?;
        let places = self.authors.get(epoch).and_then(|known| known.places.get(author));
        let sealed = places
            .into_iter()
            .flatten()
            .map(|index| Ok(self.entry(epoch, *index)?.map(|envelope| (*index, envelope))));
        sealed.filter_map(Result::transpose).collect()
    }

    /// Notes who wrote what of an epoch, as far as it is in the vault.
    fn look_through(&mut self, epoch: &EpochId) -> Result<(), JournalError> {
        let count = self.extent(epoch).count;
        let mut known = self.authors.remove(epoch).unwrap_or_default();
        for index in known.count..count {
            if let Some(envelope) = self.entry(epoch, index)? {
                known.places.entry(envelope.header().author).or_default().push(index);
                known.count = index + 1;
            }
        }
        self.authors.insert(*epoch, known);
        Ok(())
    }

    /// Adds to a batch that every envelope of an epoch is deleted.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn forget(&mut self, batch: &mut Batch, epoch: &EpochId) -> Result<(), JournalError> {
        for index in 0..self.extent(epoch).count {
            let Some(stored) = self.kept(epoch, index)? else { continue };
            for known in stored.replaced.iter().chain([&ObjectId::of(&stored.bytes)]) {
                batch.delete(Table::Envelope, *known.as_bytes());
            }
            batch.delete(Table::Envelope, place(epoch.as_bytes(), index));
        }
        batch.delete(Table::Cache, *epoch.as_bytes());
        self.extents.remove(epoch);
        self.authors.remove(epoch);
        Ok(())
    }

    /// Whether some relay has everything of an epoch that was made here.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn is_handed_on(&self, epoch: &EpochId) -> Result<bool, JournalError> {
        let mut own = 0;
        for index in 0..self.extent(epoch).count {
            if self.kept(epoch, index)?.is_some_and(|kept| kept.source.is_none()) {
                own = index + 1;
            }
        }
        if own == 0 {
            return Ok(true);
        }
        let remotes = self.remotes()?;
        Ok(remotes.iter().any(|remote| remote.has(epoch, own)))
    }

    fn envelope(&self, epoch: &EpochId, index: u64) -> Result<StoredEnvelope, JournalError> {
        let missing = JournalError::Record { table: Table::Envelope, index };
        self.kept(epoch, index)?.ok_or(missing)
    }

    /// An envelope, unless a pack took its place.
    fn kept(&self, epoch: &EpochId, index: u64) -> Result<Option<StoredEnvelope>, JournalError> {
        let bytes = self.vault.get(Table::Envelope, &place(epoch.as_bytes(), index))?;
        bytes.map(|bytes| decode(Some(bytes), Table::Envelope, index)).transpose()
    }

    fn letter(&self, index: u64) -> Result<StoredLetter, JournalError> {
        decode(self.vault.get(Table::Outbox, &place(LETTERS, index))?, Table::Outbox, index)
    }
}

fn place(of: &[u8], index: u64) -> Vec<u8> {
    let mut key = of.to_vec();
    key.extend_from_slice(&index.to_be_bytes());
    key
}

fn counted<T>(value: &Secret) -> Result<T, JournalError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    codec::decode(value, 96).map_err(|_| JournalError::Record { table: Table::Cache, index: 0 })
}

fn decode<T>(bytes: Option<Secret>, table: Table, index: u64) -> Result<T, JournalError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    bytes
        .and_then(|bytes| codec::decode(&bytes, STORED_MAX).ok())
        .ok_or(JournalError::Record { table, index })
}
