//! What a relay keeps: the session's port, in memory and in SQLite.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod conformance;

pub use crate::session::port::{
    Channel, Epochs, FeedPage, FeedQuery, MailboxState, MailboxUsage, Meter, Object, Read,
    Snapshot, Store, StoreError, Transaction, Write, read, write,
};
pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::{Checked, SqliteFile, SqliteStore, Stats};
