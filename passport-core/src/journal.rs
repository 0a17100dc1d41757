//! A party's journal: the envelopes and letters it holds, and what each relay has of them.
//!
//! Envelopes are kept in order of arrival per epoch, sealed as they came; letters to send
//! likewise. For each relay the journal remembers how far it has been offered, so a sync can be
//! cut at any point and the next one completes it. A relay that is new, emptied or rolled back
//! is offered everything again.

mod remote;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::codec;
use crate::envelope::{MAX_ENVELOPE, SealedEnvelope};
use crate::id::{EpochId, ObjectId, VerificationKey};
use crate::letter::MAX_LETTER;
use crate::vault::{Batch, Secret, Table, Vault, VaultError};

pub use remote::{
    Incoming, IncomingItem, Outgoing, OutgoingDrop, OutgoingEnvelope, OutgoingLetter, Position,
    RemoteState, Verdict, Verdicts,
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
    lengths: BTreeMap<EpochId, u64>,
    letters: u64,
    fresh: BTreeSet<ObjectId>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredEnvelope {
    #[cbor(n(0), with = "minicbor::bytes")]
    source: Option<RelayId>,
    #[cbor(n(1), with = "minicbor::bytes")]
    bytes: Vec<u8>,
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
        let mut lengths = BTreeMap::new();
        for (key, value) in vault.scan(Table::Cache)? {
            if let Ok(epoch) = EpochId::from_slice(&key) {
                lengths.insert(epoch, length(&value)?);
            }
        }
        let letters = vault.get(Table::Meta, LETTERS)?.map_or(Ok(0), |v| length(&v))?;
        Ok(Self { vault, lengths, letters, fresh: BTreeSet::new() })
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
            self.recount()?;
        }
        Ok(written?)
    }

    fn recount(&mut self) -> Result<(), JournalError> {
        self.lengths.clear();
        for (key, value) in self.vault.scan(Table::Cache)? {
            if let Ok(epoch) = EpochId::from_slice(&key) {
                self.lengths.insert(epoch, length(&value)?);
            }
        }
        self.letters = self.vault.get(Table::Meta, LETTERS)?.map_or(Ok(0), |v| length(&v))?;
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
        let bytes = envelope.encode();
        let id = ObjectId::of(&bytes);
        if !self.fresh.insert(id) || self.vault.get(Table::Envelope, id.as_bytes())?.is_some() {
            return Ok(false);
        }
        let epoch = envelope.header().epoch;
        let index = self.lengths.entry(epoch).or_insert(0);
        let stored = StoredEnvelope { source, bytes };
        batch.put(Table::Envelope, *id.as_bytes(), Vec::new());
        batch.put(Table::Envelope, place(epoch.as_bytes(), *index), codec::encode(&stored));
        *index += 1;
        batch.put(Table::Cache, *epoch.as_bytes(), codec::encode(index));
        Ok(true)
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
        self.lengths.keys()
    }

    /// How many envelopes of an epoch there are.
    #[must_use]
    pub fn count(&self, epoch: &EpochId) -> u64 {
        self.lengths.get(epoch).copied().unwrap_or(0)
    }

    /// The envelopes of an epoch in order of arrival.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn envelopes(&self, epoch: &EpochId) -> Result<Vec<SealedEnvelope>, JournalError> {
        (0..self.count(epoch))
            .map(|index| {
                let stored = self.envelope(epoch, index)?;
                SealedEnvelope::decode(&stored.bytes)
                    .map_err(|_| JournalError::Record { table: Table::Envelope, index })
            })
            .collect()
    }

    fn envelope(&self, epoch: &EpochId, index: u64) -> Result<StoredEnvelope, JournalError> {
        let bytes = self.vault.get(Table::Envelope, &place(epoch.as_bytes(), index))?;
        decode(bytes, Table::Envelope, index)
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

fn length(value: &Secret) -> Result<u64, JournalError> {
    codec::decode(value, 16).map_err(|_| JournalError::Record { table: Table::Cache, index: 0 })
}

fn decode<T>(bytes: Option<Secret>, table: Table, index: u64) -> Result<T, JournalError>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    bytes
        .and_then(|bytes| codec::decode(&bytes, STORED_MAX).ok())
        .ok_or(JournalError::Record { table, index })
}
