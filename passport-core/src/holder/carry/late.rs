//! Which envelopes of older epochs are late in the current one.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Holder;
use crate::id::{EntryId, EnvelopeId, EpochId, VerificationKey};
use crate::party::PartyError;
use crate::replica::{Node, Replica, Standing};
use crate::section::SectionName;
use crate::vault::Vault;

/// What is late in an epoch.
#[derive(Default)]
pub(super) struct Late {
    /// What is carried over without asking, by epoch, the oldest first.
    pub(super) carried: Vec<(EpochId, EnvelopeId)>,
    /// Entries that wait for the holder's word, with what brings them.
    pub(super) waiting: BTreeSet<EntryId>,
}

impl<V: Vault> Holder<V> {
    /// What is late, and what is to be done with it.
    pub(super) fn all_late(
        &mut self,
        section: &SectionName,
        current: EpochId,
    ) -> Result<Late, PartyError> {
        let mut all = Late::default();
        let mut by_epoch = self.late(section, current)?;
        for (old, _) in self.older(section, current) {
            for id in by_epoch.remove(&old).unwrap_or_default() {
                if self.may_carry(section, old, &id, current)? {
                    all.carried.push((old, id));
                } else if let Some(node) = self.replica(old)?.node(&id) {
                    all.waiting.extend(node.added());
                }
            }
        }
        Ok(all)
    }

    /// Admitted envelopes of older epochs that are in the past of no cut of the line, and not dealt
    /// with. What carries something that the line knew of in its own way, and may have removed
    /// since, is none; nor, in a void epoch, what carries anything: that is late where it was.
    pub(super) fn late(
        &mut self,
        section: &SectionName,
        current: EpochId,
    ) -> Result<BTreeMap<EpochId, Vec<EnvelopeId>>, PartyError> {
        let line = self.line(current);
        let mut known: BTreeSet<EnvelopeId> =
            line.iter().flat_map(|epoch| epoch.carried.iter().copied()).collect();
        let mut dealt = known.clone();
        let mut carriers: BTreeMap<EnvelopeId, EnvelopeId> = BTreeMap::new();
        for (id, carries) in self.replica(current)?.history().filter_map(carried_by_holder) {
            carriers.insert(*id, carries);
            known.insert(carries);
        }
        let older = self.older(section, current);
        for (old, seen) in &older {
            let counts = self.fold.epochs.contains_key(old);
            let replica = self.replica(*old)?;
            let carried = replica.history().filter_map(carried_by_holder);
            carriers.extend(
                carried
                    .filter(|(id, _)| counts || is_seen(replica, seen, id))
                    .map(|(id, carries)| (*id, carries)),
            );
        }
        dealt.extend(carriers.values());
        let mut late: BTreeMap<EpochId, Vec<EnvelopeId>> = BTreeMap::new();
        for (old, seen) in older {
            let counts = self.fold.epochs.contains_key(&old);
            let replica = self.replica(old)?;
            let mut ids = Vec::new();
            for (id, node) in replica.history() {
                let Some(standing) = node.standing() else { continue };
                if is_seen(replica, &seen, id) {
                    known.insert(*id);
                    known.extend(carriers.get(id));
                } else if !dealt.contains(id) && (counts || node.carries.is_none()) {
                    ids.push((*id, standing, node.header.author));
                }
            }
            let heeded = ids.into_iter().filter(|(_, standing, author)| {
                counts || self.is_heeded_in_void(*standing, author)
            });
            late.insert(old, heeded.map(|(id, ..)| id).collect());
        }
        let is_again = |id: &EnvelopeId| {
            let first = carriers.get(id);
            std::iter::successors(first, |at| carriers.get(*at)).any(|at| known.contains(at))
        };
        for ids in late.values_mut() {
            ids.retain(|id| !is_again(id));
        }
        Ok(late)
    }

    /// Sections that were begun in void epochs alone, and in which somebody wrote who is heard.
    pub(in crate::holder) fn begun_in_void(&mut self) -> Result<BTreeSet<SectionName>, PartyError> {
        let begun = |section: &SectionName| {
            self.fold.epochs.values().all(|epoch| epoch.charter.section != *section)
        };
        let void = self.fold.void.values().filter(|e| !e.closed && begun(&e.charter.section));
        let void: Vec<(EpochId, SectionName)> =
            void.map(|e| (e.charter.id(), e.charter.section.clone())).collect();
        let mut sections = BTreeSet::new();
        for (epoch, section) in void {
            let own = self.replica(epoch)?.history().filter(|(_, node)| node.carries.is_none());
            let wrote: Vec<_> =
                own.filter_map(|(_, node)| Some((node.standing()?, node.header.author))).collect();
            if wrote.iter().any(|(standing, author)| self.is_heeded_in_void(*standing, author)) {
                sections.insert(section);
            }
        }
        Ok(sections)
    }

    /// Whether what somebody wrote in a void epoch is heard at all. Who was removed can found any
    /// number of them, and write in them; nobody else's word can be made up there.
    fn is_heeded_in_void(&self, standing: Standing, author: &VerificationKey) -> bool {
        match standing {
            Standing::Holder => self.is_live(author),
            Standing::Contributor { organisation, .. } => {
                self.fold.contacts.contains_key(&organisation)
            }
        }
    }

    /// Whether a late envelope is carried over without asking: its author may still write, or is
    /// the holder. The holder's word about a quarantined one decides otherwise.
    pub(super) fn may_carry(
        &mut self,
        section: &SectionName,
        old: EpochId,
        late: &EnvelopeId,
        current: EpochId,
    ) -> Result<bool, PartyError> {
        debug_assert!(self.current(section) == Some(current), "carries into the current epoch");
        if let Some(released) = self.fold.judged.get(late) {
            return Ok(*released);
        }
        let node = self.replica(old)?.node(late);
        let standing = node.map(|n| (n.standing(), n.header.author));
        Ok(match standing.and_then(|(s, author)| Some((s?, author))) {
            Some((Standing::Holder, device)) => self.is_live(&device),
            Some((Standing::Contributor { organisation, .. }, _)) => {
                self.replica(current)?.charter().writer(&organisation).is_some()
            }
            None => false,
        })
    }
}

/// What an envelope of the holder carries.
fn carried_by_holder<'a>(
    (id, node): (&'a EnvelopeId, &Node),
) -> Option<(&'a EnvelopeId, EnvelopeId)> {
    (node.standing() == Some(Standing::Holder)).then_some(id).zip(node.carries)
}

fn is_seen(replica: &Replica, seen: &BTreeSet<EnvelopeId>, id: &EnvelopeId) -> bool {
    seen.contains(id) || seen.iter().any(|tip| replica.precedes(id, tip))
}
