//! Which root follows which, where the recovery phrase was replaced.
//!
//! Whoever has the old phrase can write histories of its own at any time, cite in them what it
//! likes of the true one, and replace the phrase there too. No rule over statements alone can
//! tell such a history from the true one: both begin with the same root. So a device goes by what
//! nobody else can make: its own keys, which the true history knows, and the root that it
//! descends from once it has heard of a replacement.

use std::collections::{BTreeMap, BTreeSet};

use super::proven::Replacement;
use super::{Ledger, StatementBody};
use crate::id::{StatementId, VerificationKey};
use crate::keys::{CertificateChain, VerifiedDevice};

/// How a device descends from a root, and the certificates that say so.
pub(super) struct Line {
    pub(super) device: VerifiedDevice,
    pub(super) chain: CertificateChain,
}

impl Line {
    /// Keys from the root's to the device's own.
    pub(super) fn keys(&self) -> &[VerificationKey] {
        self.device.lineage()
    }

    /// As [`Self::keys`], without the root's.
    fn devices(&self) -> &[VerificationKey] {
        self.keys().split_first().map_or(&[], |(_, devices)| devices)
    }
}

/// The lines of descent of every device that joined.
pub(super) type Lines = BTreeMap<VerificationKey, Vec<Line>>;

/// The roots of a passport, the present one last.
pub(super) struct Roots {
    pub(super) keys: Vec<VerificationKey>,
    /// The statement that made each root but the first follow the one before it.
    pub(super) replaced_by: Vec<StatementId>,
}

impl Roots {
    /// The roots, and who descends from them.
    pub(super) fn of(ledger: &Ledger) -> (Self, Lines) {
        let first = ledger.proven.devices.values().find_map(|d| d.roots().first().copied());
        let mut roots = Self { keys: first.into_iter().collect(), replaced_by: Vec::new() };
        let mut lines = roots.trace(ledger);
        if ledger.proven.replacements.is_empty() {
            return (roots, lines);
        }
        let all: Vec<Rival<'_>> =
            ledger.proven.replacements.iter().filter_map(|of| Rival::of(ledger, of)).collect();
        while let Some(root) = roots.keys.last().copied() {
            let next = following(ledger, &lines, &all, &root);
            let Some(next) = next.filter(|n| !roots.keys.contains(&n.made.new)) else { break };
            roots.keys.push(next.made.new);
            roots.replaced_by.push(next.id);
            lines = roots.trace(ledger);
        }
        (roots, lines)
    }

    /// The lines of every device that joined. Where a later root certified a device directly,
    /// those that it let in descend from there too.
    fn trace(&self, ledger: &Ledger) -> Lines {
        let mut renewed: BTreeMap<VerificationKey, Vec<CertificateChain>> = BTreeMap::new();
        let made = self.replaced_by.iter().filter_map(|id| ledger.proven.replacements.get(id));
        let mut successions = Vec::new();
        for made in made {
            successions.push(made.succession.clone());
            for (device, certificate) in &made.devices {
                let chain = CertificateChain::rooted(&successions, certificate.clone());
                renewed.entry(*device).or_default().push(chain);
            }
        }
        let mut lines = Lines::new();
        for (id, device) in &ledger.proven.devices {
            let Some(chain) = ledger.chain_in(id) else { continue };
            if !self.keys.starts_with(device.roots()) {
                continue;
            }
            let of_device = lines.entry(device.key()).or_default();
            of_device.push(Line { device: device.clone(), chain: chain.clone() });
            for (at, key) in device.lineage().iter().enumerate().skip(1) {
                for onto in renewed.get(key).into_iter().flatten() {
                    let chain = chain.grafted(at, onto);
                    let device = chain.verify(&ledger.passport);
                    of_device.extend(device.ok().map(|device| Line { device, chain }));
                }
            }
        }
        lines
    }
}

/// A replacement of the phrase, and what its device had heard of when it made it.
struct Rival<'a> {
    id: StatementId,
    by: VerificationKey,
    made: &'a Replacement,
    past: BTreeSet<StatementId>,
    joined: BTreeSet<VerificationKey>,
    removed: BTreeSet<VerificationKey>,
}

impl<'a> Rival<'a> {
    /// None when its device had not joined.
    fn of(ledger: &Ledger, (id, made): (&StatementId, &'a Replacement)) -> Option<Self> {
        let by = ledger.statements.get(id)?.signer();
        let past = ledger.past(id);
        let proven = ledger.proven.devices.iter().filter(|(id, _)| past.contains(*id));
        let joined: BTreeSet<_> = proven.map(|(_, device)| device.key()).collect();
        let removals = ledger.removals().filter(|(id, ..)| past.contains(*id));
        let removed = removals.map(|(_, _, device)| device).collect();
        joined.contains(&by).then_some(Self { id: *id, by, made, past, joined, removed })
    }

    /// Whether it was made by who had heard of a device, or of one that let that in.
    fn knows(&self, lines: &Lines, device: &VerificationKey) -> bool {
        let mut lines = lines.get(device).into_iter().flatten();
        lines.any(|line| line.devices().iter().any(|key| self.joined.contains(key)))
    }

    /// As [`Self::knows`], and had not heard that it was removed.
    fn trusts(&self, lines: &Lines, device: &VerificationKey) -> bool {
        let stays = |line: &Line| !line.devices().iter().any(|key| self.removed.contains(key));
        self.knows(lines, device) && lines.get(device).into_iter().flatten().any(stays)
    }

    /// Whether its device was removed before it or beside it, by one that it trusted.
    fn is_void(&self, ledger: &Ledger, lines: &Lines) -> bool {
        let heeded = ledger.removals().filter(|(id, by, _)| {
            self.past.contains(*id) || (self.trusts(lines, by) && !ledger.precedes(&self.id, id))
        });
        let removed: BTreeSet<VerificationKey> = heeded.map(|(_, _, device)| device).collect();
        let mut own = lines.get(&self.by).into_iter().flatten();
        own.all(|line| line.devices().iter().any(|key| removed.contains(key)))
    }
}

/// What takes a root's place; see [`Reader`](super::Reader). No clock is asked.
fn following<'r, 'a>(
    ledger: &Ledger,
    lines: &Lines,
    all: &'r [Rival<'a>],
    root: &VerificationKey,
) -> Option<&'r Rival<'a>> {
    let of_root = all.iter().filter(|r| r.made.old == *root && !r.is_void(ledger, lines));
    let mut rivals: Vec<&Rival<'_>> = of_root.collect();
    // Once a root is replaced it says nothing more.
    let said: BTreeSet<StatementId> = rivals.iter().map(|r| r.id).collect();
    rivals.retain(|r| r.past.is_disjoint(&said));
    let own_line = ledger.reader.map(|reader| leading_to(ledger, reader.root)).unwrap_or_default();
    if let Some(own) = rivals.iter().copied().find(|r| own_line.contains(&r.made.new)) {
        // Of two that each trusted the other's device, every device takes the same one.
        let fair = |r: &Rival<'_>| r.trusts(lines, &own.by) && own.trusts(lines, &r.by);
        rivals.retain(|r| r.id == own.id || fair(r));
    } else {
        let me = ledger.reader.and_then(|reader| reader.device);
        let knows_me = |r: &&Rival<'_>| me.is_some_and(|me| r.knows(lines, &me));
        prefer(&mut rivals, knows_me);
        // Who is known and does not know came later.
        let apart = rivals.clone();
        let late =
            |r: &Rival<'_>| apart.iter().any(|o| r.knows(lines, &o.by) && !o.knows(lines, &r.by));
        prefer(&mut rivals, |r| !late(r));
    }
    rivals.into_iter().min_by_key(|r| r.id)
}

/// Keeps those that fit, if there are any.
fn prefer<'r, 'a>(rivals: &mut Vec<&'r Rival<'a>>, fits: impl Fn(&&'r Rival<'a>) -> bool) {
    if rivals.iter().any(&fits) {
        rivals.retain(fits);
    }
}

/// A root, and those that replacements lead to it from. As a replacement certifies the device
/// that makes it, nobody but who has a root's phrase can lead to it.
fn leading_to(ledger: &Ledger, root: VerificationKey) -> BTreeSet<VerificationKey> {
    let mut leading = BTreeSet::new();
    let mut queue = vec![root];
    while let Some(root) = queue.pop() {
        if leading.insert(root) {
            let made = ledger.proven.replacements.values().filter(|r| r.new == root);
            queue.extend(made.map(|r| r.old));
        }
    }
    leading
}

impl Ledger {
    /// The removals of devices: by whom, of whom.
    pub(super) fn removals(
        &self,
    ) -> impl Iterator<Item = (&StatementId, VerificationKey, VerificationKey)> {
        self.statements.iter().filter_map(|(id, statement)| {
            let StatementBody::DeviceRemoved { device } = &statement.body else { return None };
            Some((id, statement.signer(), *device))
        })
    }

    /// The certificates of the device that a statement says joined.
    fn chain_in(&self, id: &StatementId) -> Option<&CertificateChain> {
        let StatementBody::DeviceAdded { chain, .. } = &self.statements.get(id)?.body else {
            return None;
        };
        Some(chain)
    }
}

#[cfg(test)]
mod tests;
