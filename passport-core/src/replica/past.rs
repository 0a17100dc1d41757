//! What lies before an envelope.

use std::collections::BTreeSet;

use super::branch::BranchId;
use super::{Node, NodeState, Replica};
use crate::envelope::Header;
use crate::id::EnvelopeId;

impl Replica {
    /// Whether envelope `a` is in the causal past of `b`.
    #[must_use]
    pub fn precedes(&self, a: &EnvelopeId, b: &EnvelopeId) -> bool {
        let Some(target) = self.nodes.get(a) else { return false };
        // One branch of one author is a line: whoever holds its later end holds the earlier.
        let holds = |node: &Node| match (&node.state, &target.state) {
            (NodeState::Applied { branch, .. }, NodeState::Applied { branch: of_a, .. }) => {
                branch == of_a && node.header.seq >= target.header.seq
            }
            (NodeState::Quarantined(_), _) | (_, NodeState::Quarantined(_)) => false,
        };
        let mut seen = BTreeSet::new();
        let mut queue = vec![*b];
        while let Some(id) = queue.pop() {
            let Some(node) = self.nodes.get(&id) else { continue };
            for parent in node.header.parents() {
                let Some(above) = self.nodes.get(parent) else { continue };
                if parent == a || holds(above) {
                    return true;
                }
                // Nothing that lies less deep builds on it.
                if above.depth > target.depth && seen.insert(*parent) {
                    queue.push(*parent);
                }
            }
        }
        false
    }

    /// Whose actor applies an envelope: its author, and since the last place where that author
    /// forked, the envelope that began the branch.
    pub(super) fn branch_of(&self, id: EnvelopeId, header: &Header) -> BranchId {
        let forked = self.siblings.get(&(header.author, header.prev)).is_some_and(|s| s.len() > 1);
        if forked {
            return BranchId { author: header.author, since: Some(id) };
        }
        let before = header.prev.and_then(|prev| self.nodes.get(&prev));
        match before.map(|n| &n.state) {
            Some(NodeState::Applied { branch, .. }) => *branch,
            Some(NodeState::Quarantined(_)) | None => {
                BranchId { author: header.author, since: None }
            }
        }
    }
}
