//! Writing.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::access::{AccessList, Rights};
use passport_core::id::{ChannelId, EnvelopeId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;
use rusqlite::{Connection, params};

use super::snapshot::signed;
use crate::session::port::LINK_KEPT_SECONDS;
use crate::store::{Epochs, Meter, Object, StoreError, Transaction};
use crate::wire::ItemKind;

/// A connection inside a transaction, and whose feeds were added to in it.
pub(super) struct View<'a>(pub(super) &'a Connection, BTreeSet<VerificationKey>);

impl<'a> View<'a> {
    pub(super) const fn new(connection: &'a Connection) -> Self {
        Self(connection, BTreeSet::new())
    }
}

impl View<'_> {
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Result<usize, StoreError> {
        Ok(self.0.prepare_cached(sql)?.execute(values)?)
    }

    /// Takes the next position.
    fn advance(&self) -> Result<i64, StoreError> {
        let mut statement =
            self.0.prepare_cached("UPDATE relay SET position = position + 1 RETURNING position")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    fn key_id(&self, key: &VerificationKey) -> Result<i64, StoreError> {
        self.run("INSERT OR IGNORE INTO keys (key) VALUES (?1)", [key.as_bytes()])?;
        let mut statement = self.0.prepare_cached("SELECT id FROM keys WHERE key = ?1")?;
        Ok(statement.query_row([key.as_bytes()], |row| row.get(0))?)
    }

    fn backfill_epoch(
        &self,
        key_id: i64,
        channel: &ChannelId,
        epoch: Option<&EpochId>,
    ) -> Result<(), StoreError> {
        let epoch = epoch.map(EpochId::as_bytes);
        let mut statement = self.0.prepare_cached(
            "SELECT seq FROM objects
             WHERE channel = ?1 AND kind = 0 AND dropped = 0 AND (?2 IS NULL OR epoch = ?2)
             ORDER BY seq",
        )?;
        let found: Vec<i64> = statement
            .query_map(params![channel.as_bytes(), epoch], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        self.run(
            "DELETE FROM feed WHERE key_id = ?1 AND object IN (SELECT seq FROM objects
             WHERE channel = ?2 AND kind = 0 AND dropped = 0 AND (?3 IS NULL OR epoch = ?3))",
            params![key_id, channel.as_bytes(), epoch],
        )?;
        for object in found {
            let position = self.advance()?;
            self.run("INSERT INTO feed VALUES (?1, ?2, ?3)", [key_id, position, object])?;
        }
        Ok(())
    }
}

impl Transaction for View<'_> {
    fn fed(&self) -> BTreeSet<VerificationKey> {
        self.1.clone()
    }

    fn put_channel(
        &mut self,
        list: &AccessList,
        hash: &[u8; 32],
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let live: Vec<u8> = list.live.iter().flat_map(EpochId::as_bytes).copied().collect();
        self.run(
            "INSERT INTO channels VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)
             ON CONFLICT (channel) DO UPDATE SET control = ?2, serial = ?3, hash = ?4,
             signed = ?5, live = ?6",
            params![
                list.channel.as_bytes(),
                list.controller().as_bytes(),
                signed(list.serial),
                hash,
                bytes,
                live
            ],
        )?;
        self.run("DELETE FROM members WHERE channel = ?1", [list.channel.as_bytes()])?;
        for member in &list.members {
            self.run(
                "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    list.channel.as_bytes(),
                    member.key.as_bytes(),
                    rights_number(member.can),
                    member.until.map(Timestamp::as_seconds),
                    member.history
                ],
            )?;
        }
        Ok(())
    }

    fn put_object(&mut self, id: &ObjectId, object: &Object<'_>) -> Result<(), StoreError> {
        let (channel, epoch, last, mailbox, bytes) = match *object {
            Object::Envelope { channel, epoch, last, bytes } => {
                self.run(
                    "UPDATE channels SET bytes = bytes + ?2 WHERE channel = ?1",
                    params![channel.as_bytes(), signed(bytes.len() as u64)],
                )?;
                (Some(channel), Some(epoch), last, None, bytes)
            }
            Object::Letter { to, bytes } => (None, None, None, Some(to), bytes),
            Object::AccessList { channel, bytes } => (Some(channel), None, None, None, bytes),
        };
        self.run(
            "INSERT INTO objects (id, kind, channel, epoch, last, mailbox, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                id.as_bytes(),
                kind_number(object.kind()),
                channel.as_ref().map(ChannelId::as_bytes),
                epoch.as_ref().map(EpochId::as_bytes),
                last.as_ref().map(EnvelopeId::as_bytes),
                mailbox.as_ref().map(VerificationKey::as_bytes),
                bytes
            ],
        )?;
        Ok(())
    }

    fn append_feed(&mut self, keys: &[VerificationKey], id: &ObjectId) -> Result<(), StoreError> {
        let position = self.advance()?;
        self.run(
            "UPDATE objects SET position = ?2 WHERE id = ?1 AND kind = 1",
            params![id.as_bytes(), position],
        )?;
        for key in keys {
            self.1.insert(*key);
            let key_id = self.key_id(key)?;
            self.run(
                "INSERT INTO feed SELECT ?1, ?2, seq FROM objects WHERE id = ?3",
                params![key_id, position, id.as_bytes()],
            )?;
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
            let mut statement = self.0.prepare_cached(
                "SELECT key_id, position FROM feed
                 WHERE object = (SELECT seq FROM objects WHERE id = ?1)",
            )?;
            let mut rows = statement.query([part.as_bytes()])?;
            while let Some(row) = rows.next()? {
                let (key_id, position) = (row.get(0)?, row.get(1)?);
                let last = places.entry(key_id).or_insert(position);
                *last = position.max(*last);
            }
            self.run(
                "UPDATE channels SET bytes = max(0, bytes - (SELECT length(bytes) FROM objects
                 WHERE id = ?1)) WHERE channel = (SELECT channel FROM objects WHERE id = ?1)",
                [part.as_bytes()],
            )?;
            self.run(
                "DELETE FROM feed WHERE object = (SELECT seq FROM objects WHERE id = ?1)",
                [part.as_bytes()],
            )?;
            self.run("DELETE FROM objects WHERE id = ?1", [part.as_bytes()])?;
        }
        let mut had = BTreeSet::new();
        for (key_id, position) in places {
            self.run(
                "INSERT INTO feed SELECT ?1, ?2, seq FROM objects WHERE id = ?3",
                params![key_id, position, id.as_bytes()],
            )?;
            let mut statement = self.0.prepare_cached("SELECT key FROM keys WHERE id = ?1")?;
            had.insert(VerificationKey::from_bytes(
                statement.query_row([key_id], |row| row.get(0))?,
            ));
        }
        Ok(had)
    }

    fn backfill(
        &mut self,
        key: &VerificationKey,
        channel: &ChannelId,
        epochs: Epochs<'_>,
    ) -> Result<(), StoreError> {
        self.1.insert(*key);
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
            "DELETE FROM feed WHERE key_id = (SELECT id FROM keys WHERE key = ?1) AND object IN
             (SELECT seq FROM objects WHERE channel = ?2 AND kind = 0)",
            [key.as_bytes(), channel.as_bytes()],
        )?;
        Ok(())
    }

    fn drop_epoch(&mut self, channel: &ChannelId, epoch: &EpochId) -> Result<(), StoreError> {
        self.run(
            "UPDATE channels SET bytes = max(0, bytes - (SELECT coalesce(sum(length(bytes)), 0)
             FROM objects WHERE channel = ?1 AND epoch = ?2)) WHERE channel = ?1",
            [channel.as_bytes(), epoch.as_bytes()],
        )?;
        self.run(
            "UPDATE objects SET bytes = x'', dropped = 1 WHERE channel = ?1 AND epoch = ?2",
            [channel.as_bytes(), epoch.as_bytes()],
        )?;
        Ok(())
    }

    fn acknowledge(
        &mut self,
        key: &VerificationKey,
        position: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            "UPDATE objects SET acknowledged = ?3
             WHERE mailbox = ?1 AND acknowledged IS NULL AND position <= ?2",
            params![key.as_bytes(), signed(position), now.as_seconds()],
        )?;
        Ok(())
    }

    fn expire_letters(
        &mut self,
        key: &VerificationKey,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.run(
            "DELETE FROM feed WHERE key_id = (SELECT id FROM keys WHERE key = ?1) AND position IN
             (SELECT position FROM objects WHERE mailbox = ?1 AND acknowledged < ?2)",
            params![key.as_bytes(), before.as_seconds()],
        )?;
        self.run(
            "DELETE FROM objects WHERE mailbox = ?1 AND acknowledged < ?2",
            params![key.as_bytes(), before.as_seconds()],
        )?;
        Ok(())
    }

    fn count(&mut self, key: &VerificationKey, meter: Meter, day: i64) -> Result<u64, StoreError> {
        let meter = match meter {
            Meter::Letters => 0,
            Meter::Channels => 1,
            Meter::Blobs => 2,
            Meter::Links => 3,
            Meter::Openings => 4,
        };
        let mut statement = self.0.prepare_cached(
            "INSERT INTO counts VALUES (?1, ?2, ?3, 1) ON CONFLICT (key, meter) DO UPDATE
             SET count = iif(day = ?3, count + 1, 1), day = ?3 RETURNING count",
        )?;
        let count: i64 =
            statement.query_row(params![key.as_bytes(), meter, day], |row| row.get(0))?;
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

    fn expire_links(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let kept = now.as_seconds().saturating_sub(LINK_KEPT_SECONDS);
        self.run("DELETE FROM links WHERE until < ?1", [kept])?;
        Ok(())
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
