//! The founding snapshot: typed state, in parts that fit an envelope.

use minicbor::{Decode, Encode};

use crate::codec::{self, DecodeError};
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
    /// A stretch of the records, encoded one after the other, ascending by id: a record may run
    /// over several parts, so that none is too large to be carried.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub records: Vec<u8>,
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

/// Encodes records (ascending by id) and splits them into parts of about `part_max` bytes.
#[must_use]
pub fn split(
    records: impl IntoIterator<Item = EntryRecord>,
    at: Timestamp,
    part_max: usize,
) -> Vec<Vec<u8>> {
    const OVERHEAD: usize = 32;
    let stream: Vec<u8> = records.into_iter().flat_map(|r| codec::encode(&r)).collect();
    let mut stretches: Vec<&[u8]> =
        stream.chunks(part_max.saturating_sub(OVERHEAD).max(1)).collect();
    if stretches.is_empty() {
        stretches.push(&[]);
    }
    (0..)
        .zip(stretches)
        .map(|(part, bytes)| codec::encode(&SnapshotBody { part, at, records: bytes.to_vec() }))
        .collect()
}

/// Reads the records of all parts, in order.
///
/// # Errors
/// Returns [`DecodeError`] when they are not deterministic encodings, ascending by id.
pub fn join<'a>(
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<EntryRecord>, DecodeError> {
    let stream: Vec<u8> = parts.into_iter().flatten().copied().collect();
    let mut records: Vec<EntryRecord> = Vec::new();
    let mut decoder = minicbor::Decoder::new(&stream);
    while decoder.position() < stream.len() {
        let start = decoder.position();
        let record: EntryRecord = decoder.decode().map_err(|_| DecodeError::Malformed)?;
        let ascending = records.last().is_none_or(|last| last.id < record.id);
        let bytes = stream.get(start..decoder.position());
        if !ascending || bytes != Some(&codec::encode(&record)) {
            return Err(DecodeError::NotDeterministic);
        }
        records.push(record);
    }
    Ok(records)
}
