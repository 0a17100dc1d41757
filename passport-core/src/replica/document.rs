//! How a section lies in Automerge.
//!
//! ```text
//! ROOT[entry id] = { "kind": str, "author": bytes, "at": int,
//!                    "fields":   { field: bytes | Text },
//!                    "versions": { field: bytes },              who set what a record brought
//!                    "contested": { field/digest: bytes },      values beside the field's own
//!                    "removed":  bool, "disputed": bool,
//!                    "remarks":  { remark id: bytes },
//!                    "settled":  { suggestion id: bool },
//!                    "signed":   { organisation/whole|field: bytes } }
//! ```
//! Bytes are the deterministic CBOR of typed values. A removed entry stays as a mark, so that a
//! removal that met a change is seen; its content leaves with the next epoch's snapshot.

use automerge::transaction::Transactable;
use automerge::{AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as Stored};

use super::Refusal;
use crate::attestation::Attestation;
use crate::author::Author;
use crate::codec;
use crate::edit::{EntryRecord, FieldVersion, Remark};
use crate::id::{EntryId, EnvelopeId, RemarkId};
use crate::section::Value;
use crate::time::Timestamp;

const KIND: &str = "kind";
const AUTHOR: &str = "author";
const AT: &str = "at";
const FIELDS: &str = "fields";
const VERSIONS: &str = "versions";
const CONTESTED: &str = "contested";
const REMOVED: &str = "removed";
const DISPUTED: &str = "disputed";
const REMARKS: &str = "remarks";
const SETTLED: &str = "settled";
const SIGNED: &str = "signed";

/// Largest stored scalar; our own writes are far below.
const STORED_MAX: usize = 256 * 1024;

impl From<AutomergeError> for Refusal {
    fn from(_: AutomergeError) -> Self {
        Self::Document
    }
}

/// What wrote an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// The founding snapshot.
    Snapshot,
    /// An envelope.
    Envelope(EnvelopeId),
}

/// An entry as it lies in the document.
#[derive(Clone, Debug)]
pub(super) struct EntryState {
    /// Its id.
    pub(super) id: EntryId,
    /// Its kind.
    pub(super) kind: String,
    /// Who recorded it.
    pub(super) author: Author,
    /// When, by the author's clock.
    pub(super) recorded_at: Timestamp,
    /// Its fields, ascending by name.
    pub(super) fields: Vec<FieldState>,
    /// What organisations signed of it.
    pub(super) attestations: Vec<Attestation>,
    /// Notes and suggestions, ascending.
    pub(super) remarks: Vec<Remark>,
    /// Suggestions settled, ascending.
    pub(super) settled: Vec<(RemarkId, bool)>,
    pub(super) removed: Vec<(bool, Origin)>,
    pub(super) disputed: bool,
}

/// The values that stand in one field.
#[derive(Clone, Debug)]
pub(super) struct FieldState {
    /// The field.
    pub(super) name: String,
    pub(super) values: Vec<(Value, Origin)>,
    /// Who set the values that a record brought in, where the origin is a snapshot or a move.
    pub(super) recorded: Option<FieldVersion>,
    /// Values brought in beside the field's own.
    pub(super) contested: Vec<FieldVersion>,
}

/// An entry's place in a document.
#[derive(Clone, Debug)]
pub(super) struct EntryPlace {
    entry: ObjId,
    fields: ObjId,
}

/// Finds an entry that is there and not removed.
pub(super) fn find<R: ReadDoc>(doc: &R, id: EntryId) -> Result<Option<EntryPlace>, Refusal> {
    let Some(place) = place(doc, id)? else { return Ok(None) };
    let removed = boolean(doc, &place.entry, REMOVED)?.unwrap_or(false);
    Ok((!removed).then_some(place))
}

/// Finds an entry, removed or not.
pub(super) fn place<R: ReadDoc>(doc: &R, id: EntryId) -> Result<Option<EntryPlace>, Refusal> {
    let Some((Stored::Object(ObjType::Map), entry)) = doc.get(ROOT, id.to_string())? else {
        return Ok(None);
    };
    let fields = child(doc, &entry, FIELDS)?;
    Ok(Some(EntryPlace { entry, fields }))
}

fn child<R: ReadDoc>(doc: &R, entry: &ObjId, key: &str) -> Result<ObjId, Refusal> {
    match doc.get(entry, key)? {
        Some((Stored::Object(_), id)) => Ok(id),
        Some((Stored::Scalar(_), _)) | None => Err(Refusal::Document),
    }
}

fn boolean<R: ReadDoc>(doc: &R, entry: &ObjId, key: &str) -> Result<Option<bool>, Refusal> {
    Ok(doc.get(entry, key)?.and_then(|(value, _)| value.as_bool()))
}

fn decode<T>(value: &Stored<'_>) -> Option<T>
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    codec::decode(value.as_bytes()?, STORED_MAX).ok()
}

impl EntryPlace {
    pub(super) fn author<R: ReadDoc>(&self, doc: &R) -> Result<Author, Refusal> {
        let stored = doc.get(&self.entry, AUTHOR)?.and_then(|(v, _)| decode(&v));
        stored.ok_or(Refusal::Document)
    }

    pub(super) fn kind<R: ReadDoc>(&self, doc: &R) -> Result<String, Refusal> {
        let kind = doc.get(&self.entry, KIND)?.and_then(|(v, _)| v.as_str().map(str::to_owned));
        kind.ok_or(Refusal::Document)
    }

    pub(super) fn field_names<R: ReadDoc>(&self, doc: &R) -> Vec<String> {
        doc.keys(&self.fields).collect()
    }

    /// Every value that stands in a field, contested ones included.
    pub(super) fn values<R: ReadDoc>(&self, doc: &R, field: &str) -> Result<Vec<Value>, Refusal> {
        let own = doc.get_all(&self.fields, field)?;
        let mut values = Vec::with_capacity(own.len());
        for (value, id) in own {
            values.extend(read_value(doc, &value, &id)?);
        }
        values.extend(contested(doc, &self.entry, field)?.into_iter().map(|v| v.value));
        Ok(values)
    }

    pub(super) fn set<T: Transactable>(
        &self,
        tx: &mut T,
        field: &str,
        value: Option<&Value>,
    ) -> Result<(), Refusal> {
        for key in contested_keys(tx, &self.entry, field)? {
            let beside = child(tx, &self.entry, CONTESTED)?;
            tx.delete(&beside, key)?;
        }
        let versions = child(tx, &self.entry, VERSIONS)?;
        if tx.get(&versions, field)?.is_some() {
            tx.delete(&versions, field)?;
        }
        match value {
            Some(value) => write_value(tx, &self.fields, field, value),
            None if tx.get(&self.fields, field)?.is_some() => Ok(tx.delete(&self.fields, field)?),
            None => Ok(()),
        }
    }

    /// The text of a long-text field and its length in characters.
    pub(super) fn splice<T: Transactable>(
        &self,
        tx: &mut T,
        field: &str,
        at: usize,
        delete: usize,
        insert: &str,
        bytes_max: usize,
    ) -> Result<(), Refusal> {
        let text = match tx.get(&self.fields, field)? {
            Some((Stored::Object(ObjType::Text), id)) => id,
            Some((Stored::Object(_) | Stored::Scalar(_), _)) => return Err(Refusal::Document),
            None => tx.put_object(&self.fields, field, ObjType::Text)?,
        };
        let len = tx.length(&text);
        if at > len || delete > len - at {
            return Err(Refusal::Position);
        }
        let delete = isize::try_from(delete).map_err(|_| Refusal::Position)?;
        tx.splice_text(&text, at, delete, insert)?;
        if tx.text(&text)?.len() > bytes_max { Err(Refusal::Value) } else { Ok(()) }
    }

    pub(super) fn set_removed<T: Transactable>(
        &self,
        tx: &mut T,
        removed: bool,
    ) -> Result<(), Refusal> {
        if tx.get(&self.entry, DISPUTED)?.is_some() {
            tx.delete(&self.entry, DISPUTED)?;
        }
        Ok(tx.put(&self.entry, REMOVED, removed)?)
    }

    pub(super) fn add_remark<T: Transactable>(
        &self,
        tx: &mut T,
        remark: &Remark,
        remarks_max: usize,
    ) -> Result<(), Refusal> {
        let remarks = child(tx, &self.entry, REMARKS)?;
        let key = remark.id.to_string();
        if tx.get(&remarks, &key)?.is_some() {
            return Err(Refusal::Exists);
        }
        if tx.length(&remarks) >= remarks_max {
            return Err(Refusal::Limit);
        }
        Ok(tx.put(&remarks, key, codec::encode(remark))?)
    }

    pub(super) fn remark<R: ReadDoc>(
        &self,
        doc: &R,
        id: RemarkId,
    ) -> Result<Option<Remark>, Refusal> {
        let remarks = child(doc, &self.entry, REMARKS)?;
        Ok(doc.get(&remarks, id.to_string())?.and_then(|(v, _)| decode(&v)))
    }

    pub(super) fn is_settled<R: ReadDoc>(&self, doc: &R, id: RemarkId) -> Result<bool, Refusal> {
        let settled = child(doc, &self.entry, SETTLED)?;
        Ok(doc.get(&settled, id.to_string())?.is_some())
    }

    pub(super) fn settle<T: Transactable>(
        &self,
        tx: &mut T,
        id: RemarkId,
        accepted: bool,
    ) -> Result<(), Refusal> {
        let settled = child(tx, &self.entry, SETTLED)?;
        Ok(tx.put(&settled, id.to_string(), accepted)?)
    }

    /// Puts a signature beside the entry. A whole one replaces the organisation's last; one of
    /// single fields replaces its last for each of them.
    pub(super) fn sign<T: Transactable>(
        &self,
        tx: &mut T,
        attestation: &Attestation,
    ) -> Result<(), Refusal> {
        let signed = child(tx, &self.entry, SIGNED)?;
        let organisation = attestation.organisation;
        let bytes = codec::encode(attestation);
        if attestation.whole {
            return Ok(tx.put(&signed, format!("{organisation}/"), bytes)?);
        }
        for field in &attestation.fields {
            tx.put(&signed, format!("{organisation}/{}", field.name), bytes.clone())?;
        }
        Ok(())
    }

    pub(super) fn contest<T: Transactable>(
        &self,
        tx: &mut T,
        field: &str,
        version: &FieldVersion,
    ) -> Result<(), Refusal> {
        let beside = child(tx, &self.entry, CONTESTED)?;
        let bytes = codec::encode(version);
        let key = format!("{field}/{}", blake3::hash(&bytes).to_hex());
        Ok(tx.put(&beside, key, bytes)?)
    }

    pub(super) fn signed_by<R: ReadDoc>(&self, doc: &R) -> Result<Vec<Attestation>, Refusal> {
        attestations(doc, &self.entry)
    }
}

/// Adds an entry; the caller has checked that there is none.
pub(super) fn insert_entry<'a, T: Transactable>(
    tx: &mut T,
    id: EntryId,
    kind: &str,
    author: Author,
    at: Timestamp,
    fields: impl Iterator<Item = (&'a str, &'a Value)>,
) -> Result<EntryPlace, Refusal> {
    let entry = tx.put_object(ROOT, id.to_string(), ObjType::Map)?;
    tx.put(&entry, KIND, kind)?;
    tx.put(&entry, AUTHOR, codec::encode(&author))?;
    tx.put(&entry, AT, at.as_seconds())?;
    let map = tx.put_object(&entry, FIELDS, ObjType::Map)?;
    for key in [VERSIONS, CONTESTED, REMARKS, SETTLED, SIGNED] {
        tx.put_object(&entry, key, ObjType::Map)?;
    }
    for (name, value) in fields {
        write_value(tx, &map, name, value)?;
    }
    Ok(EntryPlace { entry, fields: map })
}

/// Adds an entry from its record.
pub(super) fn insert_record<T: Transactable>(
    tx: &mut T,
    record: &EntryRecord,
) -> Result<(), Refusal> {
    let first =
        record.fields.iter().filter_map(|f| Some((f.name.as_str(), &f.versions.first()?.value)));
    let place =
        insert_entry(tx, record.id, &record.kind, record.author, record.recorded_at, first)?;
    let versions = child(tx, &place.entry, VERSIONS)?;
    for field in &record.fields {
        for (i, version) in field.versions.iter().enumerate() {
            if i == 0 {
                tx.put(&versions, field.name.as_str(), codec::encode(version))?;
            } else {
                place.contest(tx, &field.name, version)?;
            }
        }
    }
    if record.contested_removal {
        tx.put(&place.entry, DISPUTED, true)?;
    }
    for attestation in &record.attestations {
        place.sign(tx, attestation)?;
    }
    for remark in &record.remarks {
        place.add_remark(tx, remark, usize::MAX)?;
    }
    Ok(())
}

fn write_value<T: Transactable>(
    tx: &mut T,
    fields: &ObjId,
    name: &str,
    value: &Value,
) -> Result<(), Refusal> {
    if let Value::Prose(text) = value {
        let id = tx.put_object(fields, name, ObjType::Text)?;
        return Ok(tx.splice_text(&id, 0, 0, text)?);
    }
    Ok(tx.put(fields, name, ScalarValue::Bytes(codec::encode(value)))?)
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

fn contested_keys<R: ReadDoc>(doc: &R, entry: &ObjId, field: &str) -> Result<Vec<String>, Refusal> {
    let beside = child(doc, entry, CONTESTED)?;
    let of_field = |key: &String| key.rsplit_once('/').is_some_and(|(name, _)| name == field);
    Ok(doc.keys(&beside).filter(of_field).collect())
}

fn contested<R: ReadDoc>(
    doc: &R,
    entry: &ObjId,
    field: &str,
) -> Result<Vec<FieldVersion>, Refusal> {
    let beside = child(doc, entry, CONTESTED)?;
    let mut versions = Vec::new();
    for key in contested_keys(doc, entry, field)? {
        versions.extend(doc.get(&beside, key)?.and_then(|(v, _)| decode::<FieldVersion>(&v)));
    }
    Ok(versions)
}

fn attestations<R: ReadDoc>(doc: &R, entry: &ObjId) -> Result<Vec<Attestation>, Refusal> {
    let signed = child(doc, entry, SIGNED)?;
    let mut all = Vec::new();
    for key in doc.keys(&signed).collect::<Vec<_>>() {
        let values = doc.get_all(&signed, key)?;
        all.extend(values.iter().filter_map(|(v, _)| decode::<Attestation>(v)));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn read_remarks<R: ReadDoc>(doc: &R, entry: &ObjId) -> Result<Vec<Remark>, Refusal> {
    let remarks = child(doc, entry, REMARKS)?;
    let mut all = Vec::new();
    for key in doc.keys(&remarks) {
        all.extend(doc.get(&remarks, key)?.and_then(|(v, _)| decode::<Remark>(&v)));
    }
    Ok(all)
}

fn read_settled<R: ReadDoc>(doc: &R, entry: &ObjId) -> Result<Vec<(RemarkId, bool)>, Refusal> {
    let settled = child(doc, entry, SETTLED)?;
    let mut all = Vec::new();
    for key in doc.keys(&settled) {
        let accepted = doc.get(&settled, &key)?.and_then(|(v, _)| v.as_bool());
        all.extend(key.parse().ok().zip(accepted));
    }
    Ok(all)
}

/// The values of a field at earlier heads.
pub(super) fn values_at<R: ReadDoc>(
    doc: &R,
    id: EntryId,
    field: &str,
    heads: &[automerge::ChangeHash],
) -> Vec<Value> {
    let fields = doc
        .get_at(ROOT, id.to_string(), heads)
        .ok()
        .flatten()
        .and_then(|(_, entry)| doc.get_at(&entry, FIELDS, heads).ok().flatten())
        .map(|(_, fields)| fields);
    let Some(fields) = fields else { return Vec::new() };
    let values = doc.get_all_at(&fields, field, heads).unwrap_or_default();
    let read = |(value, id): &(Stored<'_>, ObjId)| match value {
        Stored::Object(ObjType::Text) => doc.text_at(id, heads).ok().map(Value::Prose),
        Stored::Object(_) => None,
        Stored::Scalar(_) => decode(value),
    };
    values.iter().filter_map(read).collect()
}

/// The ids of all entries, removed ones included, ascending.
pub(super) fn entry_ids<R: ReadDoc>(doc: &R) -> Vec<EntryId> {
    doc.keys(ROOT).filter_map(|key| key.parse().ok()).collect()
}

/// Reads an entry whole, removed or not.
pub(super) fn read_entry<R: ReadDoc>(
    doc: &R,
    id: EntryId,
    origin: impl Fn(&ObjId) -> Origin,
) -> Result<Option<EntryState>, Refusal> {
    let Some(place) = place(doc, id)? else { return Ok(None) };
    let entry = &place.entry;
    let versions = child(doc, entry, VERSIONS)?;
    let mut names: Vec<String> = doc.keys(&place.fields).collect();
    let beside = child(doc, entry, CONTESTED)?;
    names.extend(doc.keys(&beside).filter_map(|k| Some(k.rsplit_once('/')?.0.to_owned())));
    names.sort_unstable();
    names.dedup();
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let mut values = Vec::new();
        for (value, id) in doc.get_all(&place.fields, &name)? {
            values.extend(read_value(doc, &value, &id)?.map(|v| (v, origin(&id))));
        }
        let recorded = doc.get(&versions, &name)?.and_then(|(v, _)| decode(&v));
        let contested = contested(doc, entry, &name)?;
        fields.push(FieldState { name, values, recorded, contested });
    }
    let mut removed = Vec::new();
    for (value, id) in doc.get_all(entry, REMOVED)? {
        removed.extend(value.as_bool().map(|r| (r, origin(&id))));
    }
    let at = doc.get(entry, AT)?.and_then(|(v, _)| v.as_i64()).ok_or(Refusal::Document)?;
    Ok(Some(EntryState {
        id,
        kind: place.kind(doc)?,
        author: place.author(doc)?,
        recorded_at: Timestamp::from_seconds(at),
        fields,
        attestations: attestations(doc, entry)?,
        remarks: read_remarks(doc, entry)?,
        settled: read_settled(doc, entry)?,
        removed,
        disputed: doc.get(entry, DISPUTED)?.is_some(),
    }))
}
