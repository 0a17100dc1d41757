//! Devices join and leave.

use rand_core::CryptoRng;

use super::{DEVICE_KEY, Holder, LEDGER_KEY, META, Meta, RECEIVING_KEY};
use crate::codec;
use crate::id::VerificationKey;
use crate::journal::{Incoming, IncomingItem, Journal};
use crate::keys::{
    CertificateChain, ComparisonWords, DeviceCertificate, EnrolmentCode, EnrolmentRequest,
    PhaseKey, ReceivingKey, Signed, SigningKey, VerifiedDevice, WordsError, enrolment_words,
};
use crate::ledger::{Fold, Ledger, Statement, StatementBody};
use crate::letter::Letter;
use crate::party::PartyError;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

const PENDING: &[u8] = b"pending device";
/// That another device said that this one was removed, and when.
const REMOVED: &[u8] = b"removed";

/// A device that has asked to join and waits for its letter.
#[derive(Debug)]
pub struct PendingDevice<V> {
    journal: Journal<V>,
    device: SigningKey,
    receiving: ReceivingKey,
    request: Vec<u8>,
    relays: Vec<String>,
}

impl<V: Vault> PendingDevice<V> {
    /// Makes the keys of a new device in an empty vault.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn create(
        vault: V,
        relays: &[String],
        expires: Option<Timestamp>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PartyError> {
        let device = SigningKey::generate(rng);
        let receiving = ReceivingKey::generate(rng);
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let request = EnrolmentRequest {
            device: device.verification_key(),
            receiving: receiving.public_key(),
            nonce,
            expires,
        };
        let (request, _) = request.sign(&device);
        let mut journal = Journal::open(vault)?;
        let mut batch = Batch::new();
        let pending = (minicbor::bytes::ByteVec::from(request.clone()), relays.to_vec());
        batch.put(Table::Meta, PENDING, codec::encode(&pending));
        batch.put(Table::Key, DEVICE_KEY, device.to_seed().to_vec());
        batch.put(Table::Key, RECEIVING_KEY, receiving.to_seed().to_vec());
        journal.commit(batch)?;
        Ok(Self { journal, device, receiving, request, relays: relays.to_vec() })
    }

    /// Whether a vault is a device that waits to join.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn is_in(vault: &V) -> Result<bool, PartyError> {
        Ok(vault.get(Table::Meta, PENDING)?.is_some())
    }

    /// Opens a device that waits to join.
    ///
    /// # Errors
    /// Returns [`PartyError::NotHolder`] when the vault is something else.
    pub fn open(vault: V) -> Result<Self, PartyError> {
        let pending = vault.get(Table::Meta, PENDING)?.ok_or(PartyError::NotHolder)?;
        let (request, relays): (minicbor::bytes::ByteVec, Vec<String>) =
            codec::decode(&pending, 64 * 1024).map_err(|_| PartyError::Damaged)?;
        let seed = |name: &[u8]| -> Result<[u8; 32], PartyError> {
            let bytes = vault.get(Table::Key, name)?.ok_or(PartyError::Damaged)?;
            bytes.as_slice().try_into().map_err(|_| PartyError::Damaged)
        };
        let device = SigningKey::from_seed(&seed(DEVICE_KEY)?);
        let receiving = ReceivingKey::from_seed(&seed(RECEIVING_KEY)?);
        Ok(Self {
            journal: Journal::open(vault)?,
            device,
            receiving,
            request: request.into(),
            relays,
        })
    }

    /// The request to leave for the approving device, and its code.
    #[must_use]
    pub fn request(&self) -> (&[u8], EnrolmentCode) {
        (&self.request, EnrolmentCode::of(&self.request))
    }

    /// Relays where the letter may come.
    #[must_use]
    pub fn relays(&self) -> &[String] {
        &self.relays
    }

    /// The key that signs this device's requests to relays.
    #[must_use]
    pub fn request_key(&self) -> &SigningKey {
        &self.device
    }

    /// Looks for the letter that lets this device in among what a relay has for it. The words
    /// must be compared with those that the approving device showed before the device is used.
    ///
    /// # Errors
    /// Returns the pending device back when no letter was there.
    pub fn receive(self, incoming: Incoming) -> Result<Result<Joined<V>, Self>, PartyError> {
        let own = self.device.verification_key();
        for item in incoming.items {
            let IncomingItem::Letter(bytes) = item else { continue };
            let Ok(Letter::Enrolled { chain, ledger_key, relays }) =
                Letter::open(&bytes, &own, &self.receiving)
            else {
                continue;
            };
            let Some(root) = chain.claimed_root() else { continue };
            let passport = crate::id::PassportId::of_root(&root);
            let Ok(verified) = chain.verify(&passport) else { continue };
            if verified.key() != own {
                continue;
            }
            let approver =
                verified.lineage().iter().rev().nth(1).copied().ok_or(PartyError::Damaged)?;
            let ledger_key = PhaseKey::from_bytes(&ledger_key);
            let meta = Meta { version: 1, passport, chain: chain.clone() };
            let mut batch = Batch::new();
            batch.put(Table::Meta, META, codec::encode(&meta));
            batch.put(Table::Key, LEDGER_KEY, ledger_key.as_bytes().to_vec());
            batch.delete(Table::Meta, PENDING);
            let holder = Holder {
                journal: self.journal,
                device: self.device,
                receiving: self.receiving,
                chain,
                passport,
                ledger_key,
                ledger: Ledger::new(passport),
                newer_keys: std::collections::BTreeMap::new(),
                derived: std::collections::BTreeMap::new(),
                receipts: std::sync::OnceLock::new(),
                sealed_under: std::collections::BTreeMap::new(),
                ledger_tails: std::collections::BTreeMap::new(),
                fold: Fold::default(),
                replicas: std::collections::BTreeMap::new(),
            };
            return Ok(Ok(Joined { holder, batch, approver, relays }));
        }
        Ok(Err(self))
    }
}

/// A device that somebody let in. Nothing of it is written before [`Joined::accept`]: until the
/// words were compared it may be somebody else's passport.
#[derive(Debug)]
pub struct Joined<V> {
    holder: Holder<V>,
    batch: Batch,
    /// Who let it in.
    pub approver: VerificationKey,
    /// The passport's relays.
    pub relays: Vec<String>,
}

impl<V: Vault> Joined<V> {
    /// Makes the vault a device of the passport, once the words were found to be the same.
    ///
    /// # Errors
    /// Returns [`PartyError`]; the device goes on waiting then.
    pub fn accept(mut self) -> Result<Holder<V>, PartyError> {
        self.holder.journal.commit(self.batch)?;
        Ok(self.holder)
    }

    /// The words that the approving device shows too.
    ///
    /// # Errors
    /// Returns [`WordsError`].
    pub fn words(&self) -> Result<ComparisonWords, WordsError> {
        enrolment_words(
            &self.holder.passport,
            &self.approver,
            &self.holder.device(),
            &self.holder.receiving.public_key(),
        )
    }
}

impl<V: Vault> Holder<V> {
    /// Reads an enrolment request and says which words the new device will show.
    ///
    /// # Errors
    /// Returns [`PartyError::Enrolment`] when it does not verify.
    pub fn words_for(
        &self,
        request: &[u8],
    ) -> Result<Result<ComparisonWords, WordsError>, PartyError> {
        let request = EnrolmentRequest::open(request).map_err(|_| PartyError::Enrolment)?;
        Ok(enrolment_words(&self.passport, &self.device(), &request.device, &request.receiving))
    }

    /// Lets a new device in: certifies it, gives it a name that no other has, says so in the ledger, and leaves it the ledger's key.
    ///
    /// # Errors
    /// Returns [`PartyError::Enrolment`] when the request does not verify.
    pub fn approve_device(
        &mut self,
        request: &[u8],
        name: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<VerificationKey, PartyError> {
        let request = EnrolmentRequest::open(request).map_err(|_| PartyError::Enrolment)?;
        let certificate = DeviceCertificate::new(
            self.passport,
            request.device,
            request.receiving.clone(),
            now,
            request.expires,
        );
        let chain: CertificateChain = self.chain.extend(&certificate, &self.device);
        chain.verify(&self.passport)?;
        let mut batch = Batch::new();
        let name = self.distinct_name(name);
        let body = StatementBody::DeviceAdded { chain: chain.clone(), name };
        self.say(&mut batch, body, now, rng)?;
        let letter = Letter::Enrolled {
            chain,
            ledger_key: *self.present_ledger().1.as_bytes(),
            relays: self.fold.relays.clone(),
        };
        let sealed = letter.seal(&request.device, &request.receiving, rng)?;
        self.journal.post(&mut batch, request.device, sealed);
        self.journal.commit(batch)?;
        Ok(request.device)
    }

    /// A name that no device has had: this one, or with a number after it.
    pub(super) fn distinct_name(&self, wanted: &str) -> String {
        let taken = |name: &str| self.fold.devices.values().any(|d| d.name == name);
        let numbered = (2_u64..).map(|n| format!("{wanted} {n}"));
        let mut names = core::iter::once(wanted.to_owned()).chain(numbered);
        names.find(|name| !taken(name)).unwrap_or_else(|| wanted.to_owned())
    }

    /// Removes a device, and those that it let in: from now on they speak for nobody, and the
    /// ledger and every section go on under keys that they do not get. What they have read they
    /// keep.
    ///
    /// # Errors
    /// Returns [`PartyError::NoDevice`] when it is unknown, removed already, or this one;
    /// [`PartyError::Ancestor`] when this one was let in by it and would go with it.
    pub fn remove_device(
        &mut self,
        device: VerificationKey,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let known = self.fold.devices.get(&device).is_some_and(|d| !d.removed);
        if !known || device == self.device() {
            return Err(PartyError::NoDevice);
        }
        if self.chain.verify(&self.passport)?.lineage().contains(&device) {
            return Err(PartyError::Ancestor);
        }
        let before: Vec<VerifiedDevice> =
            self.fold.live_devices().map(|d| d.verified.clone()).collect();
        let mut batch = Batch::new();
        let body = StatementBody::DeviceRemoved { device };
        let statement = self.ledger.draft(now, body, &self.device);
        self.carry_statements(&mut batch, core::slice::from_ref(&statement), rng)?;
        let letter = Letter::Removed { statement, chain: self.chain.clone() };
        for gone in before {
            if !self.is_removed(&gone.key()) {
                continue;
            }
            // No relay hands it the ledger any more: it would never hear.
            let sealed = letter.seal(&gone.key(), gone.receiving(), rng)?;
            self.journal.post(&mut batch, gone.key(), sealed);
        }
        self.rekey(&mut batch, now, rng)?;
        self.found_all(&mut batch, &self.sections(), now, rng)?;
        Ok(self.journal.commit(batch)?)
    }

    /// Whether another device removed this one, or replaced the phrase without it: what is written
    /// here counts no more.
    #[must_use]
    pub fn was_removed(&self) -> bool {
        let own = self.device();
        self.is_removed(&own)
            || self.fold.devices.get(&own).is_some_and(|device| device.removed)
            || self.journal.vault().get(Table::Meta, REMOVED).is_ok_and(|told| told.is_some())
    }

    /// Whether a device speaks for the holder. Of one that nobody tells of, somebody who was removed
    /// may have made the certificate.
    pub(super) fn is_live(&self, device: &VerificationKey) -> bool {
        self.fold.devices.get(device).is_some_and(|known| !known.removed)
    }

    pub(super) fn is_removed(&self, device: &VerificationKey) -> bool {
        self.fold.gone.contains(device)
    }

    /// Takes the word of another device that this one was removed; whether it is news.
    pub(super) fn take_removal(
        &self,
        batch: &mut Batch,
        statement: &Signed<Statement>,
        chain: &CertificateChain,
    ) -> bool {
        let (Ok(by), Ok(own)) = (chain.verify(&self.passport), self.chain.verify(&self.passport))
        else {
            return false;
        };
        let Ok(said) = statement.verify_by(&by.key()) else { return false };
        let of_this = matches!(&said.body, StatementBody::DeviceRemoved { device } if own.lineage().contains(device));
        let counts = by.roots().starts_with(&self.fold.roots)
            && !by.lineage().iter().any(|key| self.is_removed(key));
        if said.passport != self.passport || !of_this || !counts || self.was_removed() {
            return false;
        }
        batch.put(Table::Meta, REMOVED, codec::encode(&said.at));
        true
    }

    /// Sets where the passport's relays are.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn set_relays(
        &mut self,
        relays: Vec<String>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        self.say_alone(StatementBody::RelaysSet { relays }, now, rng)
    }
}
