//! What a student erased goes here too: the epochs before the one that erases them.

use std::collections::BTreeSet;

use super::{AuditRecord, HeldEpoch, Organisation};
use crate::archive::Archive;
use crate::epoch::Charter;
use crate::id::EpochId;
use crate::party::PartyError;
use crate::receipt::Access;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

impl<V: Vault> Organisation<V> {
    /// Deletes what came before an epoch that erases it, once that epoch is all here and what
    /// this installation wrote before is with a relay; the log and a receipt say so.
    pub(super) fn let_go(&mut self, now: Timestamp) -> Result<(), PartyError> {
        let erasing: Vec<HeldEpoch> =
            self.epochs.values().filter(|e| e.charter.erases).cloned().collect();
        for HeldEpoch { charter, .. } in erasing {
            let before = self.before(&charter);
            let mut batch = Batch::new();
            let mut gone = BTreeSet::new();
            for epoch in before {
                if self.replica(charter.id())?.is_ready()
                    && self.journal.is_handed_on(&epoch)?
                    && self.files_handed_on(&epoch)?
                {
                    self.forget_files(&mut batch, &epoch, &charter.id())?;
                    self.delete_epoch(&mut batch, &epoch)?;
                    gone.insert(epoch);
                }
            }
            if gone.is_empty() {
                continue;
            }
            let record = AuditRecord {
                at: now,
                actor: String::new(),
                role: String::new(),
                student: charter.passport,
                section: charter.section.clone(),
                what: Access::Erased,
            };
            self.write_audit(&mut batch, core::slice::from_ref(&record))?;
            self.note_receipt_for(&mut batch, &record, charter.id())?;
            self.journal.commit(batch)?;
            self.epochs.retain(|id, _| !gone.contains(id));
        }
        Ok(())
    }

    /// The held epochs of the same section that lie before this one.
    fn before(&self, charter: &Charter) -> Vec<EpochId> {
        let before = self.epochs.iter().filter(|(_, e)| {
            e.charter.passport == charter.passport
                && e.charter.section == charter.section
                && e.charter.height < charter.height
        });
        before.map(|(id, _)| *id).collect()
    }

    /// Whether an epoch lies before one that erases it: an offer that comes again brings nothing
    /// back.
    pub(super) fn was_erased(&self, charter: &Charter) -> bool {
        self.epochs.values().any(|e| {
            e.charter.erases
                && e.charter.passport == charter.passport
                && e.charter.section == charter.section
                && charter.height < e.charter.height
        })
    }

    /// Adds to a batch that an epoch goes, with its keys, envelopes and archive.
    pub(super) fn delete_epoch(
        &mut self,
        batch: &mut Batch,
        epoch: &EpochId,
    ) -> Result<(), PartyError> {
        if let Some(known) = self.epochs.get(epoch) {
            Self::outdate(batch, known.charter.passport);
        }
        let archive = self.epochs.get(epoch).and_then(|e| Archive::of(&e.charter, &e.keys));
        batch.delete(Table::Charter, *epoch.as_bytes());
        Self::forget_received(batch, epoch);
        self.journal.forget(batch, epoch)?;
        if let Some(archive) = archive {
            self.journal.forget(batch, &archive.id())?;
        }
        self.replicas.remove(epoch);
        Ok(())
    }
}
