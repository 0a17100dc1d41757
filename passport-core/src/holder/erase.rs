//! Erasing: entries go, and with them everything their section's history said so far.
//!
//! ```text
//!  erased ──► founded without it ──► a relay has that: told to drop what came before
//!                    │
//!                    └──► whoever may have written there has moved on: deleted here too
//! ```
//!
//! An epoch is *stale* while its founding does not build on every erasure of its section, however
//! it came to be there: from before, founded beside it, or brought back with an old copy. What is
//! stale and was followed is offered to nobody, and what was not seen of it is carried over first.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Holder;
use super::carry::looked_through;
use super::retire::archived_at;
use crate::archive::Archive;
use crate::id::{ChannelId, EntryId, EpochId, OrganisationId};
use crate::journal::{Outgoing, OutgoingDrop, RemoteState};
use crate::ledger::{FoldedEpoch, StatementBody, section_channel};
use crate::party::PartyError;
use crate::replica::Stance;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Most entries that one statement names; more are named by several.
const NAMED: usize = 8_000;

/// Most epochs that a relay is told to forget in one request; the rest goes with the next.
const DROPS: usize = 500;

/// What erasing takes away of one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The section.
    pub section: SectionName,
    /// The entries that go, removed ones included.
    pub entries: BTreeSet<EntryId>,
    /// How many of them are to be seen there now.
    pub shown: usize,
    /// Since when its history tells of it: what it tells is lost whole.
    pub since: Option<Timestamp>,
    /// How many changes the history tells.
    pub changes: usize,
    /// Who reads the section now, and is told to delete what came before.
    pub told: BTreeSet<OrganisationId>,
}

impl<V: Vault> Holder<V> {
    /// What erasing an entry takes away: of its section, and of those it was moved from.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when no section ever had it.
    pub fn erasing_entry(
        &mut self,
        entry: EntryId,
        now: Timestamp,
    ) -> Result<Vec<Erasure>, PartyError> {
        let mut all = Vec::new();
        for section in self.sections() {
            let mut there = false;
            for epoch in self.told_epochs(&section) {
                there |= self.replica(epoch)?.entry(entry).is_some();
            }
            if there {
                all.push(self.erasing(&section, |id| *id == entry, now)?);
            }
        }
        if all.is_empty() { Err(PartyError::NoEntry) } else { Ok(all) }
    }

    /// What erasing a section takes away: all its entries, or with `keep` what its history tells
    /// alone, and what stands in it stays.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEpoch`] when there is no such section.
    pub fn erasing_section(
        &mut self,
        section: &SectionName,
        keep: bool,
        now: Timestamp,
    ) -> Result<Erasure, PartyError> {
        self.erasing(section, |_| !keep, now)
    }

    fn erasing(
        &mut self,
        section: &SectionName,
        goes: impl Fn(&EntryId) -> bool,
        now: Timestamp,
    ) -> Result<Erasure, PartyError> {
        let epoch = self.current(section).ok_or(PartyError::NoEpoch)?;
        let mut entries = self.replica(epoch)?.entries();
        entries.retain(|e| goes(&e.id));
        let history = self.history(section)?;
        let in_force = self.fold.in_force(section, now);
        Ok(Erasure {
            section: section.clone(),
            shown: entries.iter().filter(|e| e.stance != Stance::Removed).count(),
            entries: entries.iter().map(|e| e.id).collect(),
            since: history.first().map(|event| event.at),
            changes: history.len(),
            told: in_force.map(|g| g.grant.organisation).collect(),
        })
    }

    /// Erases: says so, and founds each section anew without it. What came before is gone from
    /// each relay and device once it has heard, and from here when everybody who may have written
    /// there is known to have moved on.
    ///
    /// # Errors
    /// Returns [`PartyError`]; nothing is erased then.
    pub fn erase(
        &mut self,
        erasures: &[Erasure],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        self.erase_in(Batch::new(), erasures, now, rng)
    }

    /// Ends everything: every consent, with the request to delete what was given for it, and
    /// every section that is open here. What remains is an empty passport, whose ledger says to
    /// whoever still has something that it is erased.
    ///
    /// # Errors
    /// Returns [`PartyError`]; nothing is erased then.
    pub fn erase_all(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<(), PartyError> {
        let erasures = self.erasing_all(now)?;
        let mut batch = Batch::new();
        self.leave_all(&mut batch, now, rng)?;
        self.erase_in(batch, &erasures, now, rng)
    }

    /// What [`Self::erase_all`] takes away.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn erasing_all(&mut self, now: Timestamp) -> Result<Vec<Erasure>, PartyError> {
        self.sections().iter().map(|section| self.erasing_section(section, false, now)).collect()
    }

    fn erase_in(
        &mut self,
        mut batch: Batch,
        erasures: &[Erasure],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        for Erasure { section, entries, .. } in erasures {
            let entries: Vec<EntryId> = entries.iter().copied().collect();
            let mut runs: Vec<Vec<EntryId>> = entries.chunks(NAMED).map(<[_]>::to_vec).collect();
            if runs.is_empty() {
                runs.push(Vec::new());
            }
            for entries in runs {
                let body = StatementBody::Erased { section: section.clone(), entries };
                self.say(&mut batch, body, now, rng)?;
            }
            self.found(&mut batch, section, now, rng)?;
            self.carry_over(&mut batch, section, now, rng)?;
        }
        self.journal.commit(batch)?;
        self.note_gone_files()?;
        let mut batch = Batch::new();
        for Erasure { section, .. } in erasures {
            self.retire(&mut batch, section, now, rng)?;
        }
        Ok(self.journal.commit(batch)?)
    }

    /// The epochs of a section that may still be told of.
    pub(super) fn told_epochs(&self, section: &SectionName) -> Vec<EpochId> {
        let mut epochs = self.epochs_of(section);
        epochs.retain(|id| !self.fold.stale.contains(id));
        epochs
    }

    /// Stale epochs that others follow, or are void, where what is to be had of them is: each by its
    /// own id and by that of its archive.
    pub(super) fn erased_epochs(&self) -> BTreeMap<EpochId, EpochId> {
        let followed = self.fold.epochs.values().flat_map(|e| e.charter.parents.iter());
        let erased: BTreeSet<&EpochId> = followed
            .chain(self.fold.void.keys())
            .filter(|id| self.fold.stale.contains(id))
            .collect();
        let known = erased.into_iter().filter_map(|id| Some((id, self.fold.known(id)?)));
        known
            .filter(|(_, known)| !known.closed)
            .flat_map(|(id, known)| {
                let archive = known.archive.as_ref().map(Archive::id);
                core::iter::once(*id).chain(archive).map(|of| (of, *id))
            })
            .collect()
    }

    /// Whether a stale epoch was deleted here, and is not taken in again.
    pub(super) fn was_let_go(&self, epoch: &EpochId) -> Result<bool, PartyError> {
        let (table, key) = let_go(epoch);
        Ok(self.journal.vault().get(table, &key)?.is_some())
    }

    /// Deletes a stale epoch, its archive and the files that only it named here, once everybody who may have written in it is
    /// known to write in a later one, or it was followed long ago. What this device had of it was
    /// carried over: the others wait to hear that. Whether it had something to say.
    pub(super) fn let_go(
        &mut self,
        batch: &mut Batch,
        epoch: &EpochId,
        current: EpochId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, PartyError> {
        if self.was_let_go(epoch)? {
            return Ok(false);
        }
        let silent = !self.moved_on(&self.after(epoch, current))?.contains(&self.device());
        if let Some(known) = self.fold.known(epoch).filter(|_| silent) {
            let section = known.charter.section.clone();
            self.say(batch, StatementBody::Followed { section }, now, rng)?;
        }
        if !self.is_left(epoch, current, now)? {
            return Ok(silent);
        }
        let archive = self.fold.known(epoch).and_then(|e| e.archive.as_ref());
        let archive = archive.map(Archive::id);
        self.forget_files(batch, epoch)?;
        self.journal.forget(batch, epoch)?;
        if let Some(archive) = archive {
            self.journal.forget(batch, &archive)?;
        }
        self.replicas.remove(epoch);
        for (table, key) in [archived_at(epoch), looked_through(epoch)] {
            batch.delete(table, key);
        }
        let (table, key) = let_go(epoch);
        batch.put(table, key, Vec::new());
        Ok(silent)
    }

    /// Adds erased epochs, their archives, and erased files, for a relay to forget. Not before it has what
    /// follows them, until when nobody else may have what was not erased: if that goes now,
    /// there is more to say afterwards.
    pub(super) fn drop_erased(
        &self,
        remote: &RemoteState,
        files: &BTreeMap<EpochId, ChannelId>,
        out: &mut Outgoing,
    ) {
        let has = |epoch: &EpochId| remote.has(epoch, self.journal.extent(epoch).count);
        let has_ledger = has(&self.present_ledger().0);
        let controls = self.controls();
        let goes = !out.envelopes.is_empty();
        let mut drops = Vec::new();
        let mut tell = |section: &SectionName, channels: Vec<ChannelId>, id: EpochId| {
            let untold = channels.into_iter().filter_map(|c| self.erased_drop(c, id, remote));
            if has_ledger && self.fold.current(section).iter().all(has) {
                drops.extend(untold.take(DROPS - drops.len()));
            } else {
                out.more |= goes && untold.count() > 0;
            }
        };
        for (id, epoch) in self.erased_epochs() {
            let Some(charter) = self.fold.known(&epoch).map(|e| &e.charter) else { continue };
            let channels: Vec<ChannelId> = if id == epoch {
                vec![charter.channel]
            } else {
                // An archive is where the section's channel was when it was written.
                controls.values().map(|key| section_channel(key, &charter.section)).collect()
            };
            tell(&charter.section, channels, id);
        }
        for (id, channel) in files {
            let of_channel = |known: &&FoldedEpoch| known.charter.channel == *channel;
            if let Some(known) = self.fold.all_known().find(of_channel) {
                tell(&known.charter.section, vec![*channel], *id);
            }
        }
        out.drops.extend(drops);
    }

    fn erased_drop(
        &self,
        channel: ChannelId,
        epoch: EpochId,
        remote: &RemoteState,
    ) -> Option<OutgoingDrop> {
        let told = remote.has_dropped(&channel, &epoch, 0);
        let signed = if told { None } else { self.drop(&channel, &epoch, remote) };
        Some(OutgoingDrop { channel, epoch, known: 0, signed: signed? })
    }
}

/// Where it is remembered that a stale epoch was deleted.
fn let_go(epoch: &EpochId) -> (Table, Vec<u8>) {
    (Table::Meta, [b"let go ".as_slice(), epoch.as_bytes()].concat())
}
