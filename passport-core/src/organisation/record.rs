//! What an organisation records: always under its own signature.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::Organisation;
use crate::attachment::Filed;
use crate::attestation::{Attestation, Subject, sign_remark};
use crate::author::Author;
use crate::discharge::{DISCHARGES, NOTICES, NoNotice, NoticeAfter, notice_changes, notice_of};
use crate::edit::{Edit, NamedValue, Remark, RemarkContent, RemarkProof, entry_id, remark_id};
use crate::id::{EntryId, PassportId, RemarkId};
use crate::party::{PartyError, Pen, change, keep, section};
use crate::replica::EntryNow;
use crate::section::{SectionName, Value};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

impl<V: Vault> Organisation<V> {
    /// Adds an entry to a section that the student allows it to. A discharge brings its notice
    /// along where the student allows that too. Returns the ids of what was added.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] without a consent in force to contribute.
    pub fn contribute(
        &mut self,
        student: PassportId,
        to: &SectionName,
        kind: &str,
        fields: &[(String, Value)],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<(SectionName, EntryId)>, PartyError> {
        self.contribute_with_file(student, to, kind, (fields, None), now, rng)
    }

    /// As [`Self::contribute`], with the file that the fields name.
    ///
    /// # Errors
    /// As [`Self::contribute`].
    pub fn contribute_with_file(
        &mut self,
        student: PassportId,
        to: &SectionName,
        kind: &str,
        (fields, file): (&[(String, Value)], Option<Filed>),
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<(SectionName, EntryId)>, PartyError> {
        let mut batch = Batch::new();
        if let Some(file) = file {
            keep(&mut self.journal, &mut batch, file)?;
        }
        let id = self.add_signed(&mut batch, student, to, kind, fields, now, rng)?;
        let mut added = vec![(to.clone(), id)];
        let notices = section(NOTICES)?;
        if to.as_str() == DISCHARGES && self.may_write(student, &notices, now) {
            let notice = notice_of(fields);
            let id = self.add_signed(&mut batch, student, &notices, "notice", &notice, now, rng)?;
            added.push((notices, id));
        }
        self.journal.commit(batch)?;
        Ok(added)
    }

    /// Whether a consent in force allows it to write in a section.
    #[must_use]
    pub fn may_write(&self, student: PassportId, to: &SectionName, now: Timestamp) -> bool {
        self.grants
            .values()
            .any(|g| g.grant.passport == student && g.grant.section == *to && g.may_write(now))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "place, content, time and randomness of one entry"
    )]
    pub(super) fn add_signed(
        &mut self,
        batch: &mut Batch,
        student: PassportId,
        to: &SectionName,
        kind: &str,
        fields: &[(String, Value)],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<EntryId, PartyError> {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let entry = entry_id(&self.instance(), &nonce);
        let sorted: BTreeMap<&str, &Value> = fields.iter().map(|(n, v)| (n.as_str(), v)).collect();
        let subject = Subject { passport: student, entry, kind };
        let attestation = self.attest(subject, now, true, &sorted, rng);
        let fields = sorted
            .iter()
            .map(|(name, value)| NamedValue { name: (*name).to_owned(), value: (*value).clone() })
            .collect();
        let edits = vec![
            Edit::Add { nonce, kind: kind.to_owned(), fields },
            Edit::Attest { entry, attestation },
        ];
        self.write(batch, student, to, edits, now, rng)?;
        Ok(entry)
    }

    fn attest(
        &self,
        subject: Subject<'_>,
        at: Timestamp,
        whole: bool,
        fields: &BTreeMap<&str, &Value>,
        rng: &mut dyn CryptoRng,
    ) -> Attestation {
        let fields = fields.iter().map(|(n, v)| (*n, *v));
        Attestation::new(subject, self.id(), at, whole, fields, &self.instance, rng)
    }

    fn write(
        &mut self,
        batch: &mut Batch,
        student: PassportId,
        to: &SectionName,
        edits: Vec<Edit>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if !self.may_write(student, to, now) {
            return Err(PartyError::NoGrant);
        }
        let epoch = self.current(student, to).ok_or(PartyError::NoGrant)?;
        let keys = &self.epochs.get(&epoch).ok_or(PartyError::NoGrant)?.keys;
        let replica = self.replicas.get_mut(&epoch).ok_or(PartyError::NoGrant)?;
        let pen = Pen { key: &self.instance, chain: None, now };
        let envelope = pen.write(replica, keys, edits, None, rng)?;
        self.journal.append(batch, &envelope, None)?;
        Self::outdate(batch, student);
        Ok(())
    }

    fn write_alone(
        &mut self,
        student: PassportId,
        to: &SectionName,
        edits: Vec<Edit>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let mut batch = Batch::new();
        self.write(&mut batch, student, to, edits, now, rng)?;
        Ok(self.journal.commit(batch)?)
    }

    /// An entry of a student and its section.
    ///
    /// # Errors
    /// Returns [`PartyError::NoEntry`] when none is shared with this id.
    pub fn find(
        &mut self,
        student: PassportId,
        id: EntryId,
    ) -> Result<(SectionName, EntryNow), PartyError> {
        for section in self.sections(student) {
            let view = match self.view(student, &section) {
                Ok(view) => view,
                Err(PartyError::NoGrant) => continue,
                Err(error) => return Err(error),
            };
            if let Some(entry) = view.entries.into_iter().find(|e| e.id == id) {
                return Ok((section, entry));
            }
        }
        Err(PartyError::NoEntry)
    }

    /// Sets and clears fields: of its own entry, or of any in a section that all edit. It signs
    /// its own entry anew as a whole, and of another's what it changed. Its own notice of a
    /// discharge is changed with it, where the student allows it to write notices.
    ///
    /// # Errors
    /// Returns [`PartyError::Refused`] when the entry is another's and the section is not shared
    /// work; suggest the change instead.
    pub fn edit(
        &mut self,
        student: PassportId,
        entry: EntryId,
        fields: &[(String, Option<Value>)],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NoticeAfter, PartyError> {
        let (to, present) = self.find(student, entry)?;
        let mut batch = Batch::new();
        let edits = self.signed_edits(student, &present, fields, now, rng);
        self.write(&mut batch, student, &to, edits, now, rng)?;
        let after = if to.as_str() == DISCHARGES {
            self.edit_notice(&mut batch, student, &present, fields, now, rng)?
        } else {
            NoticeAfter::Same
        };
        self.journal.commit(batch)?;
        Ok(after)
    }

    /// The edits that set and clear fields, and the signature over them.
    fn signed_edits(
        &self,
        student: PassportId,
        present: &EntryNow,
        fields: &[(String, Option<Value>)],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Vec<Edit> {
        let own = present.author == Author::Organisation(self.id());
        let mut edits: Vec<Edit> =
            fields.iter().map(|(field, value)| change(present, field, value.as_ref())).collect();
        let mut signed: BTreeMap<&str, &Value> = BTreeMap::new();
        if own {
            let standing = present.fields.iter();
            signed.extend(
                standing.filter_map(|(n, f)| Some((n.as_str(), &f.versions.first()?.value))),
            );
        }
        for (field, value) in fields {
            match value {
                Some(value) => signed.insert(field, value),
                None => signed.remove(field.as_str()),
            };
        }
        let subject = Subject { passport: student, entry: present.id, kind: &present.kind };
        let attestation = self.attest(subject, now, own, &signed, rng);
        edits.push(Edit::Attest { entry: present.id, attestation });
        edits
    }

    /// Changes the organisation's own notice of a discharge with the discharge.
    fn edit_notice(
        &mut self,
        batch: &mut Batch,
        student: PassportId,
        discharge: &EntryNow,
        fields: &[(String, Option<Value>)],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<NoticeAfter, PartyError> {
        let notices = section(NOTICES)?;
        let mut own = Vec::new();
        if self.may_write(student, &notices, now) {
            let us = Author::Organisation(self.id());
            own = self.view(student, &notices)?.entries;
            own.retain(|notice| notice.author == us);
        }
        let (id, changes) = match notice_changes(discharge, fields, &own) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(NoticeAfter::Same),
            Err(NoNotice) => return Ok(NoticeAfter::Left),
        };
        let Some(notice) = own.iter().find(|n| n.id == id).filter(|_| !changes.is_empty()) else {
            return Ok(NoticeAfter::Same);
        };
        let edits = self.signed_edits(student, notice, &changes, now, rng);
        self.write(batch, student, &notices, edits, now, rng)?;
        Ok(NoticeAfter::Updated { notice: id })
    }

    /// Removes an entry of its own.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn remove(
        &mut self,
        student: PassportId,
        entry: EntryId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let (to, _) = self.find(student, entry)?;
        self.write_alone(student, &to, vec![Edit::Remove { entry }], now, rng)
    }

    /// Adds a signed note to an entry.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn annotate(
        &mut self,
        student: PassportId,
        entry: EntryId,
        text: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<RemarkId, PartyError> {
        self.remark(student, entry, RemarkContent::Note(text.to_owned()), now, rng)
    }

    /// Suggests another value for a field of somebody else's entry; the holder or its author
    /// decides.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn suggest(
        &mut self,
        student: PassportId,
        entry: EntryId,
        field: &str,
        value: Option<Value>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<RemarkId, PartyError> {
        let content = RemarkContent::Suggestion { field: field.to_owned(), value };
        self.remark(student, entry, content, now, rng)
    }

    fn remark(
        &mut self,
        student: PassportId,
        entry: EntryId,
        content: RemarkContent,
        at: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<RemarkId, PartyError> {
        let (to, _) = self.find(student, entry)?;
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let id = remark_id(&self.instance(), &nonce);
        let author = Author::Organisation(self.id());
        let signed = Remark::signed_content(author, at, &content);
        let signature = sign_remark(student, entry, id, &signed, &self.instance);
        let proof = Some(RemarkProof { signer: self.instance(), nonce, signature });
        let remark = Remark { id, entry, author, at, content, proof };
        self.write_alone(student, &to, vec![Edit::Remark(remark)], at, rng)?;
        Ok(id)
    }
}
