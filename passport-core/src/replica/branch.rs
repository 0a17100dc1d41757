//! Automerge documents: one for everybody, and one per author who lags behind.
//!
//! The founding snapshot is not in them: each of its entries is laid, as a change of its own
//! that builds on nothing, when an envelope first names it. So a document is as large as what
//! was edited in its epoch, and an entry nobody touched is read from its record.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};

use super::document::{self, Origin};
use super::{Node, NodeState, Refusal};
use crate::domain;
use crate::edit::EntryRecord;
use crate::envelope::Kind;
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
    /// What the epoch was founded with.
    records: BTreeMap<EntryId, EntryRecord>,
    /// The changes that lay some of those.
    bases: BTreeMap<EntryId, Change>,
    main: Automerge,
    /// Which of the records lie in it.
    laid: BTreeSet<EntryId>,
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
    laid: BTreeSet<EntryId>,
}

/// An envelope's place among the changes.
#[derive(Debug)]
struct Applied {
    order: u64,
    /// Records of the snapshot that it was the first of its past to name.
    lays: Vec<EntryId>,
    change: Option<Change>,
}

/// What an envelope is applied as.
pub(super) struct Place<'a> {
    pub(super) id: EnvelopeId,
    pub(super) branch: BranchId,
    /// The entries that it names.
    pub(super) names: &'a BTreeSet<EntryId>,
}

impl Branches {
    pub(super) fn new(epoch: EpochId) -> Self {
        Self {
            epoch,
            records: BTreeMap::new(),
            bases: BTreeMap::new(),
            main: empty(),
            laid: BTreeSet::new(),
            lagging: BTreeMap::new(),
            used: Vec::new(),
            changes: BTreeMap::new(),
            order: 0,
            origins: BTreeMap::new(),
        }
    }

    /// Takes in the founding snapshot.
    pub(super) fn found(&mut self, records: Vec<EntryRecord>) {
        self.records = records.into_iter().map(|record| (record.id, record)).collect();
    }

    /// A record of the snapshot that nobody has touched.
    pub(super) fn untouched(&self, id: EntryId) -> Option<&EntryRecord> {
        self.records.get(&id).filter(|_| !self.laid.contains(&id))
    }

    /// The ids of all entries, removed ones included, ascending.
    pub(super) fn entry_ids(&self) -> BTreeSet<EntryId> {
        let mut ids: BTreeSet<EntryId> = self.records.keys().copied().collect();
        ids.extend(document::entry_ids(&self.main));
        ids
    }

    /// The changes that lay these records of the snapshot.
    fn lay<'a>(
        &mut self,
        ids: impl IntoIterator<Item = &'a EntryId>,
    ) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        for id in ids {
            let Some(record) = self.records.get(id) else { continue };
            if !self.bases.contains_key(id) {
                let parts = [self.epoch.as_bytes(), &b"snapshot"[..], id.as_bytes()];
                let actor = ActorId::from(&domain::ACTOR.hash(&parts)[..]);
                let laid = transact(&mut empty(), actor, |tx| document::insert_record(tx, record))?;
                self.bases.insert(*id, laid.ok_or(Refusal::Document)?);
            }
            changes.extend(self.bases.get(id).cloned());
        }
        Ok(changes)
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
        let made: Vec<Change> = left.iter().filter_map(|a| a.change.clone()).collect();
        let laid: BTreeSet<EntryId> = left.iter().flat_map(|a| &a.lays).copied().collect();
        let mut changes = self.lay(&laid)?;
        changes.extend(made);
        (self.main, self.laid) = (empty(), laid);
        self.main.apply_changes(changes).map_err(|_| Refusal::Document)
    }

    /// The document as everybody sees it.
    pub(super) fn main(&self) -> &Automerge {
        &self.main
    }

    /// Runs `edit` at exactly the state its author saw, under the actor of its branch, and
    /// returns the document's heads after it. All or nothing. `edit` learns how many entries
    /// there are that its document does not show.
    pub(super) fn apply(
        &mut self,
        Place { id, branch, names }: Place<'_>,
        nodes: &BTreeMap<EnvelopeId, Node>,
        edit: impl FnOnce(&mut Transaction<'_>, usize) -> Result<(), Refusal>,
    ) -> Result<Vec<ChangeHash>, Refusal> {
        let parents: Vec<EnvelopeId> =
            nodes.get(&id).map(|n| n.header.parents().copied().collect()).unwrap_or_default();
        let seen: BTreeSet<ChangeHash> =
            parents.iter().flat_map(|parent| heads_after(parent, nodes)).collect();
        // Whoever has seen all heads has seen all there is. That some of what they name lies
        // before others does not matter: an author names their own last envelope always.
        let up_to_date = self.main.get_heads().iter().all(|head| seen.contains(head));
        // A refused edit must leave nothing behind: records are laid on the branch.
        let lays = names.iter().any(|entry| self.untouched(*entry).is_some());

        let actor = branch.actor(self.epoch);
        let applied = if up_to_date && !lays {
            let hidden = self.records.len().saturating_sub(self.laid.len());
            let change = transact(&mut self.main, actor.clone(), |tx| edit(tx, hidden))?;
            (Vec::new(), change, self.main.get_heads())
        } else {
            let mut lagging = self.advance(branch, &parents, nodes)?;
            let lays: Vec<EntryId> = names
                .iter()
                .filter(|e| self.records.contains_key(e) && lagging.laid.insert(**e))
                .copied()
                .collect();
            let mut changes = self.lay(&lays)?;
            lagging.doc.apply_changes(changes.clone()).map_err(|_| Refusal::Document)?;
            let hidden = self.records.len().saturating_sub(lagging.laid.len());
            let change = transact(&mut lagging.doc, actor.clone(), |tx| edit(tx, hidden))?;
            changes.extend(change.clone());
            self.main.apply_changes(changes).map_err(|_| Refusal::Document)?;
            self.laid.extend(&lays);
            lagging.holds.insert(id);
            let after = lagging.doc.get_heads();
            self.keep(branch, lagging);
            (lays, change, after)
        };
        let (lays, change, after) = applied;
        if let Some(change) = &change {
            let origins = self.origins.entry(actor).or_default();
            origins.push((change.start_op().get(), id));
        }
        self.order += 1;
        self.changes.insert(id, Applied { order: self.order, lays, change });
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
        let mut lagging = self.lagging.remove(&branch).unwrap_or_else(Branch::new);
        let mut unseen = Vec::new();
        let mut lays = BTreeSet::new();
        let mut queue = parents.to_vec();
        while let Some(parent) = queue.pop() {
            let Some(node) = nodes.get(&parent).filter(|n| n.header.kind != Kind::Snapshot) else {
                continue;
            };
            if lagging.holds.insert(parent) {
                queue.extend(node.header.parents().copied());
                let applied = self.changes.get(&parent);
                lays.extend(applied.iter().flat_map(|a| &a.lays));
                unseen.extend(applied.and_then(|a| Some((a.order, a.change.clone()?))));
            }
        }
        unseen.sort_unstable_by_key(|(order, _)| *order);
        let mut changes = self.lay(lays.difference(&lagging.laid))?;
        changes.extend(unseen.into_iter().map(|(_, change)| change));
        lagging.laid.append(&mut lays);
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

    /// The values of a field at what the author of an envelope saw.
    pub(super) fn values_before(
        &self,
        envelope: &EnvelopeId,
        entry: EntryId,
        field: &str,
        nodes: &BTreeMap<EnvelopeId, Node>,
    ) -> Vec<Value> {
        let parents = nodes.get(envelope).into_iter().flat_map(|n| n.header.parents());
        let heads: Vec<ChangeHash> = parents.flat_map(|p| heads_after(p, nodes)).collect();
        let at = document::values_at(&self.main, entry, field, &heads);
        at.unwrap_or_else(|| {
            let record = self.records.get(&entry);
            let fields = record.into_iter().flat_map(|r| &r.fields);
            let first = fields.filter(|f| f.name == field).filter_map(|f| f.versions.first());
            first.map(|version| version.value.clone()).collect()
        })
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

impl Branch {
    fn new() -> Self {
        Self { doc: empty(), holds: BTreeSet::new(), laid: BTreeSet::new() }
    }
}

fn heads_after(id: &EnvelopeId, nodes: &BTreeMap<EnvelopeId, Node>) -> Vec<ChangeHash> {
    match nodes.get(id).map(|n| &n.state) {
        Some(NodeState::Applied { heads, .. }) => heads.clone(),
        Some(NodeState::Quarantined(_)) | None => Vec::new(),
    }
}

/// A document that counts text in Unicode scalar values, on every platform.
fn empty() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
}

fn transact(
    doc: &mut Automerge,
    actor: ActorId,
    edit: impl FnOnce(&mut Transaction<'_>) -> Result<(), Refusal>,
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
