//! What the holder keeps back: a section under a passphrase of its own.
//!
//! Closed, it is not among [`Holder::sections`], nothing is found in it, and nothing tells it
//! from one that was never begun. It travels and recovers with everything else, sealed.

use rand_core::CryptoRng;

use super::Holder;
use crate::id::EpochId;
use crate::ledger::{CompartmentKey, PassphraseKey, StatementBody, is_kept_back};
use crate::party::PartyError;
use crate::section::{SectionName, table};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

impl<V: Vault> Holder<V> {
    /// Whether what is kept back is open.
    #[must_use]
    pub fn kept_back_is_open(&self) -> bool {
        kept_back().is_some_and(|section| self.current(&section).is_some())
    }

    /// Opens what was kept back under a passphrase, and puts it in order: it may have been closed
    /// while a device was removed or other devices wrote.
    ///
    /// # Errors
    /// Returns [`PartyError::Closed`] when nothing opens: there may be nothing.
    pub fn open_kept_back(
        &mut self,
        passphrase: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let key = PassphraseKey::derive(self.passport, passphrase)?;
        self.ledger.open_compartments(&key);
        self.refold();
        if !self.kept_back_is_open() {
            // Under a passphrase that was changed since, only what was there before would open.
            self.ledger.hold_compartments(Vec::new());
            self.refold();
            return Err(PartyError::Closed);
        }
        if !self.has_a_say() {
            return Ok(());
        }
        let mut batch = Batch::new();
        for section in self.sections().into_iter().filter(is_kept_back) {
            self.put_in_order(&mut batch, &section, now, rng)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(())
    }

    /// Begins to keep things back under a passphrase. Under another one there may be things
    /// already: neither opens the other's.
    ///
    /// # Errors
    /// Returns [`PartyError::AlreadyKept`] when this passphrase opens something already.
    pub fn keep_back(
        &mut self,
        passphrase: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        match self.open_kept_back(passphrase, now, rng) {
            Ok(()) => return Err(PartyError::AlreadyKept),
            Err(PartyError::Closed) => {}
            Err(error) => return Err(error),
        }
        self.lock_anew(passphrase, now, rng)
    }

    /// Puts what is open under another passphrase from now on. The old one still opens what was
    /// written so far, for whoever has a copy of the ledger.
    ///
    /// # Errors
    /// Returns [`PartyError::Closed`] when nothing is open, [`PartyError::AlreadyKept`] when the
    /// new passphrase opens something already.
    pub fn change_kept_back(
        &mut self,
        passphrase: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if !self.kept_back_is_open() {
            return Err(PartyError::Closed);
        }
        let opened = self.ledger.compartments().to_vec();
        let key = PassphraseKey::derive(self.passport, passphrase)?;
        let known = self.ledger.open_compartments(&key);
        self.ledger.hold_compartments(opened);
        self.refold();
        if known {
            return Err(PartyError::AlreadyKept);
        }
        self.lock_anew(passphrase, now, rng)
    }

    /// A new key under the passphrase, beside those that are open, and an epoch under it.
    fn lock_anew(
        &mut self,
        passphrase: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let mut keys = self.ledger.compartments().to_vec();
        keys.push(CompartmentKey::generate(rng));
        let lock = PassphraseKey::derive(self.passport, passphrase)?.lock(&keys, rng);
        let body = StatementBody::Locked { keys: lock.ok_or(PartyError::TooLarge)? };
        let mut batch = Batch::new();
        self.ledger.hold_compartments(keys);
        self.say(&mut batch, body, now, rng)?;
        if let Some(section) = kept_back() {
            self.found(&mut batch, &section, now, rng)?;
        }
        Ok(self.journal.commit(batch)?)
    }

    /// Takes the fold anew after keys came or went; what was read without them is forgotten.
    fn refold(&mut self) {
        self.take_fold();
        let kept =
            |id: &EpochId| self.fold.known(id).is_none_or(|e| is_kept_back(&e.charter.section));
        self.replicas.retain(|id, _| !kept(id));
    }
}

fn kept_back() -> Option<SectionName> {
    let mut names = table::SECTIONS.iter().filter_map(|s| s.name.parse().ok());
    names.find(is_kept_back)
}
