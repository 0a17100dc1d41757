//! A relay's database looked at from beside, while a relay may be serving from it.

use std::fs::{File, OpenOptions};
use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use serde::Serialize;

use super::schema::until;
use super::{connect, schema};
use crate::store::StoreError;
use crate::wire::object_id;

/// A relay's database.
#[derive(Debug)]
pub struct SqliteFile(pub(super) Connection);

/// What a check found. All is well if nothing but `objects` is above 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Envelopes, letters and access lists looked at.
    pub objects: u64,
    /// Objects whose bytes are not those of their id.
    pub altered: u64,
    /// Channels and mailboxes whose counts are not those of their envelopes and letters.
    pub miscounted: u64,
    /// Rows of feeds without an object, beyond the relay's position, or with an end that is not
    /// that of their key's rights.
    pub astray: u64,
    /// Members and envelopes of channels that are not there.
    pub orphaned: u64,
}

impl Checked {
    /// Whether all is well.
    #[must_use]
    pub const fn is_well(&self) -> bool {
        self.altered == 0 && self.miscounted == 0 && self.astray == 0 && self.orphaned == 0
    }
}

/// How much a relay keeps. Nothing here names anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Channels.
    pub channels: u64,
    /// Keys that have a feed.
    pub keys: u64,
    /// Envelopes kept.
    pub envelopes: u64,
    /// Bytes of envelopes kept.
    pub envelope_bytes: u64,
    /// Envelopes forgotten, whose ids are remembered.
    pub dropped: u64,
    /// Letters kept.
    pub letters: u64,
    /// Bytes of letters kept.
    pub letter_bytes: u64,
    /// Rows of all feeds.
    pub feed_rows: u64,
    /// Objects of rendezvous.
    pub blobs: u64,
    /// Bytes of the database, without what is still in its log.
    pub database_bytes: u64,
}

impl SqliteFile {
    /// Opens a database that is there.
    ///
    /// # Errors
    /// Returns [`StoreError`] when there is none, or it is of another version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        File::open(path).map_err(|error| StoreError::Database(Box::new(error)))?;
        let connection = connect(path)?;
        schema::known(&connection)?;
        Ok(Self(connection))
    }

    /// Writes a consistent copy to a new file, on disk when this returns. Whoever writes
    /// meanwhile is not held up.
    ///
    /// A relay that goes on from a copy tells those clients that have seen more to offer it
    /// again. A copy that is to serve beside the original needs
    /// [`SqliteStore::renew`](super::SqliteStore::renew).
    ///
    /// # Errors
    /// Returns [`StoreError`] when the file exists or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let io = |error| StoreError::Database(Box::new(error));
        let mut new = OpenOptions::new();
        new.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        let file = new.open(to).map_err(io)?;
        let copied = self.0.execute("VACUUM INTO ?1", [to.to_string_lossy().as_ref()]);
        copied.inspect_err(|_| {
            // Half a copy is none; what cannot be removed is empty or of no use.
            let _removed = std::fs::remove_file(to);
        })?;
        file.sync_all().map_err(io)
    }

    /// Checks structure, every object's id, and what tables say of each other, as of one moment.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be read, or its structure is damaged.
    pub fn check(&mut self) -> Result<Checked, StoreError> {
        let view = self.0.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let verdict: String = view.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(StoreError::Damaged { table: "database", column: "page" });
        }
        let count = |sql: &str| -> Result<u64, StoreError> {
            let count: i64 = view.query_row(sql, [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        let mut checked = Checked {
            miscounted: count(
                "SELECT (SELECT count(*) FROM channels c WHERE bytes <> (SELECT coalesce(sum(length(o.bytes)), 0)
                 FROM objects o WHERE o.channel_id = c.id AND o.epoch IS NOT NULL))
                 + (SELECT count(*) FROM mailboxes b WHERE letters <> (SELECT count(*)
                  FROM objects o WHERE o.mailbox = b.mailbox AND b.sender IN (0, o.sender)))",
            )?,
            astray: count(
                concat!(
                    "SELECT count(*) FROM feed f WHERE position > (SELECT position FROM relay)
                     OR NOT EXISTS (SELECT 1 FROM objects o WHERE o.seq = f.object)
                     OR f.until IS NOT (SELECT ",
                    until!("f.key_id"),
                    " WHERE o.seq = f.object)"
                ),
            )?,
            orphaned: count(
                "SELECT (SELECT count(*) FROM members m WHERE NOT EXISTS
                  (SELECT 1 FROM channels c WHERE c.id = m.channel_id))
                 + (SELECT count(*) FROM objects o WHERE o.channel_id IS NOT NULL AND NOT EXISTS
                  (SELECT 1 FROM channels c WHERE c.id = o.channel_id))",
            )?,
            ..Checked::default()
        };
        let mut objects = view.prepare(
            "SELECT o.id, coalesce(k.key, x''), o.bytes FROM objects o
                 LEFT JOIN keys k ON k.id = o.mailbox WHERE o.dropped = 0",
        )?;
        let mut rows = objects.query([])?;
        while let Some(row) = rows.next()? {
            let (id, to, bytes): (Vec<u8>, Vec<u8>, Vec<u8>) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            checked.objects += 1;
            // A letter's id covers whom it is for.
            if id != object_id(&[to, bytes].concat()).as_bytes() {
                checked.altered += 1;
            }
        }
        Ok(checked)
    }

    /// Counts what there is.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be read.
    pub fn stats(&mut self) -> Result<Stats, StoreError> {
        let view = self.0.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let count = |sql: &str| -> Result<u64, StoreError> {
            let count: i64 = view.query_row(sql, [], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        let bytes = "SELECT coalesce(sum(length(bytes)), 0) FROM objects WHERE";
        let kept = "kind = 0 AND dropped = 0";
        Ok(Stats {
            channels: count("SELECT count(*) FROM channels")?,
            keys: count("SELECT count(*) FROM keys")?,
            envelopes: count(&format!("SELECT count(*) FROM objects WHERE {kept}"))?,
            envelope_bytes: count(&format!("{bytes} {kept}"))?,
            dropped: count("SELECT count(*) FROM objects WHERE dropped = 1")?,
            letters: count("SELECT count(*) FROM objects WHERE kind = 1")?,
            letter_bytes: count(&format!("{bytes} kind = 1"))?,
            feed_rows: count("SELECT count(*) FROM feed")?,
            blobs: count("SELECT count(*) FROM blobs")?,
            database_bytes: count(
                "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
            )?,
        })
    }
}
