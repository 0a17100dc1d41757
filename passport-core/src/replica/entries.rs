//! An Automerge document for each entry that needs one.
//!
//! An entry of the founding snapshot is read from its record until an envelope names it, and one
//! that was added is read from its edit until a second envelope does. So what a document costs
//! depends on what was done to its entry, and on nothing else in the epoch.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};

use super::branch::{BranchId, Branches, Copy, Sight};
use super::document::{self, EntryState, Origin};
use super::{Node, NodeState, Refusal};
use crate::domain;
use crate::edit::{Edit, EntryRecord, limits};
use crate::id::{EntryId, EnvelopeId, EpochId};
use crate::section::Value;

type Nodes = BTreeMap<EnvelopeId, Node>;

/// The entries of an epoch.
#[derive(Debug)]
pub(super) struct Entries {
    epoch: EpochId,
    /// What the epoch was founded with.
    records: BTreeMap<EntryId, EntryRecord>,
    /// What envelopes have named.
    touched: BTreeMap<EntryId, Touched>,
    branches: Branches,
    order: u64,
}

/// An entry that envelopes have named.
#[derive(Debug)]
enum Touched {
    /// The one envelope that named it added it, and did no more to it: which of its edits.
    Added(EnvelopeId, usize),
    /// As everybody sees it.
    Laid(Box<Laid>),
}

#[derive(Debug)]
struct Laid {
    doc: Automerge,
    made: BTreeMap<EnvelopeId, Made>,
    by_hash: BTreeMap<ChangeHash, EnvelopeId>,
    origins: BTreeMap<ActorId, Vec<(u64, EnvelopeId)>>,
}

/// What an envelope made of one entry.
#[derive(Debug)]
struct Made {
    order: u64,
    /// The heads that its author saw.
    before: Vec<ChangeHash>,
    /// None if it changed nothing.
    change: Option<Change>,
}

/// What an envelope is applied as.
pub(super) struct Place<'a> {
    pub(super) id: EnvelopeId,
    pub(super) branch: BranchId,
    /// The entry that each of its edits names.
    pub(super) names: &'a [EntryId],
}

/// The documents that an envelope writes in, each at exactly the state its author saw. An entry
/// that it adds and nobody else has heard of has none.
pub(super) type Sheets<'a> = BTreeMap<EntryId, Transaction<'a>>;

/// A document on which an envelope is tried.
struct Desk {
    doc: Automerge,
    before: Vec<ChangeHash>,
    /// It is the one that everybody sees, or will be.
    shared: bool,
    /// What was written on it.
    change: Option<Change>,
}

impl Desk {
    fn new(doc: Automerge, shared: bool) -> Self {
        Self { before: doc.get_heads(), doc, shared, change: None }
    }
}

impl Entries {
    pub(super) fn new(epoch: EpochId) -> Self {
        Self {
            epoch,
            records: BTreeMap::new(),
            touched: BTreeMap::new(),
            branches: Branches::default(),
            order: 0,
        }
    }

    /// Takes in the founding snapshot.
    pub(super) fn found(&mut self, records: Vec<EntryRecord>) {
        self.records = records.into_iter().map(|record| (record.id, record)).collect();
    }

    /// The ids of all entries, removed ones included, ascending.
    pub(super) fn ids(&self) -> BTreeSet<EntryId> {
        self.records.keys().chain(self.touched.keys()).copied().collect()
    }

    /// An entry whole, removed or not.
    pub(super) fn read(&self, id: EntryId, nodes: &Nodes) -> Option<EntryState> {
        match self.touched.get(&id) {
            None => self.records.get(&id).map(EntryState::of),
            Some(Touched::Added(envelope, n)) => {
                let node = nodes.get(envelope)?;
                let Edit::Add { kind, fields, .. } = node.edits.get(*n)? else { return None };
                let author = node.standing()?.author();
                Some(EntryState::added(id, kind, fields, (author, node.at), *envelope))
            }
            Some(Touched::Laid(laid)) => {
                document::read_entry(&laid.doc, id, &|op| laid.origin(op)).ok()?
            }
        }
    }

    /// Runs `edit` at exactly the state its author saw, under the actor of its branch. All or
    /// nothing.
    pub(super) fn apply(
        &mut self,
        place: &Place<'_>,
        nodes: &Nodes,
        edit: impl FnOnce(&mut Sheets<'_>) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut sight = self.branches.sight(place.branch, &place.id, nodes);
        let bare = self.bare(place, nodes);
        let full = self.is_full(place, &sight, nodes);
        let actor = place.branch.actor(self.epoch);
        let mut desks = BTreeMap::new();
        let named = place.names.iter().filter(|id| !bare.contains_key(*id));
        let opened = self.open(named, &mut sight, nodes, &mut desks);
        let written = opened.and_then(|()| {
            work(&mut desks, &actor, |sheets| {
                edit(sheets)?;
                if full { Err(Refusal::Limit) } else { Ok(()) }
            })
        });
        if let Err(refusal) = written {
            for (id, desk) in desks.into_iter().filter(|(_, desk)| desk.shared) {
                if let Some(Touched::Laid(laid)) = self.touched.get_mut(&id) {
                    laid.doc = desk.doc;
                }
            }
            self.branches.restore(place.branch, sight);
            return Err(refusal);
        }
        self.order += 1;
        let mut copies = BTreeMap::new();
        for (id, desk) in desks {
            copies.extend(self.keep(place.id, id, desk)?.map(|copy| (id, copy)));
        }
        self.touched.extend(bare.into_iter().map(|(id, n)| (id, Touched::Added(place.id, n))));
        self.branches.advance(place.branch, sight, place.id, copies, nodes);
        Ok(())
    }

    /// Entries that an envelope adds, does no more to, and that nobody else has heard of; with
    /// which of its edits adds each.
    fn bare(&self, place: &Place<'_>, nodes: &Nodes) -> BTreeMap<EntryId, usize> {
        let edits = nodes.get(&place.id).map(|node| node.edits.as_slice()).unwrap_or_default();
        let mut bare = BTreeMap::new();
        let mut more = BTreeSet::new();
        for (n, (id, edit)) in place.names.iter().zip(edits).enumerate() {
            let known = self.touched.contains_key(id) || self.records.contains_key(id);
            let alone = matches!(edit, Edit::Add { .. }) && !known && !more.contains(id);
            if !alone || bare.insert(*id, n).is_some() {
                bare.remove(id);
                more.insert(*id);
            }
        }
        bare
    }

    /// Whether an envelope adds entries where its author sees as many as there may be.
    fn is_full(&self, place: &Place<'_>, sight: &Sight, nodes: &Nodes) -> bool {
        let own: Vec<EntryId> = nodes.get(&place.id).into_iter().flat_map(Node::added).collect();
        if own.is_empty() || self.records.len() + sight.most_added() + own.len() <= limits::ENTRIES
        {
            return false;
        }
        let added: BTreeSet<&EntryId> = sight.added().chain(&own).collect();
        let new = added.into_iter().filter(|id| !self.records.contains_key(*id)).count();
        self.records.len() + new > limits::ENTRIES
    }

    /// Puts each entry on a desk of its own, at the state that an author sees.
    fn open<'a>(
        &mut self,
        named: impl Iterator<Item = &'a EntryId>,
        sight: &mut Sight,
        nodes: &Nodes,
        desks: &mut BTreeMap<EntryId, Desk>,
    ) -> Result<(), Refusal> {
        for id in named {
            if !desks.contains_key(id) {
                self.lay(*id, nodes)?;
                let desk = self.desk(*id, sight)?;
                desks.insert(*id, desk);
            }
        }
        Ok(())
    }

    /// The desk of one entry. Whoever has seen all heads has seen all there is.
    fn desk(&mut self, id: EntryId, sight: &mut Sight) -> Result<Desk, Refusal> {
        let base = || base(self.epoch, id, self.records.get(&id));
        let Some(Touched::Laid(laid)) = self.touched.get_mut(&id) else {
            return Ok(Desk::new(base()?, true));
        };
        let heads = laid.doc.get_heads();
        let seen = |head: &ChangeHash| laid.by_hash.get(head).is_none_or(|id| sight.sees(id));
        if heads.iter().all(seen) {
            return Ok(Desk::new(core::mem::replace(&mut laid.doc, empty()), true));
        }
        let (mut doc, unseen): (_, Vec<EnvelopeId>) = match sight.copy(&id) {
            Some(Copy { doc, unseen }) => (doc, unseen.into_iter().chain(sight.news()).collect()),
            None => (base()?, laid.made.keys().copied().filter(|id| sight.sees(id)).collect()),
        };
        doc.apply_changes(laid.changes(&unseen)).map_err(|_| Refusal::Document)?;
        Ok(Desk::new(doc, false))
    }

    /// Gives an entry that was added a document.
    fn lay(&mut self, id: EntryId, nodes: &Nodes) -> Result<(), Refusal> {
        let Some(Touched::Added(envelope, n)) = self.touched.get(&id) else { return Ok(()) };
        let (envelope, mut doc) = (*envelope, empty());
        let change = self.add(&mut doc, id, envelope, *n, nodes)?;
        let mut laid = Laid::new(doc);
        // It was made before all else that is made of it.
        laid.note(envelope, Made { order: 0, before: Vec::new(), change: Some(change) });
        self.touched.insert(id, Touched::Laid(Box::new(laid)));
        Ok(())
    }

    /// The change by which an envelope added an entry.
    fn add(
        &self,
        doc: &mut Automerge,
        id: EntryId,
        envelope: EnvelopeId,
        n: usize,
        nodes: &Nodes,
    ) -> Result<Change, Refusal> {
        let node = nodes.get(&envelope).ok_or(Refusal::Document)?;
        let NodeState::Applied { standing, branch } = node.state else {
            return Err(Refusal::Document);
        };
        let Some(Edit::Add { kind, fields, .. }) = node.edits.get(n) else {
            return Err(Refusal::Document);
        };
        let values = fields.iter().map(|f| (f.name.as_str(), &f.value));
        let change = transact(doc, branch.actor(self.epoch), |tx| {
            document::insert_entry(tx, id, kind, standing.author(), node.at, values).map(drop)
        })?;
        change.ok_or(Refusal::Document)
    }

    /// Keeps what an envelope made of an entry; gives the author's copy if others wrote too.
    fn keep(
        &mut self,
        envelope: EnvelopeId,
        id: EntryId,
        desk: Desk,
    ) -> Result<Option<Copy>, Refusal> {
        let Desk { doc, before, shared, change } = desk;
        let made = Made { order: self.order, before, change };
        match (self.touched.get_mut(&id), shared) {
            (Some(Touched::Laid(laid)), false) => {
                laid.doc.apply_changes(made.change.clone()).map_err(|_| Refusal::Document)?;
                laid.note(envelope, made);
                return Ok(Some(Copy { doc, unseen: Vec::new() }));
            }
            (Some(Touched::Laid(laid)), true) => {
                laid.doc = doc;
                laid.note(envelope, made);
            }
            (Some(Touched::Added(..)) | None, _) => {
                let mut laid = Laid::new(doc);
                laid.note(envelope, made);
                self.touched.insert(id, Touched::Laid(Box::new(laid)));
            }
        }
        Ok(None)
    }

    /// Takes back envelopes, with everything that builds on them. What is left is as it was:
    /// a change is made of its past and its actor alone.
    pub(super) fn retract(&mut self, gone: &BTreeSet<EnvelopeId>) -> Result<(), Refusal> {
        self.branches.retract(gone);
        let (records, epoch) = (&self.records, self.epoch);
        let mut failed = false;
        self.touched.retain(|id, touched| match touched {
            Touched::Added(envelope, _) => !gone.contains(envelope),
            Touched::Laid(laid) => {
                let before = laid.made.len();
                laid.made.retain(|envelope, _| !gone.contains(envelope));
                if laid.made.len() < before && !laid.made.is_empty() {
                    let anew = base(epoch, *id, records.get(id));
                    failed |= anew.and_then(|doc| laid.rebuild(doc)).is_err();
                }
                !laid.made.is_empty()
            }
        });
        if failed { Err(Refusal::Document) } else { Ok(()) }
    }

    /// The values of a field at what the author of an envelope saw.
    pub(super) fn values_before(
        &self,
        envelope: &EnvelopeId,
        entry: EntryId,
        field: &str,
    ) -> Vec<Value> {
        let before = match self.touched.get(&entry) {
            Some(Touched::Laid(laid)) => laid
                .made
                .get(envelope)
                .and_then(|made| document::values_at(&laid.doc, entry, field, &made.before)),
            Some(Touched::Added(..)) | None => None,
        };
        before.unwrap_or_else(|| {
            let record = self.records.get(&entry);
            let fields = record.into_iter().flat_map(|r| &r.fields);
            let first = fields.filter(|f| f.name == field).filter_map(|f| f.versions.first());
            first.map(|version| version.value.clone()).collect()
        })
    }

    /// The hash of the change that an envelope made to an entry.
    pub(super) fn change(
        &self,
        envelope: &EnvelopeId,
        entry: EntryId,
        nodes: &Nodes,
    ) -> Option<ChangeHash> {
        match self.touched.get(&entry)? {
            Touched::Added(by, n) if by == envelope => {
                self.add(&mut empty(), entry, *by, *n, nodes).ok().map(|change| change.hash())
            }
            Touched::Added(..) => None,
            Touched::Laid(laid) => laid.made.get(envelope)?.change.as_ref().map(Change::hash),
        }
    }
}

impl Laid {
    fn new(doc: Automerge) -> Self {
        let (made, by_hash, origins) = Default::default();
        Self { doc, made, by_hash, origins }
    }

    fn note(&mut self, envelope: EnvelopeId, made: Made) {
        if let Some(change) = &made.change {
            self.by_hash.insert(change.hash(), envelope);
            let origins = self.origins.entry(change.actor_id().clone()).or_default();
            origins.push((change.start_op().get(), envelope));
        }
        self.made.insert(envelope, made);
    }

    /// The changes of these envelopes, in the order they were made in.
    fn changes(&self, of: &[EnvelopeId]) -> Vec<Change> {
        let mut made: Vec<&Made> = of.iter().filter_map(|id| self.made.get(id)).collect();
        made.sort_unstable_by_key(|made| made.order);
        made.into_iter().filter_map(|made| made.change.clone()).collect()
    }

    /// Makes the document of a base and of what is left of what was made of it.
    fn rebuild(&mut self, base: Automerge) -> Result<(), Refusal> {
        let of: Vec<EnvelopeId> = self.made.keys().copied().collect();
        let changes = self.changes(&of);
        let mut made: Vec<(EnvelopeId, Made)> =
            core::mem::take(&mut self.made).into_iter().collect();
        made.sort_unstable_by_key(|(_, made)| made.order);
        *self = Self::new(base);
        for (envelope, made) in made {
            self.note(envelope, made);
        }
        self.doc.apply_changes(changes).map_err(|_| Refusal::Document)
    }

    /// Which envelope wrote an operation.
    fn origin(&self, operation: &automerge::ObjId) -> Origin {
        let automerge::ObjId::Id(counter, actor, _) = operation else { return Origin::Snapshot };
        let Some(origins) = self.origins.get(actor) else { return Origin::Snapshot };
        let after = origins.partition_point(|(start, _)| start <= counter);
        match after.checked_sub(1).and_then(|i| origins.get(i)) {
            Some((_, id)) => Origin::Envelope(*id),
            None => Origin::Snapshot,
        }
    }
}

/// An entry's document before any envelope: with its record, if the snapshot has one.
fn base(epoch: EpochId, id: EntryId, record: Option<&EntryRecord>) -> Result<Automerge, Refusal> {
    let mut doc = empty();
    if let Some(record) = record {
        let parts = [epoch.as_bytes(), &b"snapshot"[..], id.as_bytes()];
        let actor = ActorId::from(&domain::ACTOR.hash(&parts)[..]);
        transact(&mut doc, actor, |tx| document::insert_record(tx, record))?;
    }
    Ok(doc)
}

/// A document that counts text in Unicode scalar values, on every platform.
fn empty() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
}

/// Writes on all desks, or on none.
fn work(
    desks: &mut BTreeMap<EntryId, Desk>,
    actor: &ActorId,
    edit: impl FnOnce(&mut Sheets<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut sheets = Sheets::new();
    for (id, desk) in desks.iter_mut() {
        desk.doc.set_actor(actor.clone());
        sheets.insert(*id, desk.doc.transaction());
    }
    // What is not committed is rolled back when it is dropped.
    edit(&mut sheets)?;
    let hashes: Vec<Option<ChangeHash>> = sheets.into_values().map(commit).collect();
    for (desk, hash) in desks.values_mut().zip(hashes) {
        desk.change = hash.and_then(|hash| desk.doc.get_change_by_hash(&hash));
    }
    Ok(())
}

fn commit(tx: Transaction<'_>) -> Option<ChangeHash> {
    tx.commit_with(CommitOptions::default().with_time(0)).0
}

/// Makes one change, if there is anything to change.
fn transact(
    doc: &mut Automerge,
    actor: ActorId,
    edit: impl FnOnce(&mut Transaction<'_>) -> Result<(), Refusal>,
) -> Result<Option<Change>, Refusal> {
    doc.set_actor(actor);
    let mut tx = doc.transaction();
    edit(&mut tx)?;
    let hash = commit(tx);
    Ok(hash.and_then(|hash| doc.get_change_by_hash(&hash)))
}
