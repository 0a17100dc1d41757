//! Keys of phases.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::domain::{self, Domain};

/// The key of one phase of an epoch (or of a generation of the ledger): 32 secret bytes.
/// Zeroized on drop, never shown or serialised.
#[derive(Clone, PartialEq, Eq)]
pub struct PhaseKey(Zeroizing<[u8; 32]>);

impl PhaseKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *key);
        Self(key)
    }

    /// The key of these secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret bytes, for wrapping and for the vault.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key for one purpose, by BLAKE3 key derivation.
    #[must_use]
    pub fn derive(&self, domain: Domain) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(domain.tag(), &*self.0))
    }

    /// What a charter says of this key: it can be checked, and tells nothing.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        domain::PHASE_COMMITMENT.hash(&[&*self.0])
    }
}

impl fmt::Debug for PhaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhaseKey(redacted)")
    }
}
