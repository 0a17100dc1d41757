//! What an envelope says in the clear.

use minicbor::{Decode, Encode};

use crate::codec::{self, DecodeError};
use crate::id::{ChannelId, EnvelopeId, EpochId, VerificationKey};

/// Most dependencies an envelope may name.
pub const MAX_DEPENDENCIES: usize = 64;

/// Largest encoded header, in bytes.
pub(super) const MAX_HEADER: usize = 4 * 1024;

/// What an envelope's body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Typed edits to a section.
    #[n(0)]
    Edits,
    /// A part of an epoch's founding snapshot.
    #[n(1)]
    Snapshot,
    /// Statements of the ledger.
    #[n(2)]
    Statements,
    /// Many envelopes of one author re-sealed as one.
    #[n(3)]
    Pack,
    /// A part of a file, or its index.
    #[n(4)]
    Chunk,
}

/// The clear part of an envelope, covered by its identity and its seal.
///
/// CBOR: an array of the fields in order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Header {
    /// Format version: 1.
    #[n(0)]
    pub version: u8,
    /// Suite: 1 is XChaCha20-Poly1305, BLAKE3, Ed25519.
    #[n(1)]
    pub suite: u8,
    /// The channel.
    #[n(2)]
    pub channel: ChannelId,
    /// The epoch.
    #[n(3)]
    pub epoch: EpochId,
    /// The phase of the epoch whose key seals the body.
    #[n(4)]
    pub phase: u32,
    /// Who signs.
    #[n(5)]
    pub author: VerificationKey,
    /// The author's count of envelopes in this epoch, from 1.
    #[n(6)]
    pub seq: u64,
    /// The author's previous envelope in this epoch; always a dependency.
    #[n(7)]
    pub prev: Option<EnvelopeId>,
    /// Other envelopes this one builds on: strictly ascending, without `prev`.
    #[n(8)]
    pub deps: Vec<EnvelopeId>,
    /// What the body holds.
    #[n(9)]
    pub kind: Kind,
}

/// Why a header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not a header in deterministic encoding.
    #[error("malformed header")]
    Malformed(#[source] DecodeError),
    /// A version or suite that this software does not know.
    #[error("needs newer software")]
    Unsupported,
    /// Sequence number, previous envelope and dependencies do not fit together.
    #[error("inconsistent sequence or dependencies")]
    Inconsistent,
}

impl Header {
    /// The format version written by this software.
    pub const VERSION: u8 = 1;
    /// The suite written by this software.
    pub const SUITE: u8 = 1;

    /// Every envelope that this one builds on, `prev` first.
    pub fn parents(&self) -> impl Iterator<Item = &EnvelopeId> {
        self.prev.iter().chain(&self.deps)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let header: Self = codec::decode(bytes, MAX_HEADER).map_err(HeaderError::Malformed)?;
        if header.version != Self::VERSION || header.suite != Self::SUITE {
            return Err(HeaderError::Unsupported);
        }
        header.check()?;
        Ok(header)
    }

    pub(super) fn check(&self) -> Result<(), HeaderError> {
        let first = self.seq == 1;
        let ascending = self.deps.iter().zip(self.deps.iter().skip(1)).all(|(a, b)| a < b);
        let distinct = self.prev.is_none_or(|prev| !self.deps.contains(&prev));
        if self.seq == 0
            || first != self.prev.is_none()
            || !ascending
            || !distinct
            || self.deps.len() > MAX_DEPENDENCIES
        {
            return Err(HeaderError::Inconsistent);
        }
        Ok(())
    }
}
