//! What statements hold that has to be verified: each once, when it came. The fold is taken often.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{CompartmentKey, FoldedEpoch, Statement, StatementBody};
use crate::archive::Archive;
use crate::epoch::{Charter, PhaseKeys};
use crate::grant::Grant;
use crate::id::{StatementId, VerificationKey};
use crate::keys::{
    Card, DeviceCertificate, Signed, Succession, Verified, VerifiedCard, VerifiedDevice,
};

/// By the statement that holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven {
    pub(super) epochs: BTreeMap<StatementId, FoldedEpoch>,
    pub(super) devices: BTreeMap<StatementId, VerifiedDevice>,
    pub(super) cards: BTreeMap<StatementId, VerifiedCard>,
    pub(super) grants: BTreeMap<StatementId, Grant>,
    pub(super) replacements: BTreeMap<StatementId, Replacement>,
}

/// A new root that takes an old one's place, by the word of both.
#[derive(Clone, Debug)]
pub(super) struct Replacement {
    pub(super) old: VerificationKey,
    pub(super) new: VerificationKey,
    /// The old root's word.
    pub(super) succession: Signed<Succession>,
    /// The devices that the new root certifies, the one that made the statement among them.
    pub(super) devices: BTreeMap<VerificationKey, Signed<DeviceCertificate>>,
}

impl Replacement {
    fn said_by(statement: &Verified<Statement>) -> Option<Self> {
        let StatementBody::Replaced { succession, devices, .. } = &statement.body else {
            return None;
        };
        let old = succession.claimed_signer();
        let next = succession.verify_by(&old).ok().filter(|s| s.is_of(&statement.passport))?;
        let certified = devices.iter().filter_map(|signed| {
            let certificate = signed.verify_by(&next.root).ok()?;
            Some((certificate.device, signed.clone()))
        });
        let devices: BTreeMap<_, _> = certified.collect();
        let certifies_itself = devices.contains_key(&statement.signer());
        let (new, succession) = (next.root, succession.clone());
        certifies_itself.then_some(Self { old, new, succession, devices })
    }
}

impl Proven {
    /// Takes in what a statement holds, as far as it verifies.
    pub(super) fn take(
        &mut self,
        id: StatementId,
        statement: &Verified<Statement>,
        compartments: &[CompartmentKey],
    ) {
        if let StatementBody::DeviceAdded { chain, .. } = &statement.body {
            self.devices.extend(chain.verify(&statement.passport).ok().map(|d| (id, d)));
        } else if let StatementBody::ContactAdded { card, .. } = &statement.body {
            self.cards.extend(Card::verify(card.clone()).ok().map(|card| (id, card)));
        } else if let StatementBody::Granted { grant } = &statement.body {
            let grant = grant.verify_by(&statement.signer()).ok();
            self.grants.extend(grant.map(|grant| (id, grant.into_inner())));
        } else if let StatementBody::Replaced { .. } = &statement.body {
            self.replacements.extend(Replacement::said_by(statement).map(|made| (id, made)));
        } else {
            let epoch = FoldedEpoch::founded_by(id, statement, compartments);
            self.epochs.extend(epoch.map(|epoch| (id, epoch)));
        }
    }
}

impl FoldedEpoch {
    /// The epoch that a statement says was founded, if its charter holds; closed unless one of
    /// the compartments has its keys.
    fn founded_by(
        id: StatementId,
        statement: &Statement,
        compartments: &[CompartmentKey],
    ) -> Option<Self> {
        let closed_keys = |sealed: &[u8], epoch| {
            compartments.iter().find_map(|compartment| compartment.open(epoch, sealed))
        };
        let (charter, cut, carried) = statement.body.founding()?;
        let charter = Charter::verify(charter.clone()).ok()?;
        if charter.passport != statement.passport {
            return None;
        }
        let keys: Option<PhaseKeys> = if let StatementBody::Founded { keys, .. } = &statement.body {
            Some(keys.iter().map(|k| (k.phase, k.key())).collect())
        } else if let StatementBody::FoundedClosed { keys, .. } = &statement.body {
            closed_keys(keys, &charter.id())
        } else {
            None
        };
        let closed = keys.is_none();
        let keys = keys.into_iter().flatten();
        let keys = keys.filter(|(phase, key)| charter.admits_key(*phase, key)).collect();
        let archive = Archive::of(&charter, &keys);
        let (cut, carried) = (cut.iter().copied().collect(), carried.iter().copied().collect());
        let settled = OnceLock::new();
        Some(Self { statement: id, charter, keys, cut, carried, closed, archive, settled })
    }
}
