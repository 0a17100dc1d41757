//! Keys of phases.

use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::wrap::WrapError;
use crate::domain::{self, Domain};

/// The secret of one phase of an epoch. Zeroized on drop, never shown or serialised.
#[derive(Clone)]
pub struct PhaseKey(Zeroizing<[u8; 32]>);

impl PhaseKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(super::random_secret(rng))
    }

    /// Wraps raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Reads the key from what a wrap held.
    ///
    /// # Errors
    /// Returns [`WrapError::Open`] when it is not 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, WrapError> {
        bytes.try_into().map(Self::from_bytes).map_err(|_| WrapError::Open)
    }

    /// The raw bytes, for deriving keys and for wrapping.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key for one purpose, by BLAKE3 key derivation.
    #[must_use]
    pub fn derive(&self, domain: Domain) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(domain.tag(), &*self.0))
    }

    /// What a charter says of this key, so that every reader can check to hold the same one.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        domain::PHASE_COMMITMENT.hash(&[self.0.as_slice()])
    }

    /// Whether this is the key that a charter committed to.
    #[must_use]
    pub fn matches(&self, commitment: &[u8; 32]) -> bool {
        self.commitment().ct_eq(commitment).into()
    }
}

impl fmt::Debug for PhaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhaseKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn a_commitment_fits_one_key() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let key = PhaseKey::generate(&mut rng);
        let other = PhaseKey::generate(&mut rng);
        assert!(key.matches(&key.commitment()));
        assert!(!other.matches(&key.commitment()));
        assert!(PhaseKey::from_slice(&[0; 31]).is_err());
        assert_eq!(format!("{key:?}"), "PhaseKey(redacted)");
    }
}
