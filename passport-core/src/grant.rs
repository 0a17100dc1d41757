//! Grants: one consent each, for one section, to one organisation, with a purpose and an end.

use minicbor::{Decode, Encode};

use crate::domain::{self, Domain};
use crate::epoch::Right;
use crate::id::{GrantId, OrganisationId, PassportId};
use crate::keys::Signable;
use crate::section::SectionName;
use crate::time::Timestamp;

/// A consent, signed by one of the holder's devices.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Grant {
    /// Format version: 1.
    #[n(0)]
    pub version: u8,
    /// Its id.
    #[n(1)]
    pub id: GrantId,
    /// The passport.
    #[n(2)]
    pub passport: PassportId,
    /// The section.
    #[n(3)]
    pub section: SectionName,
    /// Who may.
    #[n(4)]
    pub organisation: OrganisationId,
    /// What.
    #[n(5)]
    pub can: Right,
    /// From when, by the granting device's clock.
    #[n(6)]
    pub from: Timestamp,
    /// Until when.
    #[n(7)]
    pub until: Option<Timestamp>,
    /// What for, in the holder's words.
    #[n(8)]
    pub purpose: String,
    /// Whether what was written before is shared too.
    #[n(9)]
    pub history: bool,
    /// The holder's name, so that the recipient finds the right row.
    #[n(10)]
    pub holder_name: String,
    /// The holder's NHS number, if the holder chose to give it; unverified.
    #[n(11)]
    pub nhs_number: Option<String>,
}

impl Grant {
    /// The format version written by this software.
    pub const VERSION: u8 = 1;

    /// Longest purpose, in bytes.
    pub const PURPOSE: usize = 1_000;

    /// Whether it is in force at a moment, revocations aside.
    #[must_use]
    pub fn covers(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Signable for Grant {
    const DOMAIN: Domain = domain::GRANT;
    const LIMIT: usize = 8 * 1024;
}

/// The end of grants, signed by one of the holder's devices and sent to whom it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Withdrawal {
    /// The passport.
    #[n(0)]
    pub passport: PassportId,
    /// The grants that end.
    #[n(1)]
    pub grants: Vec<GrantId>,
    /// When, by the device's clock.
    #[n(2)]
    pub at: Timestamp,
    /// Whether the holder asks that everything of the passport be deleted.
    #[n(3)]
    pub delete: bool,
}

impl Signable for Withdrawal {
    const DOMAIN: Domain = domain::WITHDRAWAL;
    const LIMIT: usize = 64 * 1024;
}
