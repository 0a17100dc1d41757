//! Packs: many envelopes of one author written as one.
//!
//! A pack says once what its envelopes share, counts the rest on from one to the next, and
//! leaves out what follows from the bodies: tags and identities. Whoever reads it computes every
//! identity anew and checks the author's own signature over each, so a pack can change, add or
//! reorder nothing. Edits are compressed, never together with another author's; snapshots, which
//! hold many people's words, are not.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use minicbor::{Decode, Encode};
use zeroize::Zeroizing;

use super::{Header, HeaderError, Kind, MAX_PACK, OpenedEnvelope};
use crate::codec::{self, DecodeError};
use crate::id::{ChannelId, EnvelopeId, EpochId, VerificationKey};
use crate::keys::{PhaseKey, Signature, VerifyError};

/// Largest content of a pack once inflated, in bytes, that is read.
const INFLATED_MAX: usize = 1024 * 1024;

/// Content and signatures of a pack as it is written, in bytes: with nothing gained by
/// compression it still fits [`MAX_PACK`], and the largest envelope fits it.
const RUN_BYTES: usize = 224 * 1024;

/// Bytes of a signature.
const SIGNATURE: usize = 64;

/// CBOR: `[epoch, author, kind, inflated, content, signatures]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Pack {
    #[n(0)]
    epoch: EpochId,
    #[n(1)]
    author: VerificationKey,
    #[n(2)]
    kind: Kind,
    /// Bytes of the content before it was compressed.
    #[n(3)]
    inflated: u32,
    /// The encoding of `[* Item]`; compressed by DEFLATE (RFC 1951) unless of kind snapshot.
    #[cbor(n(4), with = "minicbor::bytes")]
    content: Vec<u8>,
    /// One of each item, in order.
    #[cbor(n(5), with = "minicbor::bytes")]
    signatures: Vec<u8>,
}

/// What is left of an envelope. CBOR: `[step, phase, prev / null, deps, body]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Item {
    /// Sequence number, less that of the item before (0 for the first).
    #[n(0)]
    step: u64,
    #[n(1)]
    phase: u32,
    /// Absent when it is the item before, or the sequence number is 1.
    #[n(2)]
    prev: Option<EnvelopeId>,
    #[n(3)]
    deps: Vec<EnvelopeId>,
    #[cbor(n(4), with = "minicbor::bytes")]
    body: Vec<u8>,
}

impl Drop for Item {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.body);
    }
}

/// Why a pack is refused, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Not a pack in deterministic encoding.
    #[error("malformed pack")]
    Malformed(#[source] DecodeError),
    /// It says it inflates to more than is read.
    #[error("pack of {len} bytes exceeds {limit}")]
    TooLarge {
        /// Bytes declared.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It does not inflate to exactly what it says.
    #[error("pack does not inflate to its length")]
    Inflate,
    /// Not as many signatures as envelopes, or out of order.
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
    #[error("packed envelope does not verify")]
    Signature(#[source] VerifyError),
}

/// Writes envelopes as packs: by epoch, author and kind, each in order of sequence number. A
/// function of the set: whoever packs the same envelopes makes the same packs.
#[must_use]
pub fn pack(envelopes: impl IntoIterator<Item = OpenedEnvelope>) -> Vec<Zeroizing<Vec<u8>>> {
    let mut runs: BTreeMap<_, BTreeMap<(u64, EnvelopeId), OpenedEnvelope>> = BTreeMap::new();
    for envelope in envelopes {
        let header = envelope.header();
        let run = runs.entry((header.epoch, header.author, header.kind)).or_default();
        run.insert((header.seq, envelope.id()), envelope);
    }
    runs.into_iter()
        .flat_map(|((epoch, author, kind), run)| {
            let mut packs = Vec::new();
            let mut open = Run::default();
            for envelope in run.values() {
                let (mut item, mut bytes) = open.item(envelope);
                if !open.items.is_empty() && open.bytes + bytes > RUN_BYTES {
                    packs.push(core::mem::take(&mut open).close(epoch, author, kind));
                    (item, bytes) = open.item(envelope);
                }
                open.push(envelope, item, bytes);
            }
            packs.push(open.close(epoch, author, kind));
            packs
        })
        .collect()
}

/// Items to go into one pack.
#[derive(Default)]
struct Run {
    items: Vec<Item>,
    signatures: Vec<u8>,
    bytes: usize,
    last: Option<(u64, EnvelopeId)>,
}

impl Run {
    /// An envelope as the next item, and the bytes it takes.
    fn item(&self, envelope: &OpenedEnvelope) -> (Item, usize) {
        let header = envelope.header();
        let follows = follows(self.last, header.seq);
        let item = Item {
            step: header.seq - self.last.map_or(0, |(seq, _)| seq),
            phase: header.phase,
            prev: header.prev.filter(|prev| follows != Some(*prev)),
            deps: header.deps.clone(),
            body: envelope.body().to_vec(),
        };
        let bytes = codec::encode(&item).len() + SIGNATURE;
        (item, bytes)
    }

    fn push(&mut self, envelope: &OpenedEnvelope, item: Item, bytes: usize) {
        self.last = Some((envelope.header().seq, envelope.id()));
        self.items.push(item);
        self.bytes += bytes;
        self.signatures.extend_from_slice(envelope.signature().as_bytes());
    }

    fn close(self, epoch: EpochId, author: VerificationKey, kind: Kind) -> Zeroizing<Vec<u8>> {
        let content = Zeroizing::new(codec::encode(&self.items));
        let inflated = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let content = if kind == Kind::Snapshot { content.to_vec() } else { deflate(&content) };
        let pack = Pack { epoch, author, kind, inflated, content, signatures: self.signatures };
        Zeroizing::new(codec::encode(&pack))
    }
}

/// The previous envelope that an item need not name: the one before, by one number.
fn follows(last: Option<(u64, EnvelopeId)>, seq: u64) -> Option<EnvelopeId> {
    last.filter(|(before, _)| before.checked_add(1) == Some(seq)).map(|(_, id)| id)
}

/// Reads a pack: every envelope in it, verified and open, in order.
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
    let items: Vec<Item> = codec::decode(&content, INFLATED_MAX).map_err(PackError::Malformed)?;
    let (signatures, rest) = pack.signatures.as_chunks::<SIGNATURE>();
    if signatures.len() != items.len() || !rest.is_empty() {
        return Err(PackError::Inconsistent);
    }
    let mut opened = Vec::with_capacity(items.len());
    let mut last: Option<(u64, EnvelopeId)> = None;
    for (item, signature) in items.iter().zip(signatures) {
        let before = last.map_or(0, |(seq, _)| seq);
        let seq = before.checked_add(item.step).ok_or(PackError::Inconsistent)?;
        let follows = follows(last, seq);
        if item.prev.is_some() && item.prev == follows {
            return Err(PackError::Inconsistent);
        }
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel,
            epoch: pack.epoch,
            phase: item.phase,
            author: pack.author,
            seq,
            prev: item.prev.or(follows),
            deps: item.deps.clone(),
            kind: pack.kind,
        };
        header.check()?;
        let key = key_of(item.phase).ok_or(PackError::NoKey { phase: item.phase })?;
        let signature = Signature::from_bytes(*signature);
        let envelope = OpenedEnvelope::restore(header, &item.body, &key, signature)
            .map_err(PackError::Signature)?;
        let this = (seq, envelope.id());
        if last.is_some_and(|last| last >= this) {
            return Err(PackError::Inconsistent);
        }
        last = Some(this);
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

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    match encoder.write_all(content).and_then(|()| encoder.finish()) {
        Ok(deflated) => deflated,
        // A Vec takes whatever is written to it.
        Err(_) => unreachable!("compressing to memory is infallible"),
    }
}

#[cfg(test)]
mod tests;
