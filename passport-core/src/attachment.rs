//! Attachments: files kept beside the record, sealed in parts.
//!
//! The value of an entry's field says what the file is, and carries a key of its own: whoever can
//! read the entry can read the file, and nobody else. The file itself is a stream of envelopes in
//! the section's channel, under an identity that follows from channel and key. It is no part of an
//! epoch: a new epoch carries the value along, and the stream stays where it is.
//!
//! ```text
//!  Attachment { object, size, key, … } ──► Stream (channel, key)
//!        │                                   ├─ index: the digest of every part ◄── object
//!        └── in an entry                     └─ parts 0, 1, 2 …                 ◄── index
//! ```
//!
//! What a file is made of follows from `object` alone: it is the digest of the size and of the
//! index, which has the digest of every part in its place. So nothing else counts, whoever sealed
//! it: not a part of another file, not another order, not an end that came early. Who has the key
//! can seal further envelopes in the stream, and those are passed over.
//!
//! Nothing here opens, runs or inflates what a file holds.

mod filing;

use minicbor::{Decode, Encode};

use crate::codec;
use crate::domain;
use crate::envelope::{EnvelopeError, Header, Kind, MAX_BODY, SealedEnvelope, padme, seal_alike};
use crate::id::{ChannelId, EpochId, ObjectId};
use crate::keys::{PhaseKey, SigningKey};
use crate::party::open_with;
use crate::section::{Attachment, FileKey, limits};

pub use filing::{Filed, Filing};

/// Bytes of the largest file: 25 MiB.
pub const SIZE_MAX: u64 = limits::FILE;

/// Bytes of a file in one part: with what is around it and what is of one length in every
/// envelope, 192 KiB.
pub const PART_BYTES: usize = 192 * 1024 - 128;

/// Why a file cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttachmentError {
    /// There is nothing in it.
    #[error("file is empty")]
    Empty,
    /// It is larger than [`SIZE_MAX`].
    #[error("file is larger than {SIZE_MAX} bytes")]
    TooLarge,
    /// An envelope of it could not be made.
    #[error("envelope could not be made")]
    Envelope(#[from] EnvelopeError),
}

/// The body of an envelope of kind chunk.
///
/// CBOR: `[0, digests: bstr]` or `[1, number: uint, content: bstr]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
#[expect(missing_debug_implementations, reason = "it holds a file's content")]
pub enum Chunk {
    /// The digest of every part, in order, 32 bytes each.
    #[n(0)]
    Index(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>),
    /// A part.
    #[n(1)]
    Part {
        /// Which, from 0.
        #[n(0)]
        number: u32,
        /// What is in it; all but the last have [`PART_BYTES`].
        #[cbor(n(1), with = "minicbor::bytes")]
        content: Vec<u8>,
    },
}

/// How many parts a file has: its size is padded first, so that they tell little of it.
#[must_use]
pub fn parts(size: u64) -> u32 {
    let padded = padded(size).div_ceil(PART_BYTES as u64);
    u32::try_from(padded).unwrap_or(u32::MAX)
}

/// Bytes of a file with the zeros after its end.
fn padded(size: u64) -> u64 {
    let size = usize::try_from(size.min(SIZE_MAX)).unwrap_or(usize::MAX);
    padme(size) as u64
}

/// What a part is known by.
fn digest(content: &[u8]) -> ObjectId {
    ObjectId::from_bytes(domain::ATTACHMENT_PART.hash(&[content]))
}

/// What a file is known by.
fn object(size: u64, index: &[u8]) -> ObjectId {
    ObjectId::from_bytes(domain::ATTACHMENT.hash(&[&size.to_le_bytes(), index]))
}

/// What a file of these bytes is known by, without sealing it.
#[must_use]
pub fn object_of(bytes: &[u8]) -> ObjectId {
    let size = bytes.len() as u64;
    let whole = padded(size).max(size);
    let mut index = Vec::new();
    let mut at = 0;
    while at < whole {
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        let len = usize::try_from(whole - at).unwrap_or(usize::MAX).min(PART_BYTES);
        let rest = bytes.get(from..).unwrap_or_default();
        let mut part = rest.get(..len).unwrap_or(rest).to_vec();
        part.resize(len, 0);
        index.extend_from_slice(digest(&part).as_bytes());
        at += len as u64;
    }
    object(size, &index)
}

/// The digests of a file's parts, as its object promises them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    size: u64,
    digests: Vec<ObjectId>,
}

impl Index {
    /// Reads the index of a file; none unless it is the one that the file's value promises.
    #[must_use]
    pub fn of(file: &Attachment, digests: &[u8]) -> Option<Self> {
        let count = usize::try_from(parts(file.size)).ok()?;
        if digests.len() != count * ObjectId::LEN || object(file.size, digests) != file.object {
            return None;
        }
        let digests = digests.chunks(ObjectId::LEN).map(ObjectId::from_slice);
        Some(Self { size: file.size, digests: digests.collect::<Result<_, _>>().ok()? })
    }

    /// How many parts there are; never none.
    #[must_use]
    pub fn parts(&self) -> u32 {
        u32::try_from(self.digests.len()).unwrap_or(u32::MAX)
    }

    /// Whether this is the part of this number.
    #[must_use]
    pub fn admits(&self, number: u32, content: &[u8]) -> bool {
        let before = u64::from(number).saturating_mul(PART_BYTES as u64);
        let len = padded(self.size).saturating_sub(before).min(PART_BYTES as u64);
        let promised = usize::try_from(number).ok().and_then(|n| self.digests.get(n));
        content.len() as u64 == len && promised == Some(&digest(content))
    }
}

/// Where the parts of one file are, and the key to them.
#[derive(Clone, Debug)]
pub struct Stream {
    id: EpochId,
    channel: ChannelId,
    key: PhaseKey,
}

impl Stream {
    /// The stream of a file in a channel. In another channel the same file is another stream.
    #[must_use]
    pub fn of(channel: ChannelId, key: &FileKey) -> Self {
        let key = key.as_phase_key();
        let id = domain::ATTACHMENT_STREAM.hash(&[channel.as_bytes(), &key.commitment()]);
        Self { id: EpochId::from_bytes(id), channel, key }
    }

    /// What stands for an epoch in the headers of its envelopes.
    #[must_use]
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// The channel.
    #[must_use]
    pub fn channel(&self) -> ChannelId {
        self.channel
    }

    /// Seals a chunk, under the stream's own author: whoever seals the same makes the same bytes.
    ///
    /// # Errors
    /// Returns [`EnvelopeError`].
    pub fn seal(&self, chunk: &Chunk) -> Result<SealedEnvelope, EnvelopeError> {
        let author = SigningKey::from_seed(&self.key.derive(domain::ATTACHMENT_AUTHOR));
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: self.channel,
            epoch: self.id,
            phase: 0,
            author: author.verification_key(),
            seq: 1,
            prev: None,
            deps: Vec::new(),
            kind: Kind::Chunk,
        };
        seal_alike(&header, codec::encode(chunk), &self.key, &author)
    }

    /// The chunk in an envelope of this stream; none if it is not one.
    #[must_use]
    pub fn open(&self, envelope: &SealedEnvelope) -> Option<Chunk> {
        let header = envelope.header();
        let own = (header.epoch, header.channel, header.kind);
        if own != (self.id, self.channel, Kind::Chunk) {
            return None;
        }
        let opened = open_with(envelope, |_| Some(self.key.clone()))?;
        codec::decode(opened.body(), MAX_BODY).ok()
    }
}

#[cfg(test)]
mod tests;
