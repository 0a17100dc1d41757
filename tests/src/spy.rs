//! Somebody with an organisation's unlocked vault and the relay's database, who tries everything.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "the spy serves tests, and may panic as tests do"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use passport_core::envelope::{OpenedEnvelope, SealedEnvelope, VerifiedEnvelope};
use passport_core::id::EpochId;
use passport_core::keys::{PhaseKey, ReceivingKey, Verified};
use passport_core::letter::Letter;
use passport_core::organisation::Organisation;
use passport_core::vault::{SqliteVault, Table, Vault as _};

use crate::stage::PASSPHRASE;

/// Everything that lies at a relay.
#[derive(Debug, Default)]
pub struct Loot {
    /// The sealed envelopes.
    pub envelopes: Vec<VerifiedEnvelope>,
    /// The sealed letters.
    pub letters: Vec<Vec<u8>>,
}

impl Loot {
    /// Reads a relay's database.
    #[must_use]
    pub fn of(database: &Path) -> Self {
        let connection = rusqlite::Connection::open(database).expect("a relay has a database");
        let mut rows = connection
            .prepare("SELECT mailbox IS NOT NULL, bytes FROM objects ORDER BY seq")
            .expect("the relay keeps objects");
        let objects = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let mut loot = Self::default();
        for object in objects.expect("objects can be read") {
            let (letter, bytes): (bool, Vec<u8>) = object.expect("an object can be read");
            if letter {
                loot.letters.push(bytes);
            } else if let Ok(envelope) = SealedEnvelope::decode(&bytes) {
                loot.envelopes.push(envelope.verify().expect("the relay keeps what is signed"));
            }
        }
        loot
    }
}

/// The keys that can be had with an organisation's vault.
#[derive(Default)]
pub struct Spy {
    keys: Vec<PhaseKey>,
    epochs: BTreeSet<EpochId>,
    receiving: Option<ReceivingKey>,
    sections: Vec<(EpochId, String)>,
}

impl std::fmt::Debug for Spy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spy").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Spy {
    /// Adds every key of the vault in this home.
    pub fn take(&mut self, home: &Path) {
        let vault = SqliteVault::open(home, PASSPHRASE, Duration::from_secs(10));
        let party = Organisation::open(vault.expect("it opens")).expect("it is an organisation's");
        for (id, epoch) in party.epochs() {
            self.epochs.insert(*id);
            self.keys.extend(epoch.keys.values().cloned());
        }
        for held in party.grants() {
            for epoch in party.epochs_of(held.grant.passport, &held.grant.section) {
                self.sections.push((epoch, held.grant.section.to_string()));
            }
        }
        let seed = party.journal().vault().get(Table::Key, b"receiving").expect("it can be read");
        let seed: [u8; 32] = seed
            .expect("it has a receiving key")
            .as_slice()
            .try_into()
            .expect("a seed is 32 bytes");
        self.receiving = Some(ReceivingKey::from_seed(&seed));
        let mailbox = party.instance();
        drop(party);
        assert!(self.receiving.is_some(), "{mailbox:?} receives");
    }

    /// Adds the keys in every letter at the relay that the vault's own key opens.
    pub fn read_letters(&mut self, loot: &Loot, home: &Path) {
        let vault = SqliteVault::open(home, PASSPHRASE, Duration::from_secs(10));
        let party = Organisation::open(vault.expect("it opens")).expect("it is an organisation's");
        let Some(receiving) = self.receiving.clone() else { return };
        for letter in &loot.letters {
            let Ok(Letter::Offer(offer)) = Letter::open(letter, &party.instance(), &receiving)
            else {
                continue;
            };
            for epoch in offer.history.iter().chain([&offer.epoch]) {
                for wrap in &epoch.wraps {
                    let wrap = wrap.verify().map(Verified::into_inner);
                    self.keys.extend(wrap.ok().and_then(|wrap| wrap.open(&receiving).ok()));
                }
            }
        }
    }

    /// The number of keys.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// The epochs whose keys the vault holds.
    #[must_use]
    pub fn epochs(&self) -> &BTreeSet<EpochId> {
        &self.epochs
    }

    /// The name of the section that an epoch is of, if the vault knows.
    #[must_use]
    pub fn section(&self, epoch: &EpochId) -> Option<&str> {
        self.sections.iter().find(|(id, _)| id == epoch).map(|(_, section)| section.as_str())
    }

    /// Whatever any key opens of the loot.
    #[must_use]
    pub fn open(&self, loot: &Loot) -> Vec<OpenedEnvelope> {
        let tried = loot.envelopes.iter().flat_map(|e| self.keys.iter().map(move |k| (e, k)));
        tried.filter_map(|(envelope, key)| envelope.open(key).ok()).collect()
    }
}
