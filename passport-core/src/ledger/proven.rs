//! What statements hold that has to be verified: each once, when it came. The fold is taken often.

use std::collections::BTreeMap;

use super::{CompartmentKey, FoldedEpoch, Statement, StatementBody};
use crate::archive::Archive;
use crate::epoch::{Charter, PhaseKeys};
use crate::grant::Grant;
use crate::id::StatementId;
use crate::keys::{Card, Verified, VerifiedCard, VerifiedDevice};

/// By the statement that holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven {
    pub(super) epochs: BTreeMap<StatementId, FoldedEpoch>,
    pub(super) devices: BTreeMap<StatementId, VerifiedDevice>,
    pub(super) cards: BTreeMap<StatementId, VerifiedCard>,
    pub(super) grants: BTreeMap<StatementId, Grant>,
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
        let (charter, cut) = statement.body.founding()?;
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
        let cut = cut.iter().copied().collect();
        Some(Self { statement: id, charter, keys, cut, closed, archive })
    }
}
