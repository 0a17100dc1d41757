//! The charter: the signed opening of an epoch.

use core::cmp::Reverse;
use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{Phase, SnapshotDigest};
use crate::domain::{self, Domain};
use crate::id::{ChannelId, EpochId, OrganisationId, PassportId, VerificationKey};
use crate::keys::{
    Card, CertificateChain, ChainError, PhaseKey, Signable, Signed, SigningKey, VerifiedCard,
    VerifyError,
};
use crate::section::{SCHEMA_VERSION, SectionName};
use crate::time::Timestamp;

/// Most phases of an epoch.
const PHASES: usize = 256;
/// Most writers and cards of an epoch.
const PARTIES: usize = 64;

/// The opening of an epoch, signed by one of the holder's devices. Readers are never in it: a
/// member learns who else writes, not who else reads.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Charter {
    /// Format version: 1.
    #[n(0)]
    pub version: u8,
    /// The version of the section table its entries follow.
    #[n(1)]
    pub schema: u16,
    /// The passport.
    #[n(2)]
    pub passport: PassportId,
    /// How the founding device descends from the passport's root.
    #[n(3)]
    pub founder: CertificateChain,
    /// Devices that no longer speak for the holder, ascending; it only grows.
    #[n(4)]
    pub removed_devices: Vec<VerificationKey>,
    /// The channel.
    #[n(5)]
    pub channel: ChannelId,
    /// The section.
    #[n(6)]
    pub section: SectionName,
    /// The epochs it follows, ascending; none for a section's first.
    #[n(7)]
    pub parents: Vec<EpochId>,
    /// When it was founded, by the founder's clock.
    #[n(8)]
    pub founded_at: Timestamp,
    /// Organisations that may write, ascending.
    #[n(9)]
    pub writers: Vec<Writer>,
    /// Cards of the writers and of every organisation whose word the snapshot carries.
    #[n(10)]
    pub cards: Vec<Signed<Card>>,
    /// The phases, in order; at least one.
    #[n(11)]
    pub phases: Vec<Phase>,
    /// The founding snapshot.
    #[n(12)]
    pub snapshot: SnapshotDigest,
    /// Random, so that no two foundings are one epoch.
    #[cbor(n(13), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// How many revocations of this section the founder had heard of.
    #[n(14)]
    pub revocations: u32,
    /// How many epochs lie before it on the longest line; 0 for a section's first. Whoever lacks
    /// the epochs between still knows which of two is the later.
    #[n(15)]
    pub height: u32,
    /// Whether what came before it is erased: who has it deletes it.
    #[n(16)]
    pub erases: bool,
}

impl Signable for Charter {
    const DOMAIN: Domain = domain::CHARTER;
    const LIMIT: usize = 192 * 1024;
}

/// An organisation that may write in an epoch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Writer {
    /// The organisation; its instances are on its card.
    #[n(0)]
    pub organisation: OrganisationId,
    /// What it may do.
    #[n(1)]
    pub can: Right,
    /// When its right ends: the start of a phase.
    #[n(2)]
    pub until: Option<Timestamp>,
}

/// What a grant allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Right {
    /// Read.
    #[n(0)]
    Read,
    /// Read, add, annotate, suggest, and change one's own entries.
    #[n(1)]
    Contribute,
    /// Leave sealed entries for the holder to file, and read nothing.
    #[n(2)]
    Deposit,
}

/// Why a charter is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CharterError {
    /// Not signed as it must be.
    #[error("charter does not verify")]
    Signature(#[source] VerifyError),
    /// The founder is no device of this passport, or a removed or expired one.
    #[error("founder does not speak for the passport")]
    Founder(#[source] Option<ChainError>),
    /// The format version or the schema is not known to this software.
    #[error("needs newer software")]
    Unsupported,
    /// Lists out of order, too long, or phases that do not fit.
    #[error("charter is inconsistent")]
    Inconsistent,
    /// A card does not verify.
    #[error("a card in the charter does not verify")]
    Card,
}

/// A charter whose signature, founder and cards have been checked.
#[derive(Clone, Debug)]
pub struct VerifiedCharter {
    charter: Charter,
    id: EpochId,
    founder: VerificationKey,
    lineage: Vec<VerificationKey>,
    roots: Vec<VerificationKey>,
    founder_until: Option<Timestamp>,
    cards: BTreeMap<OrganisationId, VerifiedCard>,
    instances: BTreeMap<VerificationKey, OrganisationId>,
    writing: BTreeMap<VerificationKey, OrganisationId>,
    signed: Signed<Charter>,
}

impl Charter {
    /// The format version written by this software.
    pub const VERSION: u8 = 1;

    /// Most parents of an epoch.
    pub const PARENTS: usize = 16;

    /// Signs the charter and checks it as every other party will.
    ///
    /// # Errors
    /// Returns [`CharterError`].
    pub fn sign(&self, key: &SigningKey) -> Result<VerifiedCharter, CharterError> {
        Self::verify(Signed::new(self, key))
    }

    /// Checks signature, founder, order, phases and cards.
    ///
    /// # Errors
    /// Returns [`CharterError`].
    pub fn verify(signed: Signed<Self>) -> Result<VerifiedCharter, CharterError> {
        let verified = signed.verify().map_err(CharterError::Signature)?;
        if verified.version != Self::VERSION || verified.schema != SCHEMA_VERSION {
            return Err(CharterError::Unsupported);
        }
        let founder = verified
            .founder
            .verify(&verified.passport)
            .map_err(|e| CharterError::Founder(Some(e)))?;
        let removed = |key: &VerificationKey| verified.removed_devices.contains(key);
        let speaks = founder.key() == verified.signer() && founder.valid_at(verified.founded_at);
        if !speaks || founder.lineage().iter().any(removed) {
            return Err(CharterError::Founder(None));
        }
        verified.check()?;
        let mut cards: BTreeMap<OrganisationId, VerifiedCard> = BTreeMap::new();
        let mut instances = BTreeMap::new();
        for card in &verified.cards {
            let card = Card::verify(card.clone()).map_err(|_| CharterError::Card)?;
            for instance in card.instances() {
                let before = instances.insert(instance.key(), card.id());
                // A key that two claim speaks for neither.
                if before.is_some_and(|before| before != card.id()) {
                    return Err(CharterError::Card);
                }
            }
            if cards.get(&card.id()).is_none_or(|known| known.serial < card.serial) {
                cards.insert(card.id(), card);
            }
        }
        let writing = cards
            .values()
            .flat_map(|card| card.instances().iter().map(|i| (i.key(), card.id())))
            .collect();
        if verified.writers.iter().any(|w| !cards.contains_key(&w.organisation)) {
            return Err(CharterError::Card);
        }
        let id = EpochId::from_bytes(verified.payload_hash());
        let (lineage, founder_until) = (founder.lineage().to_vec(), founder.expires());
        let roots = founder.roots().to_vec();
        let founder = founder.key();
        Ok(VerifiedCharter {
            charter: verified.into_inner(),
            id,
            founder,
            lineage,
            roots,
            founder_until,
            cards,
            instances,
            writing,
            signed,
        })
    }

    fn check(&self) -> Result<(), CharterError> {
        fn ascending<T: Ord>(items: &[T]) -> bool {
            items.iter().zip(items.iter().skip(1)).all(|(a, b)| a < b)
        }
        let starts: Vec<_> = self.phases.iter().map(|p| p.from).collect();
        let starts_here = |end: Timestamp| starts.contains(&end) && end > self.founded_at;
        let ok = ascending(&self.removed_devices)
            && ascending(&self.parents)
            && ascending(&self.writers)
            && ascending(&starts)
            && (1..=PHASES).contains(&self.phases.len())
            && starts.first() == Some(&self.founded_at)
            && self.parents.is_empty() == (self.height == 0)
            && self.writers.len() <= PARTIES
            && self.cards.len() <= PARTIES
            && self.parents.len() <= Self::PARENTS
            && (self.section.spec().shareable || self.writers.is_empty())
            && (1..=SnapshotDigest::PARTS).contains(&self.snapshot.len())
            && self
                .writers
                .iter()
                .all(|w| w.can == Right::Contribute && w.until.is_none_or(starts_here));
        if ok { Ok(()) } else { Err(CharterError::Inconsistent) }
    }
}

impl core::ops::Deref for VerifiedCharter {
    type Target = Charter;

    fn deref(&self) -> &Charter {
        &self.charter
    }
}

impl VerifiedCharter {
    /// The epoch it opens.
    #[must_use]
    pub fn id(&self) -> EpochId {
        self.id
    }

    /// The device that founded it.
    #[must_use]
    pub fn founder(&self) -> VerificationKey {
        self.founder
    }

    /// Every key from the root's to the founder's: removing any removes the founder.
    #[must_use]
    pub fn founder_lineage(&self) -> &[VerificationKey] {
        &self.lineage
    }

    /// The passport's roots, from its first to the one the founder descends from. Who speaks for
    /// the holder here descends from that, or from one after it.
    #[must_use]
    pub fn roots(&self) -> &[VerificationKey] {
        &self.roots
    }

    /// Orders epochs that no other follows, the one to write in first: most revocations, then
    /// the most epochs before it, then the lowest id.
    #[must_use]
    pub fn precedence(&self) -> (Reverse<u32>, Reverse<u32>, EpochId) {
        (Reverse(self.charter.revocations), Reverse(self.charter.height), self.id)
    }

    /// When that device's certificates end, if they do.
    #[must_use]
    pub fn founder_until(&self) -> Option<Timestamp> {
        self.founder_until
    }

    /// The charter as signed.
    #[must_use]
    pub fn signed(&self) -> &Signed<Charter> {
        &self.signed
    }

    /// The cards of the organisations it names, of each the latest.
    pub(crate) fn latest_cards(&self) -> impl Iterator<Item = &VerifiedCard> {
        self.cards.values()
    }

    /// The card of an organisation it names.
    #[must_use]
    pub fn card(&self, organisation: &OrganisationId) -> Option<&VerifiedCard> {
        self.cards.get(organisation)
    }

    /// The organisation that a key may write for: an instance on its current card, not on an
    /// older one that is there for the sake of what it signed.
    #[must_use]
    pub fn writer_of(&self, key: &VerificationKey) -> Option<OrganisationId> {
        self.writing.get(key).copied()
    }

    /// The organisation that a key is an instance of, by any of its cards in the charter.
    #[must_use]
    pub fn organisation_of(&self, key: &VerificationKey) -> Option<OrganisationId> {
        self.instances.get(key).copied()
    }

    /// What an organisation may write.
    #[must_use]
    pub fn writer(&self, organisation: &OrganisationId) -> Option<&Writer> {
        self.charter.writers.iter().find(|w| w.organisation == *organisation)
    }

    /// Whether who may write until then may still write in this phase: phases are compared,
    /// never clocks.
    #[must_use]
    pub fn may_write_in(&self, until: Option<Timestamp>, phase: u32) -> bool {
        let start = usize::try_from(phase).ok().and_then(|p| self.charter.phases.get(p));
        start.is_some_and(|p| until.is_none_or(|until| p.from < until))
    }

    /// The phase at a moment: the last that has begun.
    #[must_use]
    pub fn phase_at(&self, now: Timestamp) -> u32 {
        let begun = self.charter.phases.iter().filter(|p| p.from <= now).count();
        u32::try_from(begun.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The phases whose keys a member may have whose right ends at `until`.
    pub fn phases_until(&self, until: Option<Timestamp>) -> impl Iterator<Item = u32> {
        (0_u32..)
            .zip(&self.charter.phases)
            .filter(move |(_, p)| until.is_none_or(|until| p.from < until))
            .map(|(i, _)| i)
    }

    /// Whether this is the key that the charter commits to for a phase.
    #[must_use]
    pub fn admits_key(&self, phase: u32, key: &PhaseKey) -> bool {
        let phase = usize::try_from(phase).ok().and_then(|p| self.charter.phases.get(p));
        phase.is_some_and(|p| key.matches(&p.commitment))
    }
}

/// Phase keys by number, as far as one party has them.
pub type PhaseKeys = BTreeMap<u32, PhaseKey>;
