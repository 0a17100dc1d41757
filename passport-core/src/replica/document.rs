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

mod read;
mod write;

use automerge::{ActorId, AutomergeError, ObjId, ObjType, ROOT, ReadDoc, Value as Stored};
use data_encoding::HEXLOWER;

use super::Refusal;
use crate::attestation::Attestation;
use crate::author::Author;
use crate::codec;
use crate::edit::{FieldVersion, Remark};
use crate::id::{EntryId, EnvelopeId, RemarkId};
use crate::section::Value;
use crate::time::Timestamp;

pub(super) use read::{read_entry, values_at};
pub(super) use write::{Splice, insert_entry, insert_record};

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
