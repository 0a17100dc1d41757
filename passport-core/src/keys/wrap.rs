//! Wrapping secrets to a receiver: HPKE (RFC 9180) base mode over X-Wing.
//!
//! Suite: KEM X-Wing, that is ML-KEM-768 with X25519 (0x647a), KDF HKDF-SHA256 (0x0001), AEAD
//! ChaCha20-Poly1305 (0x0003). All three are registered; HKDF-SHA256 is the KDF of RFC 9180
//! itself, where the SHAKE variants the crate also offers are still drafts. A wrap says nothing
//! about who made it: whoever relies on one checks a signature as well.

use core::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

type PrivateKey = <XWing as hpke::Kem>::PrivateKey;
type PublicKey = <XWing as hpke::Kem>::PublicKey;
type EncappedKey = <XWing as hpke::Kem>::EncappedKey;

/// Longest `info` of a wrap, in bytes.
pub const INFO_LIMIT: usize = 4096;

/// Why a wrap could not be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// The receiving key is of wrong length, out of range or of small order.
    #[error("not a receiving key")]
    Key,
    /// The context string is longer than [`INFO_LIMIT`].
    #[error("the context of the wrap is too long")]
    Context,
    /// Made for another key or context, or altered.
    #[error("the wrap does not open")]
    Open,
}

/// A private receiving key: a 32-byte X-Wing seed. Zeroized on drop, never shown or serialised.
#[derive(Clone)]
pub struct ReceivingKey(Zeroizing<[u8; 32]>);

impl ReceivingKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(super::random_secret(rng))
    }

    /// The key of a 32-byte secret seed.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*seed))
    }

    /// The secret seed, for sealing into a vault.
    #[must_use]
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// The key that others wrap to.
    #[must_use]
    pub fn public_key(&self) -> ReceivingPublicKey {
        let mut bytes = Box::new([0; ReceivingPublicKey::LEN]);
        XWing::sk_to_pk(&self.expand()).write_exact(&mut *bytes);
        ReceivingPublicKey(bytes)
    }

    fn expand(&self) -> PrivateKey {
        match PrivateKey::from_bytes(&*self.0) {
            Ok(key) => key,
            // Every 32 bytes are an X-Wing seed.
            Err(_) => unreachable!("a seed is 32 bytes"),
        }
    }
}

impl fmt::Debug for ReceivingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceivingKey(redacted)")
    }
}

/// A public receiving key: 1,184 bytes ML-KEM-768 and 32 bytes X25519. CBOR byte string.
///
/// Only well-formed keys exist: the ML-KEM part is in range (FIPS 203 §7.2) and the X25519 part
/// not of small order, whether made, parsed or decoded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceivingPublicKey(Box<[u8; Self::LEN]>);

impl ReceivingPublicKey {
    /// Length in bytes.
    pub const LEN: usize = 1216;

    /// Reads a key.
    ///
    /// # Errors
    /// Returns [`WrapError::Key`] when the bytes are not a usable key.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, WrapError> {
        let bytes: Box<[u8; Self::LEN]> = bytes.to_vec().try_into().map_err(|_| WrapError::Key)?;
        PublicKey::from_bytes(&*bytes).map_err(|_| WrapError::Key)?;
        if bytes.last_chunk::<32>().is_none_or(is_small_order) {
            return Err(WrapError::Key);
        }
        Ok(Self(bytes))
    }

    /// The raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for ReceivingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReceivingPublicKey(..)")
    }
}

impl<C> Encode<C> for ReceivingPublicKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&*self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ReceivingPublicKey {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        Self::from_slice(d.bytes()?)
            .map_err(|_| minicbor::decode::Error::message("not a receiving key"))
    }
}

/// Whether an X25519 public key is one of the points whose order divides 8 (RFC 7748 §6.1):
/// with these every shared secret is zero. The top bit does not count.
fn is_small_order(u: &[u8; 32]) -> bool {
    const fn near_prime(first: u8) -> [u8; 32] {
        let mut u = [0xff; 32];
        u[0] = first;
        u[31] = 0x7f;
        u
    }
    const fn small(first: u8) -> [u8; 32] {
        let mut u = [0; 32];
        u[0] = first;
        u
    }
    const ORDER_EIGHT: [[u8; 32]; 2] = [
        [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
            0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
            0x5f, 0x49, 0xb8, 0x00,
        ],
        [
            0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83,
            0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd,
            0xd0, 0x9f, 0x11, 0x57,
        ],
    ];
    let mut masked = *u;
    masked[31] &= 0x7f;
    ORDER_EIGHT.contains(&masked)
        || [small(0), small(1), near_prime(0xec), near_prime(0xed), near_prime(0xee)]
            .contains(&masked)
}

/// A secret wrapped to one receiver.
///
/// CBOR: `[enc: bstr .size 1120, ciphertext: bstr]`; the ciphertext is 16 bytes longer than the
/// secret.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Sealed {
    /// The encapsulated key.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub enc: Vec<u8>,
    /// The secret under the encapsulated key, with its tag.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("ciphertext_len", &self.ciphertext.len())
            .finish_non_exhaustive()
    }
}

/// Wraps a secret so that only `to` opens it, and only with the same `info` and `aad`.
///
/// `info` names the purpose and place of the wrap; begin it with a domain tag.
///
/// # Errors
/// Returns [`WrapError::Context`] when `info` is too long, [`WrapError::Key`] when the key cannot
/// be used.
pub fn wrap(
    to: &ReceivingPublicKey,
    info: &[u8],
    aad: &[u8],
    secret: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Sealed, WrapError> {
    if info.len() > INFO_LIMIT {
        return Err(WrapError::Context);
    }
    let key = PublicKey::from_bytes(to.as_bytes()).map_err(|_| WrapError::Key)?;
    let mut rng = rng;
    let (enc, ciphertext) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeS::Base,
        &key,
        info,
        secret,
        aad,
        &mut rng,
    )
    .map_err(|_| WrapError::Key)?;
    Ok(Sealed { enc: enc.to_bytes().to_vec(), ciphertext })
}

/// Opens a wrap.
///
/// # Errors
/// Returns [`WrapError::Open`] when it was made for another key, `info` or `aad`, or altered.
pub fn unwrap(
    key: &ReceivingKey,
    info: &[u8],
    aad: &[u8],
    sealed: &Sealed,
) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    if info.len() > INFO_LIMIT {
        return Err(WrapError::Context);
    }
    let enc = EncappedKey::from_bytes(&sealed.enc).map_err(|_| WrapError::Open)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
        &OpModeR::Base,
        &key.expand(),
        &enc,
        info,
        &sealed.ciphertext,
        aad,
    )
    .map(Zeroizing::new)
    .map_err(|_| WrapError::Open)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::codec;

    fn rng() -> ChaCha20Rng {
        ChaCha20Rng::seed_from_u64(7)
    }

    #[test]
    fn only_the_receiver_in_the_same_context_opens() {
        let mut rng = rng();
        let key = ReceivingKey::generate(&mut rng);
        let other = ReceivingKey::generate(&mut rng);
        let sealed = wrap(&key.public_key(), b"info", b"aad", b"secret", &mut rng).unwrap();
        assert_eq!(sealed.enc.len(), 1120);
        assert_eq!(**unwrap(&key, b"info", b"aad", &sealed).unwrap(), *b"secret");
        let copy = ReceivingKey::from_seed(&key.to_seed());
        assert!(unwrap(&copy, b"info", b"aad", &sealed).is_ok());
        assert_eq!(unwrap(&other, b"info", b"aad", &sealed).err(), Some(WrapError::Open));
        assert_eq!(unwrap(&key, b"other", b"aad", &sealed).err(), Some(WrapError::Open));
        assert_eq!(unwrap(&key, b"info", b"", &sealed).err(), Some(WrapError::Open));
        assert_eq!(
            wrap(&key.public_key(), &[0; INFO_LIMIT + 1], b"", b"", &mut rng),
            Err(WrapError::Context)
        );
    }

    #[test]
    fn flipped_and_cut_wraps_do_not_open() {
        let mut rng = rng();
        let key = ReceivingKey::generate(&mut rng);
        let sealed = wrap(&key.public_key(), b"info", b"", &[9; 32], &mut rng).unwrap();
        for bit in (0..sealed.enc.len() * 8).step_by(97) {
            let mut bad = sealed.clone();
            bad.enc[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&key, b"info", b"", &bad).is_err(), "bit {bit} of enc");
        }
        for bit in 0..sealed.ciphertext.len() * 8 {
            let mut bad = sealed.clone();
            bad.ciphertext[bit / 8] ^= 1 << (bit % 8);
            assert!(unwrap(&key, b"info", b"", &bad).is_err(), "bit {bit} of ciphertext");
        }
        for len in [0, 1, 15, 16, 47] {
            let mut bad = sealed.clone();
            bad.ciphertext.truncate(len);
            assert!(unwrap(&key, b"info", b"", &bad).is_err());
            bad.enc.truncate(len);
            assert!(unwrap(&key, b"info", b"", &bad).is_err());
        }
    }

    #[test]
    fn keys_of_small_order_out_of_range_or_of_wrong_length_are_refused() {
        let good = *ReceivingKey::generate(&mut rng()).public_key().as_bytes();
        assert!(ReceivingPublicKey::from_slice(&good).is_ok());
        for u in [[0; 32], [0xff; 32]] {
            let mut bad = good;
            bad[1184..].copy_from_slice(&u);
            bad[1184] = if u[0] == 0 { 1 } else { 0xed };
            assert_eq!(ReceivingPublicKey::from_slice(&bad).err(), Some(WrapError::Key));
        }
        let mut bad = good;
        bad[..3].fill(0xff);
        assert_eq!(ReceivingPublicKey::from_slice(&bad).err(), Some(WrapError::Key));
        assert_eq!(ReceivingPublicKey::from_slice(&good[1..]).err(), Some(WrapError::Key));
        let mut long = vec![0x59, 0x04, 0xc0];
        long.extend_from_slice(&bad);
        assert!(codec::decode::<ReceivingPublicKey>(&long, 4096).is_err());
        long.truncate(3);
        long.extend_from_slice(&good);
        assert!(codec::decode::<ReceivingPublicKey>(&long, 4096).is_ok());
    }
}
