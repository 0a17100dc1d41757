//! Writing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use passport_core::access::{AccessList, Rights};
use passport_core::id::{ChannelId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::schema::until;
use super::snapshot::{beginning, signed};
use crate::session::port::LINK_KEPT_SECONDS;
use crate::store::{Epochs, Meter, Object, StoreError, Transaction};
use crate::wire::ItemKind;

/// Stands for all senders together.
pub(super) const ALL_SENDERS: i64 = 0;

/// A connection inside a transaction, and what is remembered until it ends.
///
/// Rows that each envelope adds are written `OR FAIL`: a write that fails is undone whole, and
/// SQLite need not be ready to undo each statement of it.
pub(super) struct View<'a> {
    pub(super) connection: &'a Connection,
    /// Whose feeds were added to.
    fed: BTreeSet<VerificationKey>,
    /// The last position given out here, once there is one.
    position: Option<i64>,
    /// The numbers of keys that were met.
    keys: RefCell<BTreeMap<VerificationKey, i64>>,
    /// The object put last.
    put: Option<(ObjectId, Row)>,
}

/// A key, and what it may in a channel: whether it controls it, its rights, and their end.
type Right = (i64, (bool, Option<i64>, Option<i64>));

/// Where an object is.
#[derive(Clone, Copy)]
struct Row {
    seq: i64,
    is_letter: bool,
}

impl<'a> View<'a> {
    pub(super) const fn new(connection: &'a Connection) -> Self {
        let keys = RefCell::new(BTreeMap::new());
        Self { connection, fed: BTreeSet::new(), position: None, keys, put: None }
    }
}

impl View<'_> {
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(values)?)
    }

    /// Keeps what was remembered, at the end of a write.
    pub(super) fn finish(&self) -> Result<(), StoreError> {
        if let Some(position) = self.position {
            self.run("UPDATE relay SET position = ?1", [position])?;
        }
        Ok(())
    }

    /// The latest position given out.
    pub(super) fn latest(&self) -> Result<i64, StoreError> {
        if let Some(position) = self.position {
            return Ok(position);
        }
        let mut statement = self.connection.prepare_cached("SELECT position FROM relay")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Takes the next position.
    fn advance(&mut self) -> Result<i64, StoreError> {
        let position = self.latest()? + 1;
        self.position = Some(position);
        Ok(position)
    }

    /// The number of a key, if it has one.
    pub(super) fn known_key(&self, key: &VerificationKey) -> Result<Option<i64>, StoreError> {
        if let Some(id) = self.keys.borrow().get(key) {
            return Ok(Some(*id));
        }
        let mut statement = self.connection.prepare_cached("SELECT id FROM keys WHERE key = ?1")?;
        let id = statement.query_row([key.as_bytes()], |row| row.get(0)).optional()?;
        if let Some(id) = id {
            self.keys.borrow_mut().insert(*key, id);
        }
        Ok(id)
    }

    /// Remembers the number of a key that was met in a row.
    pub(super) fn met(&self, key: VerificationKey, id: i64) {
        self.keys.borrow_mut().insert(key, id);
    }

    /// The number of a key, which is given one if it has none.
    fn key_id(&self, key: &VerificationKey) -> Result<i64, StoreError> {
        if let Some(id) = self.known_key(key)? {
            return Ok(id);
        }
        self.run("INSERT INTO keys (key) VALUES (?1)", [key.as_bytes()])?;
        let id = self.connection.last_insert_rowid();
        self.met(*key, id);
        Ok(id)
    }

    /// The number of a channel, if it is there.
    pub(super) fn channel_id(&self, channel: &ChannelId) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT id FROM channels WHERE channel = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row([channel.as_bytes()], |row| row.get(0)).optional()?)
    }

    fn row(&self, id: &ObjectId) -> Result<Row, StoreError> {
        if let Some((_, row)) = self.put.as_ref().filter(|(put, _)| put == id) {
            return Ok(*row);
        }
        let sql = "SELECT seq, mailbox IS NOT NULL FROM objects WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let row = |row: &rusqlite::Row<'_>| Ok(Row { seq: row.get(0)?, is_letter: row.get(1)? });
        Ok(statement.query_row([id.as_bytes()], row)?)
    }

    /// Counts letters and their bytes in or out of a mailbox, for a sender and in sum.
    fn tally(&self, to: i64, from: i64, letters: i64, bytes: i64) -> Result<(), StoreError> {
        for sender in [from, ALL_SENDERS] {
            self.run(
                "INSERT INTO mailboxes VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
                 SET letters = letters + ?3, bytes = bytes + ?4",
                [to, sender, letters, bytes],
            )?;
        }
        Ok(())
    }

    fn backfill_epoch(
        &mut self,
        key_id: i64,
        channel: i64,
        epoch: Option<&EpochId>,
    ) -> Result<(), StoreError> {
        let epoch = epoch.map(EpochId::as_bytes);
        let mut statement = self.connection.prepare_cached(
            "SELECT seq FROM objects
             WHERE channel_id = ?1 AND kind = 0 AND dropped = 0 AND (?2 IS NULL OR epoch = ?2)
             ORDER BY seq",
        )?;
        let found: Vec<i64> = statement
            .query_map(params![channel, epoch], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.run(
            "DELETE FROM feed INDEXED BY feed_of_object WHERE key_id = ?1 AND object IN
             (SELECT seq FROM objects WHERE channel_id = ?2 AND kind = 0 AND dropped = 0 AND (?3 IS NULL OR epoch = ?3))",
            params![key_id, channel, epoch],
        )?;
        for object in found {
            let position = self.advance()?;
            self.feed(key_id, position, object)?;
        }
        Ok(())
    }

    /// Puts an object at a place of a feed.
    fn feed(&self, key_id: i64, position: i64, object: i64) -> Result<(), StoreError> {
        const FEED: &str = concat!(
            "INSERT OR FAIL INTO feed (key_id, position, object, until) SELECT ?1, ?2, o.seq, ",
            until!("?1"),
            " WHERE o.seq = ?3"
        );
        self.run(FEED, [key_id, position, object]).map(drop)
    }

    /// The keys that have rights in a channel, each with what they are.
    fn rights(&self, channel: i64) -> Result<BTreeSet<Right>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key_id, controls, can, until FROM members WHERE channel_id = ?1",
        )?;
        let right =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?)));
        Ok(statement.query_map([channel], right)?.collect::<Result<_, _>>()?)
    }

    /// Sets the members of a channel, and until when feeds that had something of it may have it.
    fn put_members(&self, channel: i64, list: &AccessList) -> Result<(), StoreError> {
        let before = self.rights(channel)?;
        self.put_member_rows(channel, list)?;
        let after = self.rights(channel)?;
        let changed: BTreeSet<i64> =
            before.symmetric_difference(&after).map(|(key_id, _)| *key_id).collect();
        for key_id in changed {
            const UNTIL: &str = concat!(
                "UPDATE feed INDEXED BY feed_of_object SET until = (SELECT ",
                until!("?1"),
                " WHERE o.seq = feed.object)
                 WHERE key_id = ?1 AND object IN (SELECT seq FROM objects WHERE channel_id = ?2)"
            );
            self.run(UNTIL, [key_id, channel])?;
        }
        Ok(())
    }

    fn put_member_rows(&self, channel: i64, list: &AccessList) -> Result<(), StoreError> {
        self.run("DELETE FROM members WHERE channel_id = ?1", [channel])?;
        for member in &list.members {
            self.run(
                "INSERT INTO members VALUES (?1, ?2, 0, ?3, ?4, ?5)",
                params![
                    self.key_id(&member.key)?,
                    channel,
                    rights_number(member.can),
                    member.until.map(Timestamp::as_seconds),
                    member.history
                ],
            )?;
        }
        self.run(
            "INSERT INTO members VALUES (?1, ?2, 1, NULL, NULL, 0)
             ON CONFLICT DO UPDATE SET controls = 1",
            [self.key_id(&list.controller())?, channel],
        )?;
        Ok(())
    }
}

impl Transaction for View<'_> {
    fn fed(&self) -> BTreeSet<VerificationKey> {
        self.fed.clone()
    }

    fn put_channel(
        &mut self,
        list: &AccessList,
        hash: &[u8; 32],
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let live: Vec<u8> = list.live.iter().flat_map(EpochId::as_bytes).copied().collect();
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO channels (channel, control, serial, hash, live)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (channel) DO UPDATE
             SET control = ?2, serial = ?3, hash = ?4, live = ?5 RETURNING id",
        )?;
        let control = list.controller();
        let channel: i64 = statement.query_row(
            params![list.channel.as_bytes(), control.as_bytes(), signed(list.serial), hash, live],
            |row| row.get(0),
        )?;
        self.run("INSERT OR REPLACE INTO lists VALUES (?1, ?2)", params![channel, bytes])?;
        self.put_members(channel, list)
    }

    fn put_object(&mut self, id: &ObjectId, object: &Object<'_>) -> Result<(), StoreError> {
        let bytes = object.bytes();
        let (mut channel_id, mut of_epoch, mut mailbox, mut sender) = (None, None, None, None);
        let mut ends_with = None;
        match *object {
            Object::Envelope { channel, epoch, last, .. } => {
                let mut statement = self.connection.prepare_cached(
                    "UPDATE OR FAIL channels SET bytes = bytes + ?2 WHERE channel = ?1 RETURNING id",
                )?;
                let size = signed(bytes.len() as u64);
                let known = params![channel.as_bytes(), size];
                channel_id = statement.query_row(known, |row| row.get(0)).optional()?;
                of_epoch = Some(epoch);
                ends_with = last;
            }
            Object::Letter { to, from, .. } => {
                let (to, from) = (self.key_id(&to)?, self.key_id(&from)?);
                self.tally(to, from, 1, signed(bytes.len() as u64))?;
                (mailbox, sender) = (Some(to), Some(from));
            }
            Object::AccessList { channel, .. } => channel_id = self.channel_id(&channel)?,
        }
        self.run(
            "INSERT OR FAIL INTO objects (id, kind, channel_id, epoch, last, mailbox, sender, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id.as_bytes(),
                kind_number(object.kind()),
                channel_id,
                of_epoch.as_ref().map(EpochId::as_bytes),
                ends_with.as_ref().map(beginning),
                mailbox,
                sender,
                bytes
            ],
        )?;
        let seq = self.connection.last_insert_rowid();
        self.put = Some((*id, Row { seq, is_letter: mailbox.is_some() }));
        Ok(())
    }

    fn append_feed(&mut self, keys: &[VerificationKey], id: &ObjectId) -> Result<(), StoreError> {
        let (position, row) = (self.advance()?, self.row(id)?);
        if row.is_letter {
            self.run("UPDATE objects SET position = ?2 WHERE seq = ?1", [row.seq, position])?;
        }
        for key in keys {
            self.fed.insert(*key);
            let key_id = self.key_id(key)?;
            self.feed(key_id, position, row.seq)?;
        }
        Ok(())
    }

    fn replace(
        &mut self,
        parts: &BTreeSet<ObjectId>,
        id: &ObjectId,
    ) -> Result<BTreeSet<VerificationKey>, StoreError> {
        // Where each feed has the last of them.
        let mut places: BTreeMap<i64, i64> = BTreeMap::new();
        for part in parts {
            let part = self.row(part)?.seq;
            let mut statement = self
                .connection
                .prepare_cached("DELETE FROM feed WHERE object = ?1 RETURNING key_id, position")?;
            let mut rows = statement.query([part])?;
            while let Some(row) = rows.next()? {
                let (key_id, position) = (row.get(0)?, row.get(1)?);
                let last = places.entry(key_id).or_insert(position);
                *last = position.max(*last);
            }
            self.run(
                "UPDATE channels SET bytes = max(0, channels.bytes - length(o.bytes))
                 FROM objects o WHERE o.seq = ?1 AND channels.id = o.channel_id",
                [part],
            )?;
            self.run("DELETE FROM objects WHERE seq = ?1", [part])?;
        }
        let whole = self.row(id)?.seq;
        let mut had = BTreeSet::new();
        for (key_id, position) in places {
            self.feed(key_id, position, whole)?;
            let mut statement =
                self.connection.prepare_cached("SELECT key FROM keys WHERE id = ?1")?;
            let key = statement.query_row([key_id], |row| row.get(0))?;
            had.insert(VerificationKey::from_bytes(key));
        }
        Ok(had)
    }

    fn backfill(
        &mut self,
        key: &VerificationKey,
        channel: &ChannelId,
        epochs: Epochs<'_>,
    ) -> Result<(), StoreError> {
        self.fed.insert(*key);
        let Some(channel) = self.channel_id(channel)? else { return Ok(()) };
        let key_id = self.key_id(key)?;
        match epochs {
            Epochs::All => self.backfill_epoch(key_id, channel, None),
            Epochs::Only(epochs) => epochs
                .iter()
                .try_for_each(|epoch| self.backfill_epoch(key_id, channel, Some(epoch))),
        }
    }

    fn clear_feed(&mut self, key: &VerificationKey, channel: &ChannelId) -> Result<(), StoreError> {
        self.run(
            "DELETE FROM feed INDEXED BY feed_of_object
             WHERE key_id = (SELECT id FROM keys WHERE key = ?1) AND object IN (SELECT seq FROM objects WHERE kind = 0 AND channel_id =
             (SELECT id FROM channels WHERE channel = ?2))",
            [key.as_bytes(), channel.as_bytes()],
        )?;
        Ok(())
    }

    fn drop_epoch(&mut self, channel: &ChannelId, epoch: &EpochId) -> Result<(), StoreError> {
        let Some(channel) = self.channel_id(channel)? else { return Ok(()) };
        self.run(
            "UPDATE channels SET bytes = max(0, bytes - (SELECT coalesce(sum(length(bytes)), 0)
             FROM objects WHERE channel_id = ?1 AND epoch = ?2)) WHERE id = ?1",
            params![channel, epoch.as_bytes()],
        )?;
        self.run(
            "DELETE FROM feed INDEXED BY feed_of_object WHERE object IN
             (SELECT seq FROM objects WHERE channel_id = ?1 AND epoch = ?2)",
            params![channel, epoch.as_bytes()],
        )?;
        self.run(
            "UPDATE objects SET bytes = x'', dropped = 1 WHERE channel_id = ?1 AND epoch = ?2",
            params![channel, epoch.as_bytes()],
        )?;
        Ok(())
    }

    fn acknowledge(
        &mut self,
        key: &VerificationKey,
        position: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mailbox) = self.known_key(key)? else { return Ok(()) };
        self.run(
            "UPDATE objects SET acknowledged = ?3
             WHERE mailbox = ?1 AND acknowledged IS NULL AND position <= ?2",
            [mailbox, signed(position), now.as_seconds()],
        )?;
        Ok(())
    }

    fn expire_letters(
        &mut self,
        key: &VerificationKey,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mailbox) = self.known_key(key)? else { return Ok(()) };
        self.run(
            "DELETE FROM feed WHERE key_id = ?1 AND position IN
             (SELECT position FROM objects WHERE mailbox = ?1 AND acknowledged < ?2)",
            [mailbox, before.as_seconds()],
        )?;
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM objects WHERE mailbox = ?1 AND acknowledged < ?2
             RETURNING sender, length(bytes)",
        )?;
        let gone: Vec<(i64, i64)> = statement
            .query_map([mailbox, before.as_seconds()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for (sender, bytes) in gone {
            self.tally(mailbox, sender, -1, -bytes)?;
        }
        self.run("DELETE FROM mailboxes WHERE mailbox = ?1 AND letters = 0", [mailbox])?;
        Ok(())
    }

    fn count(
        &mut self,
        key: &VerificationKey,
        meter: Meter,
        day: i64,
        more: u64,
    ) -> Result<u64, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO counts VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key, meter) DO UPDATE
             SET count = iif(day = ?3, count + ?4, ?4), day = ?3 RETURNING count",
        )?;
        let counted = params![key.as_bytes(), meter_number(meter), day, signed(more)];
        let count: i64 = statement.query_row(counted, |row| row.get(0))?;
        u64::try_from(count).map_err(|_| StoreError::Damaged { table: "counts", column: "count" })
    }

    fn put_blob(
        &mut self,
        id: &ObjectId,
        bytes: &[u8],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.run("DELETE FROM blobs WHERE expires <= ?1", [now.as_seconds()])?;
        self.run(
            "INSERT INTO blobs VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET expires = ?2",
            params![id.as_bytes(), expires.as_seconds(), bytes],
        )?;
        Ok(())
    }

    fn put_link(
        &mut self,
        id: &ObjectId,
        state: &[u8],
        file: Option<&[u8]>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            "INSERT INTO links VALUES (?1, ?2, ?3, coalesce(?4, x'')) ON CONFLICT (id) DO UPDATE
             SET until = ?2, state = ?3, file = coalesce(?4, file)",
            params![id.as_bytes(), until.as_seconds(), state, file],
        )?;
        Ok(())
    }

    fn delete_link(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        self.run("DELETE FROM links WHERE id = ?1", [id.as_bytes()])?;
        Ok(())
    }

    fn forget_envelopes(&mut self, channel: &ChannelId) -> Result<(), StoreError> {
        let Some(channel) = self.channel_id(channel)? else { return Ok(()) };
        self.run(
            "DELETE FROM feed INDEXED BY feed_of_object WHERE object IN
             (SELECT seq FROM objects WHERE channel_id = ?1 AND kind = 0)",
            [channel],
        )?;
        self.run("DELETE FROM objects WHERE channel_id = ?1 AND kind = 0", [channel])?;
        self.run("UPDATE channels SET bytes = 0 WHERE id = ?1", [channel])?;
        Ok(())
    }

    fn expire_counts(&mut self, now: Timestamp, day: i64, minute: i64) -> Result<(), StoreError> {
        self.run("DELETE FROM blobs WHERE expires <= ?1", [now.as_seconds()])?;
        self.run(
            "DELETE FROM counts WHERE day < iif(meter = ?1, ?2, ?3)",
            [meter_number(Meter::Openings), minute, day],
        )?;
        Ok(())
    }

    fn expire_links(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let kept = now.as_seconds().saturating_sub(LINK_KEPT_SECONDS);
        self.run("DELETE FROM links WHERE until < ?1", [kept])?;
        Ok(())
    }
}

pub(super) const fn meter_number(meter: Meter) -> i64 {
    match meter {
        Meter::Letters => 0,
        Meter::Channels => 1,
        Meter::Blobs => 2,
        Meter::Links => 3,
        Meter::Openings => 4,
        Meter::Bytes => 5,
    }
}

const fn rights_number(rights: Rights) -> i64 {
    match rights {
        Rights::Read => 0,
        Rights::Write => 1,
        Rights::ReadWrite => 2,
    }
}

const fn kind_number(kind: ItemKind) -> i64 {
    match kind {
        ItemKind::Envelope => 0,
        ItemKind::Letter => 1,
        ItemKind::AccessList => 2,
    }
}
