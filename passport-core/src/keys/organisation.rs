//! An organisation's signed self-description, its card, and the installations it vouches for.
//!
//! The card's key *is* the organisation: its id is the key's hash, its verification phrase comes
//! from the id. The key signs cards and instance certificates only; day-to-day work is done by
//! instances with keys of their own.

use core::fmt;
use core::str::FromStr;

use minicbor::{Decode, Encode};

use super::Signable;
use super::wrap::ReceivingPublicKey;
use crate::domain::{self, Domain};
use crate::id::{OrganisationId, VerificationKey};
use crate::time::Timestamp;

mod card;
mod endorsement;

pub use card::{Card, CardError, CardText, ParseCardError, VerifiedCard};
pub use endorsement::{Endorsement, EndorsementKind, ParseEndorsementError, VerifiedEndorsement};

const VERSION: u8 = 1;

impl OrganisationId {
    /// The organisation whose card key this is.
    #[must_use]
    pub fn of_card_key(key: &VerificationKey) -> Self {
        Self::from_bytes(domain::ORGANISATION.hash(&[key.as_bytes()]))
    }
}

/// What kind of organisation it is. CBOR: an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum OrganisationKind {
    /// A general practice.
    #[n(0)]
    Gp,
    /// A university or college, with its services.
    #[n(1)]
    University,
    /// A hospital or trust.
    #[n(2)]
    Hospital,
    /// Anything else.
    #[n(3)]
    Other,
}

impl OrganisationKind {
    /// The kind as one word, as [`FromStr`] reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gp => "gp",
            Self::University => "university",
            Self::Hospital => "hospital",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for OrganisationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a kind of organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of gp, university, hospital, other")]
pub struct ParseKindError;

impl FromStr for OrganisationKind {
    type Err = ParseKindError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        [Self::Gp, Self::University, Self::Hospital, Self::Other]
            .into_iter()
            .find(|kind| kind.as_str() == s)
            .ok_or(ParseKindError)
    }
}

/// One installation of an organisation, vouched for by the card key.
///
/// CBOR: `[version, organisation, instance, receiving, issued_at]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct InstanceCertificate {
    #[n(0)]
    version: u8,
    /// The organisation it acts for.
    #[n(1)]
    pub organisation: OrganisationId,
    /// Checks what the instance signs.
    #[n(2)]
    pub instance: VerificationKey,
    /// Receives what is wrapped to the instance.
    #[n(3)]
    pub receiving: ReceivingPublicKey,
    /// When it was issued, by the issuer's clock.
    #[n(4)]
    pub issued_at: Timestamp,
}

impl InstanceCertificate {
    /// A certificate of the current version.
    #[must_use]
    pub fn new(
        organisation: OrganisationId,
        instance: VerificationKey,
        receiving: ReceivingPublicKey,
        issued_at: Timestamp,
    ) -> Self {
        Self { version: VERSION, organisation, instance, receiving, issued_at }
    }
}

impl Signable for InstanceCertificate {
    const DOMAIN: Domain = domain::INSTANCE_CERTIFICATE;
    const LIMIT: usize = 2048;
}

/// An installation that its organisation's card vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedInstance {
    key: VerificationKey,
    receiving: ReceivingPublicKey,
    certificate: [u8; 32],
}

impl VerifiedInstance {
    /// Checks what the instance signs.
    #[must_use]
    pub fn key(&self) -> VerificationKey {
        self.key
    }

    /// Receives what is wrapped to the instance.
    #[must_use]
    pub fn receiving(&self) -> &ReceivingPublicKey {
        &self.receiving
    }

    /// Domain-separated BLAKE3 of its certificate.
    #[must_use]
    pub fn certificate(&self) -> [u8; 32] {
        self.certificate
    }
}
