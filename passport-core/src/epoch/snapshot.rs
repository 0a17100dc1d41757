//! The founding snapshot: typed state, in parts that fit an envelope.

use minicbor::{Decode, Encode};

use crate::codec;
use crate::domain;
use crate::edit::EntryRecord;
use crate::id::ObjectId;
use crate::time::Timestamp;

/// One part of a snapshot: the body of an envelope of kind snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SnapshotBody {
    /// Which part, from 0.
    #[n(0)]
    pub part: u32,
    /// When it was made, by the founder's clock.
    #[n(1)]
    pub at: Timestamp,
    /// Entries, ascending by id across all parts.
    #[n(2)]
    pub records: Vec<EntryRecord>,
}

/// What a charter says of its snapshot: BLAKE3 of each encoded part, in order; at least one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct SnapshotDigest(#[n(0)] Vec<ObjectId>);

impl SnapshotDigest {
    /// Most parts of a snapshot.
    pub const PARTS: usize = 1_024;

    /// The digest of encoded parts.
    #[must_use]
    pub fn of(parts: &[Vec<u8>]) -> Self {
        Self(parts.iter().map(|p| Self::part(p)).collect())
    }

    /// How many parts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no part; a charter never says so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these bytes are the part of this number.
    #[must_use]
    pub fn admits(&self, part: u32, bytes: &[u8]) -> bool {
        usize::try_from(part).ok().and_then(|p| self.0.get(p)) == Some(&Self::part(bytes))
    }

    fn part(bytes: &[u8]) -> ObjectId {
        ObjectId::from_bytes(domain::SNAPSHOT.hash(&[bytes]))
    }
}

/// Splits records (ascending by id) into encoded parts of at most `part_max` bytes; a record
/// larger than that has a part of its own.
#[must_use]
pub fn split(records: Vec<EntryRecord>, at: Timestamp, part_max: usize) -> Vec<Vec<u8>> {
    const OVERHEAD: usize = 32;
    let mut parts: Vec<Vec<EntryRecord>> = vec![Vec::new()];
    let mut used = OVERHEAD;
    for record in records {
        let len = codec::encode(&record).len();
        if used + len > part_max && parts.last().is_some_and(|p| !p.is_empty()) {
            parts.push(Vec::new());
            used = OVERHEAD;
        }
        used += len;
        if let Some(part) = parts.last_mut() {
            part.push(record);
        }
    }
    (0..)
        .zip(parts)
        .map(|(part, records)| codec::encode(&SnapshotBody { part, at, records }))
        .collect()
}
