//! Reading.

use passport_core::access::{Member, Rights};
use passport_core::id::{ChannelId, EnvelopeId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::transaction::{ALL_SENDERS, View, meter_number};
use crate::store::{
    Channel, Ended, FeedPage, FeedQuery, MailboxState, MailboxUsage, Meter, Snapshot, StoreError,
};
use crate::wire::{Generation, Item, ItemKind, RelayId, object_id};

impl Snapshot for View<'_> {
    fn relay(&self) -> Result<RelayId, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT id FROM relay")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    fn generation(&self) -> Result<Generation, StoreError> {
        let sql = "SELECT id FROM generations ORDER BY seq DESC LIMIT 1";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    fn has_reached(&self, generation: &Generation, position: u64) -> Result<bool, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT ?2 <= coalesce(
                (SELECT first FROM generations n WHERE n.seq > g.seq ORDER BY n.seq LIMIT 1), ?3)
             FROM generations g WHERE g.id = ?1",
        )?;
        let reached = statement
            .query_row(params![generation, signed(position), self.latest()?], |row| row.get(0))
            .optional()?;
        Ok(reached.unwrap_or(false))
    }

    fn position(&self) -> Result<u64, StoreError> {
        unsigned(self.latest()?, "relay", "position")
    }

    fn channel(&self, channel: &ChannelId) -> Result<Option<Channel>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT control, serial, hash, live, bytes FROM channels WHERE channel = ?1",
        )?;
        let mut rows = statement.query([channel.as_bytes()])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let live = row.get_ref(3)?.as_blob().map_err(|_| damaged("channels", "live"))?;
        let live = live.chunks(EpochId::LEN).map(EpochId::from_slice).collect::<Result<_, _>>();
        Ok(Some(Channel {
            control: key(row, 0)?,
            serial: unsigned(row.get(1)?, "channels", "serial")?,
            hash: row.get(2)?,
            live: live.map_err(|_| damaged("channels", "live"))?,
            bytes: unsigned(row.get(4)?, "channels", "bytes")?,
        }))
    }

    fn access_list(&self, channel: &ChannelId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT signed FROM lists WHERE channel_id =
             (SELECT id FROM channels WHERE channel = ?1)",
        )?;
        Ok(statement.query_row([channel.as_bytes()], |row| row.get(0)).optional()?)
    }

    fn member(
        &self,
        channel: &ChannelId,
        key: &VerificationKey,
    ) -> Result<Option<Member>, StoreError> {
        let Some(key_id) = self.known_key(key)? else { return Ok(None) };
        let mut statement = self.connection.prepare_cached(
            "SELECT can, until, history FROM members WHERE key_id = ?1 AND can IS NOT NULL
             AND channel_id = (SELECT id FROM channels WHERE channel = ?2)",
        )?;
        let mut rows = statement.query(params![key_id, channel.as_bytes()])?;
        rows.next()?.map(|row| member(*key, row)).transpose()
    }

    fn members(&self, channel: &ChannelId) -> Result<Vec<Member>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT m.can, m.until, m.history, k.key, k.id FROM members m
             JOIN keys k ON k.id = m.key_id WHERE m.can IS NOT NULL
             AND m.channel_id = (SELECT id FROM channels WHERE channel = ?1)",
        )?;
        let mut rows = statement.query([channel.as_bytes()])?;
        let mut members = Vec::new();
        while let Some(row) = rows.next()? {
            let key = key(row, 3)?;
            self.met(key, row.get(4)?);
            members.push(member(key, row)?);
        }
        members.sort_unstable_by_key(|member: &Member| member.key);
        Ok(members)
    }

    fn has_object(&self, id: &ObjectId) -> Result<bool, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM objects WHERE id = ?1")?;
        Ok(statement.exists([id.as_bytes()])?)
    }

    fn ending_at(
        &self,
        channel: &ChannelId,
        last: &EnvelopeId,
    ) -> Result<Vec<(ObjectId, Vec<u8>)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT id, bytes FROM objects WHERE last = ?1 AND dropped = 0
             AND channel_id = (SELECT id FROM channels WHERE channel = ?2)",
        )?;
        let rows = statement.query_map(params![beginning(last), channel.as_bytes()], |row| {
            Ok((ObjectId::from_bytes(row.get(0)?), row.get(1)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT f.position, f.until, o.kind, o.bytes, o.id FROM feed f
             LEFT JOIN objects o ON o.seq = f.object AND o.dropped = 0
             WHERE f.key_id = ?1 AND f.position > ?2
             ORDER BY f.position LIMIT ?3",
        )?;
        let mut page = FeedPage { position: query.after, ..FeedPage::default() };
        let Some(key_id) = self.known_key(&query.key)? else { return Ok(page) };
        let rows_max = i64::try_from(query.rows_max).unwrap_or(i64::MAX).saturating_add(1);
        let mut rows = statement.query([key_id, signed(query.after), rows_max])?;
        let (mut looked_at, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            if looked_at == query.rows_max {
                page.more = true;
                break;
            }
            looked_at += 1;
            let position = unsigned(row.get(0)?, "feed", "position")?;
            if let Some(kind) = permitted(row, query)? {
                let body = row.get_ref(3)?.as_blob().map_err(|_| damaged("objects", "bytes"))?;
                bytes += body.len();
                if bytes > query.bytes_max && !page.items.is_empty() {
                    page.more = true;
                    break;
                }
                // What rotted on disk is no answer: whoever took it would never ask again.
                let id = match kind {
                    ItemKind::Letter => object_id(&[query.key.as_bytes(), body].concat()),
                    ItemKind::Envelope | ItemKind::AccessList => object_id(body),
                };
                if row.get_ref(4)?.as_blob().ok() != Some(id.as_bytes()) {
                    return Err(damaged("objects", "bytes"));
                }
                page.items.push(Item { position, kind, bytes: body.to_vec().into() });
            }
            page.position = position;
        }
        Ok(page)
    }

    fn mailbox(&self, key: &VerificationKey) -> Result<MailboxState, StoreError> {
        let Some(mailbox) = self.known_key(key)? else { return Ok(MailboxState::default()) };
        // Each is the first row of a range in an index, however many letters there are.
        let first = |sql: &str| -> Result<Option<i64>, StoreError> {
            let mut statement = self.connection.prepare_cached(sql)?;
            Ok(statement.query_row([mailbox], |row| row.get(0))?)
        };
        let unread =
            first("SELECT min(position) FROM objects WHERE mailbox = ?1 AND acknowledged IS NULL")?;
        let oldest = first(
            "SELECT min(acknowledged) FROM objects
             WHERE mailbox = ?1 AND acknowledged IS NOT NULL",
        )?;
        Ok(MailboxState {
            unacknowledged: unread.map(|at| unsigned(at, "objects", "position")).transpose()?,
            acknowledged: oldest.map(Timestamp::from_seconds),
        })
    }

    fn mailbox_usage(
        &self,
        key: &VerificationKey,
        sender: Option<&VerificationKey>,
    ) -> Result<MailboxUsage, StoreError> {
        let sender = sender.map_or(Ok(Some(ALL_SENDERS)), |sender| self.known_key(sender))?;
        let (Some(mailbox), Some(sender)) = (self.known_key(key)?, sender) else {
            return Ok(MailboxUsage::default());
        };
        let sql = "SELECT letters, bytes FROM mailboxes WHERE mailbox = ?1 AND sender = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query([mailbox, sender])?;
        let Some(row) = rows.next()? else { return Ok(MailboxUsage::default()) };
        Ok(MailboxUsage {
            letters: unsigned(row.get(0)?, "mailboxes", "letters")?,
            bytes: unsigned(row.get(1)?, "mailboxes", "bytes")?,
        })
    }

    fn counted(&self, key: &VerificationKey, meter: Meter, day: i64) -> Result<u64, StoreError> {
        let sql = "SELECT count FROM counts WHERE key = ?1 AND meter = ?2 AND day = ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![key.as_bytes(), meter_number(meter), day])?;
        let count = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
        unsigned(count, "counts", "count")
    }

    fn blob(&self, id: &ObjectId, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM blobs WHERE id = ?1 AND expires > ?2")?;
        let found = statement.query_row(params![id.as_bytes(), now.as_seconds()], |r| r.get(0));
        Ok(found.optional()?)
    }

    fn blob_from(&self, start: &[u8; 16], now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let (mut first, mut last) = ([0; ObjectId::LEN], [u8::MAX; ObjectId::LEN]);
        first.iter_mut().zip(start).for_each(|(to, from)| *to = *from);
        last.iter_mut().zip(start).for_each(|(to, from)| *to = *from);
        let mut statement = self.connection.prepare_cached(
            "SELECT bytes FROM blobs WHERE id BETWEEN ?1 AND ?2 AND expires > ?3 LIMIT 1",
        )?;
        let found = statement.query_row(params![first, last, now.as_seconds()], |r| r.get(0));
        Ok(found.optional()?)
    }

    fn ended(&self, read: Timestamp, unread: Timestamp, most: usize) -> Result<Ended, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut mailboxes = self.connection.prepare_cached(
            "SELECT key FROM keys WHERE id IN (SELECT DISTINCT mailbox FROM objects
             WHERE mailbox IS NOT NULL AND acknowledged < ?1 LIMIT ?2)",
        )?;
        let mailboxes = mailboxes.query_map([read.as_seconds(), most], |row| row.get(0))?;
        // Rights 0 and 2 read.
        let mut channels = self.connection.prepare_cached(
            "SELECT channel FROM channels c WHERE bytes > 0
             AND EXISTS (SELECT 1 FROM members m WHERE m.channel_id = c.id AND m.can IN (0, 2))
             AND NOT EXISTS (SELECT 1 FROM members m WHERE m.channel_id = c.id
              AND m.can IN (0, 2) AND (m.until IS NULL OR m.until >= ?1)) LIMIT ?2",
        )?;
        let channels = channels.query_map([unread.as_seconds(), most], |row| row.get(0))?;
        let bytes = |found: rusqlite::Result<[u8; 32]>| found;
        Ok(Ended {
            mailboxes: mailboxes
                .map(|found| bytes(found).map(VerificationKey::from_bytes))
                .collect::<Result<_, _>>()?,
            channels: channels
                .map(|found| bytes(found).map(ChannelId::from_bytes))
                .collect::<Result<_, _>>()?,
        })
    }

    fn link(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT state FROM links WHERE id = ?1")?;
        Ok(statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
    }

    fn link_file(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT file FROM links WHERE id = ?1")?;
        Ok(statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?)
    }
}

/// What a row of the feed is, if its key may have it now.
fn permitted(row: &Row<'_>, query: &FeedQuery) -> Result<Option<ItemKind>, StoreError> {
    let until: Option<i64> = row.get(1)?;
    if until.is_some_and(|until| query.now.as_seconds() >= until) {
        return Ok(None);
    }
    match row.get(2)? {
        None => Ok(None),
        Some(0) => Ok(Some(ItemKind::Envelope)),
        Some(1) => Ok(Some(ItemKind::Letter)),
        Some(2) => Ok(Some(ItemKind::AccessList)),
        Some(_) => Err(damaged("objects", "kind")),
    }
}

fn member(key: VerificationKey, row: &Row<'_>) -> Result<Member, StoreError> {
    let until: Option<i64> = row.get(1)?;
    Ok(Member {
        key,
        can: rights(row.get(0)?)?,
        until: until.map(Timestamp::from_seconds),
        history: row.get(2)?,
    })
}

fn key(row: &Row<'_>, column: usize) -> Result<VerificationKey, StoreError> {
    Ok(VerificationKey::from_bytes(row.get(column)?))
}

fn rights(number: i64) -> Result<Rights, StoreError> {
    match number {
        0 => Ok(Rights::Read),
        1 => Ok(Rights::Write),
        2 => Ok(Rights::ReadWrite),
        _ => Err(damaged("members", "can")),
    }
}

fn damaged(table: &'static str, column: &'static str) -> StoreError {
    StoreError::Damaged { table, column }
}

/// So much of an identity as is kept to find it again; whoever looks compares the whole.
pub(super) fn beginning(id: &EnvelopeId) -> &[u8] {
    id.as_bytes().get(..16).unwrap_or_default()
}

/// As SQLite keeps it; what is too large is larger than anything kept.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64, table: &'static str, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| damaged(table, column))
}
