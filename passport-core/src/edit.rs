//! Typed edits: the only thing that crosses the wire and changes a section.
//!
//! Every replica validates an edit against schema, limits and rights and makes the Automerge
//! change itself; no foreign CRDT byte is ever decoded.

mod record;
mod remark;

use minicbor::{Decode, Encode};

use crate::attestation::Attestation;
use crate::domain;
use crate::id::{EntryId, EnvelopeId, RemarkId, VerificationKey};
use crate::keys::CertificateChain;
use crate::section::Value;
use crate::time::Timestamp;

pub use record::{EntryRecord, FieldVersion, RecordError, RecordedField};
pub use remark::{Remark, RemarkContent, RemarkProof};

/// Bounds on edits.
pub mod limits {
    /// Edits in one envelope.
    pub const EDITS: usize = 1_000;
    /// Fields in one entry.
    pub const FIELDS: usize = 64;
    /// Entries in one section.
    pub const ENTRIES: usize = 20_000;
    /// Notes and suggestions on one entry.
    pub const REMARKS: usize = 1_000;
    /// Bytes of a note.
    pub const NOTE: usize = 16 * 1024;
    /// Bytes of a field's name.
    pub const FIELD_NAME: usize = 64;
}

/// The body of an envelope of edits.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct EditBody {
    /// When it was written, as its author claims.
    #[n(0)]
    pub at: Timestamp,
    /// Proof that the author is a device of the holder; in a device's first envelope of an
    /// epoch whose charter does not name it.
    #[n(1)]
    pub chain: Option<CertificateChain>,
    /// The edits, applied in order, all or none.
    #[n(2)]
    pub edits: Vec<Edit>,
    /// The envelope of an older epoch that this one carries over.
    #[n(3)]
    pub carries: Option<EnvelopeId>,
}

/// One typed change.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Edit {
    /// Adds an entry, whose id is [`entry_id`] of author and nonce.
    #[n(0)]
    Add {
        /// Random; makes the entry's id.
        #[cbor(n(0), with = "minicbor::bytes")]
        nonce: [u8; 16],
        /// The kind of entry.
        #[n(1)]
        kind: String,
        /// Its fields, ascending by name.
        #[n(2)]
        fields: Vec<NamedValue>,
    },
    /// Sets a field, or clears it.
    #[n(1)]
    Set {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The field.
        #[n(1)]
        field: String,
        /// The new value; none clears.
        #[n(2)]
        value: Option<Value>,
    },
    /// Changes a part of a long text. Positions count Unicode scalar values.
    #[n(2)]
    Splice {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The field, of kind prose.
        #[n(1)]
        field: String,
        /// Where.
        #[n(2)]
        at: u32,
        /// How many characters to delete there.
        #[n(3)]
        delete: u32,
        /// What to insert there.
        #[n(4)]
        insert: String,
    },
    /// Marks an entry as removed; its content leaves with the next epoch.
    #[n(3)]
    Remove {
        /// The entry.
        #[n(0)]
        entry: EntryId,
    },
    /// Adds a note or a suggestion.
    #[n(4)]
    Remark(#[n(0)] Remark),
    /// Accepts or declines a suggestion. Accepting does not set the field: a [`Edit::Set`]
    /// beside it does.
    #[n(5)]
    Settle {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The suggestion.
        #[n(1)]
        suggestion: RemarkId,
        /// Whether it was accepted.
        #[n(2)]
        accepted: bool,
    },
    /// Chooses one value where several stand, with all of them in its causal past.
    #[n(6)]
    Resolve {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The field.
        #[n(1)]
        field: String,
        /// The value chosen; none clears.
        #[n(2)]
        value: Option<Value>,
    },
    /// Decides that an entry that was removed and changed at once stays.
    #[n(7)]
    Restore {
        /// The entry.
        #[n(0)]
        entry: EntryId,
    },
    /// Brings in an entry whole, with its attestations: from another section, or from an older
    /// epoch. The holder's alone.
    #[n(8)]
    Move(#[n(0)] EntryRecord),
    /// Puts an organisation's signature on the entry as the edits before it left it.
    #[n(9)]
    Attest {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The signature.
        #[n(1)]
        attestation: Attestation,
    },
    /// Adds a second value beside a field's own, so that both show as a conflict: an edit of an
    /// older epoch whose field has changed since. The holder's alone.
    #[n(10)]
    Contest {
        /// The entry.
        #[n(0)]
        entry: EntryId,
        /// The field.
        #[n(1)]
        field: String,
        /// The other value, with who set it and when.
        #[n(2)]
        version: FieldVersion,
    },
}

/// A field's name and value.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct NamedValue {
    /// The field.
    #[n(0)]
    pub name: String,
    /// Its value.
    #[n(1)]
    pub value: Value,
}

/// The id of an entry added by `author` with this nonce.
#[must_use]
pub fn entry_id(author: &VerificationKey, nonce: &[u8; 16]) -> EntryId {
    EntryId::from_bytes(truncate(domain::ENTRY.hash(&[author.as_bytes(), nonce])))
}

/// The id of a note or suggestion by `author` with this nonce.
#[must_use]
pub fn remark_id(author: &VerificationKey, nonce: &[u8; 16]) -> RemarkId {
    RemarkId::from_bytes(truncate(domain::REMARK.hash(&[author.as_bytes(), nonce])))
}

fn truncate(hash: [u8; 32]) -> [u8; 16] {
    let mut id = [0; 16];
    id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    id
}

impl Edit {
    /// The entry that it is about, if `author` makes it.
    #[must_use]
    pub fn entry(&self, author: &VerificationKey) -> EntryId {
        match self {
            Self::Add { nonce, .. } => entry_id(author, nonce),
            Self::Move(record) => record.id,
            Self::Remark(remark) => remark.entry,
            Self::Set { entry, .. }
            | Self::Splice { entry, .. }
            | Self::Remove { entry }
            | Self::Settle { entry, .. }
            | Self::Resolve { entry, .. }
            | Self::Restore { entry }
            | Self::Attest { entry, .. }
            | Self::Contest { entry, .. } => *entry,
        }
    }

    /// What kind of edit it is, for histories and counts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Set { .. } => "set",
            Self::Splice { .. } => "splice",
            Self::Remove { .. } => "remove",
            Self::Remark(r) => match r.content {
                RemarkContent::Note(_) => "annotate",
                RemarkContent::Suggestion { .. } => "suggest",
            },
            Self::Settle { .. } => "settle",
            Self::Resolve { .. } => "resolve",
            Self::Restore { .. } => "restore",
            Self::Move(_) => "move",
            Self::Attest { .. } => "attest",
            Self::Contest { .. } => "contest",
        }
    }
}
