//! The tables, as migrations that are only ever added to.

use rand_core::CryptoRng;
use rusqlite::Connection;

use crate::store::StoreError;

/// SQL for the end of what a key may have of an object: none for no end, long ago for nothing at
/// all. Letters are their owner's; access lists the control key's, which may have envelopes too.
macro_rules! until {
    ($key:literal) => {
        concat!(
            "CASE WHEN o.kind = 1 OR m.controls THEN NULL
             WHEN o.kind = 0 AND m.can IN (0, 2) THEN m.until ELSE -9223372036854775808 END
             FROM objects o LEFT JOIN members m ON m.channel_id = o.channel_id AND m.key_id = ",
            $key
        )
    };
}
pub(super) use until;

/// Each takes the schema from its index to the next version. Never change one: add another.
///
/// Keys and channels have small numbers, so that the rows and indexes that grow with what is
/// stored stay small, and what a key may read lies together: a page of its feed costs the same
/// however many channels it is in. `members` has the control key of a channel too, with `controls`.
/// `last` is the beginning of the identity of the last envelope that an object stands for.
/// `mailboxes` has a row for each sender, and with sender 0 the sum. `until` in a feed is the
/// first second at which its key may no longer have what stands there, by its rights today: a page
/// is read without looking at any of the channels in it.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE relay (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id BLOB NOT NULL,
        position INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE generations (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        first INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE keys (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE channels (
        id INTEGER PRIMARY KEY,
        channel BLOB NOT NULL UNIQUE,
        control BLOB NOT NULL,
        serial INTEGER NOT NULL,
        hash BLOB NOT NULL,
        live BLOB NOT NULL,
        bytes INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE lists (
        channel_id INTEGER PRIMARY KEY,
        signed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE members (
        key_id INTEGER NOT NULL,
        channel_id INTEGER NOT NULL,
        controls INTEGER NOT NULL,
        can INTEGER,
        until INTEGER,
        history INTEGER NOT NULL,
        PRIMARY KEY (key_id, channel_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_of_channel ON members (channel_id, can, until, history);
    CREATE TABLE objects (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        kind INTEGER NOT NULL,
        channel_id INTEGER,
        epoch BLOB,
        last BLOB,
        mailbox INTEGER,
        sender INTEGER,
        position INTEGER,
        acknowledged INTEGER,
        dropped INTEGER NOT NULL DEFAULT 0,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX objects_of_channel ON objects (channel_id, epoch) WHERE channel_id IS NOT NULL;
    CREATE INDEX objects_by_last ON objects (last) WHERE last IS NOT NULL;
    CREATE INDEX objects_of_mailbox ON objects (mailbox, acknowledged, position)
        WHERE mailbox IS NOT NULL;
    CREATE TABLE mailboxes (
        mailbox INTEGER NOT NULL,
        sender INTEGER NOT NULL,
        letters INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (mailbox, sender)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE feed (
        key_id INTEGER NOT NULL,
        position INTEGER NOT NULL,
        object INTEGER NOT NULL,
        PRIMARY KEY (key_id, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX feed_of_object ON feed (object);
    CREATE TABLE counts (
        key BLOB NOT NULL,
        meter INTEGER NOT NULL,
        day INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (key, meter)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE blobs (
        id BLOB PRIMARY KEY,
        expires INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE INDEX blobs_by_end ON blobs (expires);
    CREATE TABLE links (
        id BLOB PRIMARY KEY,
        until INTEGER NOT NULL,
        state BLOB NOT NULL,
        file BLOB NOT NULL
    ) STRICT;
    CREATE INDEX links_by_end ON links (until);
",
    concat!(
        "
    ALTER TABLE feed ADD COLUMN until INTEGER;
    UPDATE feed SET until = (SELECT ",
        until!("feed.key_id"),
        " WHERE o.seq = feed.object);
"
    ),
];

/// Brings the schema up to date.
pub(super) fn lay(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

/// Brings the schema up to date; a new database is given an identity.
pub(super) fn migrate(
    connection: &mut Connection,
    rng: &mut dyn CryptoRng,
) -> Result<(), StoreError> {
    lay(connection)?;
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let born: i64 = transaction.query_row("SELECT count(*) FROM relay", [], |row| row.get(0))?;
    if born == 0 {
        let mut id = [0_u8; 16];
        rng.fill_bytes(&mut id);
        transaction.execute("INSERT INTO relay VALUES (1, ?1, 0)", [id])?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether the database is of the version this software writes.
pub(super) fn known(connection: &Connection) -> Result<(), StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    // An older one is brought up to date by a relay that starts with it.
    if found < known {
        return Err(StoreError::Damaged { table: "database", column: "user_version" });
    }
    Ok(())
}

/// Starts a run.
pub(super) fn begin(connection: &Connection, rng: &mut dyn CryptoRng) -> Result<(), StoreError> {
    let mut id = [0_u8; 8];
    rng.fill_bytes(&mut id);
    let sql = "INSERT INTO generations (id, first) SELECT ?1, position FROM relay";
    connection.execute(sql, [id])?;
    Ok(())
}

/// Sets a new identity.
pub(super) fn renew(connection: &Connection, rng: &mut dyn CryptoRng) -> Result<(), StoreError> {
    let mut id = [0_u8; 16];
    rng.fill_bytes(&mut id);
    connection.execute("UPDATE relay SET id = ?1", [id])?;
    Ok(())
}
