//! A replica: the state of one epoch, as everybody who has the same envelopes sees it.
//!
//! Envelopes are the truth; Automerge documents are a cache built from them. Admission is a
//! function of the charter and the set of envelopes: it reads no clock and no local version, so
//! replicas that have seen the same envelopes agree, conflicts included.
//!
//! ```text
//!  OpenedEnvelope ─► waiting room ─(parents there)─► structure ─► rights, schema ─► document
//!                       (bounded)                        └────────────┴──► quarantine, whole
//! ```
//!
//! Each entry has a document of its own, once more than one envelope has named it. An edit is
//! applied to it with an actor of its author at exactly the heads its author saw: on the shared
//! document itself when those are its heads, else on that author's copy of it, whose past only
//! grows.

mod apply;
mod branch;
mod document;
mod entries;
mod files;
mod laid;
mod node;
mod past;
mod refusal;
mod rights;
mod state;

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::codec;
use crate::edit::{EditBody, EntryRecord, limits};
use crate::envelope::{Header, Kind, MAX_BODY, OpenedEnvelope};
use crate::epoch::{SnapshotBody, VerifiedCharter, join};
use crate::id::{EntryId, EnvelopeId, VerificationKey};

use document::Origin;
use entries::Entries;
pub use node::{Node, NodeState};
pub use refusal::Refusal;
use rights::Admitted;
pub use rights::Standing;
pub use state::{EntryNow, FieldNow, Stance};

/// Most envelopes that may wait for their dependencies.
pub const WAITING: usize = 4_096;

/// Most bytes of bodies that may wait.
pub const WAITING_BYTES: usize = 32 * 1024 * 1024;

/// What became of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is part of the state.
    Applied,
    /// It was refused whole, and is kept aside for the holder.
    Quarantined(Refusal),
    /// It waits for envelopes it builds on.
    Waiting,
    /// It was here already.
    Known,
    /// Too many wait already; offer it again later.
    Full,
}

/// The state of one epoch of one section.
#[derive(Clone, Debug)]
pub struct Replica {
    charter: VerifiedCharter,
    parts: BTreeMap<u32, Vec<u8>>,
    ready: bool,
    entries: Entries,
    /// Whether anything in it ever named a file: mostly nothing does, and nobody has to look.
    names_files: bool,
    nodes: BTreeMap<EnvelopeId, Node>,
    order: Vec<EnvelopeId>,
    siblings: BTreeMap<(VerificationKey, Option<EnvelopeId>), BTreeSet<EnvelopeId>>,
    waiting: BTreeMap<EnvelopeId, OpenedEnvelope>,
    waiting_bytes: usize,
    waiters: BTreeMap<EnvelopeId, BTreeSet<EnvelopeId>>,
    base_tips: BTreeSet<EnvelopeId>,
    tips: BTreeSet<EnvelopeId>,
    last: BTreeMap<VerificationKey, EnvelopeId>,
    /// Applied envelopes that turned out to have a sibling, and so change their actor.
    forked: BTreeSet<EnvelopeId>,
    /// Envelopes to be decided about once those have.
    undecided: BTreeSet<EnvelopeId>,
}

/// Where an author's next envelope stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its sequence number.
    pub seq: u64,
    /// The author's previous envelope.
    pub prev: Option<EnvelopeId>,
    /// What else it builds on, ascending.
    pub deps: Vec<EnvelopeId>,
    /// The least phase it may use.
    pub phase: u32,
}

impl Replica {
    /// An empty replica of the epoch that a charter opens.
    #[must_use]
    pub fn new(charter: VerifiedCharter) -> Self {
        Self {
            entries: Entries::new(charter.id()),
            names_files: false,
            charter,
            parts: BTreeMap::new(),
            ready: false,
            nodes: BTreeMap::new(),
            order: Vec::new(),
            siblings: BTreeMap::new(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            waiters: BTreeMap::new(),
            base_tips: BTreeSet::new(),
            tips: BTreeSet::new(),
            last: BTreeMap::new(),
            forked: BTreeSet::new(),
            undecided: BTreeSet::new(),
        }
    }

    /// The charter.
    #[must_use]
    pub fn charter(&self) -> &VerifiedCharter {
        &self.charter
    }

    /// Whether the whole founding snapshot is here; before that there is nothing to see.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Forgets an envelope of this device's that was refused and goes nowhere: nobody else has it,
    /// and a second one in its place would count as a fork here alone.
    pub(crate) fn withdraw(&mut self, id: &EnvelopeId) {
        let refused = |node: &&Node| matches!(node.state, NodeState::Quarantined(_));
        let Some(header) = self.nodes.get(id).filter(refused).map(|n| n.header.clone()) else {
            return;
        };
        self.nodes.remove(id);
        self.order.retain(|other| other != id);
        let Some(siblings) = self.siblings.get_mut(&(header.author, header.prev)) else { return };
        siblings.remove(id);
        if siblings.len() == 1 {
            let applied = |id: &&EnvelopeId| self.nodes.get(*id).is_some_and(Node::is_applied);
            self.forked.extend(siblings.iter().filter(applied));
            self.rebuild();
        }
    }

    /// Takes in envelopes in any order; says what became of each. Idempotent.
    pub fn admit(
        &mut self,
        envelopes: impl IntoIterator<Item = OpenedEnvelope>,
    ) -> Vec<(EnvelopeId, Admission)> {
        let ids: Vec<_> =
            envelopes.into_iter().map(|envelope| (envelope.id(), self.receive(envelope))).collect();
        if !self.forked.is_empty() {
            self.rebuild();
        }
        ids.into_iter()
            .map(|(id, early)| {
                let settled = self.nodes.get(&id).map(|node| match node.state {
                    NodeState::Applied { .. } => Admission::Applied,
                    NodeState::Quarantined(refusal) => Admission::Quarantined(refusal),
                });
                match (early, settled) {
                    (Admission::Waiting, Some(settled)) => (id, settled),
                    (early, _) => (id, early),
                }
            })
            .collect()
    }

    fn receive(&mut self, envelope: OpenedEnvelope) -> Admission {
        let id = envelope.id();
        if self.nodes.contains_key(&id) || self.waiting.contains_key(&id) {
            return Admission::Known;
        }
        if envelope.header().epoch != self.charter.id()
            || envelope.header().channel != self.charter.channel
            || envelope.header().kind == Kind::Pack
        {
            return Admission::Quarantined(Refusal::Malformed);
        }
        if envelope.header().kind == Kind::Snapshot {
            return self.receive_part(&envelope);
        }
        let complete = envelope.header().parents().all(|p| self.nodes.contains_key(p));
        if self.ready && complete {
            // Never held up by what others left waiting.
            self.settle(&envelope);
            self.settle_from(id);
            return Admission::Waiting;
        }
        let bytes = self.waiting_bytes.saturating_add(envelope.body().len());
        if self.waiting.len() >= WAITING || bytes > WAITING_BYTES {
            return Admission::Full;
        }
        self.waiting_bytes = bytes;
        for parent in envelope.header().parents() {
            if !self.nodes.contains_key(parent) {
                self.waiters.entry(*parent).or_default().insert(id);
            }
        }
        self.waiting.insert(id, envelope);
        Admission::Waiting
    }

    fn receive_part(&mut self, envelope: &OpenedEnvelope) -> Admission {
        let id = envelope.id();
        let header = envelope.header().clone();
        let body = codec::decode::<SnapshotBody>(envelope.body(), MAX_BODY).ok();
        let Some(body) = body.filter(|body| self.is_part(&header, body, envelope.body())) else {
            let refusal = Refusal::Snapshot;
            self.nodes.insert(id, Node::refused(header, refusal));
            self.order.push(id);
            self.settle_from(id);
            return Admission::Quarantined(refusal);
        };
        self.siblings.entry((header.author, header.prev)).or_default().insert(id);
        let (author, seq) = (header.author, header.seq);
        self.parts.insert(body.part, body.records);
        self.nodes.insert(id, Node::part(header, body.at, self.charter.founder_until()));
        self.note_last(author, seq, id);
        if header_is_last(self.charter.snapshot.len(), body.part) {
            self.base_tips.insert(id);
            self.tips.insert(id);
        }
        if !self.ready && self.parts.len() == self.charter.snapshot.len() {
            self.ready = self.lay_snapshot();
            if !self.ready {
                return Admission::Quarantined(Refusal::Snapshot);
            }
            let ids: Vec<_> = self.waiting.keys().copied().collect();
            for id in ids {
                self.settle_from(id);
            }
        }
        self.settle_from(id);
        Admission::Applied
    }

    /// Whether it is a part of the snapshot as its founder seals it: nothing but the snapshot
    /// lies in its past.
    fn is_part(&self, header: &Header, body: &SnapshotBody, bytes: &[u8]) -> bool {
        header.author == self.charter.founder()
            && header.seq == u64::from(body.part).saturating_add(1)
            && header.deps.is_empty()
            && header.phase == 0
            && self.charter.snapshot.admits(body.part, bytes)
    }

    /// Lays the founding snapshot; whether it is one that everybody can lay.
    fn lay_snapshot(&mut self) -> bool {
        let parts = core::mem::take(&mut self.parts);
        let Ok(records) = join(parts.values().map(Vec::as_slice)) else { return false };
        if self.check_records(&records).is_err() {
            return false;
        }
        self.names_files |= records.iter().any(files::record_names_file);
        self.entries.found(records);
        true
    }

    fn check_records(&self, records: &[EntryRecord]) -> Result<(), Refusal> {
        // Writers who add at once may pass the limit that each kept to; not by more than that.
        if records.len() > 2 * limits::ENTRIES {
            return Err(Refusal::Limit);
        }
        let spec = self.charter.section.spec();
        for record in records {
            apply::check_record(record, spec, &self.charter)?;
        }
        Ok(())
    }

    /// Applies an envelope if its parents are here, then whatever waited for it.
    fn settle_from(&mut self, first: EnvelopeId) {
        let mut queue = vec![first];
        while let Some(id) = queue.pop() {
            if let Some(envelope) = self.waiting.get(&id) {
                let complete = envelope.header().parents().all(|p| self.nodes.contains_key(p));
                if !self.ready || !complete {
                    continue;
                }
                let Some(envelope) = self.waiting.remove(&id) else { continue };
                self.waiting_bytes = self.waiting_bytes.saturating_sub(envelope.body().len());
                self.settle(&envelope);
            }
            if self.nodes.contains_key(&id) {
                queue.extend(self.waiters.remove(&id).into_iter().flatten());
            }
        }
    }

    fn settle(&mut self, envelope: &OpenedEnvelope) {
        let id = envelope.id();
        let header = envelope.header().clone();
        let siblings = self.siblings.entry((header.author, header.prev)).or_default();
        siblings.insert(id);
        // A second envelope in one place: its sibling changes actor, so all is built anew, once
        // per batch. Until then it is kept as it comes.
        if siblings.len() == 2 {
            let applied = |id: &&EnvelopeId| self.nodes.get(*id).is_some_and(Node::is_applied);
            self.forked.extend(siblings.iter().filter(applied));
        }
        let depth = header.parents().filter_map(|p| Some(self.nodes.get(p)?.depth)).max();
        let mut node = match codec::decode::<EditBody>(envelope.body(), MAX_BODY) {
            Ok(body) if header.kind == Kind::Edits => Node::edits(header, body),
            Ok(_) | Err(_) => Node::refused(header, Refusal::Malformed),
        };
        node.depth = depth.unwrap_or(0).saturating_add(1);
        let unreadable = node.unreadable;
        self.names_files |= node.edits.iter().any(files::edit_names_file);
        self.order.push(id);
        self.nodes.insert(id, node);
        if unreadable {
            return;
        }
        if self.forked.is_empty() {
            self.decide(id);
        } else {
            self.undecided.insert(id);
        }
    }

    /// Decides about one envelope whose parents have been decided about.
    fn decide(&mut self, id: EnvelopeId) {
        let outcome = self.check_structure(id).and_then(|admitted| {
            self.apply(id, &admitted)?;
            Ok(admitted)
        });
        let Some(node) = self.nodes.get_mut(&id) else { return };
        match outcome {
            Ok(Admitted { standing, until, branch }) => {
                node.until = until;
                node.state = NodeState::Applied { standing, branch };
                let (author, seq) = (node.header.author, node.header.seq);
                let parents: Vec<_> = node.header.parents().copied().collect();
                for parent in parents {
                    self.tips.remove(&parent);
                }
                self.tips.insert(id);
                self.note_last(author, seq, id);
            }
            Err(refusal) => node.state = NodeState::Quarantined(refusal),
        }
    }

    /// Takes back what a fork gives another actor, with all that builds on it, and applies it
    /// anew.
    fn rebuild(&mut self) {
        let mut anew = std::mem::take(&mut self.forked);
        for id in &self.order {
            let Some(node) = self.nodes.get(id) else { continue };
            if node.header.parents().any(|parent| anew.contains(parent)) {
                anew.insert(*id);
            }
        }
        if self.entries.retract(&anew).is_err() {
            anew.extend(&self.order);
        }
        anew.append(&mut self.undecided);
        for id in self.order.clone() {
            let node = self.nodes.get(&id);
            if anew.contains(&id) && node.is_some_and(|n| !n.unreadable) {
                self.decide(id);
            }
        }
        self.tips = self.base_tips.clone();
        self.last.clear();
        let parts = self.nodes.iter().filter(|(_, n)| n.header.kind == Kind::Snapshot);
        let parts: Vec<EnvelopeId> = parts.map(|(id, _)| *id).collect();
        for id in parts.into_iter().chain(self.order.clone()) {
            let Some(node) = self.nodes.get(&id).filter(|n| n.is_applied()) else { continue };
            let (author, seq, part) =
                (node.header.author, node.header.seq, node.header.kind == Kind::Snapshot);
            if !part {
                for parent in node.header.parents() {
                    self.tips.remove(parent);
                }
                self.tips.insert(id);
            }
            self.note_last(author, seq, id);
        }
    }

    /// Keeps the author's last envelope: of several with one number, the least.
    fn note_last(&mut self, author: VerificationKey, seq: u64, id: EnvelopeId) {
        let seq_of = |id: &EnvelopeId| self.nodes.get(id).map_or(0, |n| n.header.seq);
        let before = self.last.get(&author).map(|last| (seq_of(last), *last));
        let later =
            before.is_none_or(|(before, last)| (seq, Reverse(id)) > (before, Reverse(last)));
        if later {
            self.last.insert(author, id);
        }
    }

    /// The hash of the change that an envelope made to an entry, if it made one: the same on every
    /// replica, and of everything that it builds on.
    #[must_use]
    pub fn change(&self, envelope: &EnvelopeId, entry: EntryId) -> Option<[u8; 32]> {
        self.entries.change(envelope, entry, &self.nodes).map(|hash| hash.0)
    }

    /// Where `author`'s next envelope stands.
    #[must_use]
    pub fn position(&self, author: &VerificationKey) -> Position {
        let last = self.last.get(author).and_then(|id| self.nodes.get_key_value(id));
        let prev = last.map(|(id, _)| *id);
        let deps: Vec<_> = self
            .tips
            .iter()
            .filter(|tip| Some(**tip) != prev)
            .take(crate::envelope::MAX_DEPENDENCIES)
            .copied()
            .collect();
        let parents = prev.iter().chain(&deps).filter_map(|id| self.nodes.get(id));
        Position {
            seq: last.map_or(1, |(_, n)| n.header.seq.saturating_add(1)),
            prev,
            phase: parents.map(|n| n.header.phase).max().unwrap_or(0),
            deps,
        }
    }

    /// An envelope that was taken in.
    #[must_use]
    pub fn node(&self, id: &EnvelopeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The envelopes of edits in the order in which they became complete here.
    pub fn history(&self) -> impl Iterator<Item = (&EnvelopeId, &Node)> {
        self.order.iter().filter_map(|id| self.nodes.get_key_value(id))
    }

    /// What was refused, and why.
    pub fn quarantined(&self) -> impl Iterator<Item = (&EnvelopeId, &Node, Refusal)> {
        self.history().filter_map(|(id, node)| match node.state {
            NodeState::Quarantined(refusal) => Some((id, node, refusal)),
            NodeState::Applied { .. } => None,
        })
    }

    /// The envelopes that no other builds on: what a founder's cut is.
    #[must_use]
    pub fn tips(&self) -> &BTreeSet<EnvelopeId> {
        &self.tips
    }

    /// Envelopes that others build on and that never came.
    pub fn missing(&self) -> impl Iterator<Item = &EnvelopeId> {
        self.waiters.keys().filter(|id| !self.waiting.contains_key(*id))
    }

    /// Places where one author used one sequence number twice: evidence of a cloned device, a
    /// restored backup, or bad faith. Both branches stand.
    pub fn forks(&self) -> impl Iterator<Item = (&VerificationKey, &BTreeSet<EnvelopeId>)> {
        self.siblings
            .iter()
            .filter(|(_, ids)| ids.len() > 1)
            .map(|((author, _), ids)| (author, ids))
    }
}

fn header_is_last(parts: usize, part: u32) -> bool {
    usize::try_from(part).is_ok_and(|p| p + 1 == parts)
}
