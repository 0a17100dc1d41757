//! Statements of the ledger.

use core::fmt;

use minicbor::{Decode, Encode};

use crate::domain::{self, Domain};
use crate::epoch::{Charter, PhaseKeys};
use crate::grant::Grant;
use crate::id::{
    EntryId, EnvelopeId, EpochId, OrganisationId, PassportId, StatementId, VerificationKey,
};
use crate::keys::{
    Card, CertificateChain, DeviceCertificate, PhaseKey, ReceivingPublicKey, Signable, Signed,
    Succession,
};
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
    /// The passport begins: what the recovery phrase can open.
    #[n(0)]
    Opened {
        /// Key of the recovery mailbox.
        #[n(0)]
        locator: VerificationKey,
        /// Where a new key of the ledger is wrapped for the phrase to find.
        #[n(1)]
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
        /// What the founder had seen of the epoch that it founded upon: its last envelopes,
        /// ascending.
        #[n(2)]
        cut: Vec<EnvelopeId>,
        /// Late envelopes of others that the snapshot has beside, ascending; none, not empty.
        #[n(3)]
        carried: Option<Vec<EnvelopeId>>,
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
        /// The keys of those before, so that the newest finds every channel and what is late.
        #[n(1)]
        earlier: Vec<KeyOfLedger>,
    },
    /// A passphrase was set for what is kept back.
    #[n(11)]
    Locked {
        /// Compartment keys: [`super::PassphraseKey::lock`].
        #[cbor(n(0), with = "minicbor::bytes")]
        keys: Vec<u8>,
    },
    /// An epoch was founded whose keys need that passphrase.
    #[n(12)]
    FoundedClosed {
        /// Its charter.
        #[n(0)]
        charter: Box<Signed<Charter>>,
        /// The keys of its phases: [`super::CompartmentKey::seal`].
        #[cbor(n(1), with = "minicbor::bytes")]
        keys: Vec<u8>,
        /// What the founder had seen of the epoch that it founded upon: its last envelopes,
        /// ascending.
        #[n(2)]
        cut: Vec<EnvelopeId>,
        /// Late envelopes of others that the snapshot has beside, ascending; none, not empty.
        #[n(3)]
        carried: Option<Vec<EnvelopeId>>,
    },
    /// An organisation was asked to delete all it was ever given.
    #[n(13)]
    DeletionAsked {
        /// Which.
        #[n(0)]
        organisation: OrganisationId,
    },
    /// Entries are erased, and with them whatever their section's history said so far.
    #[n(14)]
    Erased {
        /// The section.
        #[n(0)]
        section: SectionName,
        /// Its entries that go, ascending; none where the history alone is erased.
        #[n(1)]
        entries: Vec<EntryId>,
    },
    /// The device has heard of what was erased of a section, and has carried over all that it had
    /// of what came before. What it builds on says of which.
    #[n(15)]
    Followed {
        /// The section.
        #[n(0)]
        section: SectionName,
    },
    /// Another recovery phrase takes the place of the one so far.
    #[n(16)]
    Replaced {
        /// The old root's word.
        #[n(0)]
        succession: Signed<Succession>,
        /// Key of the recovery mailbox from now on.
        #[n(1)]
        locator: VerificationKey,
        /// Where a new key of the ledger is wrapped for the new phrase to find.
        #[n(2)]
        recovery: ReceivingPublicKey,
        /// The devices that stay, each certified by the new root.
        #[n(3)]
        devices: Vec<Signed<DeviceCertificate>>,
    },
}

impl StatementBody {
    /// The charter of a founding, closed or not, its cut, and what else its snapshot has.
    pub(super) fn founding(&self) -> Option<(&Signed<Charter>, &[EnvelopeId], &[EnvelopeId])> {
        if let Self::Founded { charter, cut, carried, .. }
        | Self::FoundedClosed { charter, cut, carried, .. } = self
        {
            return Some((&**charter, cut, carried.as_deref().unwrap_or_default()));
        }
        None
    }
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
            Self::Locked { .. } => "Locked",
            Self::FoundedClosed { .. } => "FoundedClosed",
            Self::DeletionAsked { .. } => "DeletionAsked",
            Self::Erased { .. } => "Erased",
            Self::Followed { .. } => "Followed",
            Self::Replaced { .. } => "Replaced",
        })
    }
}

/// A key of the ledger that another took the place of.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct KeyOfLedger {
    #[cbor(n(0), with = "minicbor::bytes")]
    key: [u8; 32],
}

impl KeyOfLedger {
    /// Of a key.
    #[must_use]
    pub fn new(key: &PhaseKey) -> Self {
        Self { key: *key.as_bytes() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> PhaseKey {
        PhaseKey::from_bytes(&self.key)
    }
}

impl Drop for KeyOfLedger {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.key);
    }
}

impl fmt::Debug for KeyOfLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOfLedger(redacted)")
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
    /// Phase keys as a list, ascending.
    #[must_use]
    pub fn list(keys: &PhaseKeys) -> Vec<Self> {
        keys.iter().map(|(phase, key)| Self { phase: *phase, key: *key.as_bytes() }).collect()
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
