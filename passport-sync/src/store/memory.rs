//! A store in memory, for tests and as the reference for the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use passport_core::access::{AccessList, Member};
use passport_core::id::{ChannelId, EpochId, ObjectId, VerificationKey};
use passport_core::time::Timestamp;

use super::{
    Channel, Epochs, FeedPage, FeedQuery, MailboxState, MailboxUsage, Meter, Object, Read,
    Snapshot, Store, StoreError, Transaction, Write,
};
use crate::session::port::LINK_KEPT_SECONDS;
use crate::wire::{Generation, Item, ItemKind, RelayId};

/// Everything a relay keeps, in memory.
#[derive(Debug)]
pub struct MemoryStore(Mutex<State>);

impl MemoryStore {
    /// An empty store of the relay of this identity.
    #[must_use]
    pub fn new(relay: RelayId) -> Self {
        Self(Mutex::new(State { relay, ..State::default() }))
    }

    /// A copy as it is now, opened as the next run.
    #[must_use]
    pub fn reopen(&self, generation: Generation) -> Self {
        let mut state = self.lock().clone();
        let position = state.position;
        state.past.push((state.generation, position));
        state.generation = generation;
        Self(Mutex::new(state))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn write(&self, write: Write) -> Result<(), StoreError> {
        let mut state = self.lock();
        state.fed.clear();
        let before = state.clone();
        write(&mut *state).inspect_err(|_| *state = before)
    }

    fn read(&self, read: Read<'_>) -> Result<(), StoreError> {
        read(&*self.lock())
    }
}

#[derive(Clone, Debug)]
struct Kept {
    kind: ItemKind,
    channel: Option<ChannelId>,
    epoch: Option<EpochId>,
    /// Whose, and of whom.
    mailbox: Option<(VerificationKey, VerificationKey)>,
    acknowledged: Option<Timestamp>,
    dropped: bool,
    /// The order in which objects came.
    order: u64,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct State {
    relay: RelayId,
    generation: Generation,
    /// Earlier runs, and where they ended.
    past: Vec<(Generation, u64)>,
    position: u64,
    order: u64,
    channels: BTreeMap<ChannelId, (Channel, BTreeMap<VerificationKey, Member>)>,
    lists: BTreeMap<ChannelId, Vec<u8>>,
    objects: BTreeMap<ObjectId, Kept>,
    feeds: BTreeMap<VerificationKey, BTreeMap<u64, ObjectId>>,
    counts: BTreeMap<(VerificationKey, Meter), (i64, u64)>,
    blobs: BTreeMap<ObjectId, (Vec<u8>, Timestamp)>,
    links: BTreeMap<ObjectId, Link>,
    /// Whose feeds the present write has added to.
    fed: BTreeSet<VerificationKey>,
}

#[derive(Clone, Debug)]
struct Link {
    state: Vec<u8>,
    file: Vec<u8>,
    until: Timestamp,
}

impl State {
    fn may_have(&self, key: &VerificationKey, kept: &Kept, now: Timestamp) -> bool {
        let Some((channel, members)) = kept.channel.and_then(|c| self.channels.get(&c)) else {
            return kept.kind == ItemKind::Letter;
        };
        match kept.kind {
            ItemKind::Letter => true,
            ItemKind::AccessList => channel.control == *key,
            ItemKind::Envelope => {
                channel.control == *key || members.get(key).is_some_and(|m| m.may_read(now))
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.position += 1;
        self.position
    }
}

impl Snapshot for State {
    fn relay(&self) -> Result<RelayId, StoreError> {
        Ok(self.relay)
    }

    fn generation(&self) -> Result<Generation, StoreError> {
        Ok(self.generation)
    }

    fn has_reached(&self, generation: &Generation, position: u64) -> Result<bool, StoreError> {
        let present = (self.generation, self.position);
        let mut runs = self.past.iter().chain([&present]);
        Ok(runs.any(|(run, end)| run == generation && position <= *end))
    }

    fn position(&self) -> Result<u64, StoreError> {
        Ok(self.position)
    }

    fn channel(&self, channel: &ChannelId) -> Result<Option<Channel>, StoreError> {
        Ok(self.channels.get(channel).map(|(channel, _)| channel.clone()))
    }

    fn access_list(&self, channel: &ChannelId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lists.get(channel).cloned())
    }

    fn member(
        &self,
        channel: &ChannelId,
        key: &VerificationKey,
    ) -> Result<Option<Member>, StoreError> {
        Ok(self.channels.get(channel).and_then(|(_, members)| members.get(key)).copied())
    }

    fn members(&self, channel: &ChannelId) -> Result<Vec<Member>, StoreError> {
        let channel = self.channels.get(channel);
        Ok(channel.map(|(_, members)| members.values().copied().collect()).unwrap_or_default())
    }

    fn has_object(&self, id: &ObjectId) -> Result<bool, StoreError> {
        Ok(self.objects.contains_key(id))
    }

    fn feed(&self, query: &FeedQuery) -> Result<FeedPage, StoreError> {
        let mut page = FeedPage { position: query.after, ..FeedPage::default() };
        let Some(feed) = self.feeds.get(&query.key) else { return Ok(page) };
        let mut bytes = 0;
        for (looked_at, (position, id)) in feed.range(query.after.saturating_add(1)..).enumerate() {
            if looked_at == query.rows_max {
                page.more = true;
                break;
            }
            let kept = self.objects.get(id);
            if let Some(kept) =
                kept.filter(|k| !k.dropped && self.may_have(&query.key, k, query.now))
            {
                bytes += kept.bytes.len();
                if bytes > query.bytes_max && !page.items.is_empty() {
                    page.more = true;
                    break;
                }
                page.items.push(Item {
                    position: *position,
                    kind: kept.kind,
                    bytes: kept.bytes.clone().into(),
                });
            }
            page.position = *position;
        }
        Ok(page)
    }

    fn mailbox(&self, key: &VerificationKey) -> Result<MailboxState, StoreError> {
        let letters = self.objects.values().filter(|k| k.mailbox.is_some_and(|(to, _)| to == *key));
        let acknowledged = letters.filter_map(|kept| kept.acknowledged).min();
        let unacknowledged = self.feeds.get(key).and_then(|feed| {
            let waits = |id| {
                self.objects
                    .get(id)
                    .is_some_and(|k| k.kind == ItemKind::Letter && k.acknowledged.is_none())
            };
            feed.iter().find(|(_, id)| waits(id)).map(|(position, _)| *position)
        });
        Ok(MailboxState { unacknowledged, acknowledged })
    }

    fn mailbox_usage(
        &self,
        key: &VerificationKey,
        sender: Option<&VerificationKey>,
    ) -> Result<MailboxUsage, StoreError> {
        let of = |(to, from)| to == *key && sender.is_none_or(|sender| *sender == from);
        let letters = self.objects.values().filter(|kept| kept.mailbox.is_some_and(of));
        Ok(letters.fold(MailboxUsage::default(), |usage, kept| MailboxUsage {
            letters: usage.letters + 1,
            bytes: usage.bytes + kept.bytes.len() as u64,
        }))
    }

    fn blob(&self, id: &ObjectId, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let blob = self.blobs.get(id).filter(|(_, expires)| now < *expires);
        Ok(blob.map(|(bytes, _)| bytes.clone()))
    }

    fn blob_from(&self, start: &[u8; 16], now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let mut found = self.blobs.iter().filter(|(id, _)| id.as_bytes().starts_with(start));
        Ok(found.find(|(_, (_, expires))| now < *expires).map(|(_, (bytes, _))| bytes.clone()))
    }

    fn link(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.links.get(id).map(|link| link.state.clone()))
    }

    fn link_file(&self, id: &ObjectId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.links.get(id).map(|link| link.file.clone()))
    }
}

impl Transaction for State {
    fn fed(&self) -> BTreeSet<VerificationKey> {
        self.fed.clone()
    }

    fn put_channel(
        &mut self,
        list: &AccessList,
        hash: &[u8; 32],
        signed: &[u8],
    ) -> Result<(), StoreError> {
        let bytes = self.channels.get(&list.channel).map_or(0, |(channel, _)| channel.bytes);
        let channel = Channel {
            control: list.controller(),
            serial: list.serial,
            hash: *hash,
            live: list.live.clone(),
            bytes,
        };
        let members = list.members.iter().map(|m| (m.key, *m)).collect();
        self.channels.insert(list.channel, (channel, members));
        self.lists.insert(list.channel, signed.to_vec());
        Ok(())
    }

    fn put_object(&mut self, id: &ObjectId, object: &Object<'_>) -> Result<(), StoreError> {
        let (channel, epoch, mailbox, bytes) = match *object {
            Object::Envelope { channel, epoch, bytes } => {
                if let Some((channel, _)) = self.channels.get_mut(&channel) {
                    channel.bytes += bytes.len() as u64;
                }
                (Some(channel), Some(epoch), None, bytes)
            }
            Object::Letter { to, from, bytes } => (None, None, Some((to, from)), bytes),
            Object::AccessList { channel, bytes } => (Some(channel), None, None, bytes),
        };
        self.order += 1;
        let kept = Kept {
            kind: object.kind(),
            channel,
            epoch,
            mailbox,
            acknowledged: None,
            dropped: false,
            order: self.order,
            bytes: bytes.to_vec(),
        };
        self.objects.insert(*id, kept);
        Ok(())
    }

    fn append_feed(&mut self, keys: &[VerificationKey], id: &ObjectId) -> Result<(), StoreError> {
        let position = self.next();
        for key in keys {
            self.fed.insert(*key);
            self.feeds.entry(*key).or_default().insert(position, *id);
        }
        Ok(())
    }

    fn backfill(
        &mut self,
        key: &VerificationKey,
        channel: &ChannelId,
        epochs: Epochs<'_>,
    ) -> Result<(), StoreError> {
        let wanted: BTreeMap<u64, ObjectId> = self
            .objects
            .iter()
            .filter(|(_, kept)| {
                kept.channel == Some(*channel)
                    && !kept.dropped
                    && kept.epoch.is_some_and(|epoch| match epochs {
                        Epochs::All => true,
                        Epochs::Only(some) => some.contains(&epoch),
                    })
            })
            .map(|(id, kept)| (kept.order, *id))
            .collect();
        self.fed.insert(*key);
        let ids: BTreeSet<ObjectId> = wanted.values().copied().collect();
        self.feeds.entry(*key).or_default().retain(|_, id| !ids.contains(id));
        for id in wanted.into_values() {
            self.append_feed(&[*key], &id)?;
        }
        Ok(())
    }

    fn clear_feed(&mut self, key: &VerificationKey, channel: &ChannelId) -> Result<(), StoreError> {
        let objects = &self.objects;
        if let Some(feed) = self.feeds.get_mut(key) {
            feed.retain(|_, id| {
                objects
                    .get(id)
                    .is_none_or(|k| k.channel != Some(*channel) || k.kind != ItemKind::Envelope)
            });
        }
        Ok(())
    }

    fn drop_epoch(&mut self, channel: &ChannelId, epoch: &EpochId) -> Result<(), StoreError> {
        let mut freed = 0;
        for kept in self.objects.values_mut() {
            if kept.channel == Some(*channel) && kept.epoch == Some(*epoch) {
                freed += kept.bytes.len() as u64;
                kept.bytes = Vec::new();
                kept.dropped = true;
            }
        }
        if let Some((channel, _)) = self.channels.get_mut(channel) {
            channel.bytes = channel.bytes.saturating_sub(freed);
        }
        Ok(())
    }

    fn acknowledge(
        &mut self,
        key: &VerificationKey,
        position: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(feed) = self.feeds.get(key) else { return Ok(()) };
        for id in feed.range(..=position).map(|(_, id)| id) {
            let kept = self.objects.get_mut(id).filter(|kept| kept.kind == ItemKind::Letter);
            if let Some(kept) = kept {
                kept.acknowledged.get_or_insert(now);
            }
        }
        Ok(())
    }

    fn expire_letters(
        &mut self,
        key: &VerificationKey,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        self.objects.retain(|_, kept| {
            kept.mailbox.is_none_or(|(to, _)| to != *key)
                || kept.acknowledged.is_none_or(|acknowledged| acknowledged >= before)
        });
        Ok(())
    }

    fn count(&mut self, key: &VerificationKey, meter: Meter, day: i64) -> Result<u64, StoreError> {
        let count = self.counts.entry((*key, meter)).or_insert((day, 0));
        if count.0 != day {
            *count = (day, 0);
        }
        count.1 += 1;
        Ok(count.1)
    }

    fn put_blob(
        &mut self,
        id: &ObjectId,
        bytes: &[u8],
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.blobs.retain(|_, (_, expires)| now < *expires);
        self.blobs.insert(*id, (bytes.to_vec(), expires));
        Ok(())
    }

    fn put_link(
        &mut self,
        id: &ObjectId,
        state: &[u8],
        file: Option<&[u8]>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let before = self.links.remove(id).map(|link| link.file);
        let file = file.map(<[u8]>::to_vec).or(before).unwrap_or_default();
        self.links.insert(*id, Link { state: state.to_vec(), file, until });
        Ok(())
    }

    fn delete_link(&mut self, id: &ObjectId) -> Result<(), StoreError> {
        self.links.remove(id);
        Ok(())
    }

    fn expire_links(&mut self, now: Timestamp) -> Result<(), StoreError> {
        let kept = now.as_seconds().saturating_sub(LINK_KEPT_SECONDS);
        self.links.retain(|_, link| link.until.as_seconds() >= kept);
        Ok(())
    }
}
