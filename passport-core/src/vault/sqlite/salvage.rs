//! Looking over a vault, and reading what is left of a damaged one.

use core::time::Duration;
use std::path::Path;

use super::{SCAN, SqliteVault};
use crate::vault::kdf::KdfFloor;
use crate::vault::{Batch, MemoryVault, Table, Vault as _, VaultError};

/// Every row, found without the index.
const ROWS: &str = "SELECT kind, id, name, sealed FROM record NOT INDEXED";

impl SqliteVault {
    /// Reads everything and says all that is damaged; nothing means all is well.
    ///
    /// # Errors
    /// Returns [`VaultError`] when the file cannot be read at all.
    pub fn check(&self) -> Result<Vec<VaultError>, VaultError> {
        let mut damage = Vec::new();
        let sound: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if sound != "ok" || self.check_names().is_err() {
            damage.push(VaultError::DamagedFile);
        }
        for table in Table::ALL {
            let mut statement = self.connection.prepare_cached(SCAN)?;
            let mut rows = statement.query([table.code()])?;
            while let Some(row) = rows.next()? {
                damage.extend(self.read_row(table, row).err());
            }
        }
        Ok(damage)
    }

    /// Reads what still opens of a vault that [`SqliteVault::open`] calls damaged, and says what
    /// does not. The file is not changed: make a new vault of what was saved, and fetch the rest
    /// from relays and other devices.
    ///
    /// # Errors
    /// Returns [`VaultError`] when not even the vault's own key can be read.
    pub fn salvage(
        home: &Path,
        passphrase: &str,
        wait: Duration,
    ) -> Result<(MemoryVault, Vec<VaultError>), VaultError> {
        Self::salvage_with(home, passphrase, wait, KdfFloor::Enforced)
    }

    /// [`SqliteVault::salvage`] for tests, which may have derived keys cheaply.
    ///
    /// # Errors
    /// As [`SqliteVault::salvage`].
    #[doc(hidden)]
    pub fn salvage_with(
        home: &Path,
        passphrase: &str,
        wait: Duration,
        floor: KdfFloor,
    ) -> Result<(MemoryVault, Vec<VaultError>), VaultError> {
        let vault = Self::unlock(home, passphrase, wait, floor)?;
        let mut damage: Vec<VaultError> = vault.check_names().err().into_iter().collect();
        let mut saved = Batch::new();
        let mut statement = vault.connection.prepare(ROWS)?;
        let mut rows = statement.query([])?;
        loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break,
                Err(error) => {
                    damage.push(error.into());
                    break;
                }
            };
            // A name proves its table: a record whose number was altered is found again.
            let (Ok(kind), Ok(id), Ok(name), Ok(sealed)) =
                (row.get::<_, i64>(0), row.get(1), row.get::<_, [u8; 32]>(2), row.get_ref(3))
            else {
                damage.push(VaultError::DamagedFile);
                continue;
            };
            let sealed = sealed.as_blob().unwrap_or_default();
            let opened = Table::ALL.into_iter().find_map(|table| {
                let (key, value) = vault.keys.open_record(table, &name, sealed)?;
                Some((table, key, value))
            });
            let claimed = Table::ALL.into_iter().find(|table| i64::from(table.code()) == kind);
            match (opened, claimed) {
                (Some((table, key, value)), _) => {
                    saved.put(table, key, value.to_vec());
                }
                (None, Some(table)) => damage.push(VaultError::Damaged { table, row: id }),
                (None, None) => damage.push(VaultError::DamagedFile),
            }
        }
        let mut memory = MemoryVault::new();
        memory.commit(saved)?;
        damage.dedup();
        Ok((memory, damage))
    }
}
