//! The document of one entry, with what each envelope made of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use automerge::transaction::{CommitOptions, Transaction};
use automerge::{ActorId, Automerge, Change, ChangeHash, ReadDoc as _, TextEncoding};

use super::Refusal;
use super::branch::Sight;
use super::document::{self, EntryState, Origin};
use crate::domain;
use crate::edit::EntryRecord;
use crate::id::{EntryId, EnvelopeId, EpochId};

/// An entry with a document.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    /// As everybody sees it.
    pub(super) doc: Automerge,
    /// What stands in it, once somebody asked.
    read: OnceLock<Option<EntryState>>,
    pub(super) made: BTreeMap<EnvelopeId, Made>,
    by_hash: BTreeMap<ChangeHash, EnvelopeId>,
    origins: BTreeMap<ActorId, Vec<(u64, EnvelopeId)>>,
}

/// What an envelope made of one entry.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) order: u64,
    /// The heads that its author saw.
    pub(super) before: Vec<ChangeHash>,
    /// None if it changed nothing.
    pub(super) change: Option<Change>,
}

impl Laid {
    pub(super) fn new(doc: Automerge) -> Self {
        let (read, made, by_hash, origins) = Default::default();
        Self { doc, read, made, by_hash, origins }
    }

    /// The entry whole, removed or not.
    pub(super) fn read(&self, id: EntryId) -> Option<EntryState> {
        let read = || document::read_entry(&self.doc, id, &|op| self.origin(op)).ok()?;
        self.read.get_or_init(read).clone()
    }

    /// Whether an author has seen all that was made of it: who has seen all heads has.
    pub(super) fn is_seen(&self, sight: &Sight) -> bool {
        let seen = |head: &ChangeHash| self.by_hash.get(head).is_none_or(|id| sight.sees(id));
        self.doc.get_heads().iter().all(seen)
    }

    /// Notes what an envelope made of the document.
    pub(super) fn note(&mut self, envelope: EnvelopeId, made: Made) {
        self.read = OnceLock::new();
        if let Some(change) = &made.change {
            self.by_hash.insert(change.hash(), envelope);
            let origins = self.origins.entry(change.actor_id().clone()).or_default();
            origins.push((change.start_op().get(), envelope));
        }
        self.made.insert(envelope, made);
    }

    /// The envelopes that made something of it, of those an author has seen.
    pub(super) fn seen_by(&self, sight: &Sight) -> Vec<EnvelopeId> {
        self.made.keys().copied().filter(|id| sight.sees(id)).collect()
    }

    /// The changes of these envelopes, in the order they were made in.
    pub(super) fn changes(&self, of: &[EnvelopeId]) -> Vec<Change> {
        let mut made: Vec<&Made> = of.iter().filter_map(|id| self.made.get(id)).collect();
        made.sort_unstable_by_key(|made| made.order);
        made.into_iter().filter_map(|made| made.change.clone()).collect()
    }

    /// Makes the document of a base and of what is left of what was made of it.
    pub(super) fn rebuild(&mut self, base: Automerge) -> Result<(), Refusal> {
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
pub(super) fn base(
    epoch: EpochId,
    id: EntryId,
    record: Option<&EntryRecord>,
) -> Result<Automerge, Refusal> {
    let mut doc = empty();
    if let Some(record) = record {
        let parts = [epoch.as_bytes(), &b"snapshot"[..], id.as_bytes()];
        let actor = ActorId::from(&domain::ACTOR.hash(&parts)[..]);
        transact(&mut doc, actor, |tx| document::insert_record(tx, record))?;
    }
    Ok(doc)
}

/// A document that counts text in Unicode scalar values, on every platform.
pub(super) fn empty() -> Automerge {
    Automerge::new_with_encoding(TextEncoding::UnicodeCodePoint)
}

/// Ends a transaction, at time 0.
pub(super) fn commit(tx: Transaction<'_>) -> Option<ChangeHash> {
    tx.commit_with(CommitOptions::default().with_time(0)).0
}

/// Makes one change, if there is anything to change.
pub(super) fn transact(
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
