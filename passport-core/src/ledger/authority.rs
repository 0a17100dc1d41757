//! Whose statements count.

use std::collections::BTreeMap;

use super::{Ledger, Statement, StatementBody};
use crate::id::{StatementId, VerificationKey};
use crate::keys::{CertificateChain, Signed, Succession, Verified, VerifiedDevice};

/// Keys from a root's to a device's own, and the certificates that say so.
struct Line {
    keys: Vec<VerificationKey>,
    chain: CertificateChain,
}

/// A device that joined: by which statement, and how it descends.
struct Joining<'a> {
    id: StatementId,
    chain: &'a CertificateChain,
    device: VerifiedDevice,
}

/// A replacement of the recovery phrase.
pub(super) struct Replacement {
    /// The statement.
    pub(super) id: StatementId,
    /// The old root's word.
    pub(super) succession: Signed<Succession>,
}

/// Who may make statements.
pub(super) struct Authority {
    /// Each device's lines of descent.
    devices: BTreeMap<VerificationKey, Vec<Line>>,
    removals: BTreeMap<VerificationKey, Vec<StatementId>>,
    /// The roots in order; the last is the present one.
    pub(super) roots: Vec<VerificationKey>,
    /// What made each root but the first follow the one before it.
    pub(super) replacements: Vec<Replacement>,
}

impl Authority {
    pub(super) fn of(ledger: &Ledger) -> Self {
        let joined: Vec<Joining<'_>> =
            ledger.statements.iter().filter_map(joining(ledger)).collect();
        let (roots, replacements) = line_of_roots(ledger, &joined);
        let mut authority =
            Self { devices: BTreeMap::new(), removals: BTreeMap::new(), roots, replacements };
        authority.trace(ledger, &joined);
        for (id, statement) in &ledger.statements {
            if let StatementBody::DeviceRemoved { device } = &statement.body
                && authority.may_take_away(ledger, id, &statement.signer())
            {
                // Mutual removals both stand: a removal needs a device, not one that remains.
                authority.removals.entry(*device).or_default().push(*id);
            }
        }
        for (root, replacement) in authority.roots.iter().zip(&authority.replacements) {
            authority.removals.entry(*root).or_default().push(replacement.id);
        }
        authority
    }

    /// Finds the lines of every device that joined. Where a later root certified a device
    /// directly, those that it let in descend from there too.
    fn trace(&mut self, ledger: &Ledger, joined: &[Joining<'_>]) {
        let known = joined.iter().filter(|j| self.roots.starts_with(j.device.roots()));
        let known: Vec<&Joining<'_>> = known.collect();
        let mut renewed: BTreeMap<VerificationKey, Vec<CertificateChain>> = BTreeMap::new();
        for (n, replacement) in self.replacements.iter().enumerate() {
            let Some(statement) = ledger.statements.get(&replacement.id) else { continue };
            let StatementBody::Replaced { devices, .. } = &statement.body else { continue };
            let successions: Vec<_> =
                self.replacements.iter().take(n + 1).map(|r| r.succession.clone()).collect();
            for certificate in devices {
                let chain = CertificateChain::rooted(&successions, certificate.clone());
                if let Ok(device) = chain.verify(&ledger.passport) {
                    renewed.entry(device.key()).or_default().push(chain);
                }
            }
        }
        for joining in known {
            let keys = joining.device.lineage();
            let lines = self.devices.entry(joining.device.key()).or_default();
            lines.push(Line { keys: keys.to_vec(), chain: joining.chain.clone() });
            for (at, key) in keys.iter().enumerate().skip(1) {
                for chain in renewed.get(key).into_iter().flatten() {
                    let grafted = joining.chain.grafted(at, chain);
                    let Ok(device) = grafted.verify(&ledger.passport) else { continue };
                    lines.push(Line { keys: device.lineage().to_vec(), chain: grafted });
                }
            }
        }
    }

    /// Whether somebody's word removes a device, or ends a consent: the present root's, or a device's that descends
    /// from it; of an older root, and of who descends from that alone, what it said before it was
    /// replaced.
    fn may_take_away(&self, ledger: &Ledger, id: &StatementId, signer: &VerificationKey) -> bool {
        let lines = self.devices.get(signer).into_iter().flatten();
        let mut roots = lines.filter_map(|line| line.keys.first()).chain([signer]);
        roots.any(|root| self.holds(ledger, id, root))
    }

    /// Whether a root was not replaced yet where a statement was made.
    fn holds(&self, ledger: &Ledger, id: &StatementId, root: &VerificationKey) -> bool {
        let Some(at) = self.roots.iter().position(|known| known == root) else { return false };
        self.replacements.get(at).is_none_or(|next| ledger.precedes(id, &next.id))
    }

    /// Whether a device was removed, or each of its lines leads through one that was, or from a
    /// root that was replaced: else a device could outlive its removal in another that it
    /// certifies afterwards.
    pub(super) fn is_removed(&self, device: &VerificationKey) -> bool {
        self.devices.get(device).is_none_or(|lines| lines.iter().all(|line| self.is_gone(line)))
    }

    /// The devices of which that is so.
    pub(super) fn gone(&self) -> impl Iterator<Item = VerificationKey> {
        self.devices.keys().filter(|device| self.is_removed(device)).copied()
    }

    fn is_gone(&self, line: &Line) -> bool {
        line.keys.iter().any(|key| self.removals.contains_key(key))
    }

    /// The certificates by which a device is to be known: those that hold, from the latest root.
    pub(super) fn chain_of(&self, device: &VerificationKey) -> Option<&CertificateChain> {
        let lines = self.devices.get(device)?.iter().filter(|line| !self.is_gone(line));
        let place =
            |line: &&Line| self.roots.iter().position(|root| Some(root) == line.keys.first());
        lines.max_by_key(place).map(|line| &line.chain)
    }

    /// Whether every removal of a device, and every replacement of a root, had happened before a
    /// statement was made.
    pub(super) fn all_gone_before(&self, ledger: &Ledger, id: &StatementId) -> bool {
        let known = |key| self.devices.contains_key(key) || self.roots.contains(key);
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
        if self.holds(ledger, id, &signer) {
            return true;
        }
        let Some(lines) = self.devices.get(&signer) else { return false };
        let takes_away = matches!(
            statement.body,
            StatementBody::DeviceRemoved { .. } | StatementBody::Revoked { .. }
        );
        if takes_away {
            return self.may_take_away(ledger, id, &signer);
        }
        let before_removal = |line: &Line| {
            let mut removals = line.keys.iter().filter_map(|key| self.removals.get(key)).flatten();
            removals.all(|removal| ledger.precedes(id, removal))
        };
        lines.iter().any(before_removal)
    }
}

fn joining<'a>(
    ledger: &'a Ledger,
) -> impl Fn((&'a StatementId, &'a Verified<Statement>)) -> Option<Joining<'a>> {
    |(id, statement)| {
        let StatementBody::DeviceAdded { chain, .. } = &statement.body else { return None };
        let device = chain.verify(&ledger.passport).ok()?;
        Some(Joining { id: *id, chain, device })
    }
}

/// The roots in order, and what made each follow.
fn line_of_roots(
    ledger: &Ledger,
    joined: &[Joining<'_>],
) -> (Vec<VerificationKey>, Vec<Replacement>) {
    let first = joined.iter().find_map(|j| j.device.roots().first().copied());
    let mut roots: Vec<VerificationKey> = first.into_iter().collect();
    let mut replacements = Vec::new();
    while let Some(root) = roots.last().copied() {
        let Some((next, replacement)) = replacement_of(ledger, joined, &root) else { break };
        if roots.contains(&next) {
            break;
        }
        roots.push(next);
        replacements.push(replacement);
    }
    (roots, replacements)
}

/// What takes a root's place. It is said by a device, and signed by the root. Of several said
/// apart, one that a device said which another did not know gives way to that; then the lowest id
/// counts. No clock is asked.
fn replacement_of(
    ledger: &Ledger,
    joined: &[Joining<'_>],
    root: &VerificationKey,
) -> Option<(VerificationKey, Replacement)> {
    let mut all: Vec<(StatementId, VerificationKey, VerificationKey, Signed<Succession>)> =
        Vec::new();
    for (id, statement) in &ledger.statements {
        let StatementBody::Replaced { succession, .. } = &statement.body else { continue };
        let Ok(next) = succession.verify_by(root) else { continue };
        let by = statement.signer();
        if next.passport == ledger.passport
            && is_known(ledger, joined, &by, id)
            && !is_removed_for(ledger, joined, &by, id)
        {
            all.push((*id, by, next.root, succession.clone()));
        }
    }
    let rest = all.clone();
    // Once a root is replaced it says nothing more.
    all.retain(|(id, ..)| !rest.iter().any(|(other, ..)| ledger.precedes(other, id)));
    let gives_way = |by: &VerificationKey, id: &StatementId| {
        let mut others = rest.iter().filter(|(other, ..)| other != id);
        others.any(|(other, ..)| !is_known(ledger, joined, by, other))
    };
    let best = all.into_iter().min_by_key(|(id, by, ..)| (gives_way(by, id), *id));
    best.map(|(id, _, next, succession)| (next, Replacement { id, succession }))
}

/// Whether a device had joined in the past of a statement.
fn is_known(
    ledger: &Ledger,
    joined: &[Joining<'_>],
    device: &VerificationKey,
    id: &StatementId,
) -> bool {
    let mut by_it = joined.iter().filter(|j| j.device.key() == *device);
    by_it.any(|j| ledger.precedes(&j.id, id))
}

/// Whether somebody whom a statement knew removed its signer, or who had let that in, before it
/// or beside it.
fn is_removed_for(
    ledger: &Ledger,
    joined: &[Joining<'_>],
    signer: &VerificationKey,
    id: &StatementId,
) -> bool {
    let lines = joined.iter().filter(|j| j.device.key() == *signer).map(|j| j.device.lineage());
    let gone = |line: &[VerificationKey]| {
        ledger.statements.iter().any(|(removal, statement)| {
            let StatementBody::DeviceRemoved { device } = &statement.body else { return false };
            let by = statement.signer();
            let known = is_known(ledger, joined, &by, id) || ledger.precedes(removal, id);
            line.contains(device) && known && !ledger.precedes(id, removal)
        })
    };
    let mut lines = lines.peekable();
    lines.peek().is_some() && lines.all(gone)
}
