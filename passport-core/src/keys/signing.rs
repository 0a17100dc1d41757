//! Ed25519 signatures under domain tags.

use core::{fmt, marker::PhantomData};

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::codec::{self, DecodeError};
use crate::domain::Domain;
use crate::id::VerificationKey;

/// An Ed25519 signing key (RFC 8032). Zeroized on drop, never shown or serialised.
#[derive(Clone)]
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self::from_seed(&super::random_secret(rng))
    }

    /// The key of a 32-byte secret seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The secret seed, for sealing into a vault.
    #[must_use]
    pub fn to_seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The key that checks this one's signatures.
    #[must_use]
    pub fn verification_key(&self) -> VerificationKey {
        VerificationKey::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs `payload` for one purpose.
    #[must_use]
    pub fn sign(&self, domain: Domain, payload: &[u8]) -> Signature {
        use ed25519_dalek::Signer as _;
        Signature(self.0.sign(&domain.message(payload)).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

/// An Ed25519 signature that nobody has checked yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Wraps raw bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

impl<C> Encode<C> for Signature {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Signature {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.bytes()?
            .try_into()
            .map(Self)
            .map_err(|_| minicbor::decode::Error::message("signature of wrong length"))
    }
}

/// A signature did not verify, or what it signs is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Wrong, non-canonical or small-order key or signature.
    #[error("signature does not verify")]
    Signature,
    /// Signed by another key than the one that must have signed.
    #[error("signed by an unexpected key")]
    UnexpectedSigner,
    /// The signed bytes are not of the expected form.
    #[error("signed bytes are malformed")]
    Payload(#[source] DecodeError),
}

/// Checks a signature strictly (canonical encodings, no small-order points).
///
/// # Errors
/// Returns [`VerifyError::Signature`] when it does not verify.
pub fn verify(
    key: &VerificationKey,
    domain: Domain,
    payload: &[u8],
    signature: &Signature,
) -> Result<(), VerifyError> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes())
        .map_err(|_| VerifyError::Signature)?;
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    key.verify_strict(&domain.message(payload), &signature).map_err(|_| VerifyError::Signature)
}

/// Something that is signed as a whole, under its own domain.
pub trait Signable: Encode<()> + for<'b> Decode<'b, ()> {
    /// The purpose of the signature.
    const DOMAIN: Domain;
    /// Largest encoded payload, in bytes.
    const LIMIT: usize;
}

/// A payload with a signature that has not been checked: its content is out of reach.
///
/// CBOR: `[payload: bstr, signer: bstr .size 32, signature: bstr .size 64]`.
#[derive(Encode, Decode)]
#[cbor(array)]
pub struct Signed<T> {
    #[cbor(n(0), with = "minicbor::bytes")]
    payload: Vec<u8>,
    #[n(1)]
    signer: VerificationKey,
    #[n(2)]
    signature: Signature,
    #[cbor(skip)]
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Self {
            payload: self.payload.clone(),
            signer: self.signer,
            signature: self.signature,
            of: PhantomData,
        }
    }
}

impl<T> PartialEq for Signed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.payload == other.payload
            && self.signer == other.signer
            && self.signature == other.signature
    }
}

impl<T> Eq for Signed<T> {}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("signer", &self.signer)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl<T: Signable> Signed<T> {
    /// Signs a value.
    #[must_use]
    pub fn new(value: &T, key: &SigningKey) -> Self {
        let payload = codec::encode(value);
        let signature = key.sign(T::DOMAIN, &payload);
        Self { payload, signer: key.verification_key(), signature, of: PhantomData }
    }

    /// Who claims to have signed.
    #[must_use]
    pub fn claimed_signer(&self) -> VerificationKey {
        self.signer
    }

    /// The domain-separated BLAKE3 of the payload: its identity, whoever signed it.
    #[must_use]
    pub fn payload_hash(&self) -> [u8; 32] {
        T::DOMAIN.hash(&[&self.payload])
    }

    /// Checks the signature and decodes the payload.
    ///
    /// The caller decides whether [`Verified::signer`] has the authority to say this.
    ///
    /// # Errors
    /// Returns [`VerifyError`] when signature or payload are not acceptable.
    pub fn verify(&self) -> Result<Verified<T>, VerifyError> {
        verify(&self.signer, T::DOMAIN, &self.payload, &self.signature)?;
        let value = codec::decode(&self.payload, T::LIMIT).map_err(VerifyError::Payload)?;
        Ok(Verified { value, signer: self.signer, hash: self.payload_hash() })
    }

    /// Checks that `signer` made the signature, then as [`Signed::verify`].
    ///
    /// # Errors
    /// Returns [`VerifyError`]; [`VerifyError::UnexpectedSigner`] when another key signed.
    pub fn verify_by(&self, signer: &VerificationKey) -> Result<Verified<T>, VerifyError> {
        if self.signer != *signer {
            return Err(VerifyError::UnexpectedSigner);
        }
        self.verify()
    }
}

/// A value whose signature has been checked. Made only by [`Signed::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    signer: VerificationKey,
    hash: [u8; 32],
}

impl<T> Verified<T> {
    /// Who signed.
    #[must_use]
    pub fn signer(&self) -> VerificationKey {
        self.signer
    }

    /// Domain-separated BLAKE3 of the signed payload.
    #[must_use]
    pub fn payload_hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The value, keeping nothing of its proof.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> core::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
