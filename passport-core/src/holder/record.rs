//! Writing in the record.

use rand_core::CryptoRng;

use super::Holder;
use crate::attachment::Filed;
use crate::author::Author;
use crate::discharge::{DISCHARGES, NOTICES, NoNotice, NoticeAfter, notice_changes};
use crate::edit::{Edit, NamedValue, Remark, RemarkContent, entry_id, remark_id};
use crate::id::{EntryId, EnvelopeId, RemarkId};
use crate::party::{PartyError, Pen, batches, keep};
use crate::replica::{EntryNow, Refusal, Stance};
use crate::section::{SectionName, Value};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// An entry to add.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Where.
    pub section: SectionName,
    /// The kind of entry.
    pub kind: String,
    /// Its fields, in any order.
    pub fields: Vec<(String, Value)>,
}

/// A field and its new value; none clears it.
pub type FieldChange = (String, Option<Value>);

impl<V: Vault> Holder<V> {
    /// Adds entries, all or none; returns their ids in order.
    ///
    /// # Errors
    /// Returns [`PartyError::Refused`] when one does not fit its section.
    pub fn add(
        &mut self,
        entries: &[NewEntry],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<EntryId>, PartyError> {
        self.merge(entries, &[], Vec::new(), now, rng)
    }

    /// Adds entries and changes others in one write, with the files that they name: an import.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn merge(
        &mut self,
        entries: &[NewEntry],
        changes: &[(EntryId, Vec<FieldChange>)],
        files: Vec<Filed>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<EntryId>, PartyError> {
        let mut batch = Batch::new();
        for file in files {
            keep(&mut self.journal, &mut batch, file)?;
        }
        let ids = self.write_entries(&mut batch, entries, now, rng)?;
        for (entry, fields) in changes {
            let (section, _) = self.find(*entry)?;
            let edits = fields.iter().map(|(field, value)| Edit::Set {
                entry: *entry,
                field: field.clone(),
                value: value.clone(),
            });
            self.write(&mut batch, &section, edits.collect(), now, rng)?;
        }
        self.journal.commit(batch)?;
        Ok(ids)
    }

    pub(super) fn write_entries(
        &mut self,
        batch: &mut Batch,
        entries: &[NewEntry],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<EntryId>, PartyError> {
        let mut ids = Vec::with_capacity(entries.len());
        let mut by_section: Vec<(SectionName, Vec<Edit>)> = Vec::new();
        for entry in entries {
            let mut nonce = [0; 16];
            rng.fill_bytes(&mut nonce);
            ids.push(entry_id(&self.device(), &nonce));
            let mut fields: Vec<NamedValue> = entry
                .fields
                .iter()
                .map(|(name, value)| NamedValue { name: name.clone(), value: value.clone() })
                .collect();
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            let edit = Edit::Add { nonce, kind: entry.kind.clone(), fields };
            match by_section.iter_mut().find(|(section, _)| *section == entry.section) {
                Some((_, edits)) => edits.push(edit),
                None => by_section.push((entry.section.clone(), vec![edit])),
            }
        }
        for (section, edits) in by_section {
            self.write(batch, &section, edits, now, rng)?;
        }
        Ok(ids)
    }

    /// Seals edits to a section into the batch.
    pub(super) fn write(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        edits: Vec<Edit>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        self.leave_former_readers(batch, section, now, rng)?;
        self.ensure_section(batch, section, now, rng)?;
        for run in batches(edits) {
            self.write_one(batch, section, run, None, now, rng)?;
        }
        Ok(())
    }

    pub(super) fn write_one(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        edits: Vec<Edit>,
        carries: Option<EnvelopeId>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let epoch = self.current(section).ok_or(PartyError::NoEpoch)?;
        if !self.replica(epoch)?.is_ready() {
            return Err(PartyError::NotHere);
        }
        let keys = &self.fold.epochs.get(&epoch).ok_or(PartyError::NoEpoch)?.keys;
        let replica = self.replicas.get_mut(&epoch).ok_or(PartyError::NoEpoch)?;
        let pen = Pen { key: &self.device, chain: Some(&self.chain), now };
        let envelope = pen.write(replica, keys, edits, carries, rng)?;
        self.journal.append(batch, &envelope, None)?;
        Ok(())
    }

    fn write_alone(
        &mut self,
        section: &SectionName,
        edits: Vec<Edit>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        self.write(&mut batch, section, edits, now, rng)?;
        Ok(self.journal.commit(batch)?)
    }

    /// An entry and its section, wherever it is.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when there is none, or it was removed.
    pub fn find(&mut self, id: EntryId) -> Result<(SectionName, EntryNow), PartyError> {
        for section in self.sections() {
            let epoch = match self.shown(&section) {
                Err(PartyError::NoEpoch) => continue,
                shown => shown?,
            };
            let entry = self.replica(epoch)?.entry(id);
            if let Some(entry) = entry.filter(|e| e.stance != Stance::Removed) {
                return Ok((section, entry));
            }
        }
        Err(PartyError::NoEntry)
    }

    /// Sets and clears fields of an entry. A long text is changed where it differs, so that what
    /// others write elsewhere in it merges. The notice of a discharge is changed with it.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn edit(
        &mut self,
        entry: EntryId,
        fields: &[FieldChange],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NoticeAfter, PartyError> {
        let (section, present) = self.find(entry)?;
        let mut batch = Batch::new();
        self.write(&mut batch, &section, edits(&present, fields), now, rng)?;
        let after = if section.as_str() == DISCHARGES {
            self.edit_notice(&mut batch, &present, fields, now, rng)?
        } else {
            NoticeAfter::Same
        };
        self.journal.commit(batch)?;
        Ok(after)
    }

    /// Changes the notice of a discharge with the discharge.
    fn edit_notice(
        &mut self,
        batch: &mut Batch,
        discharge: &EntryNow,
        fields: &[FieldChange],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NoticeAfter, PartyError> {
        let notices = crate::party::section(NOTICES)?;
        let there = self.view(&notices)?.entries;
        let (id, changes) = match notice_changes(discharge, fields, &there) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(NoticeAfter::Same),
            Err(NoNotice) => return Ok(NoticeAfter::Left),
        };
        let Some(notice) = there.iter().find(|n| n.id == id).filter(|_| !changes.is_empty()) else {
            return Ok(NoticeAfter::Same);
        };
        self.write(batch, &notices, edits(notice, &changes), now, rng)?;
        Ok(NoticeAfter::Updated { notice: id })
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn remove(
        &mut self,
        entry: EntryId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (section, _) = self.find(entry)?;
        self.write_alone(&section, vec![Edit::Remove { entry }], now, rng)
    }

    /// Keeps an entry that somebody removed while somebody else changed it.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn restore(
        &mut self,
        entry: EntryId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (section, _) = self.find(entry)?;
        self.write_alone(&section, vec![Edit::Restore { entry }], now, rng)
    }

    /// Adds a note to an entry.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn annotate(
        &mut self,
        entry: EntryId,
        text: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<RemarkId, PartyError> {
        let (section, _) = self.find(entry)?;
        let remark = self.remark(entry, RemarkContent::Note(text.to_owned()), now, rng);
        let id = remark.id;
        self.write_alone(&section, vec![Edit::Remark(remark)], now, rng)?;
        Ok(id)
    }

    pub(super) fn remark(
        &self,
        entry: EntryId,
        content: RemarkContent,
        at: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Remark {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let id = remark_id(&self.device(), &nonce);
        Remark { id, entry, author: Author::Holder, at, content, proof: None }
    }

    /// Moves an entry to another section; what organisations signed of it moves along.
    ///
    /// # Errors
    /// Returns [`PartyError::Refused`] when the section has no such kind of entry.
    pub fn move_entry(
        &mut self,
        entry: EntryId,
        to: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (from, present) = self.find(entry)?;
        if from == *to {
            return Err(PartyError::Refused(Refusal::Exists));
        }
        let mut batch = Batch::new();
        self.ensure_section(&mut batch, to, now, rng)?;
        self.make_room_for(&mut batch, &present, &from, to, now, rng)?;
        self.write(&mut batch, to, vec![Edit::Move(present.to_record())], now, rng)?;
        self.write(&mut batch, &from, vec![Edit::Remove { entry }], now, rng)?;
        Ok(self.journal.commit(batch)?)
    }

    /// An entry that an organisation signed needs that organisation's card in the charter of the
    /// section it moves to: where one is missing, an epoch is founded that has it.
    fn make_room_for(
        &mut self,
        batch: &mut Batch,
        entry: &EntryNow,
        from: &SectionName,
        to: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (from, to_epoch) = (
            self.current(from).ok_or(PartyError::NoEpoch)?,
            self.current(to).ok_or(PartyError::NoEpoch)?,
        );
        let signed = entry.attestations.iter().map(|a| a.organisation);
        let spoken = entry.remarks.iter().filter_map(|r| r.author.organisation());
        let needed: Vec<_> = signed.chain(spoken).collect();
        let there = self.replica(to_epoch)?.charter();
        let missing: Vec<_> = needed.into_iter().filter(|o| there.card(o).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let charter = self.replica(from)?.charter();
        let guests: Vec<_> =
            missing.iter().filter_map(|o| Some(charter.card(o)?.signed().clone())).collect();
        self.found_with(batch, to, &guests, now, rng)?;
        Ok(())
    }

    /// Chooses one value of a field where several stand.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn resolve(
        &mut self,
        entry: EntryId,
        field: &str,
        value: Option<Value>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (section, _) = self.find(entry)?;
        let edit = Edit::Resolve { entry, field: field.to_owned(), value };
        self.write_alone(&section, vec![edit], now, rng)
    }

    /// Accepts or declines a suggestion; accepting sets the field.
    ///
    /// # Errors
    /// Returns [`PartyError::NoSuggestion`] when it is not there or settled.
    pub fn settle(
        &mut self,
        suggestion: RemarkId,
        accepted: bool,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        for section in self.sections() {
            let view = self.view(&section)?;
            let Some((entry, remark)) =
                view.open_suggestions().find(|(_, remark)| remark.id == suggestion)
            else {
                continue;
            };
            let entry = entry.id;
            let RemarkContent::Suggestion { field, value } = remark.content.clone() else {
                continue;
            };
            let mut edits = vec![Edit::Settle { entry, suggestion, accepted }];
            if accepted {
                edits.push(Edit::Set { entry, field, value });
            }
            return self.write_alone(&section, edits, now, rng);
        }
        Err(PartyError::NoSuggestion)
    }
}

/// The edits that set and clear fields.
fn edits(present: &EntryNow, fields: &[FieldChange]) -> Vec<Edit> {
    let change =
        |(field, value): &FieldChange| crate::party::change(present, field, value.as_ref());
    fields.iter().map(change).collect()
}
