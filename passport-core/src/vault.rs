//! The encrypted store on a device: what a [`Vault`] promises, and two of them.
//!
//! Records are byte strings under byte-string keys in a few [`Table`]s. A [`Batch`] is applied as
//! a whole or not at all. [`MemoryVault`] keeps everything in memory; `SqliteVault` (feature
//! `sqlite`) keeps it in a file of which every value and every key is sealed, under a key that a
//! passphrase unlocks. [`Grouped`] before another writes several commits at once.
//!
//! A vault does not notice being replaced as a whole by an older copy of itself; the parties a
//! device talks to do.

use core::fmt;

use zeroize::Zeroizing;

mod grouped;
mod kdf;
mod memory;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use grouped::Grouped;
pub use kdf::{KdfFloor, KdfParams};
pub use memory::MemoryVault;
pub(crate) use seal::{open_with, seal_with};
#[cfg(feature = "sqlite")]
pub use sqlite::{LOCK_FILES, SqliteVault, VAULT_FILE, VaultAgain};

/// Longest key of a record, in bytes.
pub const KEY_LIMIT: usize = 1024;

/// What a record is about. The numbers are stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Table {
    /// Single facts about the vault's owner and schema.
    Meta = 1,
    /// Secret keys.
    Key = 2,
    /// Statements of the ledger.
    Ledger = 3,
    /// Charters and phase keys' wraps.
    Charter = 4,
    /// Envelopes.
    Envelope = 5,
    /// Organisations' cards as contacts.
    Contact = 6,
    /// Grants given or received.
    Grant = 7,
    /// Mailbox messages.
    Letter = 8,
    /// Relays and cursors.
    Remote = 9,
    /// What can be rebuilt from the rest.
    Cache = 10,
    /// Who opened what.
    Audit = 11,
    /// An organisation's own card and students.
    Organisation = 13,
    /// What waits to be sent.
    Outbox = 14,
    /// Links that were made for people without a passport program.
    Link = 15,
    /// What an organisation's discharge check needs of each student; can be made anew.
    Index = 16,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 15] = [
        Self::Meta,
        Self::Key,
        Self::Ledger,
        Self::Charter,
        Self::Envelope,
        Self::Contact,
        Self::Grant,
        Self::Letter,
        Self::Remote,
        Self::Cache,
        Self::Audit,
        Self::Organisation,
        Self::Outbox,
        Self::Link,
        Self::Index,
    ];

    /// The stored number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Why a vault refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// There is no vault here.
    #[error("there is no vault here")]
    Missing,
    /// There is a vault here already.
    #[error("there is a vault here already")]
    Exists,
    /// The file is something else.
    #[error("the file is not a vault")]
    NotAVault,
    /// The vault was made by newer software.
    #[error("the vault needs newer software")]
    UnknownVersion,
    /// The passphrase does not open it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Its key derivation is weaker than this software accepts, or absurdly costly.
    #[error("the vault's key derivation is outside what is acceptable")]
    Parameters,
    /// Another process has the vault open.
    #[error("the vault is in use by another process")]
    Busy,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// A record was altered on disk.
    #[error("row {row} of table {table} of the vault is damaged")]
    Damaged {
        /// The table it is in.
        table: Table,
        /// The row's number in the file.
        row: i64,
    },
    /// The file's own structure is damaged, or records are missing.
    #[error("the vault file is damaged")]
    DamagedFile,
    /// A record's key is longer than [`KEY_LIMIT`], or a value too large to store.
    #[error("the record is too large for the vault")]
    TooLarge,
    /// The memory that key derivation needs is not to be had.
    #[error("not enough memory to unlock the vault")]
    Memory,
    /// The file cannot be read or written.
    #[error("the vault file cannot be read or written (code {code})")]
    Io {
        /// The operating system's or SQLite's number for what happened.
        code: i32,
    },
}

/// A value that leaves no copy behind when dropped.
pub type Secret = Zeroizing<Vec<u8>>;

/// One change of a batch.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Stores a record, in place of any under the same key.
    Put {
        /// Where.
        table: Table,
        /// Under which key.
        key: Vec<u8>,
        /// What.
        value: Secret,
    },
    /// Removes a record, if it is there.
    Delete {
        /// Where.
        table: Table,
        /// Under which key.
        key: Vec<u8>,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, table) = match self {
            Self::Put { table, .. } => ("Put", table),
            Self::Delete { table, .. } => ("Delete", table),
        };
        write!(f, "{what}({table}, ..)")
    }
}

/// Changes that are applied in order, together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch(Vec<Change>);

impl Batch {
    /// An empty batch.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds storing a record.
    pub fn put(
        &mut self,
        table: Table,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
    ) -> &mut Self {
        let value = Zeroizing::new(value.into());
        self.0.push(Change::Put { table, key: key.into(), value });
        self
    }

    /// Adds removing a record.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) -> &mut Self {
        self.0.push(Change::Delete { table, key: key.into() });
        self
    }

    /// Adds all changes of another batch.
    pub fn append(&mut self, mut other: Self) -> &mut Self {
        self.0.append(&mut other.0);
        self
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes in order.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    fn check(&self) -> Result<(), VaultError> {
        let fits = self.0.iter().all(|change| match change {
            Change::Put { key, .. } | Change::Delete { key, .. } => key.len() <= KEY_LIMIT,
        });
        if fits { Ok(()) } else { Err(VaultError::TooLarge) }
    }
}

/// The store of one device.
pub trait Vault {
    /// Reads one record.
    ///
    /// # Errors
    /// Returns [`VaultError`] when it is damaged or cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Secret>, VaultError>;

    /// Reads all records of a table, ordered by key.
    ///
    /// # Errors
    /// Returns [`VaultError`] when any is damaged or cannot be read.
    fn scan(&self, table: Table) -> Result<Vec<(Vec<u8>, Secret)>, VaultError>;

    /// Applies a batch as a whole; when this returns, it is on disk, or with [`Grouped`] will be
    /// after [`Vault::flush`].
    ///
    /// # Errors
    /// Returns [`VaultError`] when nothing was applied.
    fn commit(&mut self, batch: Batch) -> Result<(), VaultError>;

    /// Puts on disk, as a whole, what commits have held back. Most vaults hold nothing back.
    ///
    /// # Errors
    /// Returns [`VaultError`] when nothing was written; it is held back still.
    fn flush(&mut self) -> Result<(), VaultError> {
        Ok(())
    }
}
