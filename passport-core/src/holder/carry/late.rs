//! Which envelopes of older epochs are late in the current one.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Holder;
use super::steps::is_change;
use crate::edit::Edit;
use crate::id::{EntryId, EnvelopeId, EpochId};
use crate::party::PartyError;
use crate::replica::{Node, Replica, Standing};
use crate::section::SectionName;
use crate::vault::Vault;

/// An envelope of an older epoch that the line to the current one does not know of.
pub(super) struct Late {
    /// The envelope.
    pub(super) id: EnvelopeId,
    /// It carries over what that line knew of in its own way, and may have removed since.
    pub(super) is_again: bool,
}

impl<V: Vault> Holder<V> {
    /// What is late and carried over without asking, by epoch, the oldest first.
    pub(super) fn all_late(
        &mut self,
        section: &SectionName,
        current: EpochId,
    ) -> Result<Vec<(EpochId, EnvelopeId)>, PartyError> {
        let (mut late, mut changed) = (Vec::new(), BTreeSet::new());
        let mut by_epoch = self.late(section, current)?;
        for (old, _) in self.older(section, current) {
            for Late { id, is_again } in by_epoch.remove(&old).unwrap_or_default() {
                if !self.may_carry(section, old, &id, current)? {
                    continue;
                }
                let Some(node) = self.replica(old)?.node(&id) else { continue };
                if !is_again {
                    changed.extend(changes(node));
                }
                let copies = is_again.then(|| copies(node));
                late.push((old, id, copies));
            }
        }
        // What somebody changed where it had been carried is there for them, and comes along.
        late.retain(|(.., copies)| copies.as_ref().is_none_or(|c| !c.is_disjoint(&changed)));
        Ok(late.into_iter().map(|(old, id, ..)| (old, id)).collect())
    }

    /// Admitted envelopes of older epochs that are in the past of no cut of the line, and not dealt
    /// with.
    pub(super) fn late(
        &mut self,
        section: &SectionName,
        current: EpochId,
    ) -> Result<BTreeMap<EpochId, Vec<Late>>, PartyError> {
        let line = self.line(current);
        let mut known: BTreeSet<EnvelopeId> =
            line.iter().flat_map(|epoch| epoch.carried.iter().copied()).collect();
        let mut dealt = known.clone();
        let mut carriers: BTreeMap<EnvelopeId, EnvelopeId> = BTreeMap::new();
        for epoch in self.epochs_of(section) {
            for (id, carries) in self.replica(epoch)?.history().filter_map(carried_by_holder) {
                carriers.insert(*id, carries);
                dealt.insert(carries);
                if epoch == current {
                    known.insert(carries);
                }
            }
        }
        let mut late = BTreeMap::new();
        for (old, seen) in self.older(section, current) {
            let replica = self.replica(old)?;
            let mut ids = Vec::new();
            for (id, _) in replica.history().filter(|(_, node)| node.standing().is_some()) {
                if is_seen(replica, &seen, id) {
                    known.insert(*id);
                    known.extend(carriers.get(id));
                } else if !dealt.contains(id) {
                    ids.push(*id);
                }
            }
            late.insert(old, ids);
        }
        let is_again = |id: &EnvelopeId| {
            let first = carriers.get(id);
            std::iter::successors(first, |at| carriers.get(*at)).any(|at| known.contains(at))
        };
        let one = |id| Late { is_again: is_again(&id), id };
        Ok(late.into_iter().map(|(old, ids)| (old, ids.into_iter().map(one).collect())).collect())
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
            Some((Standing::Holder, device)) => !self.is_removed(&device),
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

/// Entries that an envelope brings.
fn copies(node: &Node) -> BTreeSet<EntryId> {
    let moved = node.edits.iter().filter(|edit| matches!(edit, Edit::Move(_)));
    moved.map(|edit| edit.entry(&node.header.author)).collect()
}

/// Entries that an envelope says something about.
fn changes(node: &Node) -> BTreeSet<EntryId> {
    let says = node.edits.iter().filter(|edit| is_change(edit));
    says.map(|edit| edit.entry(&node.header.author)).collect()
}
