//! What is kept back: phase keys in the ledger that need a passphrase of their own.
//!
//! The section that can never be shared does not open with the vault. The keys of its phases are
//! sealed under a compartment's key, and that key under the passphrase, by Argon2id (RFC 9106)
//! and XChaCha20-Poly1305. Both lie in statements, so that every device of the holder, and the
//! recovery phrase, finds them, and neither opens them without the passphrase. A passphrase is
//! not looked up anywhere: it opens what was kept under it, and a wrong one opens nothing.

use core::fmt;

use minicbor::bytes::ByteVec;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::KeyOfPhase;
use crate::codec;
use crate::domain;
use crate::epoch::PhaseKeys;
use crate::id::{EpochId, PassportId};
use crate::section::SectionName;
use crate::vault::{KdfParams, VaultError, open_with, seal_with};

/// Most bytes of keys under one seal: a thousand phases, and more than anybody has passphrases.
const KEYS_MAX: usize = 64 * 1024;

/// Whether a section opens only under a passphrase of its own: the one that nobody else can ever
/// be given.
#[must_use]
pub fn is_kept_back(section: &SectionName) -> bool {
    !section.spec().shareable
}

/// The key of a compartment. Zeroized on drop, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct CompartmentKey(Zeroizing<[u8; 32]>);

impl CompartmentKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(crate::keys::random_secret(rng))
    }

    /// Seals the keys of an epoch's phases; none when they are too many.
    #[must_use]
    pub fn seal(
        &self,
        epoch: &EpochId,
        keys: &PhaseKeys,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let plain = Zeroizing::new(codec::encode(&KeyOfPhase::list(keys)));
        let aad = domain::COMPARTMENT_KEYS.message(epoch.as_bytes());
        seal_with(&self.0, &nonce(rng), &aad, &plain)
    }

    /// Opens what [`Self::seal`] made.
    #[must_use]
    pub fn open(&self, epoch: &EpochId, sealed: &[u8]) -> Option<PhaseKeys> {
        let aad = domain::COMPARTMENT_KEYS.message(epoch.as_bytes());
        let plain = open_with(&self.0, &aad, sealed)?;
        let keys: Vec<KeyOfPhase> = codec::decode(&plain, KEYS_MAX).ok()?;
        Some(keys.iter().map(|k| (k.phase, k.key())).collect())
    }
}

impl fmt::Debug for CompartmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CompartmentKey(redacted)")
    }
}

/// What a passphrase comes to. One costly derivation serves every lock of a passport: what is
/// salted is the passport. Zeroized on drop.
pub struct PassphraseKey {
    passport: PassportId,
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for PassphraseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PassphraseKey(redacted)")
    }
}

impl PassphraseKey {
    /// Derives the key by Argon2id with 64 MiB and 3 passes.
    ///
    /// # Errors
    /// Returns [`VaultError::Memory`] when there is not enough memory.
    pub fn derive(passport: PassportId, passphrase: &str) -> Result<Self, VaultError> {
        let salt = domain::COMPARTMENT_SALT.hash(&[passport.as_bytes()]);
        let key = KdfParams::default().derive(passphrase, &salt)?;
        Ok(Self { passport, key })
    }

    /// Seals the keys of compartments, the one in use last; none when they are too many.
    #[must_use]
    pub fn lock(&self, keys: &[CompartmentKey], rng: &mut dyn CryptoRng) -> Option<Vec<u8>> {
        let keys: Vec<ByteVec> = keys.iter().map(|k| ByteVec::from(k.0.to_vec())).collect();
        let plain = Zeroizing::new(codec::encode(&keys));
        seal_with(&self.key, &nonce(rng), &self.aad(), &plain)
    }

    /// The keys of compartments under this passphrase; none when it is another's.
    #[must_use]
    pub fn unlock(&self, sealed: &[u8]) -> Option<Vec<CompartmentKey>> {
        let plain = open_with(&self.key, &self.aad(), sealed)?;
        let keys: Vec<ByteVec> = codec::decode(&plain, KEYS_MAX).ok()?;
        let key = |bytes: &ByteVec| {
            let key = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?);
            Some(CompartmentKey(key))
        };
        keys.iter().map(key).collect()
    }

    fn aad(&self) -> Vec<u8> {
        domain::COMPARTMENT_LOCK.message(self.passport.as_bytes())
    }
}

fn nonce(rng: &mut dyn CryptoRng) -> [u8; 24] {
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    nonce
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::keys::PhaseKey;

    #[test]
    fn a_passphrase_opens_its_own_locks_of_its_own_passport() {
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        let passport = PassportId::from_bytes([1; 32]);
        let keys = [CompartmentKey::generate(&mut rng), CompartmentKey::generate(&mut rng)];
        let mine = PassphraseKey::derive(passport, "kept to myself").unwrap();
        let lock = mine.lock(&keys, &mut rng).unwrap();
        assert_eq!(mine.unlock(&lock).unwrap(), keys);
        for (passport, passphrase) in
            [(passport, "kept to Myself"), (PassportId::from_bytes([2; 32]), "kept to myself")]
        {
            let other = PassphraseKey::derive(passport, passphrase).unwrap();
            assert!(other.unlock(&lock).is_none());
        }
    }

    #[test]
    fn phase_keys_open_for_their_epoch_under_their_compartment() {
        let mut rng = ChaCha20Rng::seed_from_u64(12);
        let (here, there) = (EpochId::from_bytes([3; 32]), EpochId::from_bytes([4; 32]));
        let keys: PhaseKeys = [(0, PhaseKey::generate(&mut rng))].into();
        let compartment = CompartmentKey::generate(&mut rng);
        let sealed = compartment.seal(&here, &keys, &mut rng).unwrap();
        let opened = compartment.open(&here, &sealed).unwrap();
        assert_eq!(KeyOfPhase::list(&opened), KeyOfPhase::list(&keys));
        assert!(compartment.open(&there, &sealed).is_none());
        assert!(CompartmentKey::generate(&mut rng).open(&here, &sealed).is_none());
    }
}
