//! Automerge documents: one for everybody, and one per author who lags behind.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::CommitOptions;
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};

use super::document::{self, Origin};
use super::{Node, NodeState, Refusal};
use crate::domain;
use crate::edit::EntryRecord;
use crate::envelope::Kind;
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
        ActorId::from(&hash[..])
    }
}

/// The shared document and the branches beside it.
#[derive(Debug)]
pub(super) struct Branches {
    epoch: EpochId,
    base: Automerge,
    main: Automerge,
    lagging: BTreeMap<BranchId, Branch>,
    /// Which branches were used last, the latest at the end.
    used: Vec<BranchId>,
    changes: BTreeMap<EnvelopeId, Applied>,
    order: u64,
    origins: BTreeMap<ActorId, Vec<(u64, EnvelopeId)>>,
}

/// Most lagging branches kept: each is a document. One that was let go is built anew when its
/// author writes again.
const LAGGING: usize = 24;

/// The document as one author saw it last, with the envelopes it holds.
#[derive(Debug)]
struct Branch {
    doc: Automerge,
    holds: BTreeSet<EnvelopeId>,
}

/// An envelope's place among the changes.
#[derive(Debug)]
struct Applied {
    order: u64,
    change: Option<Change>,
}

impl Branches {
    pub(super) fn new(epoch: EpochId) -> Self {
        Self {
            epoch,
            base: empty(),
            main: empty(),
            lagging: BTreeMap::new(),
            used: Vec::new(),
            changes: BTreeMap::new(),
            order: 0,
            origins: BTreeMap::new(),
        }
    }

    /// Lays the founding snapshot; whether it could be laid.
    pub(super) fn found(&mut self, charter: &VerifiedCharter, records: &[EntryRecord]) -> bool {
        let hash = domain::ACTOR.hash(&[charter.id().as_bytes(), b"snapshot"]);
        let actor = ActorId::from(&hash[..]);
        let mut doc = empty().with_actor(actor);
        let laid = doc.transact_with::<_, _, Refusal, _>(
            |()| CommitOptions::default().with_time(0),
            |tx| records.iter().try_for_each(|r| document::insert_record(tx, r)),
        );
        self.base = doc.clone();
        self.main = doc;
        laid.is_ok()
    }

    /// Takes back envelopes, with everything that builds on them. What is left is as it was:
    /// a change is made of its past and its actor alone.
    pub(super) fn retract(&mut self, gone: &BTreeSet<EnvelopeId>) -> Result<(), Refusal> {
        self.changes.retain(|id, _| !gone.contains(id));
        for origins in self.origins.values_mut() {
            origins.retain(|(_, id)| !gone.contains(id));
        }
        self.lagging.retain(|_, branch| branch.holds.is_disjoint(gone));
        self.used.retain(|branch| self.lagging.contains_key(branch));
        let mut left: Vec<&Applied> = self.changes.values().collect();
        left.sort_unstable_by_key(|applied| applied.order);
        let changes: Vec<Change> = left.iter().filter_map(|a| a.change.clone()).collect();
        self.main = self.base.clone();
        self.main.apply_changes(changes).map_err(|_| Refusal::Document)
    }

    /// The document as everybody sees it.
    pub(super) fn main(&self) -> &Automerge {
        &self.main
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
        let seen: BTreeSet<ChangeHash> =
            parents.iter().flat_map(|parent| self.heads_after(parent, nodes)).collect();
        // Whoever has seen all heads has seen all there is. That some of what they name lies
        // before others does not matter: an author names their own last envelope always.
        let up_to_date = self.main.get_heads().iter().all(|head| seen.contains(head));

        let actor = branch.actor(self.epoch);
        let (change, after) = if up_to_date {
            let change = transact(&mut self.main, actor.clone(), edit)?;
            (change, self.main.get_heads())
        } else {
            let mut lagging = self.advance(branch, &parents, nodes)?;
            let change = transact(&mut lagging.doc, actor.clone(), edit)?;
            if let Some(change) = &change {
                self.main.apply_changes([change.clone()]).map_err(|_| Refusal::Document)?;
            }
            lagging.holds.insert(id);
            let after = lagging.doc.get_heads();
            self.keep(branch, lagging);
            (change, after)
        };
        if let Some(change) = &change {
            let origins = self.origins.entry(actor).or_default();
            origins.push((change.start_op().get(), id));
        }
        self.order += 1;
        self.changes.insert(id, Applied { order: self.order, change });
        Ok(after)
    }

    /// A branch's document at exactly the state that `parents` make. A refused edit leaves it
    /// behind, to be built anew: what it saw is not what the author's next envelope must see.
    fn advance(
        &mut self,
        branch: BranchId,
        parents: &[EnvelopeId],
        nodes: &BTreeMap<EnvelopeId, Node>,
    ) -> Result<Branch, Refusal> {
        let mut lagging = self
            .lagging
            .remove(&branch)
            .unwrap_or_else(|| Branch { doc: self.base.clone(), holds: BTreeSet::new() });
        let mut unseen = Vec::new();
        let mut queue = parents.to_vec();
        while let Some(parent) = queue.pop() {
            let Some(node) = nodes.get(&parent).filter(|n| n.header.kind != Kind::Snapshot) else {
                continue;
            };
            if lagging.holds.insert(parent) {
                queue.extend(node.header.parents().copied());
                unseen.extend(self.changes.get(&parent));
            }
        }
        unseen.sort_unstable_by_key(|applied| applied.order);
        let changes: Vec<Change> = unseen.iter().filter_map(|a| a.change.clone()).collect();
        lagging.doc.apply_changes(changes).map_err(|_| Refusal::Document)?;
        Ok(lagging)
    }

    /// Puts a branch back, and lets the one go that was used longest ago if there are too many.
    fn keep(&mut self, branch: BranchId, lagging: Branch) {
        self.used.retain(|used| *used != branch);
        self.used.push(branch);
        self.lagging.insert(branch, lagging);
        if self.used.len() > LAGGING {
            let oldest = self.used.remove(0);
            self.lagging.remove(&oldest);
        }
    }

    fn heads_after(&self, id: &EnvelopeId, nodes: &BTreeMap<EnvelopeId, Node>) -> Vec<ChangeHash> {
        match nodes.get(id).map(|n| &n.state) {
            Some(NodeState::Applied { heads, .. }) if !heads.is_empty() => heads.clone(),
            Some(NodeState::Applied { .. } | NodeState::Quarantined(_)) | None => {
                self.base.get_heads()
            }
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

/// A document that counts text in Unicode scalar values, on every platform.
fn empty() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
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
