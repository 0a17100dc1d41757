//! Opening a vault again that was open before, without its passphrase.

use core::{fmt, time::Duration};
use std::path::{Path, PathBuf};

use super::keys::VaultKeys;
use super::{SqliteVault, VAULT_FILE, VaultError, attach};

/// The keys of a vault that was open, in memory alone, for whoever goes on for long and lets
/// others at the vault meanwhile.
pub struct VaultAgain {
    home: PathBuf,
    keys: VaultKeys,
}

impl fmt::Debug for VaultAgain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultAgain")
    }
}

impl VaultAgain {
    /// For the vault that was opened in a home folder.
    #[must_use]
    pub fn of(vault: &SqliteVault, home: &Path) -> Self {
        Self { home: home.to_owned(), keys: vault.keys.clone() }
    }

    /// Opens it, waiting up to `wait` for another process to close it.
    ///
    /// # Errors
    /// As [`SqliteVault::open`]; as for a damaged one when another vault lies
    /// there now.
    pub fn open(&self, wait: Duration) -> Result<SqliteVault, VaultError> {
        let (connection, lock) = attach(&self.home, wait)?;
        let vault = SqliteVault { connection, lock, keys: self.keys.clone() };
        vault.check_names()?;
        Ok(vault)
    }

    /// The file, which changes with every commit.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.home.join(VAULT_FILE)
    }
}
