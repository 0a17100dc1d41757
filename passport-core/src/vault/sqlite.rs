//! A vault in one SQLite file, all of it sealed.
//!
//! What the file shows to somebody without the passphrase: how many records of which table there
//! are and how long each is. Keys of records stand in it as keyed hashes only. The write-ahead log
//! (`synchronous=FULL`: one flush to disk for a commit; it goes when the vault is closed) holds the
//! same sealed pages; nothing else is written. A process that has the vault open holds a lock.

mod again;
mod header;
mod keys;
mod lock;
mod salvage;

use core::{fmt, time::Duration};
use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

use rand_core::CryptoRng;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};

pub use self::again::VaultAgain;
use self::header::{Header, Manifest};
use self::keys::VaultKeys;
pub use self::lock::LOCK_FILES;
use self::lock::Lock;
use super::kdf::{KdfFloor, KdfParams};
use super::{Batch, Change, Secret, Table, Vault, VaultError};
use crate::keys::random_secret;

/// The vault's file inside its home folder.
pub const VAULT_FILE: &str = "vault.db";

/// Marks the file as a vault ("PASS").
const APPLICATION_ID: i64 = 0x5041_5353;

const SCHEMA: &str = "
    CREATE TABLE vault (
        id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, salt BLOB NOT NULL,
        memory_kib INTEGER NOT NULL, passes INTEGER NOT NULL, lanes INTEGER NOT NULL,
        wrapped BLOB NOT NULL, digest BLOB NOT NULL, manifest BLOB NOT NULL
    ) STRICT;
    CREATE TABLE record (
        id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, name BLOB NOT NULL, sealed BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX record_name ON record (kind, name);
";

// Every look-up goes through the index, whose content the manifest vouches for.
const GET: &str =
    "SELECT id, sealed FROM record INDEXED BY record_name WHERE kind = ?1 AND name = ?2";
const SCAN: &str = "SELECT id, name, sealed FROM record INDEXED BY record_name WHERE kind = ?1";
const NAMES: &str = "SELECT kind, name FROM record INDEXED BY record_name WHERE kind >= 0";
const HAS: &str = "SELECT 1 FROM record INDEXED BY record_name WHERE kind = ?1 AND name = ?2";
const PUT: &str = "INSERT INTO record (kind, name, sealed) VALUES (?1, ?2, ?3)
    ON CONFLICT (kind, name) DO UPDATE SET sealed = excluded.sealed";
const DELETE: &str = "DELETE FROM record WHERE kind = ?1 AND name = ?2";

/// An open vault. Closing it, and with it the lock on the file, is dropping it.
pub struct SqliteVault {
    // Closed before the lock is let go of, in this order.
    connection: Connection,
    lock: Lock,
    keys: VaultKeys,
}

impl fmt::Debug for SqliteVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteVault(open)")
    }
}

impl SqliteVault {
    /// Makes a vault in a home folder, which is made too if need be (mode 0700; the file 0600).
    ///
    /// # Errors
    /// Returns [`VaultError::Exists`] when there is one, [`VaultError::Parameters`] when the
    /// parameters are too weak, or what the disk has against it.
    pub fn create(
        home: &Path,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, VaultError> {
        Self::create_with(home, passphrase, params, rng, KdfFloor::Enforced)
    }

    /// [`SqliteVault::create`] for tests, which may derive keys cheaply.
    ///
    /// # Errors
    /// As [`SqliteVault::create`].
    #[doc(hidden)]
    pub fn create_with(
        home: &Path,
        passphrase: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        params.check(floor)?;
        make_file(home)?;
        let (mut connection, lock) = connect(home, Duration::ZERO)?;
        let vault_key = random_secret(rng);
        let keys = VaultKeys::derive(&vault_key);
        let header = Header::new(&vault_key, passphrase, params, rng)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // A second look under the lock: another process may just have made one.
        if transaction.table_exists(None, "vault")? {
            return Err(VaultError::Exists);
        }
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        header.insert(&transaction, &Manifest::default().seal(&keys)?)?;
        transaction.commit()?;
        Ok(Self { connection, lock, keys })
    }

    /// Opens the vault of a home folder, waiting up to `wait` for another process to close it.
    ///
    /// # Errors
    /// Returns [`VaultError::Missing`], [`VaultError::WrongPassphrase`], [`VaultError::Busy`]
    /// and the like; nothing is changed.
    pub fn open(home: &Path, passphrase: &str, wait: Duration) -> Result<Self, VaultError> {
        Self::open_with(home, passphrase, wait, KdfFloor::Enforced)
    }

    /// [`SqliteVault::open`] for tests, which may have derived keys cheaply.
    ///
    /// # Errors
    /// As [`SqliteVault::open`].
    #[doc(hidden)]
    pub fn open_with(
        home: &Path,
        passphrase: &str,
        wait: Duration,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        let vault = Self::unlock(home, passphrase, wait, floor)?;
        vault.check_names()?;
        Ok(vault)
    }

    /// Opens without a look at the records.
    fn unlock(
        home: &Path,
        passphrase: &str,
        wait: Duration,
        floor: KdfFloor,
    ) -> Result<Self, VaultError> {
        let (connection, lock) = attach(home, wait)?;
        let keys = VaultKeys::derive(&*Header::read(&connection)?.unlock(passphrase, floor)?);
        Ok(Self { connection, lock, keys })
    }

    /// Replaces the passphrase. The records stay sealed under the same vault key.
    ///
    /// # Errors
    /// Returns [`VaultError::WrongPassphrase`] when `old` is not the passphrase, and otherwise as
    /// [`SqliteVault::create`]; the old one then still opens the vault.
    pub fn change_passphrase(
        &mut self,
        old: &str,
        new: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), VaultError> {
        self.change_passphrase_with(old, new, params, rng, KdfFloor::Enforced)
    }

    /// [`SqliteVault::change_passphrase`] for tests, which may derive keys cheaply.
    ///
    /// # Errors
    /// As [`SqliteVault::change_passphrase`].
    #[doc(hidden)]
    pub fn change_passphrase_with(
        &mut self,
        old: &str,
        new: &str,
        params: KdfParams,
        rng: &mut dyn CryptoRng,
        floor: KdfFloor,
    ) -> Result<(), VaultError> {
        params.check(floor)?;
        let vault_key = Header::read(&self.connection)?.unlock(old, floor)?;
        let header = Header::new(&vault_key, new, params, rng)?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        header.update(&transaction)?;
        transaction.commit()?;
        Ok(())
    }

    /// Whether another process waits for the vault to be closed.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.lock.is_wanted()
    }

    /// Compares the names in the file with the sealed manifest, so that a record that went
    /// missing, or changed its name or table, is noticed.
    fn check_names(&self) -> Result<(), VaultError> {
        let mut found = Manifest::default();
        let mut statement = self.connection.prepare(NAMES)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            found.add(&self.keys, row.get(0)?, &row.get(1)?);
        }
        let manifest = Manifest::read(&self.connection, &self.keys)?;
        if found == manifest { Ok(()) } else { Err(VaultError::DamagedFile) }
    }

    fn read_row(
        &self,
        table: Table,
        row: &rusqlite::Row<'_>,
    ) -> Result<(Vec<u8>, Secret), VaultError> {
        let id = row.get(0)?;
        let name: [u8; 32] = row.get(1)?;
        let sealed = row.get_ref(2)?.as_blob().map_err(|_| VaultError::DamagedFile)?;
        self.keys.open_record(table, &name, sealed).ok_or(VaultError::Damaged { table, row: id })
    }
}

impl Vault for SqliteVault {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError> {
        let name = self.keys.name(table, key);
        let mut statement = self.connection.prepare_cached(GET)?;
        let found: Option<(i64, Vec<u8>)> = statement
            .query_row((table.code(), name), |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((row, sealed)) = found else { return Ok(None) };
        let damaged = VaultError::Damaged { table, row };
        let (_, value) = self.keys.open_record(table, &name, &sealed).ok_or(damaged)?;
        Ok(Some(value))
    }

    fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError> {
        let mut statement = self.connection.prepare_cached(SCAN)?;
        let mut rows = statement.query([table.code()])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(self.read_row(table, row)?);
        }
        records.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Ok(records)
    }

    fn commit(&mut self, batch: Batch) -> Result<(), VaultError> {
        batch.check()?;
        if batch.is_empty() {
            return Ok(());
        }
        let keys = &self.keys;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut manifest = Manifest::read(&transaction, keys)?;
        for change in batch.changes() {
            match change {
                Change::Put { table, key, value } => {
                    let name = keys.name(*table, key);
                    let sealed =
                        keys.seal_record(*table, &name, key, value).ok_or(VaultError::TooLarge)?;
                    if !transaction.prepare_cached(HAS)?.exists((table.code(), name))? {
                        manifest.add(keys, i64::from(table.code()), &name);
                    }
                    transaction.prepare_cached(PUT)?.execute((table.code(), name, sealed))?;
                }
                Change::Delete { table, key } => {
                    let name = keys.name(*table, key);
                    if transaction.prepare_cached(DELETE)?.execute((table.code(), name))? > 0 {
                        manifest.remove(keys, i64::from(table.code()), &name);
                    }
                }
            }
        }
        manifest.write(&transaction, keys)?;
        transaction.commit()?;
        Ok(())
    }
}

/// Makes the home folder and an empty file in it, for its owner alone.
fn make_file(home: &Path) -> Result<(), VaultError> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    let mut file = OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        folder.mode(0o700);
        file.mode(0o600);
    }
    folder.create(home)?;
    let path = home.join(VAULT_FILE);
    match file.open(&path) {
        Ok(_) => Ok(()),
        // What an interrupted creation left holds nothing and may be used.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
            let found = std::fs::metadata(&path)?;
            if found.is_file() && found.len() == 0 { Ok(()) } else { Err(VaultError::Exists) }
        }
        Err(e) => Err(e.into()),
    }
}

/// Finds a vault in a home folder, and connects to it.
fn attach(home: &Path, wait: Duration) -> Result<(Connection, Lock), VaultError> {
    match std::fs::metadata(home.join(VAULT_FILE)) {
        // An empty file is what a creation leaves that was interrupted before its commit.
        Ok(found) if found.is_file() && found.len() > 0 => {}
        Ok(found) if found.is_file() => return Err(VaultError::Missing),
        Ok(_) => return Err(VaultError::NotAVault),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(VaultError::Missing),
        Err(e) => return Err(e.into()),
    }
    let (connection, lock) = connect(home, wait)?;
    let marked: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if marked != APPLICATION_ID {
        return Err(VaultError::NotAVault);
    }
    Ok((connection, lock))
}

/// Takes the lock and connects, alone, until both are dropped.
fn connect(home: &Path, wait: Duration) -> Result<(Connection, Lock), VaultError> {
    let lock = Lock::take(home, wait)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(home.join(VAULT_FILE), flags)?;
    // Another program than ours may look at the file.
    connection.busy_timeout(wait)?;
    // Exclusive from the beginning: so the log needs no file of shared memory beside it.
    let set = connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF; PRAGMA mmap_size = 0; PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
    );
    match set {
        Ok(()) => Ok((connection, lock)),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            Err(VaultError::NotAVault)
        }
        Err(e) => Err(e.into()),
    }
}

impl From<rusqlite::Error> for VaultError {
    fn from(error: rusqlite::Error) -> Self {
        // What is not SQLite's own error is a column of another type than we ever write.
        let Some(inner) = error.sqlite_error() else { return Self::DamagedFile };
        let known = [
            (ErrorCode::DatabaseBusy, Self::Busy),
            (ErrorCode::DatabaseLocked, Self::Busy),
            (ErrorCode::DiskFull, Self::Full),
            (ErrorCode::DatabaseCorrupt, Self::DamagedFile),
            (ErrorCode::NotADatabase, Self::DamagedFile),
            // An SQL error: the schema is not the one we wrote.
            (ErrorCode::Unknown, Self::DamagedFile),
            (ErrorCode::TooBig, Self::TooLarge),
            (ErrorCode::OutOfMemory, Self::Memory),
        ];
        known
            .into_iter()
            .find_map(|(code, error)| (code == inner.code).then_some(error))
            .unwrap_or(Self::Io { code: inner.extended_code })
    }
}

impl From<io::Error> for VaultError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull {
            return Self::Full;
        }
        Self::Io { code: error.raw_os_error().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests;
