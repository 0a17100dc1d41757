//! Carry-over: what was written in an older epoch that its successor's founder had not seen.
//!
//! Each late envelope becomes an envelope of the current epoch that names it. Where only its
//! author changed a field, the field is set; where both sides did, both values stand as a
//! conflict. Late envelopes of somebody who may no longer write wait for the holder's word.

mod late;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;
use serde::Serialize;

use self::late::Late;
use self::steps::{Back, Fate, Fields, Step, What, is_change, reapplied, stands, step, written};
use super::Holder;
use crate::edit::{Edit, EntryRecord};
use crate::id::{EntryId, EnvelopeId, EpochId, VerificationKey};
use crate::ledger::{FoldedEpoch, StatementBody};
use crate::party::{PartyError, Pen};
use crate::replica::{EntryNow, Node, Refusal, Replica, Stance};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Most late envelopes that one founding takes in: their ids go into the ledger. More are carried
/// over afterwards.
const DRAWN_UP: usize = 256;

/// An envelope that was put aside, for the holder to see.
#[derive(Clone, Debug)]
pub struct Quarantined {
    /// The envelope.
    pub envelope: EnvelopeId,
    /// The section.
    pub section: SectionName,
    /// Who signed it: the organisation's name, or what else is known.
    pub author: String,
    /// When it claims to have been written.
    pub at: Timestamp,
    /// Why it was put aside; none for a late envelope of a former writer.
    pub refusal: Option<Refusal>,
    /// What it holds.
    pub edits: Vec<HeldEdit>,
}

/// An edit that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldEdit {
    /// What kind of edit.
    pub what: &'static str,
    /// The field, where it is about one.
    pub field: Option<String>,
    /// The value or text, in words.
    pub value: Option<String>,
}

impl HeldEdit {
    fn all(node: &Node) -> Vec<Self> {
        let one = |edit: &Edit| {
            let (field, value) = crate::view::said(edit, &node.header.author);
            Self { what: edit.name(), field, value }
        };
        node.edits.iter().map(one).collect()
    }
}

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

    /// Whether a device speaks for the holder. Of one that nobody tells of, somebody who was removed
    /// may have made the certificate.
    pub(super) fn is_live(&self, device: &VerificationKey) -> bool {
        self.fold.devices.get(device).is_some_and(|known| !known.removed)
    }

    pub(super) fn is_removed(&self, device: &VerificationKey) -> bool {
        self.fold.gone.contains(device)
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

    /// What was put aside in all sections: refused envelopes, and late ones of former writers.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn quarantined(&mut self) -> Result<Vec<Quarantined>, PartyError> {
        let mut aside: Vec<(EpochId, EnvelopeId, Option<Refusal>)> = Vec::new();
        let judged = self.fold.judged.clone();
        let epochs: Vec<EpochId> = self.open_epochs().map(|e| e.charter.id()).collect();
        for epoch in epochs {
            let refused = self.replica(epoch)?.quarantined();
            let open = refused.filter(|(id, ..)| !judged.contains_key(*id));
            aside.extend(open.map(|(id, _, refusal)| (epoch, *id, Some(refusal))));
        }
        for section in self.sections() {
            let Some(current) = self.current(&section) else { continue };
            for (epoch, late) in self.late(&section, current)? {
                for id in late.into_iter().filter(|id| !judged.contains_key(id)) {
                    if self.may_carry(&section, epoch, &id, current)? {
                        continue;
                    }
                    // What stands already, as it went along with what came before, waits for nobody.
                    let steps = self.steps(&section, epoch, &id, &Fate::default())?;
                    if !stands(self.replica(current)?, &steps) {
                        aside.push((epoch, id, None));
                    }
                }
            }
        }
        let mut all = Vec::new();
        for (epoch, envelope, refusal) in aside {
            let replica = self.replica(epoch)?;
            let Some(node) = replica.node(&envelope) else { continue };
            all.push(Quarantined {
                envelope,
                section: replica.charter().section.clone(),
                author: author_name(replica, node),
                at: node.at,
                refusal,
                edits: HeldEdit::all(node),
            });
        }
        all.sort_by_key(|q| (q.at, q.envelope));
        Ok(all)
    }

    /// Decides about an envelope in quarantine: takes a late one over after all, or drops it.
    /// A refused one can only be dropped.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when it is not in quarantine, [`PartyError::Refused`] when
    /// it cannot be released.
    pub fn judge(
        &mut self,
        envelope: EnvelopeId,
        release: bool,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let aside = self.quarantined()?;
        let one = aside.iter().find(|q| q.envelope == envelope).ok_or(PartyError::NoEntry)?;
        if let (true, Some(refusal)) = (release, one.refusal) {
            return Err(PartyError::Refused(refusal));
        }
        let mut batch = Batch::new();
        let body = StatementBody::Judged { envelope, released: release };
        self.say(&mut batch, body, now, rng)?;
        if release {
            self.release(&mut batch, &one.section, &envelope, now, rng)?;
        }
        Ok(self.journal.commit(batch)?)
    }

    /// Takes over a late envelope of somebody who may no longer write. What they signed needs
    /// their card in the charter: where it is not, an epoch is founded that has it.
    fn release(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        envelope: &EnvelopeId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let current = self.current(section).ok_or(PartyError::NoEpoch)?;
        for (epoch, _) in self.older(section, current) {
            let replica = self.replica(epoch)?;
            let Some(node) = replica.node(envelope) else { continue };
            let charter = replica.charter();
            let organisation = charter.organisation_of(&node.header.author);
            let card = organisation.and_then(|o| Some((o, charter.card(&o)?.signed().clone())));
            if let Some((organisation, card)) = card
                && self.replica(current)?.charter().card(&organisation).is_none()
            {
                self.found_with(batch, section, &[card], now, rng)?;
            }
            self.carry(batch, section, (epoch, envelope), &Fate::default(), now, rng)?;
        }
        Ok(())
    }
}

fn author_name(replica: &Replica, node: &Node) -> String {
    let charter = replica.charter();
    let card = charter.organisation_of(&node.header.author).and_then(|o| charter.card(&o));
    let name = card.map(|card| card.name.clone());
    name.unwrap_or_else(|| "a device of the holder, or an unknown key".to_owned())
}

/// Where a party remembers how far an epoch was looked through for late envelopes.
pub(super) fn looked_through(epoch: &EpochId) -> (Table, Vec<u8>) {
    let mut key = b"carried ".to_vec();
    key.extend_from_slice(epoch.as_bytes());
    (Table::Meta, key)
}
