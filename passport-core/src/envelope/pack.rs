//! Packs: an unbroken run of one author's envelopes, written as one.
//!
//! Every identity covers the identity before it, so the author's signature over the last envelope
//! of a run covers all of them. A pack says once what its envelopes share, leaves out what
//! follows from the bodies, and carries that one signature. Whoever reads it computes every
//! identity anew and checks it: a pack can change, drop, add or reorder nothing, and whoever
//! holds the envelopes can make it. Edits are compressed, never together with another author's;
//! snapshots, which hold many people's words, are not.

mod columns;
mod runs;
mod stretch;

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use self::columns::{Columns, apart, together};
use super::seal::{EnvelopeError, SealedEnvelope, seal_alike};
use super::{Header, HeaderError, Kind, MAX_PACK, OpenedEnvelope};
use crate::codec::{self, DecodeError};
use crate::id::{ChannelId, EnvelopeId, EpochId, VerificationKey};
use crate::keys::{PhaseKey, Signature, SigningKey, VerifyError};

pub use runs::pack;
pub use stretch::{Stretch, parts};

/// Largest content of a pack once inflated, in bytes: it would fit [`MAX_PACK`] with nothing
/// gained by compression, so whatever came in a pack can be packed again.
const INFLATED_MAX: usize = MAX_PACK - 1024;

/// Most envelopes of a pack.
const ITEMS_MAX: usize = 4_096;

/// A run written as one, not sealed yet.
#[derive(Debug)]
pub struct Packed {
    header: Header,
    len: usize,
    body: Zeroizing<Vec<u8>>,
}

/// CBOR: `[epoch, author, phase, kind, first, prev / null, inflated, content, signature]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Pack {
    #[n(0)]
    epoch: EpochId,
    #[n(1)]
    author: VerificationKey,
    #[n(2)]
    phase: u32,
    #[n(3)]
    kind: Kind,
    /// Sequence number of the first envelope.
    #[n(4)]
    first: u64,
    /// What the first builds on as its previous.
    #[n(5)]
    prev: Option<EnvelopeId>,
    /// Bytes of the content before it was compressed.
    #[n(6)]
    inflated: u32,
    /// The encoding of [`Content`]; compressed by DEFLATE (RFC 1951) unless of kind snapshot.
    #[cbor(n(7), with = "minicbor::bytes")]
    content: Vec<u8>,
    /// The author's over the identity of the last envelope.
    #[n(8)]
    signature: Signature,
}

/// What a run's envelopes do not share. CBOR: `[items, plain, text]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Content {
    #[n(0)]
    items: Vec<Item>,
    /// See [`columns`]; for snapshots the bodies as they are, one after the other.
    #[cbor(n(1), with = "minicbor::bytes")]
    plain: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    text: Vec<u8>,
}

/// What is left of an envelope. CBOR: `[deps, len]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Item {
    #[n(0)]
    deps: Vec<EnvelopeId>,
    /// Bytes of its body.
    #[n(1)]
    len: u32,
}

impl Drop for Content {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.plain);
        zeroize::Zeroize::zeroize(&mut self.text);
    }
}

/// Why a pack is refused, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Not a pack in deterministic encoding.
    #[error("malformed pack")]
    Malformed(#[source] DecodeError),
    /// It says it inflates to more than is read, or holds more envelopes.
    #[error("pack of {len} exceeds {limit}")]
    TooLarge {
        /// Bytes, or envelopes, declared.
        len: usize,
        /// As many as are allowed.
        limit: usize,
    },
    /// It does not inflate to exactly what it says.
    #[error("pack does not inflate to its length")]
    Inflate,
    /// Empty, a pack of packs, not the bodies it says, or not the run that its envelope says.
    #[error("pack is inconsistent")]
    Inconsistent,
    /// A header in it would not be accepted on its own.
    #[error("refused header")]
    Header(#[from] HeaderError),
    /// The key of a phase is not here.
    #[error("key of phase {phase} is not at hand")]
    NoKey {
        /// The phase.
        phase: u32,
    },
    /// What is in it is not what the author signed.
    #[error("packed run does not verify")]
    Signature(#[source] VerifyError),
}

impl Packed {
    /// Writes a run, of which only the last needs a signature; none where that has none.
    fn of(run: &[&OpenedEnvelope]) -> Option<Self> {
        let (first, last) = (run.first()?.header(), run.last()?);
        let signature = *last.signature()?;
        let items = run.iter().map(|e| Item {
            deps: e.header().deps.clone(),
            len: u32::try_from(e.body().len()).unwrap_or(u32::MAX),
        });
        let bodies = run.iter().map(|e| e.body());
        let mut columns = if first.kind == Kind::Snapshot {
            Columns { plain: bodies.collect::<Vec<_>>().concat(), text: Vec::new() }
        } else {
            apart(bodies)
        };
        let content = Content {
            items: items.collect(),
            plain: core::mem::take(&mut columns.plain),
            text: core::mem::take(&mut columns.text),
        };
        let content = Zeroizing::new(codec::encode(&content));
        let pack = Pack {
            epoch: first.epoch,
            author: first.author,
            phase: first.phase,
            kind: first.kind,
            first: first.seq,
            prev: first.prev,
            inflated: u32::try_from(content.len()).unwrap_or(u32::MAX),
            content: if first.kind == Kind::Snapshot {
                content.to_vec()
            } else {
                deflate(&content)
            },
            signature,
        };
        let header = Header {
            seq: last.header().seq.saturating_add(1),
            prev: Some(last.id()),
            deps: first.prev.into_iter().collect(),
            kind: Kind::Pack,
            ..first.clone()
        };
        Some(Self { header, len: run.len(), body: Zeroizing::new(codec::encode(&pack)) })
    }

    /// How many envelopes it stands for.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a pack is never empty")]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// As it is written.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Seals it to stand in its epoch in the place of its envelopes, as their author.
    ///
    /// It looks like what follows the run: its previous envelope is the run's last, its one
    /// dependency what the run's first builds on as its previous. So whoever cannot read it sees
    /// which run it stands for.
    ///
    /// # Errors
    /// Returns [`EnvelopeError`].
    pub fn seal(
        &self,
        key: &PhaseKey,
        author: &SigningKey,
    ) -> Result<SealedEnvelope, EnvelopeError> {
        seal_alike(&self.header, self.body.to_vec(), key, author)
    }
}

/// Reads a pack that stands in its epoch in the place of its envelopes: every one of them, in
/// order.
///
/// # Errors
/// Returns [`PackError`], also when it is not the run that its envelope says; nothing of such a
/// pack counts.
pub fn unpack_in_place(
    envelope: &OpenedEnvelope,
    key: &PhaseKey,
) -> Result<Vec<OpenedEnvelope>, PackError> {
    let header = envelope.header();
    let key_of = |phase| (phase == header.phase).then(|| key.clone());
    let run = unpack(envelope.body(), header.channel, key_of)?;
    let (Some(first), Some(last)) = (run.first(), run.last()) else {
        return Err(PackError::Inconsistent);
    };
    let expected = Header {
        seq: last.header().seq.saturating_add(1),
        prev: Some(last.id()),
        deps: first.header().prev.into_iter().collect(),
        kind: Kind::Pack,
        ..first.header().clone()
    };
    if *header == expected { Ok(run) } else { Err(PackError::Inconsistent) }
}

/// Reads a pack: every envelope in it, the last verified and with it all before it, in order.
///
/// # Errors
/// Returns [`PackError`]; nothing of such a pack counts.
pub fn unpack(
    body: &[u8],
    channel: ChannelId,
    key_of: impl Fn(u32) -> Option<PhaseKey>,
) -> Result<Vec<OpenedEnvelope>, PackError> {
    let pack: Pack = codec::decode(body, MAX_PACK).map_err(PackError::Malformed)?;
    let content = pack.inflate()?;
    let content: Content = codec::decode(&content, INFLATED_MAX).map_err(PackError::Malformed)?;
    let len = content.items.len();
    if len > ITEMS_MAX {
        return Err(PackError::TooLarge { len, limit: ITEMS_MAX });
    }
    let bodies = content.bodies(pack.kind).ok_or(PackError::Inconsistent)?;
    if bodies.is_empty() || pack.kind == Kind::Pack {
        return Err(PackError::Inconsistent);
    }
    let key = key_of(pack.phase).ok_or(PackError::NoKey { phase: pack.phase })?;
    let mut opened = Vec::with_capacity(len);
    let (mut seq, mut prev) = (pack.first, pack.prev);
    for (number, (item, body)) in (1..).zip(content.items.iter().zip(bodies)) {
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel,
            epoch: pack.epoch,
            phase: pack.phase,
            author: pack.author,
            seq,
            prev,
            deps: item.deps.clone(),
            kind: pack.kind,
        };
        header.check()?;
        let signature = (number == len).then_some(&pack.signature);
        let envelope =
            OpenedEnvelope::restore(header, body, &key, signature).map_err(PackError::Signature)?;
        prev = Some(envelope.id());
        seq = seq.checked_add(1).ok_or(PackError::Inconsistent)?;
        opened.push(envelope);
    }
    Ok(opened)
}

impl Pack {
    /// The content, of exactly the declared length; nothing larger is ever made.
    fn inflate(&self) -> Result<Zeroizing<Vec<u8>>, PackError> {
        let len = usize::try_from(self.inflated).unwrap_or(usize::MAX);
        if len > INFLATED_MAX {
            return Err(PackError::TooLarge { len, limit: INFLATED_MAX });
        }
        if self.kind == Kind::Snapshot {
            let whole = self.content.len() == len;
            return whole.then(|| self.content.clone().into()).ok_or(PackError::Inflate);
        }
        let mut content = Zeroizing::new(vec![0; len]);
        let mut stream = Decompress::new(false);
        let ended = stream.decompress(&self.content, &mut content, FlushDecompress::Finish);
        let whole =
            stream.total_in() == self.content.len() as u64 && stream.total_out() == len as u64;
        match ended {
            Ok(Status::StreamEnd) if whole => Ok(content),
            Ok(_) | Err(_) => Err(PackError::Inflate),
        }
    }
}

impl Content {
    /// The bodies, if it holds exactly those it says.
    fn bodies(&self, kind: Kind) -> Option<Vec<Vec<u8>>> {
        let lengths = self.items.iter().map(|item| usize::try_from(item.len).unwrap_or(usize::MAX));
        if kind != Kind::Snapshot {
            return together(&self.plain, &self.text, lengths);
        }
        let mut rest = self.plain.as_slice();
        let mut bodies = Vec::new();
        for len in lengths {
            let (body, after) = rest.split_at_checked(len)?;
            bodies.push(body.to_vec());
            rest = after;
        }
        (rest.is_empty() && self.text.is_empty()).then_some(bodies)
    }
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    match encoder.write_all(content).and_then(|()| encoder.finish()) {
        Ok(deflated) => deflated,
        // A Vec takes whatever is written to it.
        Err(_) => unreachable!("compressing to memory is infallible"),
    }
}

#[cfg(test)]
mod tests;
