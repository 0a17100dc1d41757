//! Forgetting a student: all that was given goes, and that it went is signed.

use std::collections::BTreeSet;

use rand_core::CryptoRng;

use super::{AuditRecord, Organisation};
use crate::archive::Archive;
use crate::codec;
use crate::grant::Grant;
use crate::id::{ChannelId, EpochId, GrantId, PassportId};
use crate::party::PartyError;
use crate::receipt::Access;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Where it is noted that a student asked for everything to be deleted.
const ASKED: &[u8] = b"deletion asked ";
/// Where it is noted which consents were forgotten: an offer that is handed on again brings
/// nothing back.
const FORGOTTEN: &[u8] = b"forgotten ";

impl<V: Vault> Organisation<V> {
    /// When a student asked that everything be deleted, if they gave no consent since.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn deletion_asked(&self, student: PassportId) -> Result<Option<Timestamp>, PartyError> {
        let mut of_student = self.grants.values().filter(|g| g.grant.passport == student);
        let asked = self.journal.vault().get(Table::Meta, &of(ASKED, student))?;
        let Some(asked) = asked else { return Ok(None) };
        let asked: Timestamp = codec::decode(&asked, 16).map_err(|_| PartyError::Damaged)?;
        let given_since = of_student.any(|g| g.withdrawn_at.is_none() || g.grant.from > asked);
        Ok((!given_since).then_some(asked))
    }

    /// Notes that a student asked for everything to be deleted; whether that is new.
    pub(super) fn note_deletion_asked(
        &self,
        batch: &mut Batch,
        student: PassportId,
        at: Timestamp,
    ) -> bool {
        let (key, asked) = (of(ASKED, student), codec::encode(&at));
        let known = self.journal.vault().get(Table::Meta, &key);
        let new = !known.is_ok_and(|known| known.is_some_and(|known| *known == asked));
        if new {
            batch.put(Table::Meta, key, asked);
        }
        new
    }

    /// Whether a consent was forgotten here.
    pub(super) fn was_forgotten(&self, grant: &Grant) -> bool {
        let key = forgotten(grant.passport, &grant.id);
        matches!(self.journal.vault().get(Table::Meta, &key), Ok(Some(_)))
    }

    /// Deletes the consents, keys and envelopes of a student's passport, and leaves a signed
    /// receipt of it, for each section, with the next exchange. The organisation's own log keeps
    /// who did it and when. Returns the sections.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] when there is nothing of that passport.
    pub fn forget(
        &mut self,
        student: PassportId,
        (actor, role): (&str, &str),
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<SectionName>, PartyError> {
        let of_student = self.grants.values().filter(|g| g.grant.passport == student);
        let grants: Vec<GrantId> = of_student.map(|g| g.grant.id).collect();
        let sections = self.sections(student);
        if grants.is_empty() && sections.is_empty() {
            return Err(PartyError::NoGrant);
        }
        let mut batch = Batch::new();
        let record = |section: &SectionName| AuditRecord {
            at: now,
            actor: actor.to_owned(),
            role: role.to_owned(),
            student,
            section: section.clone(),
            what: Access::Deleted,
        };
        let records: Vec<AuditRecord> = sections.iter().map(record).collect();
        self.write_audit(&mut batch, &records)?;
        // Sealed now, as where to send it is among what goes.
        let waiting = self.take_waiting(&mut batch, Some(student))?;
        let mut receipts: Vec<_> = waiting.into_values().flatten().collect();
        for record in &records {
            let Some(last) = self.epochs_of(student, &record.section).pop() else { continue };
            receipts.push(self.receipt(record, last, Vec::new()));
        }
        self.post_receipts(&mut batch, student, &receipts, rng)?;
        for id in &grants {
            batch.delete(Table::Grant, *id.as_bytes());
            batch.put(Table::Meta, forgotten(student, id), Vec::new());
        }
        batch.delete(Table::Meta, of(ASKED, student));
        self.forget_handled(&mut batch, student)?;
        Self::forget_confirmed(&mut batch, student);
        Self::outdate(&mut batch, student);
        for epoch in self.all_of(student)? {
            self.delete_epoch(&mut batch, &epoch)?;
        }
        self.journal.commit(batch)?;
        self.grants.retain(|_, g| g.grant.passport != student);
        self.epochs.retain(|_, e| e.charter.passport != student);
        Ok(sections)
    }

    /// The epochs of a student, their archives, files, and whatever else came in their channels.
    fn all_of(&self, student: PassportId) -> Result<BTreeSet<EpochId>, PartyError> {
        let of_student = || self.epochs.values().filter(|e| e.charter.passport == student);
        let channels: BTreeSet<ChannelId> = of_student().map(|e| e.charter.channel).collect();
        let mut all: BTreeSet<EpochId> = of_student().map(|e| e.charter.id()).collect();
        all.extend(of_student().filter_map(|e| Archive::of(&e.charter, &e.keys)).map(|a| a.id()));
        for epoch in self.journal.epochs().filter(|id| !self.epochs.contains_key(id)) {
            if let Some(channel) = self.journal.extent(epoch).file_in {
                all.extend(channels.contains(&channel).then_some(*epoch));
                continue;
            }
            let envelopes = self.journal.envelopes(epoch)?;
            if envelopes.iter().any(|e| channels.contains(&e.header().channel)) {
                all.insert(*epoch);
            }
        }
        Ok(all)
    }
}

fn of(what: &[u8], student: PassportId) -> Vec<u8> {
    [what, student.as_bytes()].concat()
}

fn forgotten(student: PassportId, grant: &GrantId) -> Vec<u8> {
    [FORGOTTEN, student.as_bytes(), grant.as_bytes()].concat()
}
