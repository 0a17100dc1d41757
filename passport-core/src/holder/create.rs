//! A passport begins.

use rand_core::CryptoRng;

use super::{DEVICE_KEY, Holder, LEDGER_KEY, META, Meta, NewEntry, RECEIVING_KEY};
use crate::codec;
use crate::id::PassportId;
use crate::journal::Journal;
use crate::keys::{
    CertificateChain, DeviceCertificate, PhaseKey, ReceivingKey, RecoveryPhrase, RootKeys, Signed,
    SigningKey, Succession,
};
use crate::ledger::{Fold, Ledger, StatementBody};
use crate::party::{PartyError, section};
use crate::section::{PartialDate, SectionName, Value, table};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// What a holder says of themself at the start.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Full name.
    pub name: String,
    /// Date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// NHS number, unverified.
    pub nhs_number: Option<String>,
    /// Pronouns.
    pub pronouns: Option<String>,
    /// What to call this device.
    pub device_name: String,
    /// Relays.
    pub relays: Vec<String>,
}

impl<V: Vault> Holder<V> {
    /// Begins a passport in an empty vault, on its first device. The phrase is returned, and kept
    /// until [`Self::phrase_was_shown`].
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn create(
        vault: V,
        profile: &Profile,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, RecoveryPhrase), PartyError> {
        let phrase = RecoveryPhrase::generate(rng);
        let root = phrase.root_keys();
        let ledger_key = PhaseKey::generate(rng);
        let mut batch = Batch::new();
        let passport = root.passport();
        let mut holder =
            Self::first_device(vault, (passport, &[]), &root, ledger_key, &mut batch, now, rng)?;
        Self::keep_phrase(&mut batch, &phrase);
        let opened = StatementBody::Opened {
            locator: root.locator.verification_key(),
            recovery: root.receiving.public_key(),
        };
        let added = StatementBody::DeviceAdded {
            chain: holder.chain.clone(),
            name: profile.device_name.clone(),
        };
        // The root says that there is a passport and a first device; everything else is theirs.
        let opened = holder.ledger.draft(now, opened, &root.root);
        holder.ledger.insert(opened.clone()).map_err(PartyError::Ledger)?;
        let added = holder.ledger.draft(now, added, &root.root);
        holder.ledger.insert(added.clone()).map_err(PartyError::Ledger)?;
        holder.carry_statements(&mut batch, &[opened, added], rng)?;
        if !profile.relays.is_empty() {
            let relays = StatementBody::RelaysSet { relays: profile.relays.clone() };
            holder.say(&mut batch, relays, now, rng)?;
        }
        holder.leave_recovery(&mut batch, rng)?;
        // What is kept back begins with a passphrase of its own.
        for spec in table::SECTIONS.iter().filter(|s| s.shareable) {
            holder.found(&mut batch, &section(spec.name)?, now, rng)?;
        }
        let person = NewEntry {
            section: section("identity")?,
            kind: "person".to_owned(),
            fields: profile.person_fields(),
        };
        holder.write_entries(&mut batch, &[person], now, rng)?;
        holder.journal.commit(batch)?;
        Ok((holder, phrase))
    }

    /// A device that the root certifies: the first, and after a recovery.
    pub(super) fn first_device(
        vault: V,
        (passport, successions): (PassportId, &[Signed<Succession>]),
        root: &RootKeys,
        ledger_key: PhaseKey,
        batch: &mut Batch,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PartyError> {
        let device = SigningKey::generate(rng);
        let receiving = ReceivingKey::generate(rng);
        let certificate = DeviceCertificate::new(
            passport,
            device.verification_key(),
            receiving.public_key(),
            now,
            None,
        );
        let certificate = Signed::new(&certificate, &root.root);
        let chain = CertificateChain::rooted(successions, certificate);
        let holder = Self {
            journal: Journal::open(vault)?,
            device,
            receiving,
            chain,
            passport,
            ledger: Ledger::new(passport),
            ledger_key,
            newer_keys: std::collections::BTreeMap::new(),
            derived: std::collections::BTreeMap::new(),
            receipts: std::sync::OnceLock::new(),
            sealed_under: std::collections::BTreeMap::new(),
            ledger_tails: std::collections::BTreeMap::new(),
            fold: Fold::default(),
            replicas: std::collections::BTreeMap::new(),
        };
        holder.remember_self(batch);
        Ok(holder)
    }

    pub(super) fn remember_self(&self, batch: &mut Batch) {
        let meta = Meta { version: 1, passport: self.passport, chain: self.chain.clone() };
        batch.put(Table::Meta, META, codec::encode(&meta));
        batch.put(Table::Key, DEVICE_KEY, self.device.to_seed().to_vec());
        batch.put(Table::Key, RECEIVING_KEY, self.receiving.to_seed().to_vec());
        batch.put(Table::Key, LEDGER_KEY, self.ledger_key.as_bytes().to_vec());
    }

    /// Opens a section of the holder's own making, if it is not there yet.
    pub(super) fn ensure_section(
        &mut self,
        batch: &mut Batch,
        name: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if self.current(name).is_none() {
            self.found(batch, name, now, rng)?;
        }
        Ok(())
    }
}

impl Profile {
    fn person_fields(&self) -> Vec<(String, Value)> {
        let mut fields = vec![("name".to_owned(), Value::Text(self.name.clone()))];
        if let Some(date) = &self.date_of_birth {
            fields.push(("date_of_birth".to_owned(), Value::Date(date.clone())));
        }
        if let Some(number) = &self.nhs_number {
            fields.push(("nhs_number".to_owned(), Value::Text(number.clone())));
        }
        if let Some(pronouns) = &self.pronouns {
            fields.push(("pronouns".to_owned(), Value::Text(pronouns.clone())));
        }
        fields
    }
}
