//! Linear runs of authors, and what each had seen.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{ActorId, Automerge};

use super::Node;
use crate::domain;
use crate::envelope::Kind;
use crate::id::{EntryId, EnvelopeId, EpochId, VerificationKey};

/// One linear run of an author's envelopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchId {
    pub(super) author: VerificationKey,
    pub(super) since: Option<EnvelopeId>,
}

impl BranchId {
    /// The actor that its changes are made by.
    pub(super) fn actor(&self, epoch: EpochId) -> ActorId {
        let since = self.since.map(|id| *id.as_bytes());
        let since = since.as_ref().map_or(&[][..], |id| &id[..]);
        let hash = domain::ACTOR.hash(&[epoch.as_bytes(), self.author.as_bytes(), since]);
        ActorId::from(&hash[..])
    }
}

/// Most branches kept. One that was let go is built anew when its author writes again.
const KEPT: usize = 24;

/// The branches used last.
#[derive(Clone, Debug, Default)]
pub(super) struct Branches {
    kept: BTreeMap<BranchId, Branch>,
    /// The latest at the end.
    used: Vec<BranchId>,
}

/// What an author had seen with their last envelope: a past that only grows.
#[derive(Clone, Debug, Default)]
struct Branch {
    holds: BTreeSet<EnvelopeId>,
    /// Entries that were added or moved in there.
    added: BTreeSet<EntryId>,
    /// Entries as the author sees them, where others have written too.
    copies: BTreeMap<EntryId, Copy>,
}

/// An entry as one author sees it.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) doc: Box<Automerge>,
    /// Envelopes that the author has seen since, and that are not in it yet.
    pub(super) unseen: Vec<EnvelopeId>,
}

/// An author's past as one envelope declares it.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    branch: Branch,
    /// What the author's envelope before had not seen.
    news: BTreeSet<EnvelopeId>,
    /// Entries that were added or moved in there.
    added: BTreeSet<EntryId>,
}

impl Branches {
    /// Takes out the branch of an envelope, with what the envelope brings into its past. It is
    /// not kept unless it is put back.
    pub(super) fn sight(
        &mut self,
        id: BranchId,
        envelope: &EnvelopeId,
        nodes: &BTreeMap<EnvelopeId, Node>,
    ) -> Sight {
        let branch = self.kept.remove(&id).unwrap_or_default();
        let mut news = BTreeSet::new();
        let mut queue: Vec<&Node> = nodes.get(envelope).into_iter().collect();
        while let Some(node) = queue.pop() {
            for parent in node.header.parents() {
                let edits = nodes.get(parent).filter(|n| n.header.kind != Kind::Snapshot);
                if edits.is_some() && !branch.holds.contains(parent) && news.insert(*parent) {
                    queue.extend(edits);
                }
            }
        }
        let added = news.iter().filter_map(|id| nodes.get(id)).flat_map(Node::added).collect();
        Sight { branch, news, added }
    }

    /// Puts a branch back as it was before an envelope that was refused: the author's next one
    /// need not have seen what that one had.
    pub(super) fn restore(&mut self, id: BranchId, sight: Sight) {
        self.put(id, sight.branch);
    }

    /// Puts a branch back that now holds an envelope and all that it had seen. The copies that it
    /// kept get what they lack when they are next used; `copies` lack nothing.
    pub(super) fn advance(
        &mut self,
        id: BranchId,
        sight: Sight,
        envelope: EnvelopeId,
        copies: BTreeMap<EntryId, Copy>,
        nodes: &BTreeMap<EnvelopeId, Node>,
    ) {
        let Sight { mut branch, mut news, added: mut brought } = sight;
        news.insert(envelope);
        brought.extend(nodes.get(&envelope).into_iter().flat_map(Node::added));
        if !branch.copies.is_empty() {
            for (id, node) in news.iter().filter_map(|id| nodes.get_key_value(id)) {
                let names: BTreeSet<EntryId> = node.names().collect();
                for entry in names {
                    if let Some(copy) = branch.copies.get_mut(&entry) {
                        copy.unseen.push(*id);
                    }
                }
            }
        }
        branch.holds.extend(news);
        branch.added.extend(brought);
        branch.copies.extend(copies);
        self.put(id, branch);
    }

    fn put(&mut self, id: BranchId, branch: Branch) {
        self.used.retain(|used| *used != id);
        self.used.push(id);
        self.kept.insert(id, branch);
        if self.used.len() > KEPT {
            let oldest = self.used.remove(0);
            self.kept.remove(&oldest);
        }
    }

    /// Lets go of branches that hold one of these.
    pub(super) fn retract(&mut self, gone: &BTreeSet<EnvelopeId>) {
        self.kept.retain(|_, branch| branch.holds.is_disjoint(gone));
        self.used.retain(|branch| self.kept.contains_key(branch));
    }
}

impl Sight {
    /// Whether an envelope lies in the author's past.
    pub(super) fn sees(&self, envelope: &EnvelopeId) -> bool {
        self.branch.holds.contains(envelope) || self.news.contains(envelope)
    }

    /// The entries that were added or moved in there; some may be named twice.
    pub(super) fn added(&self) -> impl Iterator<Item = &EntryId> {
        self.branch.added.iter().chain(&self.added)
    }

    /// No fewer than those are.
    pub(super) fn most_added(&self) -> usize {
        self.branch.added.len() + self.added.len()
    }

    /// What the author's envelope before had not seen.
    pub(super) fn news(&self) -> impl Iterator<Item = EnvelopeId> {
        self.news.iter().copied()
    }

    /// Takes out the author's copy of an entry.
    pub(super) fn copy(&mut self, entry: &EntryId) -> Option<Copy> {
        self.branch.copies.remove(entry)
    }
}
