//! Carry-over: what was written in an older epoch that its successor's founder had not seen.
//!
//! Each late envelope becomes an envelope of the current epoch that names it. Where only its
//! author changed a field, the field is set; where both sides did, both values stand as a
//! conflict. Late envelopes of somebody who may no longer write wait for the holder's word.

mod late;
mod quarantine;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use self::late::Late;
pub use self::quarantine::{HeldEdit, Quarantined};
use self::steps::{Back, Fate, Fields, Step, What, is_change, reapplied, step, written};
use super::Holder;
use crate::edit::{Edit, EntryRecord};
use crate::id::{EntryId, EnvelopeId, EpochId};
use crate::ledger::FoldedEpoch;
use crate::party::{PartyError, Pen};
use crate::replica::{EntryNow, Stance};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Most late envelopes that one founding takes in: their ids go into the ledger. More are carried
/// over afterwards.
const DRAWN_UP: usize = 256;

impl<V: Vault> Holder<V> {
    /// Carries over the late envelopes of a section; returns how many.
    pub(super) fn carry_over(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let Some(current) = self.current(section) else { return Ok(0) };
        let mut unread = BTreeSet::new();
        for (old, _) in self.older(section, current) {
            if !self.is_looked_through(&old, current)? {
                unread.insert(old);
            }
        }
        if unread.is_empty() {
            return Ok(0);
        }
        let late = self.all_late(section, current)?;
        let fate = self.fate(&late)?;
        let mut made = 0;
        for (old, id) in late.carried.iter().filter(|(old, _)| unread.contains(old)) {
            made += usize::from(self.carry(batch, section, (*old, id), &fate, now, rng)?);
        }
        for old in &unread {
            let (table, key) = looked_through(old);
            batch.put(table, key, self.how_far(old, current));
        }
        Ok(made)
    }

    /// What the next epoch begins with: the present one, with what is late of older ones taken in,
    /// and which that was. It is sealed nowhere else: whoever reads the present epoch may have no
    /// right to it; and whoever is let into the next does not see what it took away.
    pub(super) fn drawn_up(
        &mut self,
        section: &SectionName,
        present: EpochId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<EntryRecord>, BTreeSet<EnvelopeId>), PartyError> {
        let late = self.all_late(section, present)?;
        if late.carried.is_empty() {
            return Ok((self.replica(present)?.records(), BTreeSet::new()));
        }
        let fate = self.fate(&late)?;
        let mut draft = self.replica(present)?.clone();
        let mut carried = BTreeSet::new();
        for (old, id) in late.carried.into_iter().take(DRAWN_UP) {
            let steps = self.steps(section, old, &id, &fate)?;
            let edits = reapplied(&draft, &steps);
            // It matters again if what was taken away is brought back by what comes still later.
            if edits.is_empty() && steps.iter().all(|step| draft.entry(step.entry).is_none()) {
                continue;
            }
            if !edits.is_empty() {
                let pen = Pen { key: &self.device, chain: Some(&self.chain), now };
                let keys = &self.fold.epochs.get(&present).ok_or(PartyError::NoEpoch)?.keys;
                match pen.write(&mut draft, keys, edits, Some(id), rng) {
                    Ok(_) => {}
                    // What it cannot take stays where it is.
                    Err(PartyError::Refused(_)) => continue,
                    Err(error) => return Err(error),
                }
            }
            carried.insert(id);
        }
        Ok((draft.records(), carried))
    }

    /// Whether all that is here of an older epoch was looked through for what is late in the
    /// current one.
    fn is_looked_through(&self, old: &EpochId, current: EpochId) -> Result<bool, PartyError> {
        let (table, key) = looked_through(old);
        let mark = self.how_far(old, current);
        Ok(self.journal.vault().get(table, &key)?.is_some_and(|m| **m == mark))
    }

    /// What the answer hangs on: the envelopes, and who speaks for the holder.
    fn how_far(&self, old: &EpochId, current: EpochId) -> Vec<u8> {
        let counts = self.fold.epochs.contains_key(old);
        let devices = self.fold.live_devices().count() as u64;
        crate::codec::encode(&(self.at_hand(old), *current.as_bytes(), devices, counts))
    }

    /// The epochs that lead to the current one, it first, each founded upon the one after it. Upon
    /// a void one somebody may have founded who had not heard: then it is of the line.
    pub(super) fn line(&self, current: EpochId) -> Vec<&FoldedEpoch> {
        let mut line: Vec<&FoldedEpoch> = Vec::new();
        let mut at = self.fold.epochs.get(&current);
        while let Some(epoch) = at {
            line.push(epoch);
            let parents = epoch.charter.parents.iter();
            let known = parents.filter_map(|parent| self.fold.known(parent));
            at = known.min_by_key(|parent| (parent.charter.precedence(), parent.charter.id()));
        }
        line
    }

    /// The epochs before the current one and beside it, void ones too, oldest first, each with what
    /// was seen of it when the next of the line that leads to the current one was founded upon it:
    /// of those beside it, nothing.
    pub(super) fn older(
        &self,
        section: &SectionName,
        current: EpochId,
    ) -> Vec<(EpochId, BTreeSet<EnvelopeId>)> {
        let line = self.line(current);
        let next = line.iter().zip(line.iter().skip(1));
        let cuts: BTreeMap<EpochId, &BTreeSet<EnvelopeId>> =
            next.map(|(next, of)| (of.charter.id(), &next.cut)).collect();
        let void = self.fold.void.values().filter(|e| !e.closed);
        let of_section = self.open_epochs().chain(void).filter(|e| e.charter.section == *section);
        let mut older: Vec<_> = of_section
            .map(|e| (e.charter.founded_at, e.charter.id()))
            .filter(|(_, id)| *id != current)
            .collect();
        older.sort_unstable();
        let seen = |id| cuts.get(&id).map(|cut| (*cut).clone()).unwrap_or_default();
        older.into_iter().map(|(_, id)| (id, seen(id))).collect()
    }

    /// What is done with entries: those that late envelopes take away, and none of them changes
    /// where it stands, are gone.
    fn fate(&mut self, late: &Late) -> Result<Fate, PartyError> {
        let (mut removed, mut changed, mut before) =
            (BTreeSet::new(), BTreeSet::new(), BTreeMap::<EntryId, Fields>::new());
        for (old, id) in &late.carried {
            let replica = self.replica(*old)?;
            let Some(node) = replica.node(id) else { continue };
            for edit in &node.edits {
                let entry = edit.entry(&node.header.author);
                let is_gone = replica.entry(entry).is_some_and(|e| e.stance == Stance::Removed);
                let is_removal = matches!(edit, Edit::Remove { .. });
                if !is_gone && (is_removal || is_change(edit)) {
                    changed.insert(entry);
                } else if is_removal && is_gone {
                    removed.insert(entry);
                } else if let Edit::Set { field, .. }
                | Edit::Resolve { field, .. }
                | Edit::Splice { field, .. } = edit
                {
                    let fields = before.entry(entry).or_default();
                    let seen = || replica.values_before(id, entry, field);
                    fields.entry(field.clone()).or_insert_with(seen);
                }
            }
        }
        removed.retain(|entry| !changed.contains(entry));
        let gone = removed.into_iter().map(|e| (e, before.remove(&e).unwrap_or_default()));
        Ok(Fate { gone: gone.collect(), waiting: late.waiting.clone() })
    }

    /// Re-applies one late envelope in the current epoch; whether there was anything to do.
    fn carry(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        (old, late): (EpochId, &EnvelopeId),
        fate: &Fate,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, PartyError> {
        let current = self.current(section).ok_or(PartyError::NoEpoch)?;
        let steps = self.steps(section, old, late, fate)?;
        let edits = reapplied(self.replica(current)?, &steps);
        if edits.is_empty() {
            return Ok(false);
        }
        match self.write_one(batch, section, edits, Some(*late), now, rng) {
            Ok(()) => Ok(true),
            // What the current epoch cannot take stays where it is, for the holder to see.
            Err(PartyError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What a late envelope did to entries that were not erased; of those that are gone, that it
    /// took them away.
    fn steps(
        &mut self,
        section: &SectionName,
        old: EpochId,
        late: &EnvelopeId,
        fate: &Fate,
    ) -> Result<Vec<Step>, PartyError> {
        let step = if self.fold.void.contains_key(&old) { written } else { step };
        let before = self.replica(old)?;
        let Some(node) = before.node(late) else { return Ok(Vec::new()) };
        let steps = node.edits.iter().filter_map(|edit| step(before, late, node, edit));
        let mut steps: Vec<Step> = steps.collect();
        steps.retain(|step| !self.fold.is_erased(section, &step.entry));
        for step in &mut steps {
            if let Some(Back::Before(before)) = &mut step.back {
                *before = self.stood(section, step.entry)?.map(Box::new);
            }
        }
        for step in steps.iter_mut().filter(|step| fate.waiting.contains(&step.entry)) {
            step.back = None;
        }
        // Of what was taken away that alone is said: whoever reads there would see the rest.
        steps.retain_mut(|step| match (fate.gone.get(&step.entry), &mut step.what) {
            (None, _) => true,
            (Some(fields), What::Gone { before, .. }) => {
                before.clone_from(fields);
                true
            }
            (Some(_), _) => false,
        });
        Ok(steps)
    }

    /// An entry as it stood in the last epoch before the current one, and not void, that has it.
    fn stood(
        &mut self,
        section: &SectionName,
        entry: EntryId,
    ) -> Result<Option<EntryNow>, PartyError> {
        let Some(current) = self.current(section) else { return Ok(None) };
        let older: Vec<EpochId> =
            self.older(section, current).into_iter().map(|(e, _)| e).collect();
        for epoch in older.into_iter().rev() {
            if self.fold.void.contains_key(&epoch) {
                continue;
            }
            if let Some(stood) = self.replica(epoch)?.entry(entry) {
                return Ok(Some(stood));
            }
        }
        Ok(None)
    }
}

/// Where a party remembers how far an epoch was looked through for late envelopes.
pub(super) fn looked_through(epoch: &EpochId) -> (Table, Vec<u8>) {
    let mut key = b"carried ".to_vec();
    key.extend_from_slice(epoch.as_bytes());
    (Table::Meta, key)
}
