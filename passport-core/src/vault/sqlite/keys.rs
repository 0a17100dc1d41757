//! The keys of an open vault, and how its records are sealed.

use zeroize::Zeroizing;

use crate::domain::{self, Domain};
use crate::vault::seal::{NONCE, open_with, seal_with};
use crate::vault::{Secret, Table};

/// The keys of an open vault, all derived from its random 32-byte key. Zeroized on drop.
#[derive(Clone)]
pub(super) struct VaultKeys {
    value: Zeroizing<[u8; 32]>,
    name: Zeroizing<[u8; 32]>,
    nonce: Zeroizing<[u8; 32]>,
}

impl VaultKeys {
    pub(super) fn derive(vault_key: &[u8; 32]) -> Self {
        let key = |domain: Domain| Zeroizing::new(domain.hash(&[vault_key]));
        Self {
            value: key(domain::VAULT_VALUE),
            name: key(domain::VAULT_NAME),
            nonce: key(domain::VAULT_NONCE),
        }
    }

    /// What stands in the file for a record's key: keyed BLAKE3 of table and key.
    pub(super) fn name(&self, table: Table, key: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.name);
        hasher.update(&[table.code()]).update(key);
        *hasher.finalize().as_bytes()
    }

    /// What a record adds to the manifest: a keyed hash of its table and name.
    pub(super) fn member(&self, kind: i64, name: &[u8; 32]) -> [u64; 4] {
        let mut hasher = blake3::Hasher::new_keyed(&self.name);
        hasher.update(b"manifest").update(&kind.to_le_bytes()).update(name);
        let hash = *hasher.finalize().as_bytes();
        let mut parts = [0; 4];
        for (part, chunk) in parts.iter_mut().zip(hash.chunks_exact(8)) {
            *part = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        }
        parts
    }

    /// Seals a record: nonce, then key length (u32, little-endian), key and value sealed with
    /// its table and name as associated data.
    pub(super) fn seal_record(
        &self,
        table: Table,
        name: &[u8; 32],
        key: &[u8],
        value: &[u8],
    ) -> Option<Vec<u8>> {
        let mut plain = Zeroizing::new(Vec::with_capacity(4 + key.len() + value.len()));
        plain.extend_from_slice(&u32::try_from(key.len()).ok()?.to_le_bytes());
        plain.extend_from_slice(key);
        plain.extend_from_slice(value);
        self.seal(&record_aad(table, name), &plain)
    }

    /// Opens a record: its key and value.
    pub(super) fn open_record(
        &self,
        table: Table,
        name: &[u8; 32],
        sealed: &[u8],
    ) -> Option<(Vec<u8>, Secret)> {
        let plain = self.open(&record_aad(table, name), sealed)?;
        let (len, rest) = plain.split_first_chunk()?;
        let (key, value) =
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        (self.name(table, key) == *name).then(|| (key.to_vec(), Zeroizing::new(value.to_vec())))
    }

    /// Seals with a nonce computed from the content (as in RFC 5297), so that no randomness is
    /// needed and a nonce never repeats for different contents, not even in a restored copy.
    /// What it shows to somebody who compares two copies of the file is that a record holds the
    /// same as before.
    pub(super) fn seal(&self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut hasher = blake3::Hasher::new_keyed(&self.nonce);
        hasher.update(&(aad.len() as u64).to_le_bytes()).update(aad).update(plain);
        let nonce = *hasher.finalize().as_bytes().first_chunk::<NONCE>()?;
        seal_with(&self.value, &nonce, aad, plain)
    }

    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Secret> {
        open_with(&self.value, aad, sealed)
    }
}

fn record_aad(table: Table, name: &[u8; 32]) -> Vec<u8> {
    let mut place = vec![table.code()];
    place.extend_from_slice(name);
    domain::VAULT_VALUE.message(&place)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const TABLE: Table = Table::Key;

    #[test]
    fn a_record_is_bound_to_table_and_name() {
        let keys = VaultKeys::derive(&[1; 32]);
        let name = keys.name(TABLE, b"key");
        let sealed = keys.seal_record(TABLE, &name, b"key", b"value").unwrap();
        let (key, value) = keys.open_record(TABLE, &name, &sealed).unwrap();
        assert_eq!((key.as_slice(), value.as_slice()), (&b"key"[..], &b"value"[..]));
        assert!(keys.open_record(Table::Meta, &name, &sealed).is_none());
        assert!(keys.open_record(TABLE, &keys.name(TABLE, b"other"), &sealed).is_none());
        let stranger = VaultKeys::derive(&[2; 32]);
        assert!(stranger.open_record(TABLE, &name, &sealed).is_none());
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(keys.open_record(TABLE, &name, &bad).is_none(), "bit {bit}");
        }
        for len in 0..sealed.len() {
            assert!(keys.open_record(TABLE, &name, &sealed[..len]).is_none(), "cut at {len}");
        }
    }

    #[test]
    fn a_key_that_does_not_fit_the_name_is_refused() {
        let keys = VaultKeys::derive(&[1; 32]);
        let name = keys.name(TABLE, b"key");
        let sealed = keys.seal_record(TABLE, &name, b"lie", b"value").unwrap();
        assert!(keys.open_record(TABLE, &name, &sealed).is_none());
        let overlong = keys.seal(&record_aad(TABLE, &name), &[255, 255, 255, 255, 0]).unwrap();
        assert!(keys.open_record(TABLE, &name, &overlong).is_none());
    }

    #[test]
    fn what_is_on_disk_keeps_its_form() {
        let keys = VaultKeys::derive(&[1; 32]);
        let name = keys.name(TABLE, b"key");
        let mut aad = b"\x1fstudent-passport v1 vault value\x02".to_vec();
        aad.extend_from_slice(&name);
        assert_eq!(record_aad(TABLE, &name), aad);
        let sealed = keys.seal_record(TABLE, &name, b"key", b"value").unwrap();
        assert_eq!(
            HEXLOWER.encode(&name),
            "1ea62b667cf65c9e35728c3cc145ff5ea3dbd35b2c76220549f7576f11cbd81a"
        );
        assert_eq!(
            HEXLOWER.encode(&sealed),
            "1331ee963bb1368b359bfb802936d75402ea9334c1d12f4ee88f8a5201240a3e9cfc9d8087b776b5c770a3010744d6d60fa10cbd"
        );
    }
}
