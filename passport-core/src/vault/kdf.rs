//! From a passphrase to a key: Argon2id (RFC 9106).

use argon2::{Algorithm, Argon2, Params, Version};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::VaultError;

/// What unlocking costs. The default is also the least this software accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfParams {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for KdfParams {
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl KdfParams {
    /// The cheapest derivation there is, for tests only: every door but the hidden ones that
    /// take [`KdfFloor::SkippedForTests`] refuses it.
    #[doc(hidden)]
    #[must_use]
    pub const fn weak_for_tests() -> Self {
        Self { memory_kib: 8, passes: 1, lanes: 1 }
    }

    /// Whether a vault may ask for these: not less than the floor, and not so much that a forged
    /// file exhausts the device.
    #[cfg(feature = "sqlite")]
    pub(super) fn check(self, floor: KdfFloor) -> Result<(), VaultError> {
        const MEMORY_KIB_MAX: u32 = 1024 * 1024;
        const PASSES_MAX: u32 = 16;
        const LANES_MAX: u32 = 4;
        let least = match floor {
            KdfFloor::Enforced => Self::default(),
            KdfFloor::SkippedForTests => Self::weak_for_tests(),
        };
        let acceptable = (least.memory_kib..=MEMORY_KIB_MAX).contains(&self.memory_kib)
            && (least.passes..=PASSES_MAX).contains(&self.passes)
            && (least.lanes..=LANES_MAX).contains(&self.lanes);
        if acceptable { Ok(()) } else { Err(VaultError::Parameters) }
    }

    /// The parameters as they are authenticated: three little-endian u32.
    #[cfg(feature = "sqlite")]
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let parts = [self.memory_kib, self.passes, self.lanes];
        for (to, from) in bytes.chunks_exact_mut(4).zip(parts) {
            to.copy_from_slice(&from.to_le_bytes());
        }
        bytes
    }

    /// Derives a key. The passphrase is first normalised (Unicode NFC), so that it does not
    /// matter how a keyboard composes letters.
    pub(crate) fn derive(
        self,
        passphrase: &str,
        salt: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None)
            .map_err(|_| VaultError::Parameters)?;
        let passphrase: Zeroizing<String> = Zeroizing::new(passphrase.nfc().collect());
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), salt, &mut *key)
            .map_err(|_| VaultError::Memory)?;
        Ok(key)
    }
}

/// Whether the local floor of [`KdfParams`] holds.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KdfFloor {
    /// It does.
    Enforced,
    /// It does not: the vault holds nothing of anybody.
    SkippedForTests,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weaker_and_absurd_parameters_are_refused() {
        let good = KdfParams::default();
        assert!(good.check(KdfFloor::Enforced).is_ok());
        for bad in [
            KdfParams { memory_kib: good.memory_kib - 1, ..good },
            KdfParams { passes: 2, ..good },
            KdfParams { lanes: 0, ..good },
            KdfParams { memory_kib: u32::MAX, ..good },
            KdfParams { passes: u32::MAX, ..good },
            KdfParams::weak_for_tests(),
        ] {
            assert_eq!(bad.check(KdfFloor::Enforced), Err(VaultError::Parameters), "{bad:?}");
        }
    }

    #[test]
    fn composed_and_decomposed_letters_are_the_same_passphrase() {
        let weak = KdfParams::weak_for_tests();
        let key = |phrase| *weak.derive(phrase, &[1; 16]).unwrap();
        assert_eq!(key("caf\u{e9}"), key("cafe\u{301}"));
        assert_ne!(key("cafe"), key("caf\u{e9}"));
    }
}
