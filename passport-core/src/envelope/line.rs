//! Where an author's line of envelopes stands: whoever was just sent one need not be told of the
//! next what follows from it.
//!
//! What is left out is put back before anything is checked, so identity and signature cover it as
//! ever.

use minicbor::{Decode, Encode};

use super::{Header, Kind, SealedEnvelope};
use crate::id::EnvelopeId;

/// The last envelope of edits of an author in an epoch, as far as the next one follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Without what it builds on.
    header: Header,
    id: EnvelopeId,
}

/// An envelope without what follows from the one before in its line. Nothing of it is checked.
///
/// CBOR: `[deps, sealed: bstr]`, where `sealed` is body tag, nonce, signature and ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Following {
    #[n(0)]
    pub(super) deps: Vec<EnvelopeId>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) sealed: Vec<u8>,
}

impl Line {
    /// Where a line stands after an envelope of edits; others are in no line.
    #[must_use]
    pub fn after(envelope: &SealedEnvelope) -> Option<Self> {
        let header = Header { deps: Vec::new(), ..envelope.header().clone() };
        (header.kind == Kind::Edits).then(|| Self { header, id: envelope.id() })
    }

    /// Whether another is of the same author in the same epoch.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        let of = |line: &Self| (line.header.channel, line.header.epoch, line.header.author);
        of(self) == of(other)
    }

    /// An envelope without what follows; none where it does not follow.
    #[must_use]
    pub fn shorten(&self, envelope: &SealedEnvelope) -> Option<Following> {
        let deps = envelope.header().deps.clone();
        let follows = self.next(deps.clone()).as_ref() == Some(envelope.header());
        follows.then(|| Following { deps, sealed: envelope.sealed_parts() })
    }

    /// The envelope that was meant, to be checked as any that came; none where there is no such
    /// envelope.
    #[must_use]
    pub fn lengthen(&self, following: Following) -> Option<SealedEnvelope> {
        SealedEnvelope::from_parts(self.next(following.deps)?, &following.sealed)
    }

    fn next(&self, deps: Vec<EnvelopeId>) -> Option<Header> {
        let seq = self.header.seq.checked_add(1)?;
        Some(Header { seq, prev: Some(self.id), deps, ..self.header.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::envelope::{MAX_BODY, seal};
    use crate::id::{ChannelId, EpochId};
    use crate::keys::{PhaseKey, SigningKey};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    struct Desk {
        author: SigningKey,
        key: PhaseKey,
        rng: ChaCha20Rng,
    }

    impl Desk {
        fn new() -> Self {
            let mut rng = ChaCha20Rng::seed_from_u64(6);
            let (author, key) = (SigningKey::generate(&mut rng), PhaseKey::generate(&mut rng));
            Self { author, key, rng }
        }

        fn write(&mut self, after: Option<&SealedEnvelope>, body: usize) -> SealedEnvelope {
            let header = Header {
                version: 1,
                suite: 1,
                channel: ChannelId::from_bytes([1; 32]),
                epoch: EpochId::from_bytes([2; 32]),
                phase: 3,
                author: self.author.verification_key(),
                seq: after.map_or(1, |e| e.header().seq + 1),
                prev: after.map(SealedEnvelope::id),
                deps: vec![EnvelopeId::from_bytes([9; 32])],
                kind: Kind::Edits,
            };
            seal(&header, vec![7; body], &self.key, &self.author, &mut self.rng).unwrap()
        }
    }

    #[test]
    fn what_follows_is_put_back_exactly() {
        let mut desk = Desk::new();
        let first = desk.write(None, 3);
        let line = Line::after(&first).unwrap();
        for body in [0, 58, 5_000, MAX_BODY] {
            let next = desk.write(Some(&first), body);
            let short = codec::encode(&line.shorten(&next).unwrap());
            assert!(next.encode().len() - short.len() >= 145);
            let read = codec::decode(&short, usize::MAX).unwrap();
            assert_eq!(line.lengthen(read).unwrap().encode(), next.encode());
        }
        let between = desk.write(Some(&first), 1);
        let beyond = desk.write(Some(&between), 1);
        assert_eq!(line.shorten(&beyond), None, "one is between");
        assert_eq!(line.shorten(&first), None);
    }

    #[test]
    fn what_was_changed_on_the_way_is_another_envelope_or_none() {
        let mut desk = Desk::new();
        let first = desk.write(None, 3);
        let line = Line::after(&first).unwrap();
        let next = desk.write(Some(&first), 20);
        let short = line.shorten(&next).unwrap();
        for bit in 0..short.sealed.len() * 8 {
            let mut bad = short.clone();
            bad.sealed[bit / 8] ^= 1 << (bit % 8);
            let read = line.lengthen(bad).map(|e| e.verify().map(|e| e.open(&desk.key)));
            assert!(!matches!(read, Some(Ok(Ok(_)))), "bit {bit}");
        }
        for len in 0..120 {
            let cut = Following { sealed: short.sealed[..len].to_vec(), ..short.clone() };
            assert_eq!(line.lengthen(cut), None);
        }
        // Said of another line it is an envelope that its author never signed.
        let elsewhere = Line::after(&next).unwrap().lengthen(short).unwrap();
        assert!(elsewhere.verify().is_err());
    }
}
