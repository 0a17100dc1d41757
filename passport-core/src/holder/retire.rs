//! Retiring: what becomes of an epoch that everybody has left.
//!
//! ```text
//!  superseded ──► carried over ──► everybody left, or long ago ──► archived ──► a relay has all
//!                                                                               of that: dropped
//! ```
//!
//! Devices keep what they have. What still comes in a retired epoch is carried over as ever,
//! added to the archive, and dropped again.

use std::collections::BTreeSet;

use rand_core::CryptoRng;

use super::Holder;
use super::found::PART_BYTES;
use crate::access::DropEpoch;
use crate::archive::Archive;
use crate::codec;
use crate::envelope::OpenedEnvelope;
use crate::epoch::VerifiedCharter;
use crate::id::{ChannelId, EnvelopeId, EpochId, OrganisationId, VerificationKey};
use crate::journal::{OutgoingDrop, RemoteState};
use crate::keys::{Signed, VerifiedInstance};
use crate::party::{PartyError, archived, opened_of};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Days after which an epoch is retired though somebody was not heard of since: a phone in a
/// drawer, an installation that is never switched on. Nothing is lost by it being too soon, as
/// late envelopes are still taken, and nothing is gained by it being later than the term of a
/// letter at a relay.
const PATIENCE_DAYS: i64 = 30;

/// Envelopes since the snapshot, for each part of it, after which an epoch has grown long: so many
/// take a third of a second to read anew in every run. Packs make them cheap to send and keep, and
/// a founding sends all text there is uncompressed.
const GROWN_ENVELOPES: u64 = 2_048;

/// Bytes, likewise, of an epoch whose snapshot has one part. Those with more may be twice as large
/// as the snapshot, so that founding never seals much more anew than was written meanwhile.
const GROWN_BYTES: u64 = 512 * 1024;

/// How much of an epoch is here: its envelopes, and the packs of its archive.
type AtHand = (u64, u64);

impl<V: Vault> Holder<V> {
    /// Archives the epochs of a section that everybody has left; returns how many packs that
    /// made.
    pub(super) fn retire(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let settled = |id: &EpochId| self.fold.is_settled(&self.ledger, id);
        let Some(current) = self.current(section).filter(settled) else { return Ok(0) };
        let mut made = 0;
        for (epoch, _) in self.older(section, current) {
            if self.fold.stale.contains(&epoch) {
                made += usize::from(self.let_go(batch, &epoch, current, now, rng)?);
                continue;
            }
            if self.fold.void.contains_key(&epoch) {
                continue;
            }
            let before = self.archived_at(&epoch)?;
            if before == Some(self.at_hand(&epoch)) {
                continue;
            }
            if before.is_some() || self.is_left(&epoch, current, now)? {
                made += self.archive(batch, &epoch, current)?;
            }
        }
        Ok(made)
    }

    /// Whether so much was written in an epoch that a new one is cheaper to read.
    pub(super) fn has_grown(&self, epoch: &EpochId) -> bool {
        let Some(known) = self.fold.epochs.get(epoch) else { return false };
        let parts = known.charter.snapshot.len() as u64;
        let twice = parts.saturating_sub(1).saturating_mul(2 * PART_BYTES as u64);
        let here = self.journal.extent(epoch);
        here.held > parts.saturating_mul(GROWN_ENVELOPES + 1)
            || here.bytes > twice.saturating_add(GROWN_BYTES)
    }

    /// Writes what the archive of an epoch lacks, as far as it is here. An epoch of which
    /// something is missing stays as it is: relays may have it still.
    fn archive(
        &mut self,
        batch: &mut Batch,
        epoch: &EpochId,
        current: EpochId,
    ) -> Result<usize, PartyError> {
        let replica = self.replica(*epoch)?;
        if !replica.is_ready() || replica.missing().next().is_some() {
            return Ok(0);
        }
        let channel = self.replica(current)?.charter().channel;
        let known = self.fold.epochs.get(epoch).ok_or(PartyError::NoEpoch)?;
        let archive = known.archive.as_ref().ok_or(PartyError::Damaged)?;
        let there: BTreeSet<EnvelopeId> =
            archived(&self.journal, archive, &known.charter, &known.keys)?
                .iter()
                .map(OpenedEnvelope::id)
                .collect();
        let (came, _) = opened_of(&self.journal, epoch, &known.keys)?;
        // A run is vouched for by its last: of an author who is lacking, all is written again.
        let line = |e: &OpenedEnvelope| (e.header().author, e.header().kind, e.header().phase);
        let lacking: BTreeSet<_> =
            came.iter().filter(|e| !there.contains(&e.id())).map(line).collect();
        let opened = came.into_iter().filter(|e| lacking.contains(&line(e)));
        let packs = archive.seal(channel, opened)?;
        for pack in &packs {
            self.journal.append(batch, pack, None)?;
        }
        let (table, key) = archived_at(epoch);
        batch.put(table, key, codec::encode(&self.at_hand(epoch)));
        Ok(packs.len())
    }

    /// Whether everybody who could write in an epoch, or still reads it, is known to write in a
    /// later one, or it was superseded long ago. One that no other follows is superseded by the
    /// current one, which was founded beside it. Of a stale epoch, readers are not waited for.
    pub(super) fn is_left(
        &mut self,
        epoch: &EpochId,
        current: EpochId,
        now: Timestamp,
    ) -> Result<bool, PartyError> {
        let epochs = &self.fold.epochs;
        let founded = |id: &EpochId| self.fold.known(id).map(|e| e.charter.founded_at);
        let next = epochs.values().filter(|e| e.charter.parents.contains(epoch));
        let next = next.map(|e| e.charter.founded_at).min();
        let superseded = next.or_else(|| founded(&current).max(founded(epoch)));
        if superseded.is_some_and(|at| at.plus_days(PATIENCE_DAYS) <= now) {
            return Ok(true);
        }
        let Some(section) = self.fold.known(epoch).map(|e| e.charter.section.clone()) else {
            return Ok(false);
        };
        let mut moved = self.moved_on(&self.after(epoch, current))?;
        moved.insert(self.device());
        let devices = self.fold.live_devices().map(|d| d.verified.key());
        let charter = self.fold.known(epoch).map(|e| &e.charter);
        let concerned = |organisation: &OrganisationId| {
            !self.fold.stale.contains(epoch)
                || charter.is_some_and(|c| c.writer(organisation).is_some())
        };
        let members = self.fold.in_force(&section, now).map(|g| g.grant.organisation);
        let members = members.filter(concerned);
        let contacts = members.filter_map(|id| self.fold.contacts.get(&id));
        let instances = contacts.flat_map(|c| c.card.instances());
        let instances = instances.map(VerifiedInstance::key);
        Ok(devices.chain(instances).all(|key| moved.contains(&key)))
    }

    /// The epochs that follow one, however far; where none does, the current one, which was
    /// founded beside it.
    pub(super) fn after(&self, epoch: &EpochId, current: EpochId) -> BTreeSet<EpochId> {
        let epochs = self.fold.epochs.values().map(|e| &e.charter);
        let follow = epochs.filter(|c| self.ancestors(c).contains(epoch));
        let follow: BTreeSet<EpochId> = follow.map(VerifiedCharter::id).collect();
        if follow.is_empty() { BTreeSet::from([current]) } else { follow }
    }

    /// Keys that are known to have heard of one of these epochs: whoever wrote in one, or sent a
    /// receipt for it; whoever made a statement that builds on its founding, or joined by one.
    pub(super) fn moved_on(
        &mut self,
        epochs: &BTreeSet<EpochId>,
    ) -> Result<BTreeSet<VerificationKey>, PartyError> {
        let mut moved = self.ledger.heard_of(epochs);
        for epoch in epochs {
            moved.extend(self.journal.authors(epoch)?);
        }
        let arrivals = self.arrivals()?.into_iter().filter(|a| epochs.contains(&a.epoch));
        moved.extend(arrivals.map(|a| a.instance));
        Ok(moved)
    }

    /// The epochs that this device knows to be in the archive, all that is here of them.
    pub(super) fn retired(&self) -> Result<BTreeSet<EpochId>, PartyError> {
        let mut retired = BTreeSet::new();
        let archives = self.archives().map(Archive::of_epoch);
        for epoch in archives.filter(|epoch| !self.fold.stale.contains(epoch)) {
            if self.archived_at(&epoch)? == Some(self.at_hand(&epoch)) {
                retired.insert(epoch);
            }
        }
        Ok(retired)
    }

    /// Epochs for a relay to forget: retired ones whose archive it has acknowledged.
    pub(super) fn drops_for(
        &self,
        remote: &RemoteState,
        retired: &BTreeSet<EpochId>,
    ) -> Vec<OutgoingDrop> {
        let archives = self.archives().filter(|archive| retired.contains(&archive.of_epoch()));
        archives
            .filter_map(|archive| {
                let epoch = archive.of_epoch();
                let (known, packs) = self.at_hand(&epoch);
                let channel = self.fold.epochs.get(&epoch)?.charter.channel;
                let told = remote.has_dropped(&channel, &epoch, known);
                if told || !remote.has(&archive.id(), packs) {
                    return None;
                }
                let signed = self.drop(&channel, &epoch, remote)?;
                Some(OutgoingDrop { channel, epoch, known, signed })
            })
            .collect()
    }

    /// Tells a relay to forget an epoch, as it wants to hear it: signed by the key that its list
    /// of the channel names.
    pub(super) fn drop(
        &self,
        channel: &ChannelId,
        epoch: &EpochId,
        remote: &RemoteState,
    ) -> Option<Signed<DropEpoch>> {
        let list = &remote.list(channel)?.list;
        let drop = DropEpoch::new(list.control, list.nonce, *epoch);
        Some(Signed::new(&drop, self.controls().get(&list.controller())?))
    }

    /// How much of an epoch is here.
    pub(super) fn at_hand(&self, epoch: &EpochId) -> AtHand {
        let archive = self.fold.epochs.get(epoch).and_then(|e| e.archive.as_ref());
        let count = |epoch: &EpochId| self.journal.extent(epoch).count;
        (count(epoch), archive.map_or(0, |archive| count(&archive.id())))
    }

    /// The archives of the epochs that can be read here.
    pub(super) fn archives(&self) -> impl Iterator<Item = &Archive> {
        self.fold.epochs.values().filter_map(|e| e.archive.as_ref())
    }

    /// How much of an epoch was here when the archive was last found to hold all of it.
    fn archived_at(&self, epoch: &EpochId) -> Result<Option<AtHand>, PartyError> {
        let (table, key) = archived_at(epoch);
        let mark = self.journal.vault().get(table, &key)?;
        Ok(mark.and_then(|mark| codec::decode(&mark, 32).ok()))
    }
}

/// Where it is remembered how much of an epoch was archived.
pub(super) fn archived_at(epoch: &EpochId) -> (Table, Vec<u8>) {
    (Table::Meta, [b"archived ".as_slice(), epoch.as_bytes()].concat())
}
