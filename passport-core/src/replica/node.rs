//! Envelopes a replica has taken in.

use super::branch::BranchId;
use super::{Refusal, Standing};
use crate::edit::{Edit, EditBody};
use crate::envelope::Header;
use crate::id::{EntryId, EnvelopeId};
use crate::keys::CertificateChain;
use crate::time::Timestamp;

/// An envelope and what became of it.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its header.
    pub header: Header,
    /// When it was written, as its author claims.
    pub at: Timestamp,
    /// Its edits; none for a part of the snapshot.
    pub edits: Vec<Edit>,
    /// The envelope of an older epoch that it carries over.
    pub carries: Option<EnvelopeId>,
    pub(super) chain: Option<CertificateChain>,
    /// Until when its author may write, where that was certified.
    pub(super) until: Option<Timestamp>,
    /// Length of the longest way from the snapshot.
    pub(super) depth: u64,
    /// Refused for what it is, whatever it builds on.
    pub(super) unreadable: bool,
    pub(super) state: NodeState,
}

/// What became of an envelope.
#[derive(Clone, Debug)]
pub enum NodeState {
    /// It is part of the state.
    Applied {
        /// For whom its author spoke.
        standing: Standing,
        /// The actor it was applied under.
        branch: BranchId,
    },
    /// It was refused whole.
    Quarantined(Refusal),
}

impl Node {
    pub(super) fn part(header: Header, at: Timestamp, until: Option<Timestamp>) -> Self {
        let branch = BranchId { author: header.author, since: None };
        Self {
            header,
            at,
            edits: Vec::new(),
            carries: None,
            chain: None,
            until,
            depth: 0,
            unreadable: false,
            state: NodeState::Applied { standing: Standing::Holder, branch },
        }
    }

    pub(super) fn edits(header: Header, body: EditBody) -> Self {
        // Until it has been decided about, it counts as refused.
        let state = NodeState::Quarantined(Refusal::Dependency);
        Self {
            header,
            at: body.at,
            edits: body.edits,
            carries: body.carries,
            chain: body.chain,
            until: None,
            depth: 0,
            unreadable: false,
            state,
        }
    }

    pub(super) fn refused(header: Header, refusal: Refusal) -> Self {
        Self {
            header,
            at: Timestamp::from_seconds(0),
            edits: Vec::new(),
            carries: None,
            chain: None,
            until: None,
            depth: 0,
            unreadable: true,
            state: NodeState::Quarantined(refusal),
        }
    }

    /// The entry that each of its edits names.
    pub(super) fn names(&self) -> impl Iterator<Item = EntryId> {
        self.edits.iter().map(|edit| edit.entry(&self.header.author))
    }

    /// The entries that it adds or moves in.
    pub(crate) fn added(&self) -> impl Iterator<Item = EntryId> {
        let adds = self.edits.iter().filter(|e| matches!(e, Edit::Add { .. } | Edit::Move(_)));
        adds.map(|edit| edit.entry(&self.header.author))
    }

    /// What became of it.
    #[must_use]
    pub fn state(&self) -> &NodeState {
        &self.state
    }

    pub(crate) fn is_applied(&self) -> bool {
        matches!(self.state, NodeState::Applied { .. })
    }

    /// For whom its author spoke, if it was admitted.
    #[must_use]
    pub fn standing(&self) -> Option<Standing> {
        match &self.state {
            NodeState::Applied { standing, .. } => Some(*standing),
            NodeState::Quarantined(_) => None,
        }
    }
}
