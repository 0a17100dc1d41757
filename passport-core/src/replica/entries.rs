//! An Automerge document for each entry that needs one.
//!
//! An entry of the founding snapshot is read from its record until an envelope names it, and one
//! that was added is read from its edit until a second envelope does. So what a document costs
//! depends on what was done to its entry, and on nothing else in the epoch.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::Transaction;
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _};

use super::branch::{BranchId, Branches, Copy, Sight};
use super::document::{self, EntryState};
use super::laid::{Laid, Made, base, commit, empty, transact};
use super::{Node, NodeState, Refusal};
use crate::edit::{Edit, EntryRecord, limits};
use crate::id::{EntryId, EnvelopeId, EpochId};
use crate::section::Value;

type Nodes = BTreeMap<EnvelopeId, Node>;

/// The entries of an epoch.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
enum Touched {
    /// The one envelope that named it added it, and did no more to it: which of its edits.
    Added(EnvelopeId, usize),
    /// As everybody sees it.
    Laid(Box<Laid>),
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
    sheet: Sheet,
    before: Vec<ChangeHash>,
    /// What was written on it.
    change: Option<Change>,
}

enum Sheet {
    /// What everybody sees, or will.
    Shared(Box<Laid>),
    /// What the author sees.
    Copy(Box<Automerge>),
}

impl Desk {
    fn new(sheet: Sheet) -> Self {
        let before = match &sheet {
            Sheet::Shared(laid) => laid.doc.get_heads(),
            Sheet::Copy(doc) => doc.get_heads(),
        };
        Self { sheet, before, change: None }
    }

    fn doc(&mut self) -> &mut Automerge {
        match &mut self.sheet {
            Sheet::Shared(laid) => &mut laid.doc,
            Sheet::Copy(doc) => doc,
        }
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

    /// What the epoch was founded with.
    pub(super) fn founded(&self) -> impl Iterator<Item = &EntryRecord> {
        self.records.values()
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
            Some(Touched::Laid(laid)) => laid.read(id),
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
            for (id, desk) in desks {
                if let Sheet::Shared(laid) = desk.sheet
                    && !laid.made.is_empty()
                {
                    self.touched.insert(id, Touched::Laid(laid));
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

    /// The desk of one entry.
    fn desk(&mut self, id: EntryId, sight: &mut Sight) -> Result<Desk, Refusal> {
        let (epoch, record) = (self.epoch, self.records.get(&id));
        let base = || base(epoch, id, record);
        let laid = match self.touched.remove(&id) {
            Some(Touched::Laid(laid)) => laid,
            Some(Touched::Added(..)) | None => Box::new(Laid::new(base()?)),
        };
        if laid.is_seen(sight) {
            return Ok(Desk::new(Sheet::Shared(laid)));
        }
        let copy = match sight.copy(&id) {
            Some(Copy { doc, unseen }) => {
                Ok((doc, unseen.into_iter().chain(sight.news()).collect()))
            }
            None => base().map(|doc| (Box::new(doc), laid.seen_by(sight))),
        };
        let copy = copy.and_then(|(mut doc, unseen): (_, Vec<EnvelopeId>)| {
            doc.apply_changes(laid.changes(&unseen)).map_err(|_| Refusal::Document)?;
            Ok(Desk::new(Sheet::Copy(doc)))
        });
        self.touched.insert(id, Touched::Laid(laid));
        copy
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
        let Desk { sheet, before, change } = desk;
        let made = Made { order: self.order, before, change };
        match sheet {
            Sheet::Shared(mut laid) => {
                laid.note(envelope, made);
                self.touched.insert(id, Touched::Laid(laid));
                Ok(None)
            }
            Sheet::Copy(doc) => {
                let Some(Touched::Laid(laid)) = self.touched.get_mut(&id) else {
                    return Err(Refusal::Document);
                };
                laid.doc.apply_changes(made.change.clone()).map_err(|_| Refusal::Document)?;
                laid.note(envelope, made);
                Ok(Some(Copy { doc, unseen: Vec::new() }))
            }
        }
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

    /// The values of a field as the author of an envelope left them.
    pub(super) fn values_after(
        &self,
        envelope: &EnvelopeId,
        entry: EntryId,
        field: &str,
    ) -> Vec<Value> {
        let Some(Touched::Laid(laid)) = self.touched.get(&entry) else { return Vec::new() };
        let change = laid.made.get(envelope).and_then(|made| made.change.as_ref());
        let after = change
            .and_then(|change| document::values_at(&laid.doc, entry, field, &[change.hash()]));
        after.unwrap_or_default()
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

/// Writes on all desks, or on none.
fn work(
    desks: &mut BTreeMap<EntryId, Desk>,
    actor: &ActorId,
    edit: impl FnOnce(&mut Sheets<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut sheets = Sheets::new();
    for (id, desk) in desks.iter_mut() {
        desk.doc().set_actor(actor.clone());
        sheets.insert(*id, desk.doc().transaction());
    }
    // What is not committed is rolled back when it is dropped.
    edit(&mut sheets)?;
    let hashes: Vec<Option<ChangeHash>> = sheets.into_values().map(commit).collect();
    for (desk, hash) in desks.values_mut().zip(hashes) {
        desk.change = hash.and_then(|hash| desk.doc().get_change_by_hash(&hash));
    }
    Ok(())
}
