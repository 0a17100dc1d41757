//! Edits, checked against rights, schema and limits, and carried out.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::Transaction;

use super::document::{self, EntryPlace, Splice};
use super::entries::Place;
use super::{Admitted, Refusal, Replica, Standing};
use crate::attestation::{Attestation, Subject};
use crate::author::Author;
use crate::edit::{Edit, EntryRecord, NamedValue, Remark, RemarkContent, limits};
use crate::envelope::Header;
use crate::epoch::VerifiedCharter;
use crate::id::{EntryId, EnvelopeId};
use crate::section::{FieldKind, KindSpec, SectionSpec, Value, limits as value_limits};
use crate::time::Timestamp;

impl Replica {
    /// Applies an envelope's edits at the state its author saw; all or none.
    pub(super) fn apply(
        &mut self,
        id: EnvelopeId,
        Admitted { standing, branch, .. }: &Admitted,
    ) -> Result<(), Refusal> {
        let node = self.nodes.get(&id).ok_or(Refusal::Document)?;
        let context = Context {
            charter: &self.charter,
            spec: self.charter.section.spec(),
            standing: *standing,
            header: &node.header,
            at: node.at,
        };
        let names: Vec<EntryId> = node.names().collect();
        let place = Place { id, branch: *branch, names: &names };
        self.entries.apply(&place, &self.nodes, |sheets| {
            let mut unsigned = Unsigned::default();
            for (edit, entry) in node.edits.iter().zip(&names) {
                context.apply(sheets.get_mut(entry), (*entry, edit), &mut unsigned)?;
            }
            if unsigned.0.is_empty() { Ok(()) } else { Err(Refusal::Attestation) }
        })
    }
}

/// What an organisation changed in this envelope and has not signed yet.
#[derive(Default)]
struct Unsigned(BTreeMap<EntryId, BTreeSet<String>>);

struct Context<'a> {
    charter: &'a VerifiedCharter,
    spec: &'static SectionSpec,
    standing: Standing,
    header: &'a Header,
    at: Timestamp,
}

impl Context<'_> {
    fn apply(
        &self,
        sheet: Option<&mut Transaction<'_>>,
        (entry, edit): (EntryId, &Edit),
        unsigned: &mut Unsigned,
    ) -> Result<(), Refusal> {
        if let Edit::Add { kind, fields, .. } = edit {
            return self.add(sheet, entry, (kind, fields), unsigned);
        }
        let tx = sheet.ok_or(Refusal::Document)?;
        match edit {
            Edit::Add { .. } => Err(Refusal::Document),
            Edit::Set { entry, field, value } | Edit::Resolve { entry, field, value } => {
                let place = self.changeable(tx, *entry)?;
                if let Some(value) = value {
                    check_value(self.kind(tx, &place)?, field, value)?;
                } else if self.field_of(tx, &place, field)?.required {
                    return Err(Refusal::Required);
                }
                self.touch(unsigned, *entry, field);
                place.set(tx, field, value.as_ref())
            }
            Edit::Splice { entry, field, at, delete, insert } => {
                let place = self.changeable(tx, *entry)?;
                let spec = self.field_of(tx, &place, field)?;
                if spec.kind != FieldKind::Prose {
                    return Err(Refusal::Value);
                }
                self.touch(unsigned, *entry, field);
                let splice = Splice {
                    field,
                    at: usize::try_from(*at).map_err(|_| Refusal::Position)?,
                    delete: usize::try_from(*delete).map_err(|_| Refusal::Position)?,
                    insert,
                    bytes_max: value_limits::PROSE,
                    keep: spec.required,
                    mark: &self.mark(),
                };
                place.splice(tx, &splice)
            }
            Edit::Remove { entry } => {
                // Also one that is removed already: so a removal that met a change is confirmed.
                let place = document::place(tx, *entry)?.ok_or(Refusal::NoEntry)?;
                self.must_own(place.author(tx)?)?;
                place.set_removed(tx, true)
            }
            Edit::Restore { entry } => {
                let place = document::place(tx, *entry)?.ok_or(Refusal::NoEntry)?;
                self.must_own(place.author(tx)?)?;
                place.set_removed(tx, false)
            }
            Edit::Remark(remark) => self.remark(tx, remark),
            Edit::Settle { entry, suggestion, accepted } => {
                let place = document::find(tx, *entry)?.ok_or(Refusal::NoEntry)?;
                self.must_own(place.author(tx)?)?;
                let known = place.remark(tx, *suggestion)?.ok_or(Refusal::NoSuggestion)?;
                let suggests = matches!(known.content, RemarkContent::Suggestion { .. });
                if !suggests || place.is_settled(tx, *suggestion)? {
                    return Err(Refusal::NoSuggestion);
                }
                place.settle(tx, *suggestion, *accepted)
            }
            Edit::Move(record) => {
                self.must_be_holder()?;
                check_record(record, self.spec, self.charter)?;
                if document::find(tx, record.id)?.is_some() {
                    return Err(Refusal::Exists);
                }
                document::insert_record(tx, record)
            }
            Edit::Attest { entry, attestation } => self.attest(tx, *entry, attestation, unsigned),
            Edit::Contest { entry, field, version } => {
                self.must_be_holder()?;
                let place = document::find(tx, *entry)?.ok_or(Refusal::NoEntry)?;
                check_value(self.kind(tx, &place)?, field, &version.value)?;
                if let Author::Organisation(o) = version.author {
                    let signed = place.signed_by(tx)?;
                    let covered =
                        |a: &Attestation| a.organisation == o && a.covers(field, &version.value);
                    if !signed.iter().any(covered) {
                        return Err(Refusal::SpeaksForAnother);
                    }
                }
                place.contest(tx, field, version)
            }
        }
    }

    /// Adds an entry; there is no sheet for one that nobody has heard of.
    fn add(
        &self,
        sheet: Option<&mut Transaction<'_>>,
        id: EntryId,
        (kind, fields): (&str, &[NamedValue]),
        unsigned: &mut Unsigned,
    ) -> Result<(), Refusal> {
        let kind = self.spec.kind(kind).ok_or(Refusal::Schema)?;
        let ascending = fields.iter().zip(fields.iter().skip(1)).all(|(a, b)| a.name < b.name);
        if !ascending {
            return Err(Refusal::Malformed);
        }
        for field in fields {
            check_value(kind, &field.name, &field.value)?;
        }
        let has = |name: &str| fields.iter().any(|f| f.name == name);
        if kind.fields.iter().any(|f| f.required && !has(f.name)) {
            return Err(Refusal::Required);
        }
        if sheet.as_ref().map(|tx| document::place(*tx, id)).transpose()?.flatten().is_some() {
            return Err(Refusal::Exists);
        }
        if matches!(self.standing, Standing::Contributor { .. }) {
            unsigned.0.entry(id).or_default();
        }
        for field in fields {
            self.touch(unsigned, id, &field.name);
        }
        let Some(tx) = sheet else { return Ok(()) };
        let values = fields.iter().map(|f| (f.name.as_str(), &f.value));
        document::insert_entry(tx, id, kind.name, self.standing.author(), self.at, values)?;
        Ok(())
    }

    fn remark(&self, tx: &mut Transaction<'_>, remark: &Remark) -> Result<(), Refusal> {
        let place = document::find(tx, remark.entry)?.ok_or(Refusal::NoEntry)?;
        let signer = remark.proof.as_ref().map(|p| p.signer);
        // The holder may carry over what an organisation signed; nobody else speaks for another.
        let speaks_for_itself = remark.author == self.standing.author()
            && signer.is_none_or(|signer| signer == self.header.author);
        let carried = self.standing == Standing::Holder
            && remark.author.organisation().is_some()
            && signer.and_then(|s| self.charter.organisation_of(&s))
                == remark.author.organisation();
        if !speaks_for_itself && !carried {
            return Err(Refusal::SpeaksForAnother);
        }
        if remark.verify(self.charter.passport).is_err() {
            return Err(Refusal::Attestation);
        }
        match &remark.content {
            RemarkContent::Note(text) if text.is_empty() || text.len() > limits::NOTE => {
                return Err(Refusal::Value);
            }
            RemarkContent::Note(_) => {}
            RemarkContent::Suggestion { field, value } => {
                let spec = self.field_of(tx, &place, field)?;
                match value {
                    Some(value) => check_value(self.kind(tx, &place)?, field, value)?,
                    None if spec.required => return Err(Refusal::Required),
                    None => {}
                }
            }
        }
        place.add_remark(tx, remark, limits::REMARKS)
    }

    fn attest(
        &self,
        tx: &mut Transaction<'_>,
        entry: EntryId,
        attestation: &Attestation,
        unsigned: &mut Unsigned,
    ) -> Result<(), Refusal> {
        let place = document::find(tx, entry)?.ok_or(Refusal::NoEntry)?;
        let kind = place.kind(tx)?;
        let subject = Subject { passport: self.charter.passport, entry, kind: &kind };
        let known =
            self.charter.organisation_of(&attestation.signer) == Some(attestation.organisation);
        if !known || attestation.fields.len() > limits::FIELDS {
            return Err(Refusal::Attestation);
        }
        attestation.verify(subject).map_err(|_| Refusal::Attestation)?;
        if let Standing::Contributor { organisation, instance } = self.standing {
            if attestation.organisation != organisation || attestation.signer != instance {
                return Err(Refusal::SpeaksForAnother);
            }
            self.check_cover(tx, &place, attestation, unsigned.0.get(&entry))?;
            unsigned.0.remove(&entry);
        }
        place.sign(tx, attestation)
    }

    /// An organisation signs what stands: its own entry whole, another's (in a section that all
    /// edit) exactly the fields it changed, so that nobody signs another's words as their own.
    fn check_cover(
        &self,
        tx: &Transaction<'_>,
        place: &EntryPlace,
        attestation: &Attestation,
        touched: Option<&BTreeSet<String>>,
    ) -> Result<(), Refusal> {
        for field in &attestation.fields {
            let values = place.values(tx, &field.name)?;
            if !values.iter().any(|v| attestation.covers(&field.name, v)) {
                return Err(Refusal::Attestation);
            }
        }
        let signs = |name: &String| attestation.field(name).is_some();
        let own = self.standing.author() == place.author(tx)?;
        let complete = if own {
            attestation.whole && place.field_names(tx)?.iter().all(signs)
        } else {
            // A cleared field cannot be signed; what is left of the change is.
            let there = place.field_names(tx)?;
            let changed = |name: &str| touched.is_some_and(|t| t.contains(name));
            !attestation.whole
                && attestation.fields.iter().all(|f| changed(&f.name))
                && touched.into_iter().flatten().filter(|f| there.contains(f)).all(signs)
        };
        if complete { Ok(()) } else { Err(Refusal::Attestation) }
    }

    fn touch(&self, unsigned: &mut Unsigned, entry: EntryId, field: &str) {
        if matches!(self.standing, Standing::Contributor { .. }) {
            unsigned.0.entry(entry).or_default().insert(field.to_owned());
        }
    }

    /// Author and sequence number: no two envelopes of one past have the same.
    fn mark(&self) -> [u8; 16] {
        let mut mark = [0; 16];
        let from = self.header.author.as_bytes().iter().take(8).copied();
        let bytes = from.chain(self.header.seq.to_be_bytes());
        mark.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        mark
    }

    fn changeable(&self, tx: &Transaction<'_>, entry: EntryId) -> Result<EntryPlace, Refusal> {
        let place = document::find(tx, entry)?.ok_or(Refusal::NoEntry)?;
        if !self.spec.collaborative {
            self.must_own(place.author(tx)?)?;
        }
        Ok(place)
    }

    fn must_own(&self, author: Author) -> Result<(), Refusal> {
        if self.standing.owns(author) { Ok(()) } else { Err(Refusal::NotOwn) }
    }

    fn must_be_holder(&self) -> Result<(), Refusal> {
        if self.standing == Standing::Holder { Ok(()) } else { Err(Refusal::Right) }
    }

    fn kind(&self, tx: &Transaction<'_>, place: &EntryPlace) -> Result<&'static KindSpec, Refusal> {
        self.spec.kind(&place.kind(tx)?).ok_or(Refusal::Schema)
    }

    fn field_of(
        &self,
        tx: &Transaction<'_>,
        place: &EntryPlace,
        field: &str,
    ) -> Result<&'static crate::section::FieldSpec, Refusal> {
        self.kind(tx, place)?.field(field).ok_or(Refusal::Schema)
    }
}

fn check_value(kind: &KindSpec, field: &str, value: &Value) -> Result<(), Refusal> {
    let field = kind.field(field).ok_or(Refusal::Schema)?;
    if !field.kind.admits(value) || value.check().is_err() {
        return Err(Refusal::Value);
    }
    Ok(())
}

fn is_prose(kind: &KindSpec, field: &str) -> bool {
    kind.field(field).is_some_and(|f| f.kind == FieldKind::Prose)
}

/// Checks a record against schema, limits and signatures.
pub(super) fn check_record(
    record: &EntryRecord,
    spec: &'static SectionSpec,
    charter: &VerifiedCharter,
) -> Result<(), Refusal> {
    let kind = spec.kind(&record.kind).ok_or(Refusal::Schema)?;
    for field in &record.fields {
        for version in &field.versions {
            // Two who wrote in one text at once may pass the limit that each kept to, and that
            // must not keep an epoch from being founded.
            let text = matches!(version.value, Value::Prose(_)) && is_prose(kind, &field.name);
            if !text {
                check_value(kind, &field.name, &version.value)?;
            }
        }
    }
    record
        .verify(charter.passport, |key| charter.organisation_of(key))
        .map_err(|_| Refusal::SpeaksForAnother)
}
