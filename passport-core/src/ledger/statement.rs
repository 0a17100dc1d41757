//! Statements of the ledger.

use core::fmt;

use minicbor::{Decode, Encode};

use crate::domain::{self, Domain};
use crate::epoch::{Charter, PhaseKeys};
use crate::grant::Grant;
use crate::id::{EnvelopeId, EpochId, OrganisationId, PassportId, StatementId, VerificationKey};
use crate::keys::{Card, CertificateChain, PhaseKey, ReceivingPublicKey, Signable, Signed};
use crate::section::SectionName;
use crate::time::Timestamp;

/// One thing that a device of the holder says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Statement {
    /// Format version: 1.
    #[n(0)]
    pub version: u8,
    /// The passport.
    #[n(1)]
    pub passport: PassportId,
    /// The statements it builds on, ascending.
    #[n(2)]
    pub parents: Vec<StatementId>,
    /// When, by the device's clock.
    #[n(3)]
    pub at: Timestamp,
    /// What it says.
    #[n(4)]
    pub body: StatementBody,
}

impl Statement {
    /// The format version written by this software.
    pub const VERSION: u8 = 1;
}

impl Signable for Statement {
    const DOMAIN: Domain = domain::STATEMENT;
    const LIMIT: usize = 216 * 1024;
}

/// What a statement says.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum StatementBody {
    /// The passport begins: the key that signs its access lists, and its first relays.
    #[n(0)]
    Opened {
        /// Seed of the control key.
        #[cbor(n(0), with = "minicbor::bytes")]
        control: [u8; 32],
        /// Key of the recovery mailbox.
        #[n(1)]
        locator: VerificationKey,
        /// Where a new key of the ledger is wrapped for the phrase to find.
        #[n(2)]
        recovery: ReceivingPublicKey,
    },
    /// A device joins. The root says so of the first and after a recovery.
    #[n(1)]
    DeviceAdded {
        /// Its certificates.
        #[n(0)]
        chain: CertificateChain,
        /// What the holder calls it.
        #[n(1)]
        name: String,
    },
    /// A device no longer speaks for the holder.
    #[n(2)]
    DeviceRemoved {
        /// Which.
        #[n(0)]
        device: VerificationKey,
    },
    /// An epoch was founded.
    #[n(3)]
    Founded {
        /// Its charter.
        #[n(0)]
        charter: Box<Signed<Charter>>,
        /// The keys of its phases.
        #[n(1)]
        keys: Vec<KeyOfPhase>,
        /// What the founder had seen of the epochs before it: their last envelopes, ascending.
        #[n(2)]
        cut: Vec<EnvelopeId>,
        /// The key of its archive.
        #[cbor(n(3), with = "minicbor::bytes")]
        archive: [u8; 32],
    },
    /// A consent was given.
    #[n(4)]
    Granted {
        /// The grant.
        #[n(0)]
        grant: Signed<Grant>,
    },
    /// Every consent that an organisation has for a section ends.
    #[n(5)]
    Revoked {
        /// Whose.
        #[n(0)]
        organisation: OrganisationId,
        /// For what.
        #[n(1)]
        section: SectionName,
    },
    /// An organisation became a contact, or its card was renewed.
    #[n(6)]
    ContactAdded {
        /// Its card.
        #[n(0)]
        card: Signed<Card>,
        /// Whether the holder compared its verification phrase.
        #[n(1)]
        verified: bool,
    },
    /// An organisation is no contact any more. Its grants are not touched.
    #[n(7)]
    ContactRemoved {
        /// Which.
        #[n(0)]
        organisation: OrganisationId,
    },
    /// Where the passport's relays are, from now on.
    #[n(8)]
    RelaysSet {
        /// URLs.
        #[n(0)]
        relays: Vec<String>,
    },
    /// The holder decided about an envelope in quarantine.
    #[n(9)]
    Judged {
        /// Which.
        #[n(0)]
        envelope: EnvelopeId,
        /// Whether it was taken over after all.
        #[n(1)]
        released: bool,
    },
    /// The ledger goes on under a new key, which no device has that was removed before.
    #[n(10)]
    Rekeyed {
        /// The generation that begins: [`super::ledger_epoch`] of the key.
        #[n(0)]
        generation: EpochId,
    },
}

impl fmt::Debug for StatementBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened { .. } => "Opened",
            Self::DeviceAdded { .. } => "DeviceAdded",
            Self::DeviceRemoved { .. } => "DeviceRemoved",
            Self::Founded { .. } => "Founded",
            Self::Granted { .. } => "Granted",
            Self::Revoked { .. } => "Revoked",
            Self::ContactAdded { .. } => "ContactAdded",
            Self::ContactRemoved { .. } => "ContactRemoved",
            Self::RelaysSet { .. } => "RelaysSet",
            Self::Judged { .. } => "Judged",
            Self::Rekeyed { .. } => "Rekeyed",
        })
    }
}

/// A phase's number and key.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct KeyOfPhase {
    /// The phase.
    #[n(0)]
    pub phase: u32,
    #[cbor(n(1), with = "minicbor::bytes")]
    key: [u8; 32],
}

impl KeyOfPhase {
    /// A key and the number of its phase.
    #[must_use]
    pub fn new(phase: u32, key: &PhaseKey) -> Self {
        Self { phase, key: *key.as_bytes() }
    }

    /// Phase keys as a list, ascending.
    #[must_use]
    pub fn list(keys: &PhaseKeys) -> Vec<Self> {
        keys.iter().map(|(phase, key)| Self::new(*phase, key)).collect()
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> PhaseKey {
        PhaseKey::from_bytes(&self.key)
    }
}

impl Drop for KeyOfPhase {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

impl fmt::Debug for KeyOfPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyOfPhase({}, redacted)", self.phase)
    }
}
