//! The holder's side: one device of a student.
//!
//! A [`Holder`] owns the device's journal and keys, folds the ledger, and turns commands into
//! sealed envelopes, statements and letters. Each command is one atomic write to the vault: it
//! is done, or nothing happened. What must travel is in the journal and goes out with the next
//! exchange.

mod carry;
mod confirm;
mod create;
mod devices;
mod erase;
mod exchange;
mod files;
mod found;
mod kept_back;
mod leave;
mod links;
mod receipts;
mod record;
mod recover;
mod recovered;
mod rekey;
mod replace;
mod retire;
mod share;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::codec;
use crate::envelope::{Header, Kind, MAX_BODY, OpenedEnvelope, SealedEnvelope, seal};
use crate::id::{EnvelopeId, EpochId, PassportId, StatementId, VerificationKey};
use crate::journal::Journal;
use crate::keys::{CertificateChain, PhaseKey, ReceivingKey, Signed, SigningKey};
use crate::ledger::{
    Fold, FoldedEpoch, Ledger, Reader, Statement, StatementBody, identity, ledger_channel,
};
use crate::party::{PartyError, open_with, replica_of};
use crate::replica::Replica;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};
use crate::view::{HistoryEvent, View};

use receipts::Receipts;

pub use carry::{HeldEdit, Quarantined};
pub use confirm::{Doubt, Unconfirmed};
pub use create::Profile;
pub use devices::{Joined, PendingDevice};
pub use erase::Erasure;
pub use leave::Leaving;
pub use links::KeptLink;
pub use receipts::{AccessLine, Arrival};
pub use record::{FieldChange, NewEntry};
pub use recover::Recovery;
pub use recovered::Recovered;
pub use share::{Consent, GrantState, GrantView, Share};

const META: &[u8] = b"holder";
const DEVICE_KEY: &[u8] = b"device";
const RECEIVING_KEY: &[u8] = b"receiving";
const LEDGER_KEY: &[u8] = b"ledger";

/// A device of the holder, unlocked.
///
/// After a command that failed, open it anew: what it had made and not written is still in memory.
#[derive(Debug)]
pub struct Holder<V> {
    journal: Journal<V>,
    device: SigningKey,
    receiving: ReceivingKey,
    chain: CertificateChain,
    passport: PassportId,
    /// The key under which the ledger was first met.
    ledger_key: PhaseKey,
    /// Keys under which it went on.
    newer_keys: BTreeMap<EpochId, PhaseKey>,
    /// Control keys of the ledger's generations, as far as they were derived.
    derived: BTreeMap<EpochId, SigningKey>,
    ledger: Ledger,
    /// The statements that are under each key of the ledger.
    sealed_under: BTreeMap<EpochId, BTreeSet<StatementId>>,
    /// This device's last envelope in each generation of the ledger.
    ledger_tails: BTreeMap<EpochId, (u64, EnvelopeId)>,
    fold: Fold,
    replicas: BTreeMap<EpochId, Replica>,
    /// The receipts in the vault, once somebody asked for them.
    receipts: OnceLock<Receipts>,
}

/// What the vault says of its owner. CBOR: `[version, passport, chain]`.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Meta {
    #[n(0)]
    version: u8,
    #[n(1)]
    passport: PassportId,
    #[n(2)]
    chain: CertificateChain,
}

impl<V: Vault> Holder<V> {
    /// Whether a vault is a holder's device.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn is_in(vault: &V) -> Result<bool, PartyError> {
        Ok(vault.get(Table::Meta, META)?.is_some())
    }

    /// Opens the device kept in a vault.
    ///
    /// # Errors
    /// Returns [`PartyError::NotHolder`] when the vault is somebody else's.
    pub fn open(vault: V) -> Result<Self, PartyError> {
        let meta = vault.get(Table::Meta, META)?.ok_or(PartyError::NotHolder)?;
        let meta: Meta = codec::decode(&meta, 64 * 1024).map_err(|_| PartyError::Damaged)?;
        let seed = |name: &[u8]| -> Result<[u8; 32], PartyError> {
            let bytes = vault.get(Table::Key, name)?.ok_or(PartyError::Damaged)?;
            bytes.as_slice().try_into().map_err(|_| PartyError::Damaged)
        };
        let device = SigningKey::from_seed(&seed(DEVICE_KEY)?);
        let receiving = ReceivingKey::from_seed(&seed(RECEIVING_KEY)?);
        let ledger_key = PhaseKey::from_bytes(&seed(LEDGER_KEY)?);
        let newer_keys = rekey::newer_keys(&vault)?;
        let mut holder = Self {
            journal: Journal::open(vault)?,
            device,
            receiving,
            chain: meta.chain,
            passport: meta.passport,
            ledger_key,
            newer_keys,
            derived: BTreeMap::new(),
            ledger: Ledger::new(meta.passport),
            sealed_under: BTreeMap::new(),
            ledger_tails: BTreeMap::new(),
            fold: Fold::default(),
            replicas: BTreeMap::new(),
            receipts: OnceLock::new(),
        };
        holder.read_ledger()?;
        Ok(holder)
    }

    /// Reads the ledger anew from the journal, with the keys that are known and those it brings.
    fn read_ledger(&mut self) -> Result<(), PartyError> {
        let mut read = BTreeSet::new();
        loop {
            let unread: Vec<EpochId> =
                self.ledger_keys().into_keys().filter(|epoch| read.insert(*epoch)).collect();
            if unread.is_empty() {
                return Ok(());
            }
            for epoch in unread {
                for envelope in self.journal.envelopes(&epoch)? {
                    if let Some(opened) = self.opened_of_ledger(&envelope) {
                        self.admit_statements(&opened);
                    }
                }
            }
            self.take_fold();
        }
    }

    /// Takes what the statements come to. Where the recovery phrase was replaced, this device is
    /// known by other certificates from then on.
    fn take_fold(&mut self) {
        if let Some(root) = self.chain.claimed_last_root() {
            self.ledger.read_as(Reader { device: Some(self.device()), root });
        }
        self.fold = self.ledger.fold();
        if let Some(known) = self.fold.devices.get(&self.device()).filter(|d| !d.removed) {
            self.chain = known.chain.clone();
        }
        self.derive_controls();
    }

    /// As [`Self::take_fold`], and keeps the certificates: no history that somebody makes up later
    /// takes this device from the root that it descends from.
    fn learn(&mut self, batch: &mut Batch) {
        let before = self.chain.clone();
        self.take_fold();
        if self.chain != before {
            self.remember_self(batch);
        }
    }

    /// Verifies and opens an envelope of the ledger, if it is one.
    fn opened_of_ledger(&self, envelope: &SealedEnvelope) -> Option<OpenedEnvelope> {
        let key = self.ledger_key_of(&envelope.header().epoch);
        open_with(envelope, |_| key.clone())
    }

    /// Takes the statements of an envelope of the ledger.
    fn admit_statements(&mut self, opened: &OpenedEnvelope) {
        let header = opened.header();
        if header.author == self.device.verification_key() {
            let this = (header.seq, opened.id());
            let tail = self.ledger_tails.entry(header.epoch).or_insert(this);
            *tail = this.max(*tail);
        }
        for statement in statements_in(opened) {
            self.sealed_under.entry(header.epoch).or_default().insert(identity(&statement));
            // A statement that does not verify says nothing; the others of its envelope stand.
            let _ = self.ledger.insert(statement);
        }
    }

    /// Makes a statement: into the ledger, sealed into the batch. What is said after a removal was
    /// heard of, the removed device does not read.
    fn say(
        &mut self,
        batch: &mut Batch,
        body: StatementBody,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        // It would cite what others know of a letter alone, and an epoch founded upon it would
        // not have the members that it comes to mean once they do.
        if !self.was_let_in() {
            return Err(PartyError::NotIn);
        }
        if self.fold.exposed && self.has_a_say() {
            self.rekey(batch, now, rng)?;
        }
        let statement = self.ledger.draft(now, body, &self.device);
        self.carry_statements(batch, &[statement], rng)
    }

    /// Seals statements, by whomever, into an envelope of the ledger.
    fn carry_statements(
        &mut self,
        batch: &mut Batch,
        statements: &[Signed<Statement>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        for statement in statements {
            self.ledger.insert(statement.clone()).map_err(PartyError::Ledger)?;
        }
        self.learn(batch);
        self.seal_statements(batch, statements, rng)
    }

    /// Seals statements under the ledger's present key.
    fn seal_statements(
        &mut self,
        batch: &mut Batch,
        statements: &[Signed<Statement>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let under = self.sealed_under.entry(self.present_ledger().0).or_default();
        under.extend(statements.iter().map(identity));
        self.seal_in_ledger(batch, Kind::Statements, codec::encode(&statements), rng)
    }

    /// Seals something for every device, now and later, under the ledger's present key.
    fn seal_in_ledger(
        &mut self,
        batch: &mut Batch,
        kind: Kind,
        body: Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (epoch, key) = self.present_ledger();
        let tail = self.ledger_tails.get(&epoch);
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: ledger_channel(&self.control()),
            epoch,
            phase: 0,
            author: self.device.verification_key(),
            seq: tail.map_or(1, |(seq, _)| seq.saturating_add(1)),
            prev: tail.map(|(_, id)| *id),
            deps: Vec::new(),
            kind,
        };
        let envelope = seal(&header, body, &key, &self.device, rng)?;
        self.ledger_tails.insert(epoch, (header.seq, envelope.id()));
        self.journal.append(batch, &envelope, None)?;
        Ok(())
    }

    /// The replica of an epoch, built from the journal when first asked for.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEpoch`] when there is no such epoch.
    pub fn replica(&mut self, epoch: EpochId) -> Result<&Replica, PartyError> {
        if !self.replicas.contains_key(&epoch) {
            let known = self.fold.known(&epoch).ok_or(PartyError::NoEpoch)?;
            let replica = replica_of(&self.journal, &known.charter, &known.keys)?;
            self.replicas.insert(epoch, replica);
        }
        self.replicas.get(&epoch).ok_or(PartyError::NoEpoch)
    }

    /// The epoch of a section that is written in now.
    fn current(&self, section: &SectionName) -> Option<EpochId> {
        self.currents(section).first().copied()
    }

    /// The epochs of a section that no other follows and that are open, the one to write in
    /// first.
    fn currents(&self, section: &SectionName) -> Vec<EpochId> {
        let mut current = self.fold.current(section);
        current.retain(|id| self.fold.epochs.get(id).is_some_and(|e| !e.closed));
        current
    }

    /// Whether the epoch that a section is written in now is here from its beginning, if there is
    /// one. The ledger tells of an epoch before its snapshot comes.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn is_here(&mut self, section: &SectionName) -> Result<bool, PartyError> {
        let Some(current) = self.current(section) else { return Ok(true) };
        Ok(self.replica(current)?.is_ready())
    }

    /// The epochs that are open.
    fn open_epochs(&self) -> impl Iterator<Item = &FoldedEpoch> {
        self.fold.epochs.values().filter(|e| !e.closed)
    }

    /// This passport.
    #[must_use]
    pub fn passport(&self) -> PassportId {
        self.passport
    }

    /// This device's key: also its name at relays.
    #[must_use]
    pub fn device(&self) -> VerificationKey {
        self.device.verification_key()
    }

    /// What the ledger comes to.
    #[must_use]
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// The journal, to see what relays have.
    #[must_use]
    pub fn journal(&self) -> &Journal<V> {
        &self.journal
    }

    /// The sections that have an epoch, in the table's order, own ones last; not what is kept
    /// back and closed.
    #[must_use]
    pub fn sections(&self) -> Vec<SectionName> {
        crate::party::sections_in_order(self.open_epochs().map(|e| e.charter.section.clone()))
    }

    /// A section as it stands; empty sections have a view too once they were opened. Where it
    /// began anew and that has not come ([`Self::is_here`]), as it stood before.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEpoch`] when there is no such section yet.
    pub fn view(&mut self, section: &SectionName) -> Result<View, PartyError> {
        let epoch = self.shown(section)?;
        Ok(View::of(self.replica(epoch)?))
    }

    /// The epoch that a section is shown from: the present one, or else the last before it that is
    /// here from its beginning and holds nothing that was erased.
    fn shown(&mut self, section: &SectionName) -> Result<EpochId, PartyError> {
        let current = self.current(section).ok_or(PartyError::NoEpoch)?;
        let line: Vec<EpochId> = self.line(current).iter().map(|e| e.charter.id()).collect();
        let kept = |id: &EpochId| {
            *id == current || !(self.fold.stale.contains(id) || self.fold.void.contains_key(id))
        };
        for epoch in line.into_iter().take_while(kept).collect::<Vec<_>>() {
            if self.replica(epoch)?.is_ready() {
                return Ok(epoch);
            }
        }
        Ok(current)
    }

    /// Who did what in a section, in all its epochs since anything of it was erased, by claimed
    /// time.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn history(&mut self, section: &SectionName) -> Result<Vec<HistoryEvent>, PartyError> {
        let mut events = Vec::new();
        for epoch in self.told_epochs(section) {
            events.extend(crate::view::history(self.replica(epoch)?));
        }
        events.sort_by_key(|e| (e.at, e.envelope));
        Ok(events)
    }

    /// How many envelopes others build on that never arrived, and how many authors wrote two
    /// different things under one number, in a section.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn gaps(&mut self, section: &SectionName) -> Result<(usize, usize), PartyError> {
        let (mut missing, mut forks) = (0, 0);
        for epoch in self.told_epochs(section) {
            let replica = self.replica(epoch)?;
            missing += replica.missing().count();
            forks += replica.forks().count();
        }
        missing += usize::from(!self.is_here(section)?);
        Ok((missing, forks))
    }

    /// How many statements of the ledger others cite that never came.
    #[must_use]
    pub fn ledger_gaps(&self) -> usize {
        self.ledger.missing().count()
    }

    fn epochs_of(&self, section: &SectionName) -> Vec<EpochId> {
        let of_section = self.open_epochs().filter(|e| e.charter.section == *section);
        of_section.map(|e| e.charter.id()).collect()
    }

    /// The name to put on grants: the first person's in `identity`.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn name(&mut self) -> Result<String, PartyError> {
        let section = crate::party::section("identity")?;
        let view = self.view(&section)?;
        let named = view.entries.iter().find_map(|entry| {
            let field = entry.fields.get("name")?.versions.first()?;
            Some(crate::section::display::display_value(&field.value))
        });
        Ok(named.unwrap_or_else(|| "(no name)".to_owned()))
    }
}

/// The statements in an envelope of the ledger.
fn statements_in(opened: &OpenedEnvelope) -> Vec<Signed<Statement>> {
    said(opened, Kind::Statements)
}

/// What an envelope of the ledger says, if it is of a kind.
fn said<T>(opened: &OpenedEnvelope, kind: Kind) -> Vec<T>
where
    T: for<'b> Decode<'b, ()> + Encode<()>,
{
    let read = || codec::decode(opened.body(), MAX_BODY).unwrap_or_default();
    if opened.header().kind == kind { read() } else { Vec::new() }
}
