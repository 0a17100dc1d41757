//! Recovery: the phrase and a relay bring everything back.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::receipts::receipts_in;
use super::{Holder, statements_in};
use crate::envelope::SealedEnvelope;
use crate::id::{PassportId, StatementId};
use crate::journal::{Incoming, IncomingItem, RelayId};
use crate::keys::{PhaseKey, RecoveryPhrase, RootKeys, Signed, SigningKey, roots};
use crate::ledger::{Fold, Ledger, Reader, StatementBody, identity, ledger_epoch};
use crate::letter::Letter;
use crate::party::{PartyError, open_with};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// A recovery under way: what was found in the recovery mailbox so far. Nothing is written until
/// it is complete.
#[derive(Debug)]
pub struct Recovery {
    root: RootKeys,
    found: Vec<Found>,
    replaced: Option<Timestamp>,
    /// Each with the relay that had it.
    envelopes: Vec<(RelayId, SealedEnvelope)>,
}

/// A key of the ledger, and of which passport.
#[derive(Debug)]
struct Found {
    passport: PassportId,
    key: PhaseKey,
}

impl Recovery {
    /// Begins with a phrase.
    #[must_use]
    pub fn new(phrase: &RecoveryPhrase) -> Self {
        let (found, envelopes) = (Vec::new(), Vec::new());
        Self { root: phrase.root_keys(), found, replaced: None, envelopes }
    }

    /// The key that signs the requests to the recovery mailbox.
    #[must_use]
    pub fn request_key(&self) -> &SigningKey {
        &self.root.locator
    }

    /// When the phrase was replaced by another, if a relay has word of that.
    #[must_use]
    pub fn replaced(&self) -> Option<Timestamp> {
        self.replaced
    }

    /// Takes in what a relay has for the recovery mailbox.
    pub fn receive(&mut self, incoming: Incoming) {
        let mailbox = self.root.locator.verification_key();
        for item in incoming.items {
            match item {
                IncomingItem::Letter(bytes) => {
                    let letter = Letter::open(&bytes, &mailbox, &self.root.receiving);
                    self.read(letter.ok());
                }
                IncomingItem::Envelope(bytes) => {
                    let envelope = SealedEnvelope::decode(&bytes).ok();
                    let envelope = envelope.filter(|e| e.clone().verify().is_ok());
                    self.envelopes.extend(envelope.map(|envelope| (incoming.relay, envelope)));
                }
                IncomingItem::AccessList(_) => {}
            }
        }
    }

    fn read(&mut self, letter: Option<Letter>) {
        let own = self.root.root.verification_key();
        match letter {
            Some(Letter::Recovery { ledger_key, passport, successions }) => {
                // A letter says nothing of who sent it: the passport has to be the phrase's.
                let first = successions.first().map_or(own, Signed::claimed_signer);
                let roots = roots(&passport, first, &successions);
                if roots.is_ok_and(|roots| roots.last() == Some(&own)) {
                    let key = PhaseKey::from_bytes(&ledger_key);
                    self.found.push(Found { passport, key });
                }
            }
            Some(Letter::Replaced { succession }) => {
                let said = succession.verify_by(&own).ok();
                self.replaced = self.replaced.or(said.map(|said| said.at));
            }
            Some(_) | None => {}
        }
    }

    /// Whether a ledger of the passport was found, and a key that opens it.
    #[must_use]
    pub fn is_found(&self) -> bool {
        self.found_keys().next().is_some()
    }

    /// Keys that open a generation of the ledger that is at hand.
    fn found_keys(&self) -> impl Iterator<Item = &Found> {
        self.found.iter().filter(|found| {
            let epoch = ledger_epoch(&found.passport, &found.key);
            self.envelopes.iter().any(|(_, e)| e.header().epoch == epoch)
        })
    }

    /// The relays that the ledger names, as far as it was found: asked too, they tell on one that
    /// was set back.
    #[must_use]
    pub fn relays(&self) -> Vec<String> {
        self.passport().map(|(_, fold)| fold.relays).unwrap_or_default()
    }

    /// Makes this machine a device of the passport, in an empty vault. What else there is comes
    /// with the next exchange.
    ///
    /// # Errors
    /// Returns [`PartyError::NothingToRecover`] when no ledger was found,
    /// [`PartyError::PhraseReplaced`] when the phrase is not the passport's any more; nothing is
    /// written then.
    pub fn complete<V: Vault>(
        self,
        vault: V,
        device_name: &str,
        relays: &[String],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Holder<V>, PartyError> {
        if let Some(at) = self.replaced {
            return Err(PartyError::PhraseReplaced { at });
        }
        let (passport, fold) = self.passport()?;
        let mut keys = self.found_keys().filter(|found| found.passport == passport);
        let first = keys.next().ok_or(PartyError::NothingToRecover)?.key.clone();
        let mut batch = Batch::new();
        let of = (passport, fold.successions.as_slice());
        let mut holder = Holder::first_device(vault, of, &self.root, first, &mut batch, now, rng)?;
        // Which key the ledger goes on under is for the statements to say.
        for other in keys {
            holder.learn_ledger_key(&mut batch, other.key.clone());
        }
        for (_, envelope) in &self.envelopes {
            holder.journal.append(&mut batch, envelope, None)?;
            if let Some(opened) = holder.opened_of_ledger(envelope) {
                holder.admit_statements(&opened);
            }
        }
        holder.take_fold();
        if !self.is_agreed(&holder) {
            Holder::<V>::note_recovery(&mut batch, now);
        }
        let envelopes = self.envelopes.iter();
        let opened = envelopes.filter_map(|(_, e)| holder.opened_of_ledger(e));
        let receipts: Vec<_> = opened.flat_map(|opened| receipts_in(&opened)).collect();
        holder.take_receipts(&mut batch, &receipts)?;
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

    /// Whether two relays, each by itself, have the latest of what the ledger says.
    fn is_agreed<V: Vault>(&self, holder: &Holder<V>) -> bool {
        let mut said: BTreeMap<RelayId, BTreeSet<StatementId>> = BTreeMap::new();
        for (relay, envelope) in &self.envelopes {
            let opened = holder.opened_of_ledger(envelope);
            let statements = opened.iter().flat_map(statements_in);
            said.entry(*relay).or_default().extend(statements.map(|s| identity(&s)));
        }
        let latest = holder.ledger.heads();
        let has_all = |said: &&BTreeSet<StatementId>| latest.iter().all(|id| said.contains(id));
        said.values().filter(has_all).count() > 1
    }

    /// The passport whose present root is the phrase's, and what its ledger comes to. Letters say
    /// nothing of who sent them.
    fn passport(&self) -> Result<(PassportId, Fold), PartyError> {
        let own = self.root.root.verification_key();
        let mut failed = PartyError::NothingToRecover;
        let passports: BTreeSet<PassportId> = self.found_keys().map(|f| f.passport).collect();
        for passport in passports {
            let mut ledger = Ledger::new(passport);
            ledger.read_as(Reader { device: None, root: own });
            let keys: Vec<&PhaseKey> =
                self.found_keys().filter(|f| f.passport == passport).map(|f| &f.key).collect();
            for (_, envelope) in &self.envelopes {
                let of_it =
                    |key: &&&PhaseKey| ledger_epoch(&passport, key) == envelope.header().epoch;
                let key = keys.iter().find(of_it).map(|key| (**key).clone());
                let opened = open_with(envelope, |_| key.clone());
                for statement in opened.iter().flat_map(statements_in) {
                    // One that does not verify says nothing.
                    let _ = ledger.insert(statement);
                }
            }
            let fold = ledger.fold();
            if fold.roots.last() == Some(&own) && fold.locator.is_some() {
                return Ok((passport, fold));
            }
            // A relay may have kept the letter back that says so.
            if let Some(next) = fold.successions.iter().find_map(|s| s.verify_by(&own).ok()) {
                failed = PartyError::PhraseReplaced { at: next.at };
            }
        }
        Err(failed)
    }
}
