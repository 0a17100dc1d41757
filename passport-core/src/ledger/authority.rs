//! Whose statements count.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ledger, Statement, StatementBody};
use crate::id::{StatementId, VerificationKey};
use crate::keys::Verified;

/// Who may make statements.
pub(super) struct Authority {
    /// Each device's lines of descent, the root left out.
    devices: BTreeMap<VerificationKey, Vec<Vec<VerificationKey>>>,
    removals: BTreeMap<VerificationKey, Vec<StatementId>>,
    root: BTreeSet<VerificationKey>,
}

impl Authority {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let mut devices: BTreeMap<VerificationKey, Vec<Vec<VerificationKey>>> = BTreeMap::new();
        let mut root = BTreeSet::new();
        for statement in ledger.statements.values() {
            if let StatementBody::DeviceAdded { chain, .. } = &statement.body
                && let Ok(device) = chain.verify(&ledger.passport)
            {
                let line = device.lineage().iter().skip(1).copied().collect();
                devices.entry(device.key()).or_default().push(line);
                root.extend(chain.claimed_root());
            }
        }
        let mut removals: BTreeMap<VerificationKey, Vec<StatementId>> = BTreeMap::new();
        for (id, statement) in &ledger.statements {
            if let StatementBody::DeviceRemoved { device } = &statement.body
                && (devices.contains_key(&statement.signer()) || root.contains(&statement.signer()))
            {
                // Mutual removals both stand: a removal needs a device, not one that remains.
                removals.entry(*device).or_default().push(*id);
            }
        }
        Self { devices, removals, root }
    }

    /// Whether a device was removed, or each of its lines leads through one that was: else a
    /// device could outlive its removal in another that it certifies afterwards.
    pub(super) fn is_removed(&self, device: &VerificationKey) -> bool {
        let gone = |line: &Vec<_>| line.iter().any(|key| self.removals.contains_key(key));
        self.devices.get(device).is_none_or(|lines| lines.iter().all(gone))
    }

    /// Whether every removal of a device had happened before a statement was made.
    pub(super) fn all_gone_before(&self, ledger: &Ledger, id: &StatementId) -> bool {
        let of_devices = self.removals.iter().filter(|(key, _)| self.devices.contains_key(*key));
        of_devices.into_iter().all(|(_, removals)| removals.iter().any(|r| ledger.precedes(r, id)))
    }

    /// Whether a statement counts: made by a device, and not after or beside its removal. What
    /// only takes away counts all the same, or whoever removed a device would bring back a reader
    /// whom that device had shut out.
    pub(super) fn admits(
        &self,
        ledger: &Ledger,
        id: &StatementId,
        statement: &Verified<Statement>,
    ) -> bool {
        let signer = statement.signer();
        if self.root.contains(&signer) {
            return true;
        }
        let Some(lines) = self.devices.get(&signer) else { return false };
        let takes_away = matches!(
            statement.body,
            StatementBody::DeviceRemoved { .. } | StatementBody::Revoked { .. }
        );
        let before_removal = |line: &Vec<VerificationKey>| {
            let mut removals = line.iter().filter_map(|key| self.removals.get(key)).flatten();
            removals.all(|removal| ledger.precedes(id, removal))
        };
        takes_away || lines.iter().any(before_removal)
    }
}
