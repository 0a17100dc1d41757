//! The one row that unlocks a vault, and the manifest of its records.

use rand_core::CryptoRng;
use rusqlite::{Connection, OptionalExtension as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::super::kdf::{KdfFloor, KdfParams};
use super::VaultError;
use super::keys::VaultKeys;
use crate::domain;
use crate::vault::{open_with, seal_with};

const VERSION: u32 = 1;

/// The vault key, sealed under the passphrase, and what it takes to try one.
pub(super) struct Header {
    version: u32,
    salt: [u8; 16],
    params: KdfParams,
    wrapped: Vec<u8>,
}

impl Header {
    pub(super) fn new(
        vault_key: &[u8; 32],
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, VaultError> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let mut header = Self { version: VERSION, salt, params, wrapped: Vec::new() };
        let key = params.derive(passphrase, &salt)?;
        header.wrapped =
            seal_with(&key, &nonce, &header.aad(), vault_key).ok_or(VaultError::TooLarge)?;
        Ok(header)
    }

    /// The vault key. The floor is checked before any work is done at the file's request.
    pub(super) fn unlock(
        &self,
        passphrase: &str,
        floor: KdfFloor,
    ) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        self.params.check(floor)?;
        let key = self.params.derive(passphrase, &self.salt)?;
        let opened = open_with(&key, &self.aad(), &self.wrapped);
        let vault_key = opened.ok_or(VaultError::WrongPassphrase)?;
        let vault_key = vault_key.first_chunk().ok_or(VaultError::DamagedFile)?;
        Ok(Zeroizing::new(*vault_key))
    }

    fn aad(&self) -> Vec<u8> {
        let mut aad = self.version.to_le_bytes().to_vec();
        aad.extend_from_slice(&self.salt);
        aad.extend_from_slice(&self.params.to_bytes());
        domain::VAULT_KEY.message(&aad)
    }

    /// An unkeyed digest, to tell bit rot from a wrong passphrase. It proves nothing.
    fn digest(&self) -> [u8; 32] {
        domain::VAULT_KEY.hash(&[&self.aad(), &self.wrapped])
    }

    pub(super) fn insert(&self, on: &Connection, manifest: &[u8]) -> Result<(), VaultError> {
        on.execute(
            "INSERT INTO vault (id, version, salt, memory_kib, passes, lanes, wrapped, digest,
                                manifest) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            (
                self.version,
                self.salt,
                self.params.memory_kib,
                self.params.passes,
                self.params.lanes,
                &self.wrapped,
                self.digest(),
                manifest,
            ),
        )?;
        Ok(())
    }

    pub(super) fn update(&self, on: &Connection) -> Result<(), VaultError> {
        on.execute(
            "UPDATE vault SET version = ?1, salt = ?2, memory_kib = ?3, passes = ?4, lanes = ?5,
                              wrapped = ?6, digest = ?7",
            (
                self.version,
                self.salt,
                self.params.memory_kib,
                self.params.passes,
                self.params.lanes,
                &self.wrapped,
                self.digest(),
            ),
        )?;
        Ok(())
    }

    pub(super) fn read(on: &Connection) -> Result<Self, VaultError> {
        let (header, digest) = on
            .query_row(
                "SELECT version, salt, memory_kib, passes, lanes, wrapped, digest
                 FROM vault WHERE id = 1",
                [],
                |row| {
                    let params = KdfParams {
                        memory_kib: row.get(2)?,
                        passes: row.get(3)?,
                        lanes: row.get(4)?,
                    };
                    let header = Self {
                        version: row.get(0)?,
                        salt: row.get(1)?,
                        params,
                        wrapped: row.get(5)?,
                    };
                    Ok((header, row.get::<_, [u8; 32]>(6)?))
                },
            )
            .optional()?
            .ok_or(VaultError::DamagedFile)?;
        if !bool::from(header.digest().ct_eq(&digest)) {
            return Err(VaultError::DamagedFile);
        }
        if header.version != VERSION {
            return Err(VaultError::UnknownVersion);
        }
        Ok(header)
    }
}

/// Which records there are: their number and the sum of a keyed hash of each name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    count: u64,
    sum: [u64; 4],
}

impl Manifest {
    pub(super) fn add(&mut self, keys: &VaultKeys, kind: i64, name: &[u8; 32]) {
        self.count = self.count.wrapping_add(1);
        for (sum, part) in self.sum.iter_mut().zip(keys.member(kind, name)) {
            *sum = sum.wrapping_add(part);
        }
    }

    pub(super) fn remove(&mut self, keys: &VaultKeys, kind: i64, name: &[u8; 32]) {
        self.count = self.count.wrapping_sub(1);
        for (sum, part) in self.sum.iter_mut().zip(keys.member(kind, name)) {
            *sum = sum.wrapping_sub(part);
        }
    }

    pub(super) fn seal(&self, keys: &VaultKeys) -> Result<Vec<u8>, VaultError> {
        let mut plain = self.count.to_le_bytes().to_vec();
        plain.extend(self.sum.iter().flat_map(|part| part.to_le_bytes()));
        keys.seal(&aad(), &plain).ok_or(VaultError::TooLarge)
    }

    pub(super) fn write(&self, on: &Connection, keys: &VaultKeys) -> Result<(), VaultError> {
        on.prepare_cached("UPDATE vault SET manifest = ?1")?.execute([self.seal(keys)?])?;
        Ok(())
    }

    /// Always read from the file, so that it fits the records there even after a commit of which
    /// nobody knows whether it failed.
    pub(super) fn read(on: &Connection, keys: &VaultKeys) -> Result<Self, VaultError> {
        let sealed: Vec<u8> = on
            .prepare_cached("SELECT manifest FROM vault WHERE id = 1")?
            .query_row([], |row| row.get(0))?;
        Self::open(keys, &sealed)
    }

    fn open(keys: &VaultKeys, sealed: &[u8]) -> Result<Self, VaultError> {
        let plain = keys.open(&aad(), sealed).ok_or(VaultError::DamagedFile)?;
        let mut numbers =
            plain.chunks_exact(8).filter_map(|c| Some(u64::from_le_bytes(c.try_into().ok()?)));
        let mut next = || numbers.next().ok_or(VaultError::DamagedFile);
        Ok(Self { count: next()?, sum: [next()?, next()?, next()?, next()?] })
    }
}

fn aad() -> Vec<u8> {
    domain::VAULT_NAME.message(b"manifest")
}
