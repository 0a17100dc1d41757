//! Whose statements count.

use std::collections::BTreeMap;

use super::roots::{Line, Lines, Roots};
use super::{Ledger, Statement, StatementBody};
use crate::id::{StatementId, VerificationKey};
use crate::keys::Verified;

/// Who may make statements.
pub(super) struct Authority {
    /// Each device's lines of descent.
    devices: Lines,
    /// What removed a device; of a root, what replaced it.
    removals: BTreeMap<VerificationKey, Vec<StatementId>>,
    /// The roots, the present one last.
    pub(super) roots: Roots,
}

impl Authority {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let (roots, devices) = Roots::of(ledger);
        let replaced = roots.keys.iter().zip(&roots.replaced_by);
        let removals = replaced.map(|(root, by)| (*root, vec![*by])).collect();
        let mut authority = Self { devices, removals, roots };
        for (id, by, device) in ledger.removals() {
            // Mutual removals both stand: a removal needs a device, not one that remains. No
            // device removes a root.
            if !authority.roots.keys.contains(&device) && authority.may_take_away(ledger, id, &by) {
                authority.removals.entry(device).or_default().push(*id);
            }
        }
        authority
    }

    /// Whether somebody's word removes a device, or ends a consent: the present root's, or a
    /// device's that descends from it; of an older root, and of who descends from that alone,
    /// what it said before it was replaced.
    fn may_take_away(&self, ledger: &Ledger, id: &StatementId, signer: &VerificationKey) -> bool {
        let lines = self.devices.get(signer).into_iter().flatten();
        let mut roots = lines.filter_map(|line| line.keys().first()).chain([signer]);
        roots.any(|root| self.holds(ledger, id, root))
    }

    /// Whether a root was not replaced yet where a statement was made.
    fn holds(&self, ledger: &Ledger, id: &StatementId, root: &VerificationKey) -> bool {
        let Some(at) = self.roots.keys.iter().position(|known| known == root) else { return false };
        self.roots.replaced_by.get(at).is_none_or(|next| ledger.precedes(id, next))
    }

    /// Whether a device was removed, or each of its lines leads through one that was, or from a
    /// root that was replaced: else a device could outlive its removal in another that it
    /// certifies afterwards.
    pub(super) fn is_removed(&self, device: &VerificationKey) -> bool {
        self.line_of(device).is_none()
    }

    /// The devices of which that is so.
    pub(super) fn gone(&self) -> impl Iterator<Item = VerificationKey> {
        self.devices.keys().filter(|device| self.is_removed(device)).copied()
    }

    /// How a device descends, if it is not gone: from the latest root, if in several ways.
    pub(super) fn line_of(&self, device: &VerificationKey) -> Option<&Line> {
        let gone = |line: &&Line| line.keys().iter().any(|key| self.removals.contains_key(key));
        let lines = self.devices.get(device)?.iter().filter(|line| !gone(line));
        lines.max_by_key(|line| line.device.roots().len())
    }

    /// Whether every removal of a device, and every replacement of a root, had happened before a
    /// statement was made.
    pub(super) fn all_gone_before(&self, ledger: &Ledger, id: &StatementId) -> bool {
        let known = |key| self.devices.contains_key(key) || self.roots.keys.contains(key);
        let mut of_known = self.removals.iter().filter(|(key, _)| known(key));
        of_known.all(|(_, removals)| removals.iter().any(|r| ledger.precedes(r, id)))
    }

    /// Whether a statement counts: made by a root before it was replaced, or by a device and not
    /// after or beside its removal. What only takes away counts all the same, or whoever removed
    /// a device would bring back a reader whom that device had shut out.
    pub(super) fn admits(
        &self,
        ledger: &Ledger,
        id: &StatementId,
        statement: &Verified<Statement>,
    ) -> bool {
        let signer = statement.signer();
        let takes_away = matches!(
            statement.body,
            StatementBody::DeviceRemoved { .. } | StatementBody::Revoked { .. }
        );
        if takes_away {
            return self.may_take_away(ledger, id, &signer);
        }
        self.holds(ledger, id, &signer) || self.was_in(ledger, id, &signer)
    }

    /// Whether a device made a statement before every removal of it, and not beside one.
    pub(super) fn was_in(
        &self,
        ledger: &Ledger,
        id: &StatementId,
        device: &VerificationKey,
    ) -> bool {
        let before_removal = |line: &Line| {
            let mut removals =
                line.keys().iter().filter_map(|key| self.removals.get(key)).flatten();
            removals.all(|removal| ledger.precedes(id, removal))
        };
        self.devices.get(device).into_iter().flatten().any(before_removal)
    }
}
