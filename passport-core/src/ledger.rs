//! The ledger: the holder's own signed log of devices, contacts, consents and epochs.
//!
//! A set of signed statements, each citing those it builds on. The fold is a function of the
//! set: a revocation ends every grant of its organisation and section that does not cite it, so
//! no order of arrival, and no old statement found again, brings a reader back. Statements are
//! sealed to the holder's devices and the recovery key; phase keys travel in them.

mod authority;
mod compartment;
mod fold;
mod proven;
mod roots;
mod statement;
mod vouched;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain;
use crate::id::{ChannelId, EpochId, PassportId, StatementId, VerificationKey};
use crate::keys::{PhaseKey, Signed, SigningKey, Verified, VerifiedDevice};
use crate::section::SectionName;

pub use compartment::{CompartmentKey, PassphraseKey, is_kept_back};
pub use fold::{Contact, Device, Fold, FoldedEpoch, FoldedGrant};
use proven::Proven;
pub use statement::{KeyOfLedger, KeyOfPhase, Statement, StatementBody};

/// Most statements that may wait for those they cite.
const WAITING: usize = 4_096;

/// Most statements that one cites. Devices leave a few; whoever has a key of the ledger, and is no
/// device any more, may leave any number, and nobody else's statement may grow too large by that.
const CITED: usize = 1_024;

/// A statement that the ledger does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// It does not verify.
    #[error("statement does not verify")]
    Signature(#[source] crate::keys::VerifyError),
    /// It is of another passport, or of a version this software does not know.
    #[error("statement is not of this ledger")]
    Foreign,
    /// Too many statements wait for others.
    #[error("too many statements are waiting")]
    Full,
}

/// The device that reads a ledger. Histories that somebody with an old recovery phrase made up, in
/// which that phrase was replaced by another of theirs, are told from the true one by this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its key: who replaced the phrase had heard of it, or of one that let it in. None while it
    /// is being recovered.
    pub device: Option<VerificationKey>,
    /// The root that it descends from, as far as it has heard.
    pub root: VerificationKey,
}

/// The statements at hand.
#[derive(Clone, Debug)]
pub struct Ledger {
    passport: PassportId,
    statements: BTreeMap<StatementId, Verified<Statement>>,
    signed: BTreeMap<StatementId, Signed<Statement>>,
    proven: Proven,
    /// Keys of what is kept back, as far as a passphrase gave them; the one in use last.
    compartments: Vec<CompartmentKey>,
    reader: Option<Reader>,
    waiting: BTreeMap<StatementId, (Verified<Statement>, Signed<Statement>)>,
    waiters: BTreeMap<StatementId, BTreeSet<StatementId>>,
}

impl Ledger {
    /// The empty ledger of a passport.
    #[must_use]
    pub fn new(passport: PassportId) -> Self {
        Self {
            passport,
            statements: BTreeMap::new(),
            signed: BTreeMap::new(),
            proven: Proven::default(),
            compartments: Vec::new(),
            reader: None,
            waiting: BTreeMap::new(),
            waiters: BTreeMap::new(),
        }
    }

    /// The passport.
    #[must_use]
    pub fn passport(&self) -> PassportId {
        self.passport
    }

    /// Takes in a statement, in any order; whether it is new. Whether its signer speaks for the
    /// holder is for the fold to judge.
    ///
    /// # Errors
    /// Returns [`LedgerError`].
    pub fn insert(&mut self, signed: Signed<Statement>) -> Result<bool, LedgerError> {
        let id = identity(&signed);
        if self.statements.contains_key(&id) || self.waiting.contains_key(&id) {
            return Ok(false);
        }
        let verified = signed.verify().map_err(LedgerError::Signature)?;
        if verified.passport != self.passport || verified.version != Statement::VERSION {
            return Err(LedgerError::Foreign);
        }
        if let Some(parent) = self.lacks(&verified) {
            if self.waiting.len() >= WAITING {
                return Err(LedgerError::Full);
            }
            self.waiters.entry(parent).or_default().insert(id);
            self.waiting.insert(id, (verified, signed));
            return Ok(true);
        }
        // Never held up by what others left waiting.
        let mut ready = vec![(id, verified, signed)];
        while let Some((id, verified, signed)) = ready.pop() {
            self.proven.take(id, &verified, &self.compartments);
            self.statements.insert(id, verified);
            self.signed.insert(id, signed);
            for waiter in self.waiters.remove(&id).into_iter().flatten() {
                let Some((verified, signed)) = self.waiting.remove(&waiter) else { continue };
                if let Some(parent) = self.lacks(&verified) {
                    self.waiters.entry(parent).or_default().insert(waiter);
                    self.waiting.insert(waiter, (verified, signed));
                } else {
                    ready.push((waiter, verified, signed));
                }
            }
        }
        Ok(true)
    }

    /// Says who reads: until then nobody in particular.
    pub fn read_as(&mut self, reader: Reader) {
        self.reader = Some(reader);
    }

    /// Opens what was kept back under a passphrase; whether there is any such thing.
    pub fn open_compartments(&mut self, passphrase: &PassphraseKey) -> bool {
        let locks = self.statements.values().filter_map(|statement| {
            let StatementBody::Locked { keys } = &statement.body else { return None };
            passphrase.unlock(keys)
        });
        // A lock holds what the one before it held, and more: the longest is the present one.
        let mut locks: Vec<Vec<CompartmentKey>> = locks.collect();
        locks.sort_by_key(Vec::len);
        let mut opened: Vec<CompartmentKey> = Vec::new();
        for key in locks.into_iter().flatten() {
            opened.retain(|known| *known != key);
            opened.push(key);
        }
        let found = !opened.is_empty();
        self.hold_compartments(opened);
        found
    }

    /// From now on knows these keys, and no others, of what is kept back.
    pub(crate) fn hold_compartments(&mut self, keys: Vec<CompartmentKey>) {
        self.compartments = keys;
        for (id, statement) in &self.statements {
            if matches!(statement.body, StatementBody::FoundedClosed { .. }) {
                self.proven.take(*id, statement, &self.compartments);
            }
        }
    }

    /// Keys of what is kept back that are known; the one in use last.
    pub(crate) fn compartments(&self) -> &[CompartmentKey] {
        &self.compartments
    }

    /// A statement that this one cites and that is not here.
    fn lacks(&self, statement: &Statement) -> Option<StatementId> {
        statement.parents.iter().find(|parent| !self.statements.contains_key(*parent)).copied()
    }

    /// The statements that no other cites, ascending.
    #[must_use]
    pub fn heads(&self) -> Vec<StatementId> {
        let cited: BTreeSet<_> =
            self.statements.values().flat_map(|s| s.parents.iter().copied()).collect();
        self.statements.keys().filter(|id| !cited.contains(*id)).copied().collect()
    }

    /// What the next statement cites, ascending: the heads; of too many, as many of each signer as
    /// of any other, and of those who are nearer to the root first.
    fn cited(&self) -> Vec<StatementId> {
        let mut heads = self.heads();
        if heads.len() <= CITED {
            return heads;
        }
        let mut known: BTreeMap<VerificationKey, usize> = BTreeMap::new();
        for device in self.proven.devices.values() {
            known.extend(device.roots().iter().map(|root| (*root, 0)));
            known.insert(device.key(), device.lineage().len());
        }
        let mut of_signer: BTreeMap<VerificationKey, usize> = BTreeMap::new();
        heads.sort_by_cached_key(|id| {
            let signer = self.statements.get(id).map(Verified::signer);
            let before = signer.map_or(0, |signer| {
                let before = of_signer.entry(signer).or_default();
                core::mem::replace(before, before.saturating_add(1))
            });
            let far = signer.and_then(|signer| known.get(&signer));
            (before, far.copied().unwrap_or(usize::MAX))
        });
        heads.truncate(CITED);
        heads.sort_unstable();
        heads
    }

    /// Statements that others cite and that never came.
    pub fn missing(&self) -> impl Iterator<Item = &StatementId> {
        self.waiters.keys().filter(|id| !self.waiting.contains_key(*id))
    }

    /// Every statement as signed, ascending by id.
    pub fn statements(&self) -> impl Iterator<Item = (&StatementId, &Signed<Statement>)> {
        self.signed.iter()
    }

    /// Signs a statement that cites what is known.
    #[must_use]
    pub fn draft(
        &self,
        at: crate::time::Timestamp,
        body: StatementBody,
        key: &SigningKey,
    ) -> Signed<Statement> {
        let statement = Statement {
            version: Statement::VERSION,
            passport: self.passport,
            parents: self.cited(),
            at,
            body,
        };
        Signed::new(&statement, key)
    }

    /// What the statements come to.
    #[must_use]
    pub fn fold(&self) -> Fold {
        Fold::of(self)
    }

    /// Who is known to have heard that one of these epochs was founded: the signers of what
    /// builds on a founding, and the devices that joined by it.
    #[must_use]
    pub fn heard_of(&self, epochs: &BTreeSet<EpochId>) -> BTreeSet<VerificationKey> {
        let founding = |id: &StatementId| {
            self.proven.epochs.get(id).is_some_and(|epoch| epochs.contains(&epoch.charter.id()))
        };
        let after = self.after(self.statements.keys().copied().filter(founding));
        let mut heard = BTreeSet::new();
        for id in after {
            heard.extend(self.statements.get(&id).map(Verified::signer));
            heard.extend(self.proven.devices.get(&id).map(VerifiedDevice::key));
        }
        heard
    }

    /// These statements, and all that build on them.
    fn after(&self, first: impl IntoIterator<Item = StatementId>) -> BTreeSet<StatementId> {
        let mut building: BTreeMap<StatementId, Vec<StatementId>> = BTreeMap::new();
        for (id, statement) in &self.statements {
            for parent in &statement.parents {
                building.entry(*parent).or_default().push(*id);
            }
        }
        let mut queue: Vec<StatementId> = first.into_iter().collect();
        let mut after: BTreeSet<StatementId> = BTreeSet::new();
        while let Some(id) = queue.pop() {
            if after.insert(id) {
                queue.extend(building.remove(&id).into_iter().flatten());
            }
        }
        after
    }

    /// Whether statement `a` is in the causal past of `b`.
    fn precedes(&self, a: &StatementId, b: &StatementId) -> bool {
        self.past(b).contains(a)
    }

    /// The causal past of a statement, itself left out.
    fn past(&self, of: &StatementId) -> BTreeSet<StatementId> {
        let mut past = BTreeSet::new();
        let mut queue = vec![*of];
        while let Some(id) = queue.pop() {
            for parent in self.statements.get(&id).iter().flat_map(|s| &s.parents) {
                if past.insert(*parent) {
                    queue.push(*parent);
                }
            }
        }
        past
    }
}

/// The identity of a statement: what it says and who signed it. If it were what it says alone,
/// the same words under a worthless signature would keep the good ones out.
pub(crate) fn identity(statement: &Signed<Statement>) -> StatementId {
    let signer = statement.claimed_signer();
    let said = statement.payload_hash();
    StatementId::from_bytes(domain::STATEMENT.hash(&[&said, signer.as_bytes()]))
}

/// The control key of a generation of the ledger: it signs the access lists of the channels that
/// begin in it. Whoever has the ledger's key has it, and no device that was removed before.
#[must_use]
pub fn control_key(ledger_key: &PhaseKey) -> SigningKey {
    let seed = zeroize::Zeroizing::new(domain::CONTROL_KEY.hash(&[ledger_key.as_bytes()]));
    SigningKey::from_seed(&seed)
}

/// The nonce of a channel of this passport: a section's, or the ledger's. It is
/// derived from the control key, so that the ledger's key alone finds every channel.
#[must_use]
pub fn channel_nonce(control: &SigningKey, label: &str) -> [u8; 16] {
    let mut nonce = [0; 16];
    let hash = domain::CHANNEL_NONCE.hash(&[&*control.to_seed(), label.as_bytes()]);
    nonce.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    nonce
}

/// The channel of a section.
#[must_use]
pub fn section_channel(control: &SigningKey, section: &SectionName) -> ChannelId {
    let nonce = channel_nonce(control, section.as_str());
    crate::access::channel_id(&control.verification_key(), &nonce)
}

/// The channel of the ledger. No section has this name.
pub const LEDGER_LABEL: &str = "ledger";

/// The channel of the ledger.
#[must_use]
pub fn ledger_channel(control: &SigningKey) -> ChannelId {
    crate::access::channel_id(&control.verification_key(), &channel_nonce(control, LEDGER_LABEL))
}

/// The identity of the ledger's generation under a key.
#[must_use]
pub fn ledger_epoch(passport: &PassportId, key: &PhaseKey) -> EpochId {
    EpochId::from_bytes(domain::LEDGER.hash(&[passport.as_bytes(), &key.commitment()]))
}
