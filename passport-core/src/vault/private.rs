//! Private compartments: records that open under a passphrase of their own.
//!
//! A compartment's records lie in [`Table::Private`] of an ordinary vault, sealed once more under
//! a key that Argon2id derives from the second passphrase, in sizes of 4 KiB, 8 KiB, 16 KiB … .
//! Every vault that was [prepared](PrivateBox::prepare) holds a random number of decoys among
//! them, so that somebody with the vault's passphrase alone sees neither whether there is a
//! compartment nor how much is in it. Writing while being watched does show.

use core::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::kdf::{KdfFloor, KdfParams};
use super::seal::VaultKeys;
use super::{Batch, KEY_LIMIT, Secret, Table, Vault, VaultError};
use crate::domain;

const SALT_KEY: &[u8] = b"private salt";
/// The name of the record that every compartment has.
const MARKER: &[u8] = b"";
const BUCKET_MIN: usize = 4096;
/// What sealing adds: nonce, tag and the record's key length.
const OVERHEAD: usize = 24 + 16 + 4;
const DECOYS_MIN: u32 = 8;

/// An open compartment. Its keys are zeroized on drop.
pub struct PrivateBox(VaultKeys);

impl fmt::Debug for PrivateBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateBox(open)")
    }
}

impl PrivateBox {
    /// Lays salt and decoys into a new vault. Doing so again changes nothing.
    ///
    /// # Errors
    /// Returns [`VaultError`] as the vault does.
    pub fn prepare(vault: &mut dyn Vault, rng: &mut dyn CryptoRng) -> Result<(), VaultError> {
        if vault.get(Table::Meta, SALT_KEY)?.is_some() {
            return Ok(());
        }
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let mut batch = Batch::new();
        batch.put(Table::Meta, SALT_KEY, salt);
        for nth in 0..DECOYS_MIN + rng.next_u32() % DECOYS_MIN {
            let mut name = [0; 32];
            rng.fill_bytes(&mut name);
            let mut filler = vec![0; OVERHEAD + (BUCKET_MIN << (nth % 3))];
            rng.fill_bytes(&mut filler);
            batch.put(Table::Private, name, filler);
        }
        vault.commit(batch)
    }

    /// Makes a compartment in a prepared vault.
    ///
    /// # Errors
    /// Returns [`VaultError::Exists`] when there is one under this passphrase,
    /// [`VaultError::Missing`] when the vault was not prepared.
    pub fn create(
        vault: &mut dyn Vault,
        passphrase: &str,
        params: KdfParams,
    ) -> Result<Self, VaultError> {
        Self::create_with(vault, passphrase, params, KdfFloor::Enforced)
    }

    /// [`PrivateBox::create`] for tests, which may derive keys cheaply.
    ///
    /// # Errors
    /// As [`PrivateBox::create`].
    #[doc(hidden)]
    pub fn create_with(
        vault: &mut dyn Vault,
        passphrase: &str,
        params: KdfParams,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        let compartment = Self::derive(vault, passphrase, params, floor)?;
        if compartment.get(vault, MARKER)?.is_some() {
            return Err(VaultError::Exists);
        }
        let mut batch = Batch::new();
        compartment.put(&mut batch, MARKER, b"")?;
        vault.commit(batch)?;
        Ok(compartment)
    }

    /// Opens a compartment. The parameters must be those it was made with.
    ///
    /// # Errors
    /// Returns [`VaultError::WrongPassphrase`] when no compartment opens: there may be none.
    pub fn open(
        vault: &dyn Vault,
        passphrase: &str,
        params: KdfParams,
    ) -> Result<Self, VaultError> {
        Self::open_with(vault, passphrase, params, KdfFloor::Enforced)
    }

    /// [`PrivateBox::open`] for tests, which may have derived keys cheaply.
    ///
    /// # Errors
    /// As [`PrivateBox::open`].
    #[doc(hidden)]
    pub fn open_with(
        vault: &dyn Vault,
        passphrase: &str,
        params: KdfParams,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        let compartment = Self::derive(vault, passphrase, params, floor)?;
        match compartment.get(vault, MARKER)? {
            Some(_) => Ok(compartment),
            None => Err(VaultError::WrongPassphrase),
        }
    }

    fn derive(
        vault: &dyn Vault,
        passphrase: &str,
        params: KdfParams,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        params.check(floor)?;
        let salt = vault.get(Table::Meta, SALT_KEY)?.ok_or(VaultError::Missing)?;
        let key = params.derive(passphrase, &salt)?;
        let key = Zeroizing::new(domain::VAULT_PRIVATE.hash(&[key.as_slice()]));
        Ok(Self(VaultKeys::derive(&key)))
    }

    /// Reads one record.
    ///
    /// # Errors
    /// Returns [`VaultError`] when it is damaged or cannot be read.
    pub fn get(&self, vault: &dyn Vault, key: &[u8]) -> Result<Option<Secret>, VaultError> {
        let name = self.0.name(Table::Private, key);
        let Some(sealed) = vault.get(Table::Private, &name)? else { return Ok(None) };
        let damaged = VaultError::Damaged { table: Table::Private, row: 0 };
        let (_, padded) = self.0.open_record(Table::Private, &name, &sealed).ok_or(damaged)?;
        unpad(&padded).map(Some).ok_or(damaged)
    }

    /// Reads all records, ordered by key.
    ///
    /// # Errors
    /// Returns [`VaultError`] when the vault cannot be read.
    pub fn scan(&self, vault: &dyn Vault) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
        let mut records = Vec::new();
        for (name, sealed) in vault.scan(Table::Private)? {
            // What does not open is a decoy or another compartment's.
            let opened = name
                .as_slice()
                .try_into()
                .ok()
                .and_then(|name| self.0.open_record(Table::Private, name, &sealed));
            if let Some((key, padded)) = opened
                && key != MARKER
                && let Some(value) = unpad(&padded)
            {
                records.push((key, value));
            }
        }
        records.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(records)
    }

    /// Adds storing a record to a batch for the vault.
    ///
    /// # Errors
    /// Returns [`VaultError::TooLarge`] when key or value are.
    pub fn put(&self, batch: &mut Batch, key: &[u8], value: &[u8]) -> Result<(), VaultError> {
        if key.len() > KEY_LIMIT {
            return Err(VaultError::TooLarge);
        }
        let name = self.0.name(Table::Private, key);
        let padded = pad(key.len(), value).ok_or(VaultError::TooLarge)?;
        let sealed =
            self.0.seal_record(Table::Private, &name, key, &padded).ok_or(VaultError::TooLarge)?;
        batch.put(Table::Private, name, sealed);
        Ok(())
    }

    /// Adds removing a record to a batch for the vault.
    pub fn delete(&self, batch: &mut Batch, key: &[u8]) {
        batch.delete(Table::Private, self.0.name(Table::Private, key));
    }
}

/// Length (u32, little-endian), value, zeros: with its key a power of two of at least 4 KiB.
fn pad(key_len: usize, value: &[u8]) -> Option<Secret> {
    let bucket = (key_len + 4 + value.len()).max(BUCKET_MIN).checked_next_power_of_two()?;
    let mut padded = Zeroizing::new(Vec::with_capacity(bucket));
    padded.extend_from_slice(&u32::try_from(value.len()).ok()?.to_le_bytes());
    padded.extend_from_slice(value);
    padded.resize(bucket - key_len, 0);
    Some(padded)
}

fn unpad(padded: &[u8]) -> Option<Secret> {
    let (len, rest) = padded.split_first_chunk()?;
    let value = rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    Some(Zeroizing::new(value.to_vec()))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    use super::*;
    use crate::vault::MemoryVault;

    const WEAK: KdfParams = KdfParams::weak_for_tests();
    const SKIP: KdfFloor = KdfFloor::SkippedForTests;

    fn prepared() -> MemoryVault {
        let mut vault = MemoryVault::new();
        PrivateBox::prepare(&mut vault, &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
        vault
    }

    #[test]
    fn a_compartment_opens_under_its_own_passphrase_only() {
        let mut vault = prepared();
        let first = PrivateBox::create_with(&mut vault, "one", WEAK, SKIP).unwrap();
        let second = PrivateBox::create_with(&mut vault, "two", WEAK, SKIP).unwrap();
        let mut batch = Batch::new();
        first.put(&mut batch, b"a", b"secret").unwrap();
        first.put(&mut batch, b"b", &[1; 9000]).unwrap();
        vault.commit(batch).unwrap();
        assert!(second.scan(&vault).unwrap().is_empty());
        let wrong = PrivateBox::open_with(&vault, "three", WEAK, SKIP);
        assert_eq!(wrong.err(), Some(VaultError::WrongPassphrase));
        let again = PrivateBox::create_with(&mut vault, "one", WEAK, SKIP);
        assert_eq!(again.err(), Some(VaultError::Exists));
        let first = PrivateBox::open_with(&vault, "one", WEAK, SKIP).unwrap();
        assert_eq!(first.scan(&vault).unwrap().len(), 2);
        assert_eq!(first.get(&vault, b"a").unwrap().unwrap().as_slice(), b"secret");
        let mut batch = Batch::new();
        first.delete(&mut batch, b"a");
        vault.commit(batch).unwrap();
        assert_eq!(first.get(&vault, b"a"), Ok(None));
    }

    #[test]
    fn decoys_and_records_have_the_same_sizes() {
        let mut vault = prepared();
        let before = vault.scan(Table::Private).unwrap();
        assert!(before.len() >= 8);
        let compartment = PrivateBox::create_with(&mut vault, "one", WEAK, SKIP).unwrap();
        let mut batch = Batch::new();
        compartment.put(&mut batch, b"key", &[1; 5000]).unwrap();
        vault.commit(batch).unwrap();
        for (name, value) in vault.scan(Table::Private).unwrap() {
            assert_eq!(name.len(), 32);
            assert!((value.len() - OVERHEAD).is_power_of_two());
        }
        PrivateBox::prepare(&mut vault, &mut ChaCha20Rng::seed_from_u64(4)).unwrap();
        assert_eq!(vault.scan(Table::Private).unwrap().len(), before.len() + 2);
    }

    #[test]
    fn an_unprepared_vault_or_a_weak_derivation_is_refused() {
        let mut empty = MemoryVault::new();
        let made = PrivateBox::create_with(&mut empty, "one", WEAK, SKIP);
        assert_eq!(made.err(), Some(VaultError::Missing));
        let made = PrivateBox::create(&mut prepared(), "one", WEAK);
        assert_eq!(made.err(), Some(VaultError::Parameters));
    }
}
