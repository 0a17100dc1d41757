//! Whether a device that was made with the recovery phrase has the latest.
//!
//! A relay that was set back before a recovery hands out nothing that is wrong, and what it leaves
//! out leaves no gap. Whoever has the record from before could tell: what another device says once
//! it has heard of the recovered one cites all that it knows, and whoever has that has the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use super::authority::Authority;
use crate::id::{StatementId, VerificationKey};
use crate::keys::Verified;

impl Ledger {
    /// Whether a device, made with the recovery phrase or let in by one that was, has all that was
    /// known to one that was there before: the first of the passport, one that descends from it,
    /// or one of which this is so.
    #[must_use]
    pub fn is_vouched_for(&self, device: &VerificationKey) -> bool {
        let origins = self.origins();
        let Some(own) = origins.get(device) else { return false };
        let joined = self.joined(&origins);
        let is_first = |id: &StatementId| {
            let past = self.past(id);
            !self.proven.devices.keys().any(|other| past.contains(other))
        };
        let before = joined.iter().filter(|(key, id)| *key != own && is_first(id));
        let mut vouched: BTreeSet<_> = before.map(|(key, _)| *key).collect();
        let authority = Authority::of(self);
        let heard = |id: &StatementId, vouched: &BTreeSet<VerificationKey>| {
            self.after([*id]).iter().any(|after| {
                let Some(signer) = self.statements.get(after).map(Verified::signer) else {
                    return false;
                };
                let by = origins.get(&signer);
                by.is_some_and(|by| vouched.contains(by)) && authority.was_in(self, after, &signer)
            })
        };
        loop {
            let open = joined.iter().filter(|(key, _)| !vouched.contains(*key));
            let new: Vec<_> = open.filter(|(_, id)| heard(id, &vouched)).map(|(k, _)| *k).collect();
            if new.is_empty() {
                return vouched.contains(own);
            }
            vouched.extend(new);
        }
    }

    /// Of each device, the one of its line that the recovery phrase made.
    fn origins(&self) -> BTreeMap<VerificationKey, VerificationKey> {
        let devices = self.proven.devices.values();
        devices.filter_map(|d| Some((d.key(), *d.lineage().get(1)?))).collect()
    }

    /// The statements that those joined by.
    fn joined(
        &self,
        origins: &BTreeMap<VerificationKey, VerificationKey>,
    ) -> BTreeMap<VerificationKey, StatementId> {
        let all = self.proven.devices.iter().map(|(id, device)| (device.key(), *id));
        all.filter(|(key, _)| origins.get(key) == Some(key)).collect()
    }
}
