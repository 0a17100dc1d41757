//! What an entry holds.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{ObjId, ObjType, ROOT, ReadDoc, Value as Stored};

use super::{
    AT, CONTESTED, DISPUTED, EntryMap, EntryPlace, EntryState, FIELDS, FieldState, Origin, REMARKS,
    REMOVED, SETTLED, SIGNED, SPLICED, VERSIONS, child, decode, field_of, keys_of, place, text_key,
    text_of,
};
use crate::attestation::Attestation;
use crate::author::Author;
use crate::edit::{EntryRecord, FieldVersion, NamedValue, Remark};
use crate::id::{EntryId, EnvelopeId, RemarkId};
use crate::replica::Refusal;
use crate::section::Value;
use crate::time::Timestamp;

/// One of the maps whose keys are `field/…`, with those keys: most often none.
pub(super) struct Beside {
    map: ObjId,
    keys: Vec<String>,
}

impl Beside {
    fn of<'a>(&'a self, field: &'a str) -> impl Iterator<Item = &'a String> {
        self.keys.iter().filter(move |key| field_of(key) == Some(field))
    }
}

impl EntryMap {
    fn beside<R: ReadDoc>(&self, doc: &R, key: &str) -> Result<Beside, Refusal> {
        let map = child(doc, &self.entry, key)?;
        let keys = doc.keys(&map).collect();
        Ok(Beside { map, keys })
    }

    fn standing<R: ReadDoc>(
        &self,
        doc: &R,
        field: &str,
        spliced: &Beside,
        all: &mut Vec<Standing>,
    ) -> Result<(), Refusal> {
        let mut texts: Vec<&String> = spliced.of(field).collect();
        for (value, id) in doc.get_all(&self.fields, field)? {
            let Some(read) = read_value(doc, &value, &id)? else { continue };
            if !matches!(value, Stored::Object(_)) {
                all.push(Standing { value: read, by: vec![id], text: None });
                continue;
            }
            let key = text_key(field, &id);
            let mut by = vec![id.clone()];
            if texts.iter().any(|k| **k == key) {
                texts.retain(|k| **k != key);
                by = doc.get_all(&spliced.map, &key)?.into_iter().map(|(_, op)| op).collect();
            }
            all.push(Standing { value: read, by, text: Some(id) });
        }
        for key in texts {
            let text = text_of(key).ok_or(Refusal::Document)?;
            let value = Value::Prose(doc.text(&text)?);
            let by = doc.get_all(&spliced.map, key)?.into_iter().map(|(_, op)| op).collect();
            all.push(Standing { value, by, text: None });
        }
        Ok(())
    }
}

/// A value as it stands in a document.
pub(super) struct Standing {
    pub(super) value: Value,
    /// The operations that made it what it is.
    by: Vec<ObjId>,
    /// Its text, where that can be written in.
    pub(super) text: Option<ObjId>,
}

impl EntryPlace {
    /// The fields in which something stands, ascending.
    pub(in crate::replica) fn field_names<R: ReadDoc>(
        &self,
        doc: &R,
    ) -> Result<Vec<String>, Refusal> {
        let mut names = Vec::new();
        for map in self.maps() {
            names.extend(doc.keys(&map.fields));
            for beside in [CONTESTED, SPLICED] {
                let beside = child(doc, &map.entry, beside)?;
                names.extend(doc.keys(&beside).filter_map(|k| Some(k.rsplit_once('/')?.0.into())));
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Every value that stands in a field, contested ones included.
    pub(in crate::replica) fn values<R: ReadDoc>(
        &self,
        doc: &R,
        field: &str,
    ) -> Result<Vec<Value>, Refusal> {
        let own = self.standing(doc, field)?;
        let mut values: Vec<Value> = own.into_iter().map(|s| s.value).collect();
        for map in self.maps() {
            values.extend(contested(doc, &map.entry, field)?.into_iter().map(|v| v.value));
        }
        Ok(values)
    }

    /// The values that stand in a field itself, with texts that were replaced by somebody who
    /// had not seen what was written in them.
    pub(super) fn standing<R: ReadDoc>(
        &self,
        doc: &R,
        field: &str,
    ) -> Result<Vec<Standing>, Refusal> {
        let mut all = Vec::new();
        for map in self.maps() {
            map.standing(doc, field, &map.beside(doc, SPLICED)?, &mut all)?;
        }
        Ok(all)
    }

    pub(in crate::replica) fn remark<R: ReadDoc>(
        &self,
        doc: &R,
        id: RemarkId,
    ) -> Result<Option<Remark>, Refusal> {
        for map in self.maps() {
            let remarks = child(doc, &map.entry, REMARKS)?;
            if let Some((remark, _)) = doc.get(&remarks, id.to_string())? {
                return Ok(decode(&remark));
            }
        }
        Ok(None)
    }

    pub(in crate::replica) fn is_settled<R: ReadDoc>(
        &self,
        doc: &R,
        id: RemarkId,
    ) -> Result<bool, Refusal> {
        for map in self.maps() {
            let settled = child(doc, &map.entry, SETTLED)?;
            if doc.get(&settled, id.to_string())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(in crate::replica) fn signed_by<R: ReadDoc>(
        &self,
        doc: &R,
    ) -> Result<Vec<Attestation>, Refusal> {
        attestations(doc, self)
    }
}

fn read_value<R: ReadDoc>(
    doc: &R,
    value: &Stored<'_>,
    id: &ObjId,
) -> Result<Option<Value>, Refusal> {
    match value {
        Stored::Object(ObjType::Text) => Ok(Some(Value::Prose(doc.text(id)?))),
        Stored::Object(_) => Ok(None),
        Stored::Scalar(_) => Ok(decode(value)),
    }
}

fn contested<R: ReadDoc>(
    doc: &R,
    entry: &ObjId,
    field: &str,
) -> Result<Vec<FieldVersion>, Refusal> {
    let beside = child(doc, entry, CONTESTED)?;
    let mut versions = Vec::new();
    for key in keys_of(doc, &beside, field) {
        versions.extend(doc.get(&beside, key)?.and_then(|(v, _)| decode::<FieldVersion>(&v)));
    }
    Ok(versions)
}

fn attestations<R: ReadDoc>(doc: &R, place: &EntryPlace) -> Result<Vec<Attestation>, Refusal> {
    let mut all = Vec::new();
    for map in place.maps() {
        let signed = child(doc, &map.entry, SIGNED)?;
        for key in doc.keys(&signed).collect::<Vec<_>>() {
            let values = doc.get_all(&signed, key)?;
            all.extend(values.iter().filter_map(|(v, _)| decode::<Attestation>(v)));
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn read_remarks<R: ReadDoc>(doc: &R, place: &EntryPlace) -> Result<Vec<Remark>, Refusal> {
    let mut all = Vec::new();
    for map in place.maps() {
        let remarks = child(doc, &map.entry, REMARKS)?;
        for key in doc.keys(&remarks) {
            all.extend(doc.get(&remarks, key)?.and_then(|(v, _)| decode::<Remark>(&v)));
        }
    }
    all.sort_unstable_by(|a, b| a.id.cmp(&b.id).then_with(|| a.cmp(b)));
    all.dedup_by_key(|r| r.id);
    Ok(all)
}

fn read_settled<R: ReadDoc>(doc: &R, place: &EntryPlace) -> Result<Vec<(RemarkId, bool)>, Refusal> {
    let mut all = Vec::new();
    for map in place.maps() {
        let settled = child(doc, &map.entry, SETTLED)?;
        for key in doc.keys(&settled) {
            let accepted = doc.get(&settled, &key)?.and_then(|(v, _)| v.as_bool());
            all.extend(key.parse().ok().zip(accepted));
        }
    }
    Ok(all)
}

/// The values of a field at earlier heads, where the entry was there.
pub(in crate::replica) fn values_at<R: ReadDoc>(
    doc: &R,
    id: EntryId,
    field: &str,
    heads: &[automerge::ChangeHash],
) -> Option<Vec<Value>> {
    let (_, entry) = doc.get_at(ROOT, id.to_string(), heads).ok().flatten()?;
    let (_, fields) = doc.get_at(&entry, FIELDS, heads).ok().flatten()?;
    let values = doc.get_all_at(&fields, field, heads).unwrap_or_default();
    let read = |(value, id): &(Stored<'_>, ObjId)| match value {
        Stored::Object(ObjType::Text) => doc.text_at(id, heads).ok().map(Value::Prose),
        Stored::Object(_) => None,
        Stored::Scalar(_) => decode(value),
    };
    Some(values.iter().filter_map(read).collect())
}

fn read_fields<R: ReadDoc>(
    doc: &R,
    place: &EntryPlace,
    origin_of: &dyn Fn(&ObjId) -> Origin,
) -> Result<Vec<FieldState>, Refusal> {
    let mut fields: BTreeMap<String, FieldState> = BTreeMap::new();
    for map in place.maps() {
        let spliced = map.beside(doc, SPLICED)?;
        let contested = map.beside(doc, CONTESTED)?;
        let versions = map.beside(doc, VERSIONS)?;
        let beside = spliced.keys.iter().chain(&contested.keys);
        let beside = beside.filter_map(|key| field_of(key).map(str::to_owned));
        let names: BTreeSet<String> = doc.keys(&map.fields).chain(beside).collect();
        for name in names {
            let mut standing = Vec::new();
            map.standing(doc, &name, &spliced, &mut standing)?;
            let field = fields.entry(name.clone()).or_insert_with(|| FieldState {
                name: name.clone(),
                values: Vec::new(),
                recorded: Vec::new(),
                contested: Vec::new(),
            });
            let by = |s: &Standing| s.by.iter().map(origin_of).collect();
            field.values.extend(standing.into_iter().map(|s| {
                let by = by(&s);
                (s.value, by)
            }));
            if versions.keys.contains(&name) {
                let stored = doc.get_all(&versions.map, &name)?;
                field.recorded.extend(stored.iter().filter_map(|(v, _)| decode(v)));
            }
            for key in contested.of(&name) {
                let version = doc.get(&contested.map, key)?;
                field.contested.extend(version.and_then(|(v, _)| decode::<FieldVersion>(&v)));
            }
        }
    }
    Ok(fields.into_values().collect())
}

/// Reads an entry whole, removed or not.
pub(in crate::replica) fn read_entry<R: ReadDoc>(
    doc: &R,
    id: EntryId,
    origin_of: &dyn Fn(&ObjId) -> Origin,
) -> Result<Option<EntryState>, Refusal> {
    let Some(place) = place(doc, id)? else { return Ok(None) };
    let fields = read_fields(doc, &place, origin_of)?;
    let mut removed = Vec::new();
    let mut disputed = false;
    for map in place.maps() {
        let marks = doc.get_all(&map.entry, REMOVED)?;
        if marks.is_empty() && !place.beside.is_empty() {
            removed.push((false, Origin::Snapshot));
        }
        removed.extend(marks.iter().filter_map(|(v, id)| Some((v.as_bool()?, origin_of(id)))));
        disputed |= doc.get(&map.entry, DISPUTED)?.is_some();
    }
    let at = doc.get(&place.main.entry, AT)?;
    let at = at.and_then(|(v, _)| v.as_i64()).ok_or(Refusal::Document)?;
    Ok(Some(EntryState {
        id,
        kind: place.kind(doc)?,
        author: place.author(doc)?,
        recorded_at: Timestamp::from_seconds(at),
        fields,
        attestations: attestations(doc, &place)?,
        remarks: read_remarks(doc, &place)?,
        settled: read_settled(doc, &place)?,
        removed,
        disputed,
    }))
}

impl EntryState {
    /// An entry as its record laid in a document reads.
    pub(in crate::replica) fn of(record: &EntryRecord) -> Self {
        let fields = record.fields.iter().map(|field| FieldState {
            name: field.name.clone(),
            values: field
                .versions
                .first()
                .map(|first| (first.value.clone(), vec![Origin::Snapshot]))
                .into_iter()
                .collect(),
            recorded: field.versions.first().cloned().into_iter().collect(),
            contested: field.versions.iter().skip(1).cloned().collect(),
        });
        let mut attestations = record.attestations.clone();
        attestations.sort_unstable();
        attestations.dedup();
        Self {
            id: record.id,
            kind: record.kind.clone(),
            author: record.author,
            recorded_at: record.recorded_at,
            fields: fields.collect(),
            attestations,
            remarks: record.remarks.clone(),
            settled: Vec::new(),
            removed: Vec::new(),
            disputed: record.contested_removal,
        }
    }

    /// An entry as the one edit that added it, laid in a document, reads.
    pub(in crate::replica) fn added(
        id: EntryId,
        kind: &str,
        fields: &[NamedValue],
        (author, recorded_at): (Author, Timestamp),
        by: EnvelopeId,
    ) -> Self {
        let fields = fields.iter().map(|field| FieldState {
            name: field.name.clone(),
            values: vec![(field.value.clone(), vec![Origin::Envelope(by)])],
            recorded: Vec::new(),
            contested: Vec::new(),
        });
        Self {
            id,
            kind: kind.to_owned(),
            author,
            recorded_at,
            fields: fields.collect(),
            attestations: Vec::new(),
            remarks: Vec::new(),
            settled: Vec::new(),
            removed: Vec::new(),
            disputed: false,
        }
    }
}
