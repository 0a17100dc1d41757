//! What the statements of a ledger come to, whatever order they came in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::authority::Authority;
use super::{KeyOfLedger, Ledger, Statement, StatementBody, is_kept_back};
use crate::archive::Archive;
use crate::epoch::{PhaseKeys, VerifiedCharter};
use crate::grant::Grant;
use crate::id::{EntryId, EnvelopeId, EpochId, OrganisationId, StatementId, VerificationKey};
use crate::keys::{
    CertificateChain, PhaseKey, ReceivingPublicKey, Signed, Succession, Verified, VerifiedCard,
    VerifiedDevice,
};
use crate::section::SectionName;
use crate::time::Timestamp;

/// The state that a ledger describes.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    /// The key of the recovery mailbox.
    pub locator: Option<VerificationKey>,
    /// Devices by key, removed ones included.
    pub devices: BTreeMap<VerificationKey, Device>,
    /// Contacts by organisation.
    pub contacts: BTreeMap<OrganisationId, Contact>,
    /// Consents, in the order given.
    pub grants: Vec<FoldedGrant>,
    /// Epochs.
    pub epochs: BTreeMap<EpochId, FoldedEpoch>,
    /// Epochs whose foundings do not count: their founders were removed by who had not heard. What
    /// others wrote there before they heard is theirs all the same.
    pub void: BTreeMap<EpochId, FoldedEpoch>,
    /// Relays.
    pub relays: Vec<String>,
    /// Envelopes in quarantine that the holder decided about, and whether they were released.
    pub judged: BTreeMap<EnvelopeId, bool>,
    /// Organisations that were asked to delete everything, and when last.
    pub deletions: BTreeMap<OrganisationId, Timestamp>,
    /// Where a new key of the ledger is wrapped for the phrase to find.
    pub recovery: Option<ReceivingPublicKey>,
    /// Generations of the ledger whose key no removed device was given, ascending.
    pub generations: Vec<EpochId>,
    /// Keys of the ledger that others took the place of.
    pub earlier_keys: BTreeMap<EpochId, PhaseKey>,
    /// Whether a removed device has the key under which the ledger goes on.
    pub exposed: bool,
    /// The passport's roots in order: the last is the present recovery phrase's.
    pub roots: Vec<VerificationKey>,
    /// What made each root but the first follow the one before it.
    pub successions: Vec<Signed<Succession>>,
    /// Devices that were removed, or descend from a replaced phrase alone: also those of which no
    /// statement counts.
    pub gone: BTreeSet<VerificationKey>,
    /// Entries that were erased, by section.
    pub erased: BTreeMap<SectionName, BTreeSet<EntryId>>,
    /// Epochs whose founders had not heard of all that was erased of their section: wherever they
    /// come from, they hold what should be gone.
    pub stale: BTreeSet<EpochId>,
    revocations: BTreeMap<SectionName, u32>,
    /// Statements on who is in a section: consents and their ends.
    on_members: BTreeMap<SectionName, Vec<StatementId>>,
    /// Removals of devices, which concern all sections.
    removals: Vec<StatementId>,
    /// Passphrases for what is kept back.
    locks: Vec<StatementId>,
}

/// A device of the holder.
#[derive(Clone, Debug)]
pub struct Device {
    /// What the holder calls it.
    pub name: String,
    /// Its certificates.
    pub chain: CertificateChain,
    /// Its keys, proven.
    pub verified: VerifiedDevice,
    /// When it joined.
    pub added_at: Timestamp,
    /// Whether it was removed.
    pub removed: bool,
}

/// An organisation that the holder knows.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its card.
    pub card: VerifiedCard,
    /// Whether the holder compared its verification phrase.
    pub verified: bool,
}

/// A consent and whether it was withdrawn.
#[derive(Clone, Debug)]
pub struct FoldedGrant {
    /// The consent.
    pub grant: Grant,
    /// As signed.
    pub signed: Signed<Grant>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

/// An epoch and its keys.
#[derive(Clone, Debug)]
pub struct FoldedEpoch {
    /// The statement that it was founded.
    pub statement: StatementId,
    /// Its charter.
    pub charter: VerifiedCharter,
    /// The keys of its phases.
    pub keys: PhaseKeys,
    /// What its founder had seen of the epoch that it was founded upon.
    pub cut: BTreeSet<EnvelopeId>,
    /// Late envelopes of others that its snapshot has beside.
    pub carried: BTreeSet<EnvelopeId>,
    /// Whether its keys need a passphrase that was not given: then there are none here.
    pub closed: bool,
    /// Where its history is kept once everybody has left it; none while closed.
    pub archive: Option<Archive>,
    /// Whether it is settled ([`Fold::is_settled`]), once that was asked: it takes a walk through
    /// the ledger.
    pub(super) settled: OnceLock<bool>,
}

impl Fold {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let mut fold = Self::default();
        let authority = Authority::of(ledger);
        let mut statements: Vec<(&StatementId, &Verified<Statement>)> =
            ledger.statements.iter().filter(|(id, s)| authority.admits(ledger, id, s)).collect();
        // Causes before effects, then by claimed time, then by id: a total order that every
        // device finds. Only what is a matter of taste (names, relays) depends on it.
        let depths = depths(ledger);
        statements.sort_by_key(|(id, s)| (depths.get(*id).copied().unwrap_or(0), s.at, **id));
        let mut withdrawn: Vec<(OrganisationId, &SectionName, StatementId, Timestamp)> = Vec::new();
        let mut added: BTreeMap<VerificationKey, Vec<StatementId>> = BTreeMap::new();
        let mut rekeyed: Vec<(StatementId, EpochId)> = Vec::new();
        let mut founded: Vec<(StatementId, EpochId)> = Vec::new();
        let mut erasures: Vec<(StatementId, &SectionName)> = Vec::new();
        let mut given: Vec<(StatementId, Grant, Signed<Grant>)> = Vec::new();
        for (id, statement) in statements {
            match &statement.body {
                StatementBody::Opened { locator, recovery } => {
                    fold.recovery.get_or_insert_with(|| recovery.clone());
                    fold.locator.get_or_insert(*locator);
                }
                StatementBody::DeviceAdded { chain, name } => {
                    if let Some(proven) = ledger.proven.devices.get(id) {
                        let key = proven.key();
                        let line = authority.line_of(&key);
                        let device = Device {
                            name: name.clone(),
                            chain: line.map_or(chain, |line| &line.chain).clone(),
                            added_at: statement.at,
                            removed: line.is_none(),
                            verified: line.map_or(proven, |line| &line.device).clone(),
                        };
                        added.entry(key).or_default().push(*id);
                        fold.devices.entry(key).or_insert(device);
                    }
                }
                StatementBody::DeviceRemoved { .. } => fold.removals.push(*id),
                StatementBody::Locked { .. } => fold.locks.push(*id),
                StatementBody::Followed { .. } | StatementBody::Replaced { .. } => {}
                StatementBody::Founded { .. } | StatementBody::FoundedClosed { .. } => {
                    let epoch = ledger.proven.epochs.get(id).map(|e| (e.charter.id(), e.clone()));
                    founded.extend(epoch.iter().map(|(epoch, _)| (*id, *epoch)));
                    fold.epochs.extend(epoch);
                }
                StatementBody::Granted { grant: signed } => {
                    if let Some(grant) = ledger.proven.grants.get(id) {
                        fold.on_members.entry(grant.section.clone()).or_default().push(*id);
                        given.push((*id, grant.clone(), signed.clone()));
                    }
                }
                StatementBody::Revoked { organisation, section } => {
                    *fold.revocations.entry(section.clone()).or_default() += 1;
                    fold.on_members.entry(section.clone()).or_default().push(*id);
                    withdrawn.push((*organisation, section, *id, statement.at));
                }
                StatementBody::ContactAdded { verified, .. } => {
                    if let Some(card) = ledger.proven.cards.get(id) {
                        fold.add_contact(card, *verified);
                    }
                }
                StatementBody::ContactRemoved { organisation } => {
                    fold.contacts.remove(organisation);
                }
                StatementBody::DeletionAsked { organisation } => {
                    let last = fold.deletions.entry(*organisation).or_insert(statement.at);
                    *last = statement.at.max(*last);
                }
                StatementBody::Erased { section, entries } => {
                    fold.erased.entry(section.clone()).or_default().extend(entries);
                    erasures.push((*id, section));
                }
                StatementBody::RelaysSet { relays } => fold.relays.clone_from(relays),
                StatementBody::Rekeyed { generation, earlier } => {
                    rekeyed.push((*id, *generation));
                    let keys = earlier.iter().map(KeyOfLedger::key);
                    let of = |key: PhaseKey| (super::ledger_epoch(&ledger.passport, &key), key);
                    fold.earlier_keys.extend(keys.map(of));
                }
                StatementBody::Judged { envelope, released } => {
                    *fold.judged.entry(*envelope).or_default() |= released;
                }
            }
        }
        founded.extend(fold.take_void(ledger));
        fold.take_roots(ledger, &authority);
        fold.stale = fold.stale_epochs(ledger, &founded, &erasures);
        fold.weigh_generations(ledger, &authority, &rekeyed, &added);
        fold.grants = given
            .into_iter()
            .map(|(id, grant, signed)| {
                let revoked_at = withdrawn
                    .iter()
                    .filter(|(organisation, section, ..)| {
                        *organisation == grant.organisation && **section == grant.section
                    })
                    .filter(|(.., revocation, _)| !ledger.precedes(revocation, &id))
                    .map(|(.., at)| *at)
                    .min();
                FoldedGrant { grant, signed, revoked_at }
            })
            .collect();
        fold
    }

    /// The epochs whose foundings do not count, and those foundings.
    fn take_void(&mut self, ledger: &Ledger) -> Vec<(StatementId, EpochId)> {
        let mut founded = Vec::new();
        for (id, epoch) in &ledger.proven.epochs {
            let of = epoch.charter.id();
            if !self.epochs.contains_key(&of) {
                founded.push((*id, of));
                self.void.insert(of, epoch.clone());
            }
        }
        founded
    }

    /// The roots, and where the present phrase finds its letters.
    fn take_roots(&mut self, ledger: &Ledger, authority: &Authority) {
        self.roots.clone_from(&authority.roots.keys);
        self.gone = authority.gone().collect();
        for id in &authority.roots.replaced_by {
            self.removals.push(*id);
            let body = ledger.statements.get(id).map(|statement| &statement.body);
            if let Some(StatementBody::Replaced { succession, locator, recovery, .. }) = body {
                self.successions.push(succession.clone());
                self.locator = Some(*locator);
                self.recovery = Some(recovery.clone());
            }
        }
    }

    /// Which generations of the ledger no removed device was given the key of.
    fn weigh_generations(
        &mut self,
        ledger: &Ledger,
        authority: &Authority,
        rekeyed: &[(StatementId, EpochId)],
        added: &BTreeMap<VerificationKey, Vec<StatementId>>,
    ) {
        let live: Vec<VerificationKey> = self.live_devices().map(|d| d.verified.key()).collect();
        // A device that joined beside it was given the key by nobody.
        let has_it = |id: &StatementId, device| {
            let mut joined = added.get(device).into_iter().flatten();
            joined.any(|at| ledger.precedes(at, id) || ledger.precedes(id, at))
        };
        let safe = rekeyed.iter().filter(|(id, _)| {
            authority.all_gone_before(ledger, id) && live.iter().all(|device| has_it(id, device))
        });
        self.generations = safe.map(|(_, generation)| *generation).collect();
        self.generations.sort_unstable();
        let shut_out = self.devices.values().any(|d| d.removed) || !self.successions.is_empty();
        self.exposed = self.generations.is_empty() && shut_out;
    }

    /// The epochs, void ones too, of which some founding does not build on every erasure of their
    /// section.
    fn stale_epochs(
        &self,
        ledger: &Ledger,
        founded: &[(StatementId, EpochId)],
        erasures: &[(StatementId, &SectionName)],
    ) -> BTreeSet<EpochId> {
        let mut stale = BTreeSet::new();
        for (erasure, section) in erasures {
            let heard = ledger.after([*erasure]);
            let of_section =
                |epoch: &EpochId| self.known(epoch).is_some_and(|e| e.charter.section == **section);
            let unheard = founded.iter().filter(|(id, _)| !heard.contains(id));
            stale.extend(unheard.map(|(_, epoch)| *epoch).filter(of_section));
        }
        stale
    }

    fn add_contact(&mut self, card: &VerifiedCard, verified: bool) {
        let known = self.contacts.get(&card.id());
        let verified = verified || known.is_some_and(|k| k.verified);
        if self.claimed_instance(card).is_some() {
            return;
        }
        if known.is_none_or(|k| card.supersedes(&k.card) || *card == k.card) {
            self.contacts.insert(card.id(), Contact { card: card.clone(), verified });
        } else if let Some(contact) = self.contacts.get_mut(&card.id()) {
            contact.verified = verified;
        }
    }

    /// Which instance on a card, counted from 1, another contact has on its own: a certificate
    /// does not show that the instance agreed, and two that claim one key cannot both be in a
    /// charter.
    #[must_use]
    pub fn claimed_instance(&self, card: &VerifiedCard) -> Option<usize> {
        let others = || self.contacts.values().filter(|c| c.card.id() != card.id());
        let claimed = card.instances().iter().position(|instance| {
            others().any(|c| c.card.instances().iter().any(|i| i.key() == instance.key()))
        });
        claimed.map(|at| at + 1)
    }

    /// An epoch, whether or not its founding counts.
    #[must_use]
    pub fn known(&self, epoch: &EpochId) -> Option<&FoldedEpoch> {
        self.epochs.get(epoch).or_else(|| self.void.get(epoch))
    }

    /// Every epoch, whether or not its founding counts.
    pub fn all_known(&self) -> impl Iterator<Item = &FoldedEpoch> {
        self.epochs.values().chain(self.void.values())
    }

    /// How many revocations of a section the ledger knows.
    #[must_use]
    pub fn revocations(&self, section: &SectionName) -> u32 {
        self.revocations.get(section).copied().unwrap_or(0)
    }

    /// The consents in force for a section at a moment.
    pub fn in_force<'a>(
        &'a self,
        section: &'a SectionName,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a FoldedGrant> {
        self.grants.iter().filter(move |g| {
            g.grant.section == *section && g.revoked_at.is_none() && g.grant.covers(now)
        })
    }

    /// The epochs of a section that no other follows, the one to write in first:
    /// [`VerifiedCharter::precedence`].
    #[must_use]
    pub fn current(&self, section: &SectionName) -> Vec<EpochId> {
        let of_section: Vec<_> =
            self.epochs.values().filter(|e| e.charter.section == *section).collect();
        let followed: BTreeSet<EpochId> =
            of_section.iter().flat_map(|e| e.charter.parents.iter().copied()).collect();
        let mut current: Vec<_> =
            of_section.iter().filter(|e| !followed.contains(&e.charter.id())).collect();
        current.sort_by_key(|e| e.charter.precedence());
        current.iter().map(|e| e.charter.id()).collect()
    }

    /// Whether an epoch has the members that the ledger says: whoever founded it knew every
    /// statement on them that counts. Another founding would then give it the same. `ledger` is
    /// the one that this is the fold of.
    #[must_use]
    pub fn is_settled(&self, ledger: &Ledger, epoch: &EpochId) -> bool {
        let Some(epoch) = self.epochs.get(epoch) else { return false };
        *epoch.settled.get_or_init(|| self.has_its_members(ledger, epoch))
    }

    fn has_its_members(&self, ledger: &Ledger, epoch: &FoldedEpoch) -> bool {
        let section = &epoch.charter.section;
        let locks = self.locks.iter().filter(|_| is_kept_back(section));
        let on_members = self.on_members.get(section).into_iter().flatten();
        let past = ledger.past(&epoch.statement);
        on_members.chain(&self.removals).chain(locks).all(|id| past.contains(id))
    }

    /// Whether an entry of a section was erased.
    #[must_use]
    pub fn is_erased(&self, section: &SectionName, entry: &EntryId) -> bool {
        self.erased.get(section).is_some_and(|entries| entries.contains(entry))
    }

    /// Devices that were removed, ascending.
    #[must_use]
    pub fn removed_devices(&self) -> Vec<VerificationKey> {
        self.devices.values().filter(|d| d.removed).map(|d| d.verified.key()).collect()
    }

    /// Devices that speak for the holder.
    pub fn live_devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.values().filter(|d| !d.removed)
    }
}

/// The length of the longest chain of causes of each statement.
fn depths(ledger: &Ledger) -> BTreeMap<StatementId, u64> {
    let mut depths: BTreeMap<StatementId, u64> = BTreeMap::new();
    let mut stack: Vec<StatementId> = ledger.statements.keys().copied().collect();
    while let Some(id) = stack.pop() {
        if depths.contains_key(&id) {
            continue;
        }
        let Some(statement) = ledger.statements.get(&id) else { continue };
        let unknown: Vec<StatementId> =
            statement.parents.iter().filter(|p| !depths.contains_key(*p)).copied().collect();
        if unknown.is_empty() {
            let deepest = statement.parents.iter().filter_map(|p| depths.get(p)).max();
            depths.insert(id, deepest.map_or(0, |d| d + 1));
        } else {
            stack.push(id);
            stack.extend(unknown);
        }
    }
    depths
}
