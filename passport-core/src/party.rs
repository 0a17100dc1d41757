//! What both sides share: a student's device and an organisation's instance.

mod files;
mod packing;

use std::collections::BTreeMap;

use crate::access::AccessList;
use crate::archive::{Archive, in_order};
use crate::edit::{Edit, EditBody};
use crate::envelope::{EnvelopeError, Header, Kind, OpenedEnvelope, SealedEnvelope, seal_and_keep};
use crate::epoch::{CharterError, PhaseKeys, VerifiedCharter};
use crate::id::{EnvelopeId, EpochId};
use crate::journal::{
    Incoming, Journal, JournalError, Outgoing, RelayId, RemoteState, Verdict, Verdicts,
};
use crate::keys::{
    CardError, CertificateChain, ChainError, PhaseKey, Signed, SigningKey, WrapError,
};
use crate::ledger::LedgerError;
use crate::replica::{Admission, Refusal, Replica, WAITING};
use crate::section::{SectionName, table};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault, VaultError};
use rand_core::CryptoRng;

pub use files::{FileState, Pieces};
pub(crate) use files::{keep, lay, state, streams};
pub(crate) use packing::{contents, opened_of, pack_own};

/// Why a command could not be carried out. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartyError {
    /// The vault refused.
    #[error("vault refused")]
    Vault(#[from] VaultError),
    /// The journal could not be read or written.
    #[error("journal refused")]
    Journal(#[source] JournalError),
    /// The vault is not a holder's.
    #[error("vault is not a student's")]
    NotHolder,
    /// The vault is not an organisation's.
    #[error("vault is not an organisation's")]
    NotOrganisation,
    /// The vault's own records contradict each other.
    #[error("vault's records are inconsistent")]
    Damaged,
    /// The ledger would not take the statement.
    #[error("ledger refused")]
    Ledger(#[source] LedgerError),
    /// The envelope could not be made.
    #[error("envelope could not be made")]
    Envelope(#[from] EnvelopeError),
    /// A key could not be wrapped.
    #[error("key could not be wrapped")]
    Wrap(#[from] WrapError),
    /// A charter could not be made.
    #[error("charter could not be made")]
    Charter(#[from] CharterError),
    /// A certificate chain does not hold.
    #[error("certificates do not hold")]
    Chain(#[from] ChainError),
    /// A card would not be accepted by others.
    #[error("card refused")]
    Card(#[source] CardError),
    /// There is no such section in this passport yet.
    #[error("section does not exist yet")]
    NoEpoch,
    /// The section's present epoch is known, and has not come from its beginning.
    #[error("section has not all come yet")]
    NotHere,
    /// What is kept back is closed, or there is nothing: which of the two is not told.
    #[error("what is kept back is closed")]
    Closed,
    /// The passphrase opens something that is kept back already.
    #[error("passphrase is in use already")]
    AlreadyKept,
    /// There is no such entry.
    #[error("no such entry")]
    NoEntry,
    /// There is no such note or suggestion.
    #[error("no such suggestion")]
    NoSuggestion,
    /// The organisation is no contact.
    #[error("no such contact")]
    NoContact,
    /// The contact's verification phrase was never confirmed.
    #[error("contact's phrase was never confirmed")]
    UnverifiedContact,
    /// The section can never be shared.
    #[error("section can not be shared")]
    NotShareable,
    /// A right to deposit cannot be given yet: there is no way to file what would be left.
    #[error("deposits are not built yet")]
    NoDeposits,
    /// There is no grant in force that allows this.
    #[error("no grant in force")]
    NoGrant,
    /// There is no such grant.
    #[error("no such grant")]
    UnknownGrant,
    /// The consent ends then, or later, or never.
    #[error("consent ends no earlier")]
    NotLater,
    /// The end lies in the past.
    #[error("end lies in the past")]
    Ended,
    /// The edit is not allowed, or does not fit the section.
    #[error("edit refused")]
    Refused(#[source] Refusal),
    /// A single edit is larger than an envelope.
    #[error("edit is too large")]
    TooLarge,
    /// This device has not heard yet that it was let in: nobody would heed what it says.
    #[error("device has not heard yet that it was let in")]
    NotIn,
    /// The device is not known, or is this one.
    #[error("no such device")]
    NoDevice,
    /// The device let this one in, which would be removed with it: the recovery phrase makes a
    /// device that can remove both.
    #[error("this device was let in by that one")]
    Ancestor,
    /// The enrolment request does not verify.
    #[error("enrolment request does not verify")]
    Enrolment,
    /// The recovery phrase is not the present one.
    #[error("not the present recovery phrase")]
    WrongPhrase,
    /// The recovery phrase was replaced by another.
    #[error("recovery phrase was replaced")]
    PhraseReplaced {
        /// When, by the clock of the device that replaced it.
        at: Timestamp,
    },
    /// A file has not all come yet.
    #[error("{here} of {of} parts of the file are here")]
    PartOfFile {
        /// Parts that are here.
        here: u32,
        /// Parts that there are.
        of: u32,
    },
    /// A file is not of the size that it is said to be.
    #[error("file is not of its size")]
    NotTheFile,
    /// The passport's key material is not there yet.
    #[error("nothing to recover was found")]
    NothingToRecover,
}

impl From<JournalError> for PartyError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Vault(vault) => Self::Vault(vault),
            JournalError::Record { .. } => Self::Journal(error),
        }
    }
}

/// What an exchange brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Envelopes and letters that were new.
    pub new: usize,
    /// Objects that could not be used.
    pub unusable: usize,
}

/// A party to an exchange with relays, files or folders: a student's device, an organisation's
/// instance. Every method is one atomic write; an exchange may be cut between any two, and the
/// next one completes it.
pub trait Party {
    /// The key that signs requests to relays, and owns the mailbox.
    fn request_key(&self) -> &SigningKey;

    /// The keys that sign this party's access lists, if it has any: a relay tells what lists it
    /// has to whoever holds the one that may sign the next.
    fn list_keys(&self) -> Vec<SigningKey> {
        Vec::new()
    }

    /// Whether an envelope concerns this party. A relay hands out nothing else; what is found in
    /// a file or folder may be anybody's.
    fn concerns(&self, header: &Header) -> bool {
        let _ = header;
        true
    }

    /// What is known of the relay at a URL.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn remote(&self, url: &str) -> Result<RemoteState, PartyError>;

    /// What that relay has not got yet.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn outgoing(&self, url: &str, now: Timestamp) -> Result<Outgoing, PartyError>;

    /// Notes which relay answers at a URL, before anything it says is used. One that is new
    /// there, or has lost what it had, is offered everything again.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn met(&mut self, url: &str, relay: RelayId, reset: bool) -> Result<(), PartyError>;

    /// Notes what a relay said of what it was offered; returns how many objects it refused for
    /// good.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn settle_with(
        &mut self,
        url: &str,
        outgoing: &Outgoing,
        verdicts: &Verdicts,
        now: Timestamp,
    ) -> Result<usize, PartyError>;

    /// Learns the access list that a relay has in the place of one that was offered; whether it
    /// is one that was not known.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn learn_list(&mut self, url: &str, list: &Signed<AccessList>) -> Result<bool, PartyError>;

    /// Takes in what came from a relay, and how far its feed was read with it.
    ///
    /// # Errors
    /// Returns [`PartyError`]; then nothing was taken in, and the same may come again.
    fn receive(
        &mut self,
        url: &str,
        incoming: Incoming,
        now: Timestamp,
    ) -> Result<Received, PartyError>;

    /// Puts on disk whatever the vault has held back ([`crate::vault::Grouped`]): before anything
    /// of it leaves, and before anybody is told that it is kept.
    ///
    /// # Errors
    /// Returns [`PartyError`]; then it is not on disk.
    fn keep(&mut self) -> Result<(), PartyError>;

    /// Puts things in order after an exchange.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    fn tidy(
        &mut self,
        pace: Pace,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Tidied, PartyError>;
}

/// What putting things in order came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// How many envelopes it made, which want another exchange.
    pub made: usize,
    /// Whether something was left for when all has come ([`Pace::Coming`]).
    pub waits: bool,
}

/// What is still to be expected: of what is packed while somebody goes on writing, and of what is
/// founded before all has come, a part is soon done once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Something was written a moment ago, and more may follow.
    Busy,
    /// Nothing was written for a while; but more may come, now that what came last is known.
    Coming,
    /// Nothing was written for a while, or there will be no better time.
    Quiet,
}

/// Notes what a relay said of what it was offered; returns how many objects it refused.
pub(crate) fn settle<V: Vault>(
    journal: &mut Journal<V>,
    url: &str,
    outgoing: &Outgoing,
    verdicts: &Verdicts,
    now: Timestamp,
) -> Result<usize, PartyError> {
    let mut remote = journal.remote(url)?;
    for (list, verdict) in outgoing.lists.iter().zip(&verdicts.lists) {
        if *verdict == Verdict::Kept {
            remote.learn_list(list, |_| true);
        }
    }
    let refused = journal.settle(&mut remote, outgoing, verdicts);
    remote.last_confirmed = Some(now);
    let mut batch = Batch::new();
    journal.remember(&mut batch, url, &remote);
    journal.commit(batch)?;
    Ok(refused)
}

/// A section by its name in the table.
pub(crate) fn section(name: &str) -> Result<SectionName, PartyError> {
    name.parse().map_err(|_| PartyError::NoEpoch)
}

/// Sections once each, in the table's order, own ones last by name.
pub(crate) fn sections_in_order(sections: impl Iterator<Item = SectionName>) -> Vec<SectionName> {
    let place = |name: &SectionName| {
        let known = table::SECTIONS.iter().position(|s| s.name == name.as_str());
        (known.unwrap_or(usize::MAX), name.clone())
    };
    let mut all: Vec<SectionName> = sections.collect();
    all.sort_by_key(place);
    all.dedup();
    all
}

/// Verifies an envelope and opens it with the key of its phase, if there is one.
pub(crate) fn open_with(
    envelope: &SealedEnvelope,
    key_of: impl Fn(u32) -> Option<PhaseKey>,
) -> Option<OpenedEnvelope> {
    let key = key_of(envelope.header().phase)?;
    envelope.clone().verify().ok()?.open(&key).ok()
}

/// The envelopes of an epoch in the packs of its archive that are here.
pub(crate) fn archived<V: Vault>(
    journal: &Journal<V>,
    archive: &Archive,
    charter: &VerifiedCharter,
    keys: &PhaseKeys,
) -> Result<Vec<OpenedEnvelope>, PartyError> {
    let packs = journal.envelopes(&archive.id())?;
    Ok(packs.iter().filter_map(|pack| archive.open(pack, charter, keys)).flatten().collect())
}

/// Takes envelopes that came, and are on disk, into a replica that is in memory. What it cannot
/// hold now is in the journal: the replica is built from there when it is next asked for.
pub(crate) fn admit_arrived(
    replicas: &mut BTreeMap<EpochId, Replica>,
    arrived: BTreeMap<EpochId, Vec<OpenedEnvelope>>,
) {
    for (epoch, envelopes) in arrived {
        let Some(replica) = replicas.get_mut(&epoch) else { continue };
        let full = envelopes.chunks(WAITING / 2).any(|some| {
            let admissions = replica.admit(some.iter().cloned());
            admissions.iter().any(|(_, admission)| *admission == Admission::Full)
        });
        if full {
            replicas.remove(&epoch);
        }
    }
}

/// The replica of an epoch, from the envelopes that came and from its archive.
pub(crate) fn replica_of<V: Vault>(
    journal: &Journal<V>,
    charter: &VerifiedCharter,
    keys: &PhaseKeys,
) -> Result<Replica, PartyError> {
    let mut replica = Replica::new(charter.clone());
    let (mut opened, mut packed) = opened_of(journal, &charter.id(), keys)?;
    if let Some(archive) = Archive::of(charter, keys) {
        let archived = archived(journal, &archive, charter, keys)?;
        packed |= !archived.is_empty();
        opened.extend(archived);
    }
    if packed {
        opened = in_order(opened);
    }
    for some in opened.chunks(WAITING / 2) {
        replica.admit(some.iter().cloned());
    }
    Ok(replica)
}

/// Who writes: the keys and proofs of one author.
pub(crate) struct Pen<'a> {
    pub(crate) key: &'a SigningKey,
    pub(crate) chain: Option<&'a CertificateChain>,
    pub(crate) now: Timestamp,
}

impl Pen<'_> {
    /// Seals edits at the replica's present state and admits them there, so that what leaves
    /// this party is what every other will accept.
    pub(crate) fn write(
        &self,
        replica: &mut Replica,
        keys: &PhaseKeys,
        edits: Vec<Edit>,
        carries: Option<EnvelopeId>,
        rng: &mut dyn CryptoRng,
    ) -> Result<SealedEnvelope, PartyError> {
        let author = self.key.verification_key();
        let position = replica.position(&author);
        let charter = replica.charter();
        let phase = charter.phase_at(self.now).max(position.phase);
        let phase_key = keys.get(&phase).ok_or(PartyError::NoGrant)?;
        // A device shows its certificates whatever cards say: an organisation's may name any key.
        let named = author == charter.founder();
        let chain = self.chain.filter(|_| position.seq == 1 && !named).cloned();
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: charter.channel,
            epoch: charter.id(),
            phase,
            author,
            seq: position.seq,
            prev: position.prev,
            deps: position.deps,
            kind: Kind::Edits,
        };
        let body = crate::codec::encode(&EditBody { at: self.now, chain, edits, carries });
        let (envelope, opened) = seal_and_keep(&header, body, phase_key, self.key, rng)?;
        match replica.admit([opened]).first().map(|(_, admission)| *admission) {
            Some(Admission::Applied) => Ok(envelope),
            Some(Admission::Quarantined(refusal)) => {
                replica.withdraw(&envelope.id());
                Err(PartyError::Refused(refusal))
            }
            Some(Admission::Waiting | Admission::Known | Admission::Full) | None => {
                Err(PartyError::NotHere)
            }
        }
    }
}

/// Splits edits so that each run fits an envelope and its limits.
pub(crate) fn batches(edits: Vec<Edit>) -> Vec<Vec<Edit>> {
    const BYTES: usize = 160 * 1024;
    let mut all: Vec<Vec<Edit>> = Vec::new();
    let mut bytes = 0;
    for edit in edits {
        let len = crate::codec::encode(&edit).len();
        let open = all
            .last()
            .is_some_and(|run| bytes + len <= BYTES && run.len() < crate::edit::limits::EDITS);
        if open {
            bytes += len;
        } else {
            bytes = len;
            all.push(Vec::new());
        }
        if let Some(run) = all.last_mut() {
            run.push(edit);
        }
    }
    all
}

/// The edit that brings a field to a value: within a long text, only what differs.
pub(crate) fn change(
    entry: &crate::replica::EntryNow,
    field: &str,
    value: Option<&crate::section::Value>,
) -> Edit {
    use crate::section::Value;
    let present = entry.fields.get(field).and_then(|f| f.settled()).map(|v| &v.value);
    if let (Some(Value::Prose(before)), Some(Value::Prose(after))) = (present, value) {
        let (before, after): (Vec<char>, Vec<char>) =
            (before.chars().collect(), after.chars().collect());
        let same = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
        let rest = before.len().min(after.len()) - same;
        let tail = before
            .iter()
            .rev()
            .zip(after.iter().rev())
            .take(rest)
            .take_while(|(a, b)| a == b)
            .count();
        return Edit::Splice {
            entry: entry.id,
            field: field.to_owned(),
            at: u32::try_from(same).unwrap_or(u32::MAX),
            delete: u32::try_from(before.len() - same - tail).unwrap_or(u32::MAX),
            insert: after.iter().skip(same).take(after.len() - same - tail).collect(),
        };
    }
    Edit::Set { entry: entry.id, field: field.to_owned(), value: value.cloned() }
}
