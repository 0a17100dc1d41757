//! Receipts for students, and the organisation's own log of who did what.
//!
//! Receipts wait in the vault and go with the next exchange, gathered: one letter for each
//! student, and for each section one word on what was received.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use serde::Serialize;

use super::Organisation;
use super::late::LATE;
use crate::codec;
use crate::id::{EnvelopeId, EpochId, PassportId, VerificationKey};
use crate::keys::{ReceivingPublicKey, Signable as _, Signed};
use crate::letter::Letter;
use crate::organisation::HeldState;
use crate::party::PartyError;
use crate::receipt::{Access, Receipt};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Where it is noted that an epoch brought something new.
const TOUCHED: &[u8] = b"touched ";
/// Receipts that wait for the next exchange.
const WAITING: &[u8] = b"receipt ";
/// How far the holder was told that an epoch was received.
const TOLD: &[u8] = b"told ";
const AUDITED: &[u8] = b"audited";
/// Most receipts in one letter.
const IN_LETTER: usize = 40;

/// Who did what, in the organisation's own log.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize)]
#[cbor(array)]
pub struct AuditRecord {
    /// When.
    #[n(0)]
    pub at: Timestamp,
    /// The member of staff.
    #[n(1)]
    pub actor: String,
    /// In which role: all that the student is told.
    #[n(2)]
    pub role: String,
    /// Whose passport.
    #[n(3)]
    pub student: PassportId,
    /// Which section.
    #[n(4)]
    pub section: SectionName,
    /// What was done.
    #[n(5)]
    pub what: Access,
}

impl<V: Vault> Organisation<V> {
    /// Writes lines in the organisation's own log, and for what was opened or handed on a receipt
    /// for the student, which goes with the next exchange. All or none.
    ///
    /// # Errors
    /// Returns [`PartyError`]; then the record must not be shown.
    pub fn audit(&mut self, records: &[AuditRecord]) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        self.write_audit(&mut batch, records)?;
        for record in records.iter().filter(|r| r.what.is_told()) {
            self.note_receipt(&mut batch, record)?;
        }
        Ok(self.journal.commit(batch)?)
    }

    pub(super) fn write_audit(
        &self,
        batch: &mut Batch,
        records: &[AuditRecord],
    ) -> Result<(), PartyError> {
        let mut count: u64 = match self.journal.vault().get(Table::Meta, AUDITED)? {
            Some(bytes) => codec::decode(&bytes, 16).map_err(|_| PartyError::Damaged)?,
            None => 0,
        };
        for record in records {
            batch.put(Table::Audit, count.to_be_bytes(), codec::encode(record));
            count += 1;
        }
        batch.put(Table::Meta, AUDITED, codec::encode(&count));
        Ok(())
    }

    /// The organisation's own log, in order.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn audited(&self) -> Result<Vec<AuditRecord>, PartyError> {
        let records = self.journal.vault().scan(Table::Audit)?;
        let decode = |bytes: &[u8]| codec::decode(bytes, 4096).map_err(|_| PartyError::Damaged);
        records.iter().map(|(_, value)| decode(value)).collect()
    }

    /// Signs that something was done with a section, for the student to know.
    pub(super) fn note_receipt(
        &mut self,
        batch: &mut Batch,
        record: &AuditRecord,
    ) -> Result<(), PartyError> {
        let latest = self.epochs_of(record.student, &record.section).pop();
        let current = self.current(record.student, &record.section).or(latest);
        let Some(epoch) = current else { return Ok(()) };
        self.note_receipt_for(batch, record, epoch)
    }

    /// Signs that something was done with one epoch, for the student to know.
    pub(super) fn note_receipt_for(
        &mut self,
        batch: &mut Batch,
        record: &AuditRecord,
        epoch: EpochId,
    ) -> Result<(), PartyError> {
        let heads = self.heads(epoch)?;
        put_receipt(batch, &self.receipt(record, epoch, heads));
        Ok(())
    }

    /// Signs for the student what was done with an epoch.
    pub(super) fn receipt(
        &self,
        record: &AuditRecord,
        epoch: EpochId,
        heads: Vec<EnvelopeId>,
    ) -> Signed<Receipt> {
        let role = record.role.chars().take(Receipt::ROLE / 4).collect();
        let receipt = Receipt {
            version: Receipt::VERSION,
            passport: record.student,
            organisation: self.id(),
            section: record.section.clone(),
            epoch,
            what: record.what,
            role,
            at: record.at,
            heads,
        };
        Signed::new(&receipt, &self.instance)
    }

    fn heads(&mut self, epoch: EpochId) -> Result<Vec<EnvelopeId>, PartyError> {
        Ok(self.replica(epoch)?.tips().iter().take(Receipt::HEADS).copied().collect())
    }

    /// Notes that an epoch brought something new.
    pub(super) fn touch(batch: &mut Batch, epoch: EpochId) {
        batch.put(Table::Letter, [TOUCHED, epoch.as_bytes()].concat(), Vec::new());
    }

    /// Leaves every receipt that waits in the mailboxes of the students' devices; returns how
    /// many letters that made.
    pub(super) fn send_receipts(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let mut batch = Batch::new();
        self.note_received(&mut batch, now)?;
        self.journal.commit(batch)?;
        let mut batch = Batch::new();
        let mut letters = 0;
        for (student, receipts) in self.take_waiting(&mut batch, None)? {
            letters += self.post_receipts(&mut batch, student, &receipts, rng)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(letters)
    }

    /// Takes the receipts that wait, of one student or of all, out of the vault.
    pub(super) fn take_waiting(
        &self,
        batch: &mut Batch,
        of: Option<PassportId>,
    ) -> Result<BTreeMap<PassportId, Vec<Signed<Receipt>>>, PartyError> {
        let mut waiting: BTreeMap<PassportId, Vec<Signed<Receipt>>> = BTreeMap::new();
        for (name, value) in self.journal.vault().scan(Table::Letter)? {
            if !name.starts_with(WAITING) {
                continue;
            }
            let signed: Signed<Receipt> =
                codec::decode(&value, Receipt::LIMIT + 256).map_err(|_| PartyError::Damaged)?;
            let receipt = signed.verify().map_err(|_| PartyError::Damaged)?;
            if of.is_none_or(|student| receipt.passport == student) {
                waiting.entry(receipt.passport).or_default().push(signed);
                batch.delete(Table::Letter, name);
            }
        }
        Ok(waiting)
    }

    /// Leaves receipts in the mailbox of a student's device; returns how many letters that made.
    pub(super) fn post_receipts(
        &mut self,
        batch: &mut Batch,
        student: PassportId,
        receipts: &[Signed<Receipt>],
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let Some((device, receiving)) = self.mailbox_of(student) else { return Ok(0) };
        let mut letters = 0;
        for some in receipts.chunks(IN_LETTER) {
            let letter = Letter::Receipts { receipts: some.to_vec() };
            let sealed = letter.seal(&device, &receiving, rng)?;
            self.journal.post(batch, device, sealed);
            letters += 1;
        }
        Ok(letters)
    }

    /// Adds to a batch that nothing is noted any more of what was received, or sent by letter, of an
    /// epoch.
    pub(super) fn forget_received(batch: &mut Batch, epoch: &EpochId) {
        batch.delete(Table::Letter, [TOUCHED, epoch.as_bytes()].concat());
        batch.delete(Table::Meta, [TOLD, epoch.as_bytes()].concat());
        batch.delete(Table::Meta, [LATE, epoch.as_bytes()].concat());
    }

    /// Signs how far every epoch that brought something new was received. One whose snapshot is
    /// not complete is told of when it is.
    fn note_received(&mut self, batch: &mut Batch, now: Timestamp) -> Result<(), PartyError> {
        for (name, _) in self.journal.vault().scan(Table::Letter)? {
            let Some(epoch) = name.strip_prefix(TOUCHED) else { continue };
            let epoch = EpochId::from_slice(epoch).map_err(|_| PartyError::Damaged)?;
            let Some(held) = self.epochs.get(&epoch) else { continue };
            let (student, section) = (held.charter.passport, held.charter.section.clone());
            if !self.replica(epoch)?.is_ready() {
                continue;
            }
            batch.delete(Table::Letter, name);
            let in_force = self.grants.values().any(|g| {
                g.grant.passport == student
                    && g.grant.section == section
                    && g.state(now) == HeldState::Active
            });
            let heads = self.heads(epoch)?;
            let told = [TOLD, epoch.as_bytes()].concat();
            let before = self.journal.vault().get(Table::Meta, &told)?;
            if !in_force || before.is_some_and(|b| *b == codec::encode(&heads)) {
                continue;
            }
            batch.put(Table::Meta, told, codec::encode(&heads));
            let what = Access::Received;
            let (actor, role) = (String::new(), String::new());
            let record = AuditRecord { at: now, actor, role, student, section, what };
            put_receipt(batch, &self.receipt(&record, epoch, heads));
        }
        Ok(())
    }

    /// Where word for a student is left: with the device that founded the latest epoch.
    pub(super) fn mailbox_of(
        &self,
        student: PassportId,
    ) -> Option<(VerificationKey, ReceivingPublicKey)> {
        let removed = self.removed_devices(student);
        let of_student = self.epochs.values().map(|e| &e.charter).filter(|c| {
            c.passport == student && !c.founder_lineage().iter().any(|key| removed.contains(key))
        });
        let latest = of_student.max_by_key(|c| (c.founded_at, c.id()))?;
        let device = latest.founder.verify(&student).ok()?;
        Some((device.key(), device.receiving().clone()))
    }
}

/// Adds a receipt that waits for the next exchange.
fn put_receipt(batch: &mut Batch, signed: &Signed<Receipt>) {
    let key = [WAITING, &signed.payload_hash()].concat();
    batch.put(Table::Letter, key, codec::encode(signed));
}
