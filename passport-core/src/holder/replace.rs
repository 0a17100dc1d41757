//! Replacing the recovery phrase, so that whoever has the old one can do nothing from then on.
//!
//! ```text
//!  old root ──signs──► succession ──in a statement of a device──► the new root certifies every device
//!                                                 │
//!      a new key of the ledger, new channels, new epochs, a new recovery mailbox
//! ```
//!
//! A statement by the old root, or by a device that descends from it alone, counts only if it lies
//! in the past of the replacement. Causes decide that, never clocks.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::Holder;
use crate::id::VerificationKey;
use crate::keys::{DeviceCertificate, RecoveryPhrase, Signed, Succession, VerifiedDevice};
use crate::ledger::StatementBody;
use crate::letter::Letter;
use crate::party::PartyError;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// A recovery phrase that was made here and not shown to its end yet.
const UNSHOWN: &[u8] = b"phrase";
/// The root of the phrase that was last made here.
const MADE: &[u8] = b"phrase made";

impl<V: Vault> Holder<V> {
    /// Puts a new recovery phrase in the place of the present one, which has to be told. Every
    /// device that is in stays, certified anew; the ledger and every section go on under new keys.
    /// The new phrase is returned, and kept until [`Self::phrase_was_shown`].
    ///
    /// # Errors
    /// Returns [`PartyError::WrongPhrase`] when `old` is not the present phrase,
    /// [`PartyError::NoDevice`] when this device was removed.
    pub fn replace_phrase(
        &mut self,
        old: &RecoveryPhrase,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<RecoveryPhrase, PartyError> {
        let before = old.root_keys();
        if self.fold.roots.last() != Some(&before.root.verification_key()) {
            return Err(PartyError::WrongPhrase);
        }
        if !self.has_a_say() {
            return Err(PartyError::NoDevice);
        }
        let phrase = RecoveryPhrase::generate(rng);
        let next = phrase.root_keys();
        let root = next.root.verification_key();
        let succession = Succession::new(self.passport, root, now);
        let succession = Signed::new(&succession, &before.root);
        let certify = |device: &VerifiedDevice| {
            let receiving = device.receiving().clone();
            let (key, end) = (device.key(), device.expires());
            let certificate = DeviceCertificate::new(self.passport, key, receiving, now, end);
            Signed::new(&certificate, &next.root)
        };
        let body = StatementBody::Replaced {
            succession: succession.clone(),
            locator: next.locator.verification_key(),
            recovery: next.receiving.public_key(),
            devices: self.fold.live_devices().map(|d| certify(&d.verified)).collect(),
        };
        let mut batch = Batch::new();
        self.say(&mut batch, body, now, rng)?;
        if self.fold.roots.last() != Some(&root) {
            return Err(PartyError::Damaged);
        }
        let mailbox = before.locator.verification_key();
        let letter = Letter::Replaced { succession };
        let sealed = letter.seal(&mailbox, &before.receiving.public_key(), rng)?;
        self.journal.post(&mut batch, mailbox, sealed);
        self.rekey(&mut batch, now, rng)?;
        self.found_all(&mut batch, &self.sections(), now, rng)?;
        Self::keep_phrase(&mut batch, &phrase);
        self.journal.commit(batch)?;
        Ok(phrase)
    }

    /// Keeps a phrase that was just made, until somebody has seen it: it cannot be made again.
    pub(super) fn keep_phrase(batch: &mut Batch, phrase: &RecoveryPhrase) {
        batch.put(Table::Key, UNSHOWN, phrase.to_entropy().to_vec());
        let root = phrase.root_keys().root.verification_key();
        batch.put(Table::Meta, MADE, *root.as_bytes());
    }

    /// The recovery phrase that was made here and not shown to its end: the program was ended
    /// before that.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn unshown_phrase(&self) -> Result<Option<RecoveryPhrase>, PartyError> {
        let Some(kept) = self.journal.vault().get(Table::Key, UNSHOWN)? else { return Ok(None) };
        let entropy: [u8; 32] = kept.as_slice().try_into().map_err(|_| PartyError::Damaged)?;
        let phrase = RecoveryPhrase::from_entropy(&Zeroizing::new(entropy));
        // Another device may have replaced it since: such words are worth nothing.
        let own = phrase.root_keys().root.verification_key();
        Ok((self.fold.roots.last() == Some(&own)).then_some(phrase))
    }

    /// Forgets the recovery phrase that was made here, as it was shown.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be written.
    pub fn phrase_was_shown(&mut self) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        batch.delete(Table::Key, UNSHOWN);
        Ok(self.journal.commit(batch)?)
    }

    /// Whether the phrase that this device made last is not the passport's any more: another
    /// device replaced it, or replaced the one before it at the same time.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn phrase_is_void(&self) -> Result<bool, PartyError> {
        let Some(made) = self.journal.vault().get(Table::Meta, MADE)? else { return Ok(false) };
        let made = VerificationKey::from_slice(&made).map_err(|_| PartyError::Damaged)?;
        Ok(self.fold.roots.last().is_some_and(|root| *root != made))
    }
}
