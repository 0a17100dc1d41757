//! Automerge documents: one for everybody, and one per author who lags behind.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::CommitOptions;
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _};

use super::document::{self, Origin};
use super::{Node, NodeState, Refusal};
use crate::domain;
use crate::edit::EntryRecord;
use crate::epoch::VerifiedCharter;
use crate::id::{EntryId, EnvelopeId, EpochId, VerificationKey};
use crate::section::Value;

/// One linear run of an author's envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchId {
    pub(super) author: VerificationKey,
    pub(super) since: Option<EnvelopeId>,
}

impl BranchId {
    fn actor(&self, epoch: EpochId) -> ActorId {
        let since = self.since.map(|id| *id.as_bytes());
        let since = since.as_ref().map_or(&[][..], |id| &id[..]);
        let hash = domain::ACTOR.hash(&[epoch.as_bytes(), self.author.as_bytes(), since]);
        ActorId::from(hash.get(..16).unwrap_or_default())
    }
}

/// The shared document and the branches beside it.
#[derive(Debug)]
pub(super) struct Branches {
    epoch: EpochId,
    base: Automerge,
    main: Automerge,
    lagging: BTreeMap<BranchId, Branch>,
    changes: BTreeMap<EnvelopeId, Applied>,
    origins: BTreeMap<ActorId, Vec<(u64, EnvelopeId)>>,
}

/// The document as one author saw it last, with the envelopes it holds.
#[derive(Debug)]
struct Branch {
    doc: Automerge,
    holds: BTreeSet<EnvelopeId>,
}

/// An envelope's place among the changes.
#[derive(Debug)]
struct Applied {
    order: usize,
    change: Option<Change>,
}

impl Branches {
    pub(super) fn new(epoch: EpochId) -> Self {
        Self {
            epoch,
            base: Automerge::new(),
            main: Automerge::new(),
            lagging: BTreeMap::new(),
            changes: BTreeMap::new(),
            origins: BTreeMap::new(),
        }
    }

    /// Lays the founding snapshot; whether it could be laid.
    pub(super) fn found(
        &mut self,
        charter: &VerifiedCharter,
        parts: &BTreeMap<u32, Vec<EntryRecord>>,
    ) -> bool {
        let hash = domain::ACTOR.hash(&[charter.id().as_bytes(), b"snapshot"]);
        let actor = ActorId::from(hash.get(..16).unwrap_or_default());
        let mut doc = Automerge::new().with_actor(actor);
        let laid = doc.transact_with::<_, _, Refusal, _>(
            |()| CommitOptions::default().with_time(0),
            |tx| parts.values().flatten().try_for_each(|r| document::insert_record(tx, r)),
        );
        self.base = doc.clone();
        self.main = doc;
        laid.is_ok()
    }

    /// The document as everybody sees it.
    pub(super) fn main(&self) -> &Automerge {
        &self.main
    }

    /// Heads of the founding snapshot, ascending.
    fn base_heads(&self) -> Vec<ChangeHash> {
        let mut heads = self.base.get_heads();
        heads.sort_unstable();
        heads
    }

    /// Runs `edit` at exactly the state its author saw, under the actor of its branch, and
    /// returns the document's heads after it. All or nothing.
    pub(super) fn apply(
        &mut self,
        id: EnvelopeId,
        branch: BranchId,
        nodes: &BTreeMap<EnvelopeId, Node>,
        edit: impl FnOnce(&mut automerge::transaction::Transaction<'_>) -> Result<(), Refusal>,
    ) -> Result<Vec<ChangeHash>, Refusal> {
        let parents: Vec<EnvelopeId> =
            nodes.get(&id).map(|n| n.header.parents().copied().collect()).unwrap_or_default();
        let mut seen: Vec<ChangeHash> =
            parents.iter().flat_map(|parent| self.heads_after(parent, nodes)).collect();
        seen.sort_unstable();
        seen.dedup();
        let mut heads = self.main.get_heads();
        heads.sort_unstable();

        let actor = branch.actor(self.epoch);
        let change = if heads == seen {
            transact(&mut self.main, actor.clone(), edit)?
        } else {
            let change = self.apply_on_branch(id, branch, &parents, nodes, actor.clone(), edit)?;
            if let Some(change) = &change {
                self.main.apply_changes([change.clone()]).map_err(|_| Refusal::Document)?;
            }
            change
        };
        if let Some(change) = &change {
            let origins = self.origins.entry(actor).or_default();
            origins.push((change.start_op().get(), id));
        }
        let after = change.as_ref().map_or(seen, |c| vec![c.hash()]);
        self.changes.insert(id, Applied { order: self.changes.len(), change });
        Ok(after)
    }

    fn apply_on_branch(
        &mut self,
        id: EnvelopeId,
        branch: BranchId,
        parents: &[EnvelopeId],
        nodes: &BTreeMap<EnvelopeId, Node>,
        actor: ActorId,
        edit: impl FnOnce(&mut automerge::transaction::Transaction<'_>) -> Result<(), Refusal>,
    ) -> Result<Option<Change>, Refusal> {
        let mut lagging = self
            .lagging
            .remove(&branch)
            .unwrap_or_else(|| Branch { doc: self.base.clone(), holds: BTreeSet::new() });
        let mut unseen = Vec::new();
        let mut queue = parents.to_vec();
        while let Some(parent) = queue.pop() {
            if lagging.holds.insert(parent) {
                queue.extend(nodes.get(&parent).iter().flat_map(|n| n.header.parents().copied()));
                unseen.extend(self.changes.get(&parent));
            }
        }
        unseen.sort_unstable_by_key(|applied| applied.order);
        let changes: Vec<Change> = unseen.iter().filter_map(|a| a.change.clone()).collect();
        let caught_up = lagging.doc.apply_changes(changes).map_err(|_| Refusal::Document);
        let change = caught_up.and_then(|()| transact(&mut lagging.doc, actor, edit));
        if change.is_ok() {
            lagging.holds.insert(id);
        }
        self.lagging.insert(branch, lagging);
        change
    }

    fn heads_after(&self, id: &EnvelopeId, nodes: &BTreeMap<EnvelopeId, Node>) -> Vec<ChangeHash> {
        match nodes.get(id).map(|n| &n.state) {
            Some(NodeState::Applied { heads, .. }) if !heads.is_empty() => heads.clone(),
            Some(NodeState::Applied { .. } | NodeState::Quarantined(_)) | None => self.base_heads(),
        }
    }

    /// The values of a field at what the author of an envelope saw.
    pub(super) fn values_before(
        &self,
        envelope: &EnvelopeId,
        entry: EntryId,
        field: &str,
        nodes: &BTreeMap<EnvelopeId, Node>,
    ) -> Vec<Value> {
        let parents = nodes.get(envelope).into_iter().flat_map(|n| n.header.parents());
        let heads: Vec<ChangeHash> = parents.flat_map(|p| self.heads_after(p, nodes)).collect();
        document::values_at(&self.main, entry, field, &heads)
    }

    /// Which envelope wrote an operation.
    pub(super) fn origin(&self, operation: &automerge::ObjId) -> Origin {
        let automerge::ObjId::Id(counter, actor, _) = operation else { return Origin::Snapshot };
        let Some(origins) = self.origins.get(actor) else { return Origin::Snapshot };
        let after = origins.partition_point(|(start, _)| start <= counter);
        match after.checked_sub(1).and_then(|i| origins.get(i)) {
            Some((_, id)) => Origin::Envelope(*id),
            None => Origin::Snapshot,
        }
    }
}

fn transact(
    doc: &mut Automerge,
    actor: ActorId,
    edit: impl FnOnce(&mut automerge::transaction::Transaction<'_>) -> Result<(), Refusal>,
) -> Result<Option<Change>, Refusal> {
    doc.set_actor(actor);
    let mut tx = doc.transaction();
    if let Err(refusal) = edit(&mut tx) {
        tx.rollback();
        return Err(refusal);
    }
    let (hash, _) = tx.commit_with(CommitOptions::default().with_time(0));
    Ok(hash.and_then(|hash| doc.get_change_by_hash(&hash)))
}
