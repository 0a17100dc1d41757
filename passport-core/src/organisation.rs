//! An organisation's side: one installation at a practice, university service or hospital.
//!
//! An [`Organisation`] keeps its card and keys, the consents and epochs that students offered,
//! and signs whatever it records. It never makes an epoch and never sees the ledger.

mod check;
mod confirm;
mod erase;
mod exchange;
mod files;
mod forget;
mod held;
mod late;
mod receipts;
mod record;
mod stats;

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use crate::codec;
use crate::epoch::VerifiedCharter;
use crate::id::{EpochId, GrantId, OrganisationId, PassportId, VerificationKey};
use crate::journal::Journal;
use crate::keys::{
    Card, InstanceCertificate, OrganisationKind, ReceivingKey, Signable as _, Signed, SigningKey,
    VerifiedCard,
};
use crate::party::{PartyError, replica_of};
use crate::replica::Replica;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};
use crate::view::{HistoryEvent, View, history};

pub use check::{
    Basis, DischargeCheck, DischargeSource, FollowUp, FoundDischarge, Handled, Handling,
    PossibleDischarge, StudentName, Window,
};
pub use confirm::{ConfirmedNumber, NumberTold};
pub use held::{HeldEpoch, HeldGrant, HeldState};
pub use receipts::AuditRecord;
pub use stats::{Counted, Stats};

const CARD: &[u8] = b"card";
const CARD_KEY: &[u8] = b"card";
const INSTANCE_KEY: &[u8] = b"instance";
const RECEIVING_KEY: &[u8] = b"receiving";

/// An organisation's installation, unlocked.
///
/// After a command that failed, open it anew: what it had made and not written is still in memory.
#[derive(Debug)]
pub struct Organisation<V> {
    journal: Journal<V>,
    card: VerifiedCard,
    instance: SigningKey,
    receiving: ReceivingKey,
    grants: BTreeMap<GrantId, HeldGrant>,
    epochs: BTreeMap<EpochId, HeldEpoch>,
    replicas: BTreeMap<EpochId, Replica>,
    /// Withdrawals that came before what they end, of this run.
    early: BTreeMap<(PassportId, GrantId), Timestamp>,
}

/// What an organisation says of itself at the start.
#[derive(Clone, Debug)]
pub struct OrganisationProfile {
    /// Its name.
    pub name: String,
    /// What kind it is.
    pub kind: OrganisationKind,
    /// Its ODS code.
    pub ods: Option<String>,
    /// Relays where its mailbox is.
    pub relays: Vec<String>,
}

impl<V: Vault> Organisation<V> {
    /// Whether a vault is an organisation's.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn is_in(vault: &V) -> Result<bool, PartyError> {
        Ok(vault.get(Table::Organisation, CARD)?.is_some())
    }

    /// Begins an organisation in an empty vault: a card with this installation on it.
    ///
    /// # Errors
    /// Returns [`PartyError::Card`] when the card would not be accepted by others.
    pub fn create(
        vault: V,
        profile: &OrganisationProfile,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PartyError> {
        let card_key = SigningKey::generate(rng);
        let instance = SigningKey::generate(rng);
        let receiving = ReceivingKey::generate(rng);
        let mut card =
            Card::new(card_key.verification_key(), profile.name.clone(), profile.kind, now);
        card.ods.clone_from(&profile.ods);
        card.relays.clone_from(&profile.relays);
        let certificate = InstanceCertificate::new(
            card.id(),
            instance.verification_key(),
            receiving.public_key(),
            now,
        );
        card.instances.push(Signed::new(&certificate, &card_key));
        let card = card.sign(&card_key).map_err(PartyError::Card)?;
        let mut batch = Batch::new();
        batch.put(Table::Organisation, CARD, codec::encode(card.signed()));
        batch.put(Table::Key, CARD_KEY, card_key.to_seed().to_vec());
        batch.put(Table::Key, INSTANCE_KEY, instance.to_seed().to_vec());
        batch.put(Table::Key, RECEIVING_KEY, receiving.to_seed().to_vec());
        let mut journal = Journal::open(vault)?;
        journal.commit(batch)?;
        Ok(Self {
            journal,
            card,
            instance,
            receiving,
            grants: BTreeMap::new(),
            epochs: BTreeMap::new(),
            replicas: BTreeMap::new(),
            early: BTreeMap::new(),
        })
    }

    /// Opens the installation kept in a vault.
    ///
    /// # Errors
    /// Returns [`PartyError::NotOrganisation`] when the vault is somebody else's.
    pub fn open(vault: V) -> Result<Self, PartyError> {
        let card = vault.get(Table::Organisation, CARD)?.ok_or(PartyError::NotOrganisation)?;
        let card = codec::decode(&card, Card::LIMIT + 256).map_err(|_| PartyError::Damaged)?;
        let card = Card::verify(card).map_err(PartyError::Card)?;
        let seed = |name: &[u8]| -> Result<[u8; 32], PartyError> {
            let bytes = vault.get(Table::Key, name)?.ok_or(PartyError::Damaged)?;
            bytes.as_slice().try_into().map_err(|_| PartyError::Damaged)
        };
        let instance = SigningKey::from_seed(&seed(INSTANCE_KEY)?);
        let receiving = ReceivingKey::from_seed(&seed(RECEIVING_KEY)?);
        let mut grants = BTreeMap::new();
        for (key, value) in vault.scan(Table::Grant)? {
            let id = GrantId::from_slice(&key).map_err(|_| PartyError::Damaged)?;
            grants.insert(id, HeldGrant::decode(&value)?);
        }
        let mut epochs = BTreeMap::new();
        for (key, value) in vault.scan(Table::Charter)? {
            let id = EpochId::from_slice(&key).map_err(|_| PartyError::Damaged)?;
            epochs.insert(id, HeldEpoch::decode(&value)?);
        }
        let replicas = BTreeMap::new();
        let journal = Journal::open(vault)?;
        let early = BTreeMap::new();
        Ok(Self { journal, card, instance, receiving, grants, epochs, replicas, early })
    }

    /// Names the relays anew: the card is signed again, with a higher serial.
    ///
    /// Students who hold the older card are unaffected: keys and identity stay the same.
    ///
    /// # Errors
    /// Returns [`PartyError::Card`] when a card cannot name these relays; nothing changes then.
    pub fn set_relays(&mut self, relays: Vec<String>, now: Timestamp) -> Result<(), PartyError> {
        let seed = self.journal.vault().get(Table::Key, CARD_KEY)?.ok_or(PartyError::Damaged)?;
        let seed: [u8; 32] = seed.as_slice().try_into().map_err(|_| PartyError::Damaged)?;
        let mut card = (*self.card).clone();
        card.relays = relays;
        card.serial = card.serial.saturating_add(1);
        card.issued_at = now;
        let card = card.sign(&SigningKey::from_seed(&seed)).map_err(PartyError::Card)?;
        let mut batch = Batch::new();
        batch.put(Table::Organisation, CARD, codec::encode(card.signed()));
        self.journal.commit(batch)?;
        self.card = card;
        Ok(())
    }

    /// Its card.
    #[must_use]
    pub fn card(&self) -> &VerifiedCard {
        &self.card
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> OrganisationId {
        self.card.id()
    }

    /// This installation's key.
    #[must_use]
    pub fn instance(&self) -> VerificationKey {
        self.instance.verification_key()
    }

    /// The journal, to see what relays have.
    #[must_use]
    pub fn journal(&self) -> &Journal<V> {
        &self.journal
    }

    /// The consents that students gave, by student, section and start.
    #[must_use]
    pub fn grants(&self) -> Vec<&HeldGrant> {
        let mut all: Vec<&HeldGrant> = self.grants.values().collect();
        all.sort_by_key(|g| (g.grant.passport, g.grant.section.clone(), g.grant.from, g.grant.id));
        all
    }

    /// The epochs held, with the keys of their phases: what this installation can open.
    #[must_use]
    pub fn epochs(&self) -> &BTreeMap<EpochId, HeldEpoch> {
        &self.epochs
    }

    /// The sections that a student ever shared, in the table's order.
    #[must_use]
    pub fn sections(&self, student: PassportId) -> Vec<SectionName> {
        let of_student = self.epochs.values().filter(|e| e.charter.passport == student);
        crate::party::sections_in_order(of_student.map(|e| e.charter.section.clone()))
    }

    /// A section of a student as far as it was shared. What was read while a consent was in force
    /// stays readable after it.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] when the section was never shared.
    pub fn view(&mut self, student: PassportId, section: &SectionName) -> Result<View, PartyError> {
        let epoch = self.current(student, section).ok_or(PartyError::NoGrant)?;
        Ok(View::of(self.replica(epoch)?))
    }

    /// What was done in a section, as far as it was shared, by claimed time.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn history(
        &mut self,
        student: PassportId,
        section: &SectionName,
    ) -> Result<Vec<HistoryEvent>, PartyError> {
        let mut events = Vec::new();
        for epoch in self.epochs_of(student, section) {
            events.extend(history(self.replica(epoch)?));
        }
        events.sort_by_key(|e| (e.at, e.envelope));
        Ok(events)
    }

    /// The epochs of a section that are held, the oldest first.
    #[must_use]
    pub fn epochs_of(&self, student: PassportId, section: &SectionName) -> Vec<EpochId> {
        let mut held: Vec<&HeldEpoch> = self
            .epochs
            .values()
            .filter(|e| e.charter.passport == student && e.charter.section == *section)
            .collect();
        held.sort_by_key(|e| (e.charter.founded_at, e.charter.id()));
        held.iter().map(|e| e.charter.id()).collect()
    }

    /// Devices of a student that a held charter says were removed.
    fn removed_devices(&self, student: PassportId) -> BTreeSet<VerificationKey> {
        let of_student = self.epochs.values().filter(|e| e.charter.passport == student);
        of_student.flat_map(|e| e.charter.removed_devices.iter().copied()).collect()
    }

    /// The roots of a student's passport, as far as held charters show: who replaced the recovery
    /// phrase may not be spoken for by who has the old one.
    fn known_roots(&self, student: PassportId) -> &[VerificationKey] {
        let of_student = self.epochs.values().filter(|e| e.charter.passport == student);
        let roots = of_student.map(|e| e.charter.roots());
        roots.max_by_key(|roots| roots.len()).unwrap_or_default()
    }

    /// The epoch to read and write: of those that no other held one follows, the first by
    /// [`crate::epoch::VerifiedCharter::precedence`]. One whose snapshot has not come yet is
    /// passed over, and one that a removed device founded, unless it was followed.
    fn current(&mut self, student: PassportId, section: &SectionName) -> Option<EpochId> {
        let mut candidates: Vec<EpochId> = self.epochs_of(student, section);
        let removed = self.removed_devices(student);
        let roots = self.known_roots(student);
        let held = |id: &EpochId| self.epochs.get(id).map(|e| &e.charter);
        let parents_of = |ids: &[EpochId]| -> BTreeSet<EpochId> {
            ids.iter().filter_map(held).flat_map(|c| c.parents.iter().copied()).collect()
        };
        loop {
            let followed = parents_of(&candidates);
            let stray = candidates.iter().position(|id| {
                let founder = held(id).map(VerifiedCharter::founder_lineage).unwrap_or_default();
                let old = held(id).is_some_and(|c| !c.roots().starts_with(roots));
                !followed.contains(id) && (old || founder.iter().any(|key| removed.contains(key)))
            });
            let Some(stray) = stray else { break };
            candidates.remove(stray);
        }
        while !candidates.is_empty() {
            let followed: Vec<EpochId> = candidates
                .iter()
                .filter_map(|id| self.epochs.get(id))
                .flat_map(|e| e.charter.parents.iter().copied())
                .collect();
            let heads = candidates.iter().filter(|id| !followed.contains(id));
            let best = heads.min_by_key(|id| self.epochs.get(*id).map(|e| e.charter.precedence()));
            let best = *best?;
            if self.replica(best).is_ok_and(Replica::is_ready) {
                return Some(best);
            }
            candidates.retain(|id| *id != best);
        }
        None
    }

    /// The replica of an epoch, built from the journal when first asked for.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn replica(&mut self, epoch: EpochId) -> Result<&Replica, PartyError> {
        if !self.replicas.contains_key(&epoch) {
            let held = self.epochs.get(&epoch).ok_or(PartyError::NoGrant)?;
            let replica = replica_of(&self.journal, &held.charter, &held.keys)?;
            self.replicas.insert(epoch, replica);
        }
        self.replicas.get(&epoch).ok_or(PartyError::NoGrant)
    }
}
