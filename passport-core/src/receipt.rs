//! Receipts: an organisation's signed word on what it received, opened, handed on or deleted.
//!
//! They are left in the mailbox of the device that founded the epoch, which seals them for all of
//! the holder's, present and to come, into the ledger's channel. They prove what an organisation said of itself; an organisation that says
//! nothing proves nothing.

use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::domain::{self, Domain};
use crate::id::{EnvelopeId, EpochId, OrganisationId, PassportId};
use crate::keys::Signable;
use crate::section::SectionName;
use crate::time::Timestamp;

/// What an organisation did with a section.
///
/// CBOR: an unsigned integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Its installation has it.
    #[n(0)]
    Received,
    /// A member of staff looked at it.
    #[n(1)]
    Opened,
    /// A member of staff wrote it to a file, or another system took it.
    #[n(2)]
    Exported,
    /// It deleted what it had.
    #[n(3)]
    Deleted,
    /// A member of staff wrote in it. Only in the organisation's own log: what was written says
    /// so itself.
    #[n(4)]
    Recorded,
    /// It deleted what the holder erased of a section's history.
    #[n(5)]
    Erased,
    /// A member of staff set out to send it to another system. Only in the organisation's own log,
    /// where [`Access::Exported`] follows unless that system certainly took nothing.
    #[n(6)]
    Attempted,
}

impl Access {
    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Opened => "opened",
            Self::Exported => "exported",
            Self::Deleted => "deleted",
            Self::Recorded => "recorded",
            Self::Erased => "erased",
            Self::Attempted => "attempted",
        }
    }

    /// Whether the holder is told of it; the rest is in the organisation's own log alone.
    #[must_use]
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::Recorded | Self::Attempted)
    }
}

/// One receipt, signed by an instance of the organisation.
///
/// CBOR: `[version, passport, organisation, section, epoch, what, role, at, heads]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Receipt {
    /// Format version: [`Receipt::VERSION`].
    #[n(0)]
    pub version: u8,
    /// Whose section.
    #[n(1)]
    pub passport: PassportId,
    /// Who says so.
    #[n(2)]
    pub organisation: OrganisationId,
    /// Which section.
    #[n(3)]
    pub section: SectionName,
    /// In which epoch.
    #[n(4)]
    pub epoch: EpochId,
    /// What it did.
    #[n(5)]
    pub what: Access,
    /// In which role somebody did it; never a name. Empty for the installation itself.
    #[n(6)]
    pub role: String,
    /// When, by the instance's clock.
    #[n(7)]
    pub at: Timestamp,
    /// How far it had received the epoch: the envelopes that no other it has builds on,
    /// ascending, at most [`Receipt::HEADS`].
    #[n(8)]
    pub heads: Vec<EnvelopeId>,
}

impl Receipt {
    /// The format version written by this software.
    pub const VERSION: u8 = 1;
    /// Most heads named.
    pub const HEADS: usize = 64;
    /// Longest role, in bytes.
    pub const ROLE: usize = 100;

    /// Whether it is in the form that this software writes.
    #[must_use]
    pub fn is_in_form(&self) -> bool {
        self.version == Self::VERSION
            && self.what.is_told()
            && self.role.len() <= Self::ROLE
            && self.heads.len() <= Self::HEADS
            && self.heads.is_sorted_by(|a, b| a < b)
    }
}

impl Signable for Receipt {
    const DOMAIN: Domain = domain::RECEIPT;
    const LIMIT: usize = 4 * 1024;
}
