//! Sealing, verifying and opening.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use core::fmt;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::header::{Header, HeaderError};
use super::{Kind, MAX_BODY, MAX_ENVELOPE, MAX_PACK, padding};
use crate::codec::{self, DecodeError};
use crate::domain;
use crate::id::EnvelopeId;
use crate::keys::{PhaseKey, Signature, SigningKey, VerifyError, verify};

/// CBOR: `[header: bstr, body_tag: bstr .size 32, nonce: bstr .size 24, ciphertext: bstr,
/// signature: bstr .size 64]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    header: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    body_tag: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    nonce: [u8; 24],
    #[cbor(n(3), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
    #[n(4)]
    signature: Signature,
}

/// An envelope as received: its form is checked, its signature is not.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedEnvelope {
    wire: Wire,
    header: Header,
    id: EnvelopeId,
}

/// An envelope whose signature has been checked; still closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEnvelope(SealedEnvelope);

/// An envelope opened with its phase key: header and body are authentic.
///
/// Whether its author may say what it says is for admission to decide.
#[derive(Clone)]
pub struct OpenedEnvelope {
    id: EnvelopeId,
    header: Header,
    body: Zeroizing<Vec<u8>>,
    /// The author's over the identity; none where only that of a later envelope is here, whose
    /// past this one is.
    signature: Option<Signature>,
}

/// Why bytes are not an acceptable envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// Not an envelope in deterministic encoding, or too large.
    #[error("malformed envelope")]
    Malformed(#[source] DecodeError),
    /// The header is refused.
    #[error("refused header")]
    Header(#[from] HeaderError),
    /// The body is larger than an envelope may carry.
    #[error("body of {len} bytes exceeds {limit}")]
    BodyTooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Why an envelope does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The key is not the one it was sealed with, or the ciphertext was changed.
    #[error("does not open under this key")]
    Sealed,
    /// It opens, but its tag does not commit to this key and content.
    #[error("tag does not commit to key and content")]
    Commitment,
    /// It opens, but is not padded as it must be.
    #[error("wrong padding")]
    Padding,
}

/// Seals and signs a body.
///
/// # Errors
/// Returns [`EnvelopeError`] when the header is inconsistent or the body too large.
pub fn seal(
    header: &Header,
    body: Vec<u8>,
    key: &PhaseKey,
    author: &SigningKey,
    rng: &mut dyn CryptoRng,
) -> Result<SealedEnvelope, EnvelopeError> {
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    seal_with(header, body, key, author, |_| nonce)
}

/// As [`seal`], and what anybody opens it to: nobody has to verify what they have just made.
///
/// # Errors
/// Returns [`EnvelopeError`] when the header is inconsistent or the body too large.
pub(crate) fn seal_and_keep(
    header: &Header,
    body: Vec<u8>,
    key: &PhaseKey,
    author: &SigningKey,
    rng: &mut dyn CryptoRng,
) -> Result<(SealedEnvelope, OpenedEnvelope), EnvelopeError> {
    let kept = Zeroizing::new(body.clone());
    let sealed = seal(header, body, key, author, rng)?;
    let signature = Some(sealed.wire.signature);
    let opened = OpenedEnvelope { id: sealed.id, header: header.clone(), body: kept, signature };
    Ok((sealed, opened))
}

/// As [`seal`], with a nonce that follows from key, header and body: whoever seals the same makes
/// the same bytes, and no nonce serves two contents.
///
/// # Errors
/// Returns [`EnvelopeError`] when the header is inconsistent or the body too large.
pub fn seal_alike(
    header: &Header,
    body: Vec<u8>,
    key: &PhaseKey,
    author: &SigningKey,
) -> Result<SealedEnvelope, EnvelopeError> {
    seal_with(header, body, key, author, |body_tag| {
        let mut nonce = [0; 24];
        let of_content = blake3::keyed_hash(&key.derive(domain::BODY_NONCE), body_tag);
        nonce.iter_mut().zip(of_content.as_bytes()).for_each(|(to, from)| *to = *from);
        nonce
    })
}

fn seal_with(
    header: &Header,
    body: Vec<u8>,
    key: &PhaseKey,
    author: &SigningKey,
    nonce_for: impl FnOnce(&[u8; 32]) -> [u8; 24],
) -> Result<SealedEnvelope, EnvelopeError> {
    header.check()?;
    let limit = if header.kind == Kind::Pack { MAX_PACK } else { MAX_BODY };
    if body.len() > limit {
        return Err(EnvelopeError::BodyTooLarge { len: body.len(), limit });
    }
    let header_bytes = codec::encode(header);
    let padded = padding::pad(body);
    let body_tag = tag(key, &header_bytes, &padded);
    let nonce = nonce_for(&body_tag);
    let ciphertext = cipher(key)
        .encrypt(&XNonce::from(nonce), Payload { msg: &padded, aad: &header_bytes })
        .unwrap_or_else(|_| unreachable!("bodies are far below the cipher's limit"));
    let id = identity(&header_bytes, &body_tag);
    let signature = author.sign(domain::ENVELOPE, id.as_bytes());
    let wire = Wire { header: header_bytes, body_tag, nonce, ciphertext, signature };
    Ok(SealedEnvelope { wire, header: header.clone(), id })
}

impl SealedEnvelope {
    /// Reads an envelope from its bytes.
    ///
    /// # Errors
    /// Returns [`EnvelopeError`]; [`HeaderError::Unsupported`] for versions and suites to come.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let wire: Wire = codec::decode(bytes, MAX_ENVELOPE).map_err(EnvelopeError::Malformed)?;
        let header = Header::decode(&wire.header)?;
        let id = identity(&wire.header, &wire.body_tag);
        Ok(Self { wire, header, id })
    }

    /// The envelope as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        codec::encode(&self.wire)
    }

    /// Everything but the header: body tag, nonce, signature, ciphertext.
    pub(super) fn sealed_parts(&self) -> Vec<u8> {
        let Wire { body_tag, nonce, signature, ciphertext, .. } = &self.wire;
        [body_tag.as_slice(), nonce, signature.as_bytes(), ciphertext].concat()
    }

    /// The envelope of a header and [`Self::sealed_parts`]; none where there can be none.
    pub(super) fn from_parts(header: Header, sealed: &[u8]) -> Option<Self> {
        header.check().ok()?;
        let (body_tag, rest) = sealed.split_first_chunk::<32>()?;
        let (nonce, rest) = rest.split_first_chunk::<24>()?;
        let (signature, ciphertext) = rest.split_first_chunk::<64>()?;
        let bytes = codec::encode(&header);
        let id = identity(&bytes, body_tag);
        let wire = Wire {
            header: bytes,
            body_tag: *body_tag,
            nonce: *nonce,
            ciphertext: ciphertext.to_vec(),
            signature: Signature::from_bytes(*signature),
        };
        Some(Self { wire, header, id })
    }

    /// Bytes of its body as sealed.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "padding is never empty")]
    pub fn len(&self) -> usize {
        self.wire.ciphertext.len()
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        self.id
    }

    /// What it claims in the clear.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Checks the signature over the identity.
    ///
    /// # Errors
    /// Returns [`VerifyError`] when it does not verify.
    pub fn verify(self) -> Result<VerifiedEnvelope, VerifyError> {
        verify(&self.header.author, domain::ENVELOPE, self.id.as_bytes(), &self.wire.signature)?;
        Ok(VerifiedEnvelope(self))
    }
}

impl fmt::Debug for SealedEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedEnvelope").field("id", &self.id).finish_non_exhaustive()
    }
}

impl VerifiedEnvelope {
    /// Its identity.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        self.0.id
    }

    /// Its header, as signed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.0.header
    }

    /// The sealed form.
    #[must_use]
    pub fn sealed(&self) -> &SealedEnvelope {
        &self.0
    }

    /// Opens the body and checks that the tag commits to this key and content.
    ///
    /// # Errors
    /// Returns [`OpenError`].
    pub fn open(&self, key: &PhaseKey) -> Result<OpenedEnvelope, OpenError> {
        let wire = &self.0.wire;
        let padded = cipher(key)
            .decrypt(
                &XNonce::from(wire.nonce),
                Payload { msg: &wire.ciphertext, aad: &wire.header },
            )
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Sealed)?;
        let expected = tag(key, &wire.header, &padded);
        if !bool::from(expected.ct_eq(&wire.body_tag)) {
            return Err(OpenError::Commitment);
        }
        let body = padding::unpad(&padded).ok_or(OpenError::Padding)?;
        Ok(OpenedEnvelope {
            id: self.0.id,
            header: self.0.header.clone(),
            body: Zeroizing::new(body.to_vec()),
            signature: Some(wire.signature),
        })
    }
}

impl OpenedEnvelope {
    /// The envelope that a header and a body make under a phase key. That its author made it
    /// follows from the signature, or from one over an envelope that it is in the past of.
    pub(super) fn restore(
        header: Header,
        body: Vec<u8>,
        key: &PhaseKey,
        signature: Option<&Signature>,
    ) -> Result<Self, VerifyError> {
        let bytes = codec::encode(&header);
        let padded = padding::pad(body.clone());
        let id = identity(&bytes, &tag(key, &bytes, &padded));
        if let Some(signature) = signature {
            verify(&header.author, domain::ENVELOPE, id.as_bytes(), signature)?;
        }
        Ok(Self { id, header, body: Zeroizing::new(body), signature: signature.copied() })
    }

    /// The author's signature over the identity, if it is here.
    pub(super) fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }

    /// Its identity.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        self.id
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its body, without padding.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for OpenedEnvelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedEnvelope").field("id", &self.id).finish_non_exhaustive()
    }
}

fn cipher(key: &PhaseKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.derive(domain::BODY_SEAL)).into())
}

/// Keyed BLAKE3 of header and padded body under a key derived from the phase key.
fn tag(key: &PhaseKey, header: &[u8], padded: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(&key.derive(domain::BODY_TAG));
    hasher.update(&(header.len() as u64).to_le_bytes());
    hasher.update(header);
    hasher.update(padded);
    *hasher.finalize().as_bytes()
}

fn identity(header: &[u8], body_tag: &[u8; 32]) -> EnvelopeId {
    EnvelopeId::from_bytes(domain::ENVELOPE.hash(&[header, body_tag]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, EpochId};
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    fn sample() -> (SealedEnvelope, PhaseKey, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let author = SigningKey::generate(&mut rng);
        let key = PhaseKey::generate(&mut rng);
        let header = Header {
            version: 1,
            suite: 1,
            channel: ChannelId::from_bytes([1; 32]),
            epoch: EpochId::from_bytes([2; 32]),
            phase: 0,
            author: author.verification_key(),
            seq: 1,
            prev: None,
            deps: vec![EnvelopeId::from_bytes([3; 32])],
            kind: Kind::Edits,
        };
        (seal(&header, b"hello".to_vec(), &key, &author, &mut rng).unwrap(), key, rng)
    }

    #[test]
    fn opens_for_its_key_alone() {
        let (sealed, key, mut rng) = sample();
        let bytes = sealed.encode();
        let verified = SealedEnvelope::decode(&bytes).unwrap().verify().unwrap();
        assert_eq!(verified.open(&key).unwrap().body(), b"hello");
        assert_eq!(verified.open(&PhaseKey::generate(&mut rng)).unwrap_err(), OpenError::Sealed);
    }

    #[test]
    fn what_its_author_keeps_is_what_others_open() {
        let (sealed, key, mut rng) = sample();
        let author = SigningKey::generate(&mut rng);
        let header = Header { author: author.verification_key(), ..sealed.header };
        let (sealed, kept) =
            seal_and_keep(&header, b"hello".to_vec(), &key, &author, &mut rng).unwrap();
        let opened = sealed.verify().unwrap().open(&key).unwrap();
        assert_eq!(kept.id(), opened.id());
        assert_eq!(kept.header(), opened.header());
        assert_eq!(kept.body(), opened.body());
        assert_eq!(kept.signature(), opened.signature());
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_refused() {
        let (sealed, key, _) = sample();
        let bytes = sealed.encode();
        let accepted = |b: &[u8]| {
            SealedEnvelope::decode(b)
                .ok()
                .and_then(|e| e.verify().ok())
                .is_some_and(|e| e.open(&key).is_ok())
        };
        assert!(accepted(&bytes));
        for i in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[i / 8] ^= 1 << (i % 8);
            assert!(!accepted(&bad), "bit {i}");
        }
        for len in 0..bytes.len() {
            assert!(!accepted(&bytes[..len]), "length {len}");
        }
    }

    #[test]
    fn a_tag_made_under_another_key_is_refused() {
        let (sealed, key, mut rng) = sample();
        let author = SigningKey::generate(&mut rng);
        let other = PhaseKey::generate(&mut rng);
        // What a malicious author can do: a body sealed for one key, a tag for another.
        let mut header = sealed.header.clone();
        header.author = author.verification_key();
        let mut forged = seal(&header, b"x".to_vec(), &key, &author, &mut rng).unwrap();
        let padded = padding::pad(b"x".to_vec());
        forged.wire.body_tag = tag(&other, &forged.wire.header, &padded);
        forged.id = identity(&forged.wire.header, &forged.wire.body_tag);
        forged.wire.signature = author.sign(domain::ENVELOPE, forged.id.as_bytes());
        let verified = SealedEnvelope::decode(&forged.encode()).unwrap().verify().unwrap();
        assert_eq!(verified.open(&key).unwrap_err(), OpenError::Commitment);
    }
}
