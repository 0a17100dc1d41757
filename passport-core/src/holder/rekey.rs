//! The ledger's keys: a new one whenever a device was removed, which that device is not given.
//!
//! Phase keys travel in the ledger, so whoever has its key reads every section. What devices
//! still write under an older key, because they have not heard, is read and sealed again under
//! the present one.

use std::collections::BTreeMap;

use minicbor::Encode;
use rand_core::CryptoRng;

use super::{Holder, LEDGER_KEY};
use crate::codec;
use crate::id::{EpochId, StatementId, VerificationKey};
use crate::keys::{CertificateChain, PhaseKey, Signed, SigningKey};
use crate::ledger::{KeyOfLedger, StatementBody, control_key, ledger_epoch};
use crate::letter::{Letter, NewLedgerKey};
use crate::party::PartyError;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Bytes of what is sealed into one envelope of the ledger, unless one alone is larger.
const RUN_BYTES: usize = 160 * 1024;

/// Which generation's key this device left in which recovery mailbox.
const RECOVERY: &[u8] = b"recovery";

/// Keys of the ledger that came after the one in [`LEDGER_KEY`].
pub(super) fn newer_keys<V: Vault>(vault: &V) -> Result<BTreeMap<EpochId, PhaseKey>, PartyError> {
    let mut keys = BTreeMap::new();
    for (name, key) in vault.scan(Table::Key)? {
        let Some(generation) = name.strip_prefix(LEDGER_KEY).filter(|g| !g.is_empty()) else {
            continue;
        };
        let generation = EpochId::from_slice(generation).map_err(|_| PartyError::Damaged)?;
        let key = PhaseKey::from_slice(&key).map_err(|_| PartyError::Damaged)?;
        keys.insert(generation, key);
    }
    Ok(keys)
}

impl<V: Vault> Holder<V> {
    /// Every generation of the ledger that can be read.
    pub(super) fn ledger_keys(&self) -> BTreeMap<EpochId, PhaseKey> {
        let mut keys = self.fold.earlier_keys.clone();
        keys.extend(self.newer_keys.clone());
        keys.insert(ledger_epoch(&self.passport, &self.ledger_key), self.ledger_key.clone());
        keys
    }

    pub(super) fn ledger_key_of(&self, generation: &EpochId) -> Option<PhaseKey> {
        let known = self.newer_keys.get(generation).or(self.fold.earlier_keys.get(generation));
        let first = || ledger_epoch(&self.passport, &self.ledger_key) == *generation;
        known.or_else(|| first().then_some(&self.ledger_key)).cloned()
    }

    /// The control key of the present generation.
    pub(super) fn control(&self) -> SigningKey {
        let (generation, key) = self.present_ledger();
        self.control_of(&generation, &key)
    }

    pub(super) fn control_of(&self, generation: &EpochId, key: &PhaseKey) -> SigningKey {
        self.derived.get(generation).cloned().unwrap_or_else(|| control_key(key))
    }

    /// Derives the control keys of generations that became known: each costs what a signature
    /// does, and they are asked for again and again.
    pub(super) fn derive_controls(&mut self) {
        for (generation, key) in self.ledger_keys() {
            self.derived.entry(generation).or_insert_with(|| control_key(&key));
        }
    }

    /// The control keys of every generation, by what they verify with.
    pub(super) fn controls(&self) -> BTreeMap<VerificationKey, SigningKey> {
        let keys = self.ledger_keys();
        let controls = keys.iter().map(|(generation, key)| self.control_of(generation, key));
        controls.map(|key| (key.verification_key(), key)).collect()
    }

    /// The generation to write in: one whose key no removed device has.
    pub(super) fn present_ledger(&self) -> (EpochId, PhaseKey) {
        let mut safe = self.fold.generations.iter();
        let known = safe.find_map(|g| Some((*g, self.ledger_key_of(g)?)));
        let first = || (ledger_epoch(&self.passport, &self.ledger_key), self.ledger_key.clone());
        known.unwrap_or_else(first)
    }

    /// Remembers a key of the ledger; whether it is new.
    pub(super) fn learn_ledger_key(&mut self, batch: &mut Batch, key: PhaseKey) -> bool {
        let generation = ledger_epoch(&self.passport, &key);
        if self.ledger_key_of(&generation).is_some() {
            return false;
        }
        let name = [LEDGER_KEY, generation.as_bytes()].concat();
        batch.put(Table::Key, name, key.as_bytes().to_vec());
        self.newer_keys.insert(generation, key);
        true
    }

    /// Takes a key of the ledger that another device sent; whether it was not known.
    pub(super) fn take_ledger_key(
        &mut self,
        batch: &mut Batch,
        key: &Signed<NewLedgerKey>,
        chain: &CertificateChain,
    ) -> bool {
        let Ok(device) = chain.verify(&self.passport) else { return false };
        let removed = |key| self.fold.devices.get(key).is_some_and(|d| d.removed);
        match key.verify_by(&device.key()) {
            Ok(new)
                if new.passport == self.passport
                    && device.roots().starts_with(&self.fold.roots)
                    && !device.lineage().iter().any(removed) =>
            {
                self.learn_ledger_key(batch, new.key())
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Goes on under a new key, and sends it to the devices that remain and to the phrase.
    pub(super) fn rekey(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let key = PhaseKey::generate(rng);
        let generation = ledger_epoch(&self.passport, &key);
        let earlier = self.ledger_keys().values().map(KeyOfLedger::new).collect();
        self.learn_ledger_key(batch, key.clone());
        let body = StatementBody::Rekeyed { generation, earlier };
        let statement = self.ledger.draft(now, body, &self.device);
        self.ledger.insert(statement).map_err(PartyError::Ledger)?;
        self.learn(batch);
        self.seal_lacking(batch, rng)?;
        self.seal_receipts_again(batch, rng)?;
        let new = NewLedgerKey::new(self.passport, &key);
        let (signed, chain) = (Signed::new(&new, &self.device), self.chain.clone());
        let letter = Letter::LedgerKey { key: signed, chain };
        // To itself too: a copy of this device, a backup that was restored, has no other way to it.
        for device in self.fold.live_devices() {
            let to = device.verified.key();
            let sealed = letter.seal(&to, device.verified.receiving(), rng)?;
            self.journal.post(batch, to, sealed);
        }
        self.leave_recovery(batch, rng)?;
        Ok(())
    }

    /// Leaves the ledger's present key in the recovery mailbox, unless this device did so before:
    /// any device's letter suffices, and each brings its own to a new relay. Whether it was left.
    pub(super) fn leave_recovery(
        &mut self,
        batch: &mut Batch,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, PartyError> {
        let (Some(locator), Some(receiving)) = (self.fold.locator, &self.fold.recovery) else {
            return Ok(false);
        };
        let (generation, key) = self.present_ledger();
        let left = [generation.as_bytes().as_slice(), locator.as_bytes()].concat();
        let before = self.journal.vault().get(Table::Meta, RECOVERY)?;
        if before.is_some_and(|before| *before == left) {
            return Ok(false);
        }
        let letter = Letter::Recovery {
            ledger_key: *key.as_bytes(),
            passport: self.passport,
            successions: self.fold.successions.clone(),
        };
        let sealed = letter.seal(&locator, receiving, rng)?;
        self.journal.post(batch, locator, sealed);
        batch.put(Table::Meta, RECOVERY, left);
        Ok(true)
    }

    /// Seals under the present key what so far is only under older ones; returns how many
    /// envelopes that made.
    pub(super) fn bring_forward(
        &mut self,
        batch: &mut Batch,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        if self.ledger_keys().len() == 1 {
            return Ok(0);
        }
        self.seal_lacking(batch, rng)
    }

    /// Seals under the present key the statements that are not under it.
    fn seal_lacking(
        &mut self,
        batch: &mut Batch,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let there = self.sealed_under.get(&self.present_ledger().0);
        let is_there = |id: &StatementId| there.is_some_and(|there| there.contains(id));
        let lacking = self.ledger.statements().filter(|(id, _)| !is_there(id));
        let runs = in_runs(lacking.map(|(_, statement)| statement.clone()));
        for run in &runs {
            self.seal_statements(batch, run, rng)?;
        }
        Ok(runs.len())
    }
}

/// As many at a time as fit one envelope.
pub(super) fn in_runs<T: Encode<()>>(all: impl IntoIterator<Item = T>) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0;
    for one in all {
        let len = codec::encode(&one).len();
        match runs.last_mut() {
            Some(run) if bytes + len <= RUN_BYTES => run.push(one),
            Some(_) | None => {
                runs.push(vec![one]);
                bytes = 0;
            }
        }
        bytes += len;
    }
    runs
}
