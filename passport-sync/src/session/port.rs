//! What the relay's session needs of a store: atomic writes and consistent reads.
//!
//! A write is a closure over a [`Transaction`]; when [`Store::write`] returns `Ok`, it is on
//! disk. Stores may commit several closures at once. Whether something may be written or read
//! is decided by the session; only the feed's rights are joined by the store, so that the cost
//! of a read does not depend on how many channels a key is in.

use std::collections::BTreeSet;

use passport_core::access::{AccessList, Member};
use passport_core::id::{ChannelId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;

use crate::wire::{Generation, Item, ItemKind, RelayId};

/// The store failed. Nothing of the write was kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database could not be opened, read or written.
    #[error("use the relay's database")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored is not what was written.
    #[error("read a damaged row of {table}.{column}")]
    Damaged {
        /// Where.
        table: &'static str,
        /// In which column.
        column: &'static str,
    },
    /// The database was written by newer software.
    #[error("use a database of version {found}, newer than the {known} this software knows")]
    Newer {
        /// Version found.
        found: i64,
        /// Latest version known.
        known: i64,
    },
    /// The writer is gone, or could not commit.
    #[error("reach the database's writer, or have it keep a write")]
    Stopped,
}

/// What the relay knows of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The key that must sign its next access list: [`AccessList::controller`] of the current one.
    pub control: VerificationKey,
    /// Serial of the current list.
    pub serial: u64,
    /// Payload hash of the current list.
    pub hash: [u8; 32],
    /// The current list's live epochs.
    pub live: Vec<EpochId>,
    /// Bytes of envelopes kept.
    pub bytes: u64,
}

/// Something to keep and to put into feeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object<'a> {
    /// An envelope of a channel.
    Envelope {
        /// Its channel.
        channel: ChannelId,
        /// Its epoch.
        epoch: EpochId,
        /// Encoded.
        bytes: &'a [u8],
    },
    /// A letter to a mailbox.
    Letter {
        /// Whose mailbox.
        to: VerificationKey,
        /// Who sent it.
        from: VerificationKey,
        /// Encoded as delivered.
        bytes: &'a [u8],
    },
    /// An access list, for its control key.
    AccessList {
        /// Its channel.
        channel: ChannelId,
        /// Encoded with its signature.
        bytes: &'a [u8],
    },
}

/// Which of a channel's envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epochs<'a> {
    /// All that were not dropped.
    All,
    /// Those of these epochs.
    Only(&'a [EpochId]),
}

/// How much of a mailbox is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxUsage {
    /// Letters.
    pub letters: u64,
    /// Bytes.
    pub bytes: u64,
}

/// How far the owner of a mailbox has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailboxState {
    /// Position of the first letter its owner has not acknowledged.
    pub unacknowledged: Option<u64>,
    /// When the letter that was acknowledged first was.
    pub acknowledged: Option<Timestamp>,
}

/// What is counted per key and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meter {
    /// Letters sent.
    Letters,
    /// Channels opened.
    Channels,
    /// Rendezvous objects put.
    Blobs,
    /// Links made.
    Links,
    /// Openings of one link, whose id stands for the key, in a minute instead of a day.
    Openings,
}

/// How much of a feed to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedQuery {
    /// Whose feed.
    pub key: VerificationKey,
    /// Only what comes after this position.
    pub after: u64,
    /// Rights are judged at this moment.
    pub now: Timestamp,
    /// Most rows looked at.
    pub rows_max: usize,
    /// Most bytes returned; the first item is returned whatever its size.
    pub bytes_max: usize,
}

/// A page of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedPage {
    /// What the key may have, ascending.
    pub items: Vec<Item>,
    /// Everything up to here has been looked at.
    pub position: u64,
    /// Whether there are rows after it.
    pub more: bool,
}

/// A consistent view of the store.
pub trait Snapshot {
    /// The relay's identity.
    ///
    /// # Errors
    /// As all methods here, returns [`StoreError`] when the database fails or is damaged.
    fn relay(&self) -> Result<RelayId, StoreError>;
    /// The present run of the relay.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn generation(&self) -> Result<Generation, StoreError>;
    /// Whether a run of the relay is known and reached a position.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn has_reached(&self, generation: &Generation, position: u64) -> Result<bool, StoreError>;
    /// The latest position given out.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn position(&self) -> Result<u64, StoreError>;
    /// A channel.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn channel(&self, channel: &ChannelId) -> Result<Option<Channel>, StoreError>;
    /// The current list of a channel, encoded with its signature.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn access_list(&self, channel: &ChannelId) -> Result<Option<Vec<u8>>, StoreError>;
    /// A member of a channel's current list, in force or not.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn member(
        &self,
        channel: &ChannelId,
        key: &VerificationKey,
    ) -> Result<Option<Member>, StoreError>;
    /// All members of a channel's current list.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn members(&self, channel: &ChannelId) -> Result<Vec<Member>, StoreError>;
    /// Whether an object is kept, or was until its epoch was dropped.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn has_object(&self, id: &ObjectId) -> Result<bool, StoreError>;
    /// A page of a key's feed.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn feed(&self, query: &FeedQuery) -> Result<FeedPage, StoreError>;
    /// How far the owner of a mailbox has read.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn mailbox(&self, key: &VerificationKey) -> Result<MailboxState, StoreError>;
    /// How much a mailbox holds, of one sender or of all.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn mailbox_usage(
        &self,
        key: &VerificationKey,
        sender: Option<&VerificationKey>,
    ) -> Result<MailboxUsage, StoreError>;
    /// A rendezvous object that has not expired.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn blob(&self, id: &ObjectId, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError>;

    /// A rendezvous object whose id begins with these bytes, unless it has expired.
    ///
    /// # Errors
    /// Returns [`StoreError`].
    fn blob_from(&self, start: &[u8; 16], now: Timestamp) -> Result<Option<Vec<u8>>, StoreError>;

    /// What is kept of a link, ended or not.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn link(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The file of a link, ended or not.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn link_file(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError>;
}

/// A write: all of it happens, or nothing.
pub trait Transaction: Snapshot {
    /// Whose feeds this write has added to so far.
    fn fed(&self) -> BTreeSet<VerificationKey>;
    /// Sets the current access list of a channel, and its members.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn put_channel(
        &mut self,
        list: &AccessList,
        hash: &[u8; 32],
        signed: &[u8],
    ) -> Result<(), StoreError>;
    /// Keeps an object under its id.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn put_object(&mut self, id: &ObjectId, object: &Object<'_>) -> Result<(), StoreError>;
    /// Puts a kept object at the end of the feeds of `keys`.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn append_feed(&mut self, keys: &[VerificationKey], id: &ObjectId) -> Result<(), StoreError>;
    /// Puts a channel's envelopes at the end of a feed, moving those that are already in it.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn backfill(
        &mut self,
        key: &VerificationKey,
        channel: &ChannelId,
        epochs: Epochs<'_>,
    ) -> Result<(), StoreError>;
    /// Takes a channel's envelopes out of a feed.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn clear_feed(&mut self, key: &VerificationKey, channel: &ChannelId) -> Result<(), StoreError>;
    /// Forgets the content of an epoch's envelopes, remembering their ids.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn drop_epoch(&mut self, channel: &ChannelId, epoch: &EpochId) -> Result<(), StoreError>;
    /// Notes that the owner of a feed has stored everything up to `position`.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn acknowledge(
        &mut self,
        key: &VerificationKey,
        position: u64,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Deletes letters of a mailbox that were acknowledged before `before`.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn expire_letters(
        &mut self,
        key: &VerificationKey,
        before: Timestamp,
    ) -> Result<(), StoreError>;
    /// Counts one more for a key on a day (days since 1970), and returns the count.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn count(&mut self, key: &VerificationKey, meter: Meter, day: i64) -> Result<u64, StoreError>;
    /// Keeps a rendezvous object until `expires`, and deletes those that expired before `now`.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn put_blob(
        &mut self,
        id: &ObjectId,
        bytes: &[u8],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError>;
    /// Keeps a link; without a file, the one that is there stays.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn put_link(
        &mut self,
        id: &ObjectId,
        state: &[u8],
        file: Option<&[u8]>,
        until: Timestamp,
    ) -> Result<(), StoreError>;
    /// Deletes a link and its file.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn delete_link(&mut self, id: &ObjectId) -> Result<(), StoreError>;
    /// Deletes links that ended a month before `now`; until then their makers can ask about them.
    ///
    /// # Errors
    /// See [`Snapshot::relay`].
    fn expire_links(&mut self, now: Timestamp) -> Result<(), StoreError>;
}

/// Seconds that a link is kept for its maker to ask about after it ended.
pub const LINK_KEPT_SECONDS: i64 = 30 * passport_core::time::DAY_SECONDS;

/// A write to be done.
pub type Write = Box<dyn FnOnce(&mut dyn Transaction) -> Result<(), StoreError> + Send>;
/// A read to be done.
pub type Read<'a> = &'a mut dyn FnMut(&dyn Snapshot) -> Result<(), StoreError>;

/// A relay's store.
pub trait Store: Send + Sync {
    /// Runs a write as one transaction; it is durable when this returns `Ok`.
    ///
    /// # Errors
    /// Returns [`StoreError`]; then nothing of it was kept.
    fn write(&self, write: Write) -> Result<(), StoreError>;

    /// Runs a read on a consistent snapshot.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the database fails or is damaged.
    fn read(&self, read: Read<'_>) -> Result<(), StoreError>;
}

/// Runs a write that answers something, which is returned once it is durable.
///
/// # Errors
/// As [`Store::write`].
pub fn write<R, F>(store: &dyn Store, change: F) -> Result<R, StoreError>
where
    R: Send + 'static,
    F: FnOnce(&mut dyn Transaction) -> Result<R, StoreError> + Send + 'static,
{
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    store.write(Box::new(move |tx| {
        let answer = change(tx)?;
        sender.try_send(answer).map_err(|_| StoreError::Stopped)
    }))?;
    receiver.try_recv().map_err(|_| StoreError::Stopped)
}

/// Runs a read that answers something.
///
/// # Errors
/// As [`Store::read`].
pub fn read<R>(
    store: &dyn Store,
    look: impl Fn(&dyn Snapshot) -> Result<R, StoreError>,
) -> Result<R, StoreError> {
    let mut answer = None;
    store.read(&mut |snapshot| {
        answer = Some(look(snapshot)?);
        Ok(())
    })?;
    answer.ok_or(StoreError::Stopped)
}

impl Object<'_> {
    /// Its bytes, as they are kept.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Envelope { bytes, .. }
            | Self::Letter { bytes, .. }
            | Self::AccessList { bytes, .. } => bytes,
        }
    }

    /// What a feed calls it.
    #[must_use]
    pub fn kind(&self) -> ItemKind {
        match self {
            Self::Envelope { .. } => ItemKind::Envelope,
            Self::Letter { .. } => ItemKind::Letter,
            Self::AccessList { .. } => ItemKind::AccessList,
        }
    }
}
