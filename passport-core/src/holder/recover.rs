//! Recovery: the phrase and a relay bring everything back.

use rand_core::CryptoRng;

use super::Holder;
use crate::envelope::SealedEnvelope;
use crate::id::PassportId;
use crate::journal::{Incoming, IncomingItem};
use crate::keys::{PhaseKey, RecoveryPhrase, RootKeys, SigningKey};
use crate::ledger::{StatementBody, ledger_epoch};
use crate::letter::Letter;
use crate::party::PartyError;
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// A recovery under way: what was found in the recovery mailbox so far. Nothing is written until
/// it is complete.
#[derive(Debug)]
pub struct Recovery {
    root: RootKeys,
    ledger_keys: Vec<PhaseKey>,
    envelopes: Vec<SealedEnvelope>,
}

impl Recovery {
    /// Begins with a phrase.
    #[must_use]
    pub fn new(phrase: &RecoveryPhrase) -> Self {
        Self { root: phrase.root_keys(), ledger_keys: Vec::new(), envelopes: Vec::new() }
    }

    /// The key that signs the requests to the recovery mailbox.
    #[must_use]
    pub fn request_key(&self) -> &SigningKey {
        &self.root.locator
    }

    /// The passport that the phrase belongs to.
    #[must_use]
    pub fn passport(&self) -> PassportId {
        self.root.passport()
    }

    /// Takes in what a relay has for the recovery mailbox.
    pub fn receive(&mut self, incoming: Incoming) {
        let mailbox = self.root.locator.verification_key();
        for item in incoming.items {
            match item {
                IncomingItem::Letter(bytes) => {
                    let letter = Letter::open(&bytes, &mailbox, &self.root.receiving);
                    if let Ok(Letter::Recovery { ledger_key }) = letter {
                        self.ledger_keys.push(PhaseKey::from_bytes(&ledger_key));
                    }
                }
                IncomingItem::Envelope(bytes) => {
                    let envelope = SealedEnvelope::decode(&bytes).ok();
                    self.envelopes.extend(envelope.filter(|e| e.clone().verify().is_ok()));
                }
                IncomingItem::AccessList(_) => {}
            }
        }
    }

    /// Whether a ledger of the passport was found, and a key that opens it.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.found_keys().next().is_some()
    }

    /// Keys that open a generation of the ledger that is at hand.
    fn found_keys(&self) -> impl Iterator<Item = &PhaseKey> {
        let passport = self.root.passport();
        self.ledger_keys.iter().filter(move |key| {
            let epoch = ledger_epoch(&passport, key);
            self.envelopes.iter().any(|e| e.header().epoch == epoch)
        })
    }

    /// Makes this machine a device of the passport, in an empty vault. What else there is comes
    /// with the next exchange.
    ///
    /// # Errors
    /// Returns [`PartyError::NothingToRecover`] when no ledger was found; nothing is written then.
    pub fn complete<V: Vault>(
        self,
        vault: V,
        device_name: &str,
        relays: &[String],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Holder<V>, PartyError> {
        // A letter says nothing of who sent it: which key the ledger goes on under is for the
        // statements to say.
        let mut found = self.found_keys().cloned();
        let ledger_key = found.next().ok_or(PartyError::NothingToRecover)?;
        let mut batch = Batch::new();
        let mut holder = Holder::first_device(vault, &self.root, ledger_key, &mut batch, now, rng)?;
        for key in found {
            holder.learn_ledger_key(&mut batch, key);
        }
        for envelope in &self.envelopes {
            holder.journal.append(&mut batch, envelope, None)?;
            holder.admit_statements(envelope);
        }
        holder.fold = holder.ledger.fold();
        if holder.fold.locator.is_none() {
            return Err(PartyError::NothingToRecover);
        }
        let added = StatementBody::DeviceAdded {
            chain: holder.chain.clone(),
            name: holder.distinct_name(device_name),
        };
        let added = holder.ledger.draft(now, added, &self.root.root);
        holder.carry_statements(&mut batch, &[added], rng)?;
        if holder.fold.relays.is_empty() && !relays.is_empty() {
            let body = StatementBody::RelaysSet { relays: relays.to_vec() };
            holder.say(&mut batch, body, now, rng)?;
        }
        // Reading the recovery mailbox lets relays forget the letter in it: it is left anew.
        holder.leave_recovery(&mut batch, rng)?;
        holder.journal.commit(batch)?;
        Ok(holder)
    }
}
