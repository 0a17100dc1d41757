//! How a section lies in Automerge.
//!
//! ```text
//! ROOT[entry id] = { "kind": str, "author": bytes, "at": int,
//!                    "fields":   { field: bytes | Text },
//!                    "versions": { field: bytes },              who set what a record brought
//!                    "contested": { field/digest: bytes },      values beside the field's own
//!                    "spliced":  { field/text id: bytes },      texts that were written in
//!                    "removed":  bool, "disputed": bool,
//!                    "remarks":  { remark id: bytes },
//!                    "settled":  { suggestion id: bool },
//!                    "signed":   { organisation/field?/digest: bytes } }
//! ```
//! Bytes are the deterministic CBOR of typed values. A removed entry stays as a mark, so that a
//! removal that met a change is seen; its content leaves with the next epoch's snapshot. A mark
//! in "spliced" outlives a replacement of the text that did not see the splice: what was written
//! in the old text then stands beside the new. Two devices that bring in one entry at once make
//! two maps under one id; they are read as one.

use std::collections::{BTreeMap, BTreeSet};

use automerge::transaction::Transactable;
use automerge::{
    ActorId, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, ScalarValue, Value as Stored,
};
use data_encoding::HEXLOWER;

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
const SPLICED: &str = "spliced";
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
    /// Its values with what wrote each: several origins where several wrote in one text at once.
    pub(super) values: Vec<(Value, Vec<Origin>)>,
    /// Who set the values that a record brought in, where the origin is a snapshot or a move.
    pub(super) recorded: Vec<FieldVersion>,
    /// Values brought in beside the field's own.
    pub(super) contested: Vec<FieldVersion>,
}

/// An entry's place in a document: nearly always one map.
#[derive(Clone, Debug)]
pub(super) struct EntryPlace {
    /// The map that is written to.
    main: EntryMap,
    /// Maps of the same kind and author that another device made at the same time.
    beside: Vec<EntryMap>,
}

#[derive(Clone, Debug)]
struct EntryMap {
    entry: ObjId,
    fields: ObjId,
}

/// One of the maps whose keys are `field/…`, with those keys: most often none.
struct Beside {
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

/// A change within a long text.
pub(super) struct Splice<'a> {
    pub(super) field: &'a str,
    /// Where, in characters.
    pub(super) at: usize,
    /// Characters to delete there.
    pub(super) delete: usize,
    /// What to insert there.
    pub(super) insert: &'a str,
    /// Longest text, in bytes; longer ones (two wrote at once) may only shrink.
    pub(super) bytes_max: usize,
    /// Whether something must be left.
    pub(super) keep: bool,
    /// Different for every envelope.
    pub(super) mark: &'a [u8],
}

/// A value as it stands in a document.
struct Standing {
    value: Value,
    /// The operations that made it what it is.
    by: Vec<ObjId>,
    /// Its text, where that can be written in.
    text: Option<ObjId>,
}

/// Finds an entry that is there and not removed.
pub(super) fn find<R: ReadDoc>(doc: &R, id: EntryId) -> Result<Option<EntryPlace>, Refusal> {
    let Some(place) = place(doc, id)? else { return Ok(None) };
    let mut there = false;
    for map in place.maps() {
        let marks = doc.get_all(&map.entry, REMOVED)?;
        there |= marks.is_empty() || marks.iter().any(|(mark, _)| mark.as_bool() == Some(false));
    }
    Ok(there.then_some(place))
}

/// Finds an entry, removed or not.
pub(super) fn place<R: ReadDoc>(doc: &R, id: EntryId) -> Result<Option<EntryPlace>, Refusal> {
    let mut maps = Vec::new();
    for (value, entry) in doc.get_all(ROOT, id.to_string())? {
        if matches!(value, Stored::Object(ObjType::Map)) {
            let fields = child(doc, &entry, FIELDS)?;
            maps.push(EntryMap { entry, fields });
        }
    }
    let Some(main) = maps.pop() else { return Ok(None) };
    let mut place = EntryPlace { main, beside: Vec::new() };
    if !maps.is_empty() {
        let is = (place.kind(doc)?, place.author(doc)?);
        for main in maps {
            let other = EntryPlace { main, beside: Vec::new() };
            if is == (other.kind(doc)?, other.author(doc)?) {
                place.beside.push(other.main);
            }
        }
    }
    Ok(Some(place))
}

fn child<R: ReadDoc>(doc: &R, entry: &ObjId, key: &str) -> Result<ObjId, Refusal> {
    match doc.get(entry, key)? {
        Some((Stored::Object(_), id)) => Ok(id),
        Some((Stored::Scalar(_), _)) | None => Err(Refusal::Document),
    }
}

fn decode<T>(value: &Stored<'_>) -> Option<T>
where
    T: for<'b> minicbor::Decode<'b, ()> + minicbor::Encode<()>,
{
    codec::decode(value.as_bytes()?, STORED_MAX).ok()
}

impl EntryPlace {
    fn maps(&self) -> impl Iterator<Item = &EntryMap> {
        self.beside.iter().chain([&self.main])
    }

    pub(super) fn author<R: ReadDoc>(&self, doc: &R) -> Result<Author, Refusal> {
        let stored = doc.get(&self.main.entry, AUTHOR)?.and_then(|(v, _)| decode(&v));
        stored.ok_or(Refusal::Document)
    }

    pub(super) fn kind<R: ReadDoc>(&self, doc: &R) -> Result<String, Refusal> {
        let kind = doc.get(&self.main.entry, KIND)?;
        kind.and_then(|(v, _)| v.as_str().map(str::to_owned)).ok_or(Refusal::Document)
    }

    /// The fields in which something stands, ascending.
    pub(super) fn field_names<R: ReadDoc>(&self, doc: &R) -> Result<Vec<String>, Refusal> {
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
    pub(super) fn values<R: ReadDoc>(&self, doc: &R, field: &str) -> Result<Vec<Value>, Refusal> {
        let own = self.standing(doc, field)?;
        let mut values: Vec<Value> = own.into_iter().map(|s| s.value).collect();
        for map in self.maps() {
            values.extend(contested(doc, &map.entry, field)?.into_iter().map(|v| v.value));
        }
        Ok(values)
    }

    /// The values that stand in a field itself, with texts that were replaced by somebody who
    /// had not seen what was written in them.
    fn standing<R: ReadDoc>(&self, doc: &R, field: &str) -> Result<Vec<Standing>, Refusal> {
        let mut all = Vec::new();
        for map in self.maps() {
            map.standing(doc, field, &map.beside(doc, SPLICED)?, &mut all)?;
        }
        Ok(all)
    }

    /// Sets a field, or clears it: what stood there in this document stands no longer.
    pub(super) fn set<T: Transactable>(
        &self,
        tx: &mut T,
        field: &str,
        value: Option<&Value>,
    ) -> Result<(), Refusal> {
        // To set what stands already is no change: it stays with who set it.
        if self.values(tx, field)?.iter().eq(value) {
            return Ok(());
        }
        for map in self.maps() {
            for beside in [CONTESTED, SPLICED] {
                let beside = child(tx, &map.entry, beside)?;
                for key in keys_of(tx, &beside, field) {
                    tx.delete(&beside, key)?;
                }
            }
            let versions = child(tx, &map.entry, VERSIONS)?;
            for within in [&versions, &map.fields] {
                if tx.get(within, field)?.is_some() {
                    // Also where a value follows: a put of what stands there would be no
                    // operation, and the choice nobody's.
                    tx.delete(within, field)?;
                }
            }
        }
        value.map_or(Ok(()), |value| write_value(tx, &self.main.fields, field, value))
    }

    /// Changes a part of a long text, where no more than one stands.
    pub(super) fn splice<T: Transactable>(
        &self,
        tx: &mut T,
        splice: &Splice<'_>,
    ) -> Result<(), Refusal> {
        let field = splice.field;
        let mut standing = self.standing(tx, field)?;
        for map in self.maps() {
            let beside = child(tx, &map.entry, CONTESTED)?;
            if !keys_of(tx, &beside, field).is_empty() {
                return Err(Refusal::Contested);
            }
        }
        let text = match (standing.pop(), standing.is_empty()) {
            (None, _) => tx.put_object(&self.main.fields, field, ObjType::Text)?,
            (Some(Standing { text: Some(text), .. }), true) => text,
            (Some(_), _) => return Err(Refusal::Contested),
        };
        let len = tx.length(&text);
        if splice.at > len || splice.delete > len - splice.at {
            return Err(Refusal::Position);
        }
        if splice.delete == 0 && splice.insert.is_empty() {
            return Ok(());
        }
        let delete = isize::try_from(splice.delete).map_err(|_| Refusal::Position)?;
        tx.splice_text(&text, splice.at, delete, splice.insert)?;
        if splice.keep && tx.length(&text) == 0 {
            return Err(Refusal::Required);
        }
        // A character is at most four bytes: most texts are short enough without counting.
        let grows = splice.insert.chars().count() > splice.delete;
        if grows
            && tx.length(&text) > splice.bytes_max / 4
            && tx.text(&text)?.len() > splice.bytes_max
        {
            return Err(Refusal::Value);
        }
        let map = self.map_of(tx, field, &text)?;
        let spliced = child(tx, &map.entry, SPLICED)?;
        Ok(tx.put(&spliced, text_key(field, &text), splice.mark.to_vec())?)
    }

    fn map_of<R: ReadDoc>(&self, doc: &R, field: &str, text: &ObjId) -> Result<&EntryMap, Refusal> {
        for map in &self.beside {
            if doc.get_all(&map.fields, field)?.iter().any(|(_, id)| id == text) {
                return Ok(map);
            }
        }
        Ok(&self.main)
    }

    /// Marks the entry as removed, or as there: a decision, also where the mark was the same.
    pub(super) fn set_removed<T: Transactable>(
        &self,
        tx: &mut T,
        removed: bool,
    ) -> Result<(), Refusal> {
        for map in self.maps() {
            for key in [DISPUTED, REMOVED] {
                if tx.get(&map.entry, key)?.is_some() {
                    tx.delete(&map.entry, key)?;
                }
            }
            tx.put(&map.entry, REMOVED, removed)?;
        }
        Ok(())
    }

    pub(super) fn add_remark<T: Transactable>(
        &self,
        tx: &mut T,
        remark: &Remark,
        remarks_max: usize,
    ) -> Result<(), Refusal> {
        if self.remark(tx, remark.id)?.is_some() {
            return Err(Refusal::Exists);
        }
        let remarks = child(tx, &self.main.entry, REMARKS)?;
        if tx.length(&remarks) >= remarks_max {
            return Err(Refusal::Limit);
        }
        Ok(tx.put(&remarks, remark.id.to_string(), codec::encode(remark))?)
    }

    pub(super) fn remark<R: ReadDoc>(
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

    pub(super) fn is_settled<R: ReadDoc>(&self, doc: &R, id: RemarkId) -> Result<bool, Refusal> {
        for map in self.maps() {
            let settled = child(doc, &map.entry, SETTLED)?;
            if doc.get(&settled, id.to_string())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn settle<T: Transactable>(
        &self,
        tx: &mut T,
        id: RemarkId,
        accepted: bool,
    ) -> Result<(), Refusal> {
        let settled = child(tx, &self.main.entry, SETTLED)?;
        Ok(tx.put(&settled, id.to_string(), accepted)?)
    }

    /// Puts a signature beside the entry. A whole one replaces the organisation's last; one of
    /// single fields replaces its last for each of them. Several made at once all stand.
    pub(super) fn sign<T: Transactable>(
        &self,
        tx: &mut T,
        attestation: &Attestation,
    ) -> Result<(), Refusal> {
        for map in self.maps() {
            let signed = child(tx, &map.entry, SIGNED)?;
            let slots = slots(attestation);
            let replaced = |key: &String| slots.iter().any(|slot| key.starts_with(slot));
            for key in tx.keys(&signed).filter(replaced).collect::<Vec<_>>() {
                tx.delete(&signed, key)?;
            }
        }
        self.bring_signature(tx, attestation)
    }

    /// Puts a signature that a record brings beside those it brings already.
    fn bring_signature<T: Transactable>(
        &self,
        tx: &mut T,
        attestation: &Attestation,
    ) -> Result<(), Refusal> {
        let signed = child(tx, &self.main.entry, SIGNED)?;
        let bytes = codec::encode(attestation);
        let digest = blake3::hash(&bytes).to_hex();
        for slot in slots(attestation) {
            tx.put(&signed, format!("{slot}{digest}"), bytes.clone())?;
        }
        Ok(())
    }

    pub(super) fn contest<T: Transactable>(
        &self,
        tx: &mut T,
        field: &str,
        version: &FieldVersion,
    ) -> Result<(), Refusal> {
        let beside = child(tx, &self.main.entry, CONTESTED)?;
        let bytes = codec::encode(version);
        let key = format!("{field}/{}", blake3::hash(&bytes).to_hex());
        Ok(tx.put(&beside, key, bytes)?)
    }

    pub(super) fn signed_by<R: ReadDoc>(&self, doc: &R) -> Result<Vec<Attestation>, Refusal> {
        attestations(doc, self)
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
    for key in [VERSIONS, CONTESTED, SPLICED, REMARKS, SETTLED, SIGNED] {
        tx.put_object(&entry, key, ObjType::Map)?;
    }
    for (name, value) in fields {
        write_value(tx, &map, name, value)?;
    }
    Ok(EntryPlace { main: EntryMap { entry, fields: map }, beside: Vec::new() })
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
    let versions = child(tx, &place.main.entry, VERSIONS)?;
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
        tx.put(&place.main.entry, DISPUTED, true)?;
    }
    for attestation in &record.attestations {
        place.bring_signature(tx, attestation)?;
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

/// The keys `field/…` of a map.
fn keys_of<R: ReadDoc>(doc: &R, map: &ObjId, field: &str) -> Vec<String> {
    doc.keys(map).filter(|key| field_of(key) == Some(field)).collect()
}

fn field_of(key: &str) -> Option<&str> {
    key.rsplit_once('/').map(|(field, _)| field)
}

/// Where an attestation lies: one place for whole ones, one for each single field.
fn slots(attestation: &Attestation) -> Vec<String> {
    let organisation = attestation.organisation;
    if attestation.whole {
        return vec![format!("{organisation}//")];
    }
    attestation.fields.iter().map(|f| format!("{organisation}/{}/", f.name)).collect()
}

fn text_key(field: &str, text: &ObjId) -> String {
    format!("{field}/{text}")
}

/// The text that a key of [`text_key`] is about.
fn text_of(key: &str) -> Option<ObjId> {
    let (counter, actor) = key.rsplit_once('/')?.1.split_once('@')?;
    let actor = HEXLOWER.decode(actor.as_bytes()).ok()?;
    Some(ObjId::Id(counter.parse().ok()?, ActorId::from(actor), 0))
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
pub(super) fn read_entry<R: ReadDoc>(
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
