//! Who may write, and what: the same answer on every replica.

use super::branch::BranchId;
use super::{NodeState, Refusal, Replica};
use crate::author::Author;
use crate::edit::limits;
use crate::envelope::Kind;
use crate::id::{EnvelopeId, OrganisationId, VerificationKey};
use crate::time::Timestamp;

/// For whom a key speaks in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A device of the holder.
    Holder,
    /// An instance of an organisation that may contribute.
    Contributor {
        /// The organisation.
        organisation: OrganisationId,
        /// The instance.
        instance: VerificationKey,
    },
}

impl Standing {
    /// Who that is to a reader.
    #[must_use]
    pub fn author(self) -> Author {
        match self {
            Self::Holder => Author::Holder,
            Self::Contributor { organisation, .. } => Author::Organisation(organisation),
        }
    }

    /// Whether it may change or remove what this author recorded.
    #[must_use]
    pub fn owns(self, author: Author) -> bool {
        self == Self::Holder || self.author() == author
    }
}

/// What an envelope's author may do, and under which actor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admitted {
    pub(super) standing: Standing,
    pub(super) until: Option<Timestamp>,
    pub(super) branch: BranchId,
}

impl Replica {
    /// Checks everything about an envelope that needs no document: parents, sequence, phase,
    /// author.
    pub(super) fn check_structure(&self, id: EnvelopeId) -> Result<Admitted, Refusal> {
        let node = self.nodes.get(&id).ok_or(Refusal::Document)?;
        let header = &node.header;
        if node.edits.is_empty() || node.edits.len() > limits::EDITS {
            return Err(Refusal::Limit);
        }
        let mut phase_min = 0;
        let mut parents = 0;
        for parent in header.parents() {
            let parent = self.nodes.get(parent).ok_or(Refusal::Dependency)?;
            if matches!(parent.state, NodeState::Quarantined(_)) {
                return Err(Refusal::Dependency);
            }
            phase_min = phase_min.max(parent.header.phase);
            parents += 1;
        }
        let prev = header.prev.and_then(|prev| self.nodes.get(&prev));
        let follows =
            prev.is_none_or(|p| p.header.author == header.author && p.header.seq + 1 == header.seq);
        if parents == 0 || !follows {
            return Err(Refusal::Sequence);
        }
        let phases = u32::try_from(self.charter.phases.len()).unwrap_or(u32::MAX);
        if header.phase < phase_min || header.phase >= phases {
            return Err(Refusal::Phase);
        }
        let (standing, until) = match prev.map(|p| (p.standing(), p.until)) {
            // A device shows its certificates once, and again where they were renewed.
            Some((Some(Standing::Holder), until)) if node.chain.is_none() => {
                (Standing::Holder, until)
            }
            Some(_) | None => self.standing(id)?,
        };
        if !self.charter.may_write_in(until, header.phase) {
            return Err(Refusal::Ended);
        }
        Ok(Admitted { standing, until, branch: self.branch_of(id, header) })
    }

    /// For whom the author speaks, and until when.
    fn standing(&self, id: EnvelopeId) -> Result<(Standing, Option<Timestamp>), Refusal> {
        let node = self.nodes.get(&id).ok_or(Refusal::Document)?;
        let author = node.header.author;
        debug_assert!(node.header.kind == Kind::Edits, "snapshots are checked apart");
        // A certificate before a card: an organisation's card may name any key as its own.
        let Some(chain) = node.chain.as_ref() else {
            if author == self.charter.founder() {
                return Ok((Standing::Holder, self.charter.founder_until()));
            }
            let organisation = self.charter.writer_of(&author).ok_or(Refusal::Author)?;
            let writer = self.charter.writer(&organisation).ok_or(Refusal::Author)?;
            return Ok((Standing::Contributor { organisation, instance: author }, writer.until));
        };
        let device = chain.verify(&self.charter.passport).map_err(|_| Refusal::Author)?;
        let removed = |key: &VerificationKey| self.charter.removed_devices.contains(key);
        let replaced = !device.roots().starts_with(self.charter.roots());
        if device.key() != author || replaced || device.lineage().iter().any(removed) {
            return Err(Refusal::Author);
        }
        Ok((Standing::Holder, device.expires()))
    }
}
