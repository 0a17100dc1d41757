//! Changes of an entry.

use automerge::transaction::Transactable;
use automerge::{ObjId, ObjType, ROOT, ReadDoc, ScalarValue};

use super::read::Standing;
use super::{
    AT, AUTHOR, CONTESTED, DISPUTED, EntryMap, EntryPlace, FIELDS, KIND, REMARKS, REMOVED, SETTLED,
    SIGNED, SPLICED, VERSIONS, child, keys_of, slots, text_key,
};
use crate::attestation::Attestation;
use crate::author::Author;
use crate::codec;
use crate::edit::{EntryRecord, FieldVersion, Remark};
use crate::id::{EntryId, RemarkId};
use crate::replica::Refusal;
use crate::section::Value;
use crate::time::Timestamp;

/// A change within a long text.
pub(in crate::replica) struct Splice<'a> {
    pub(in crate::replica) field: &'a str,
    /// Where, in characters.
    pub(in crate::replica) at: usize,
    /// Characters to delete there.
    pub(in crate::replica) delete: usize,
    /// What to insert there.
    pub(in crate::replica) insert: &'a str,
    /// Longest text, in bytes; longer ones (two wrote at once) may only shrink.
    pub(in crate::replica) bytes_max: usize,
    /// Whether something must be left.
    pub(in crate::replica) keep: bool,
    /// Different for every envelope.
    pub(in crate::replica) mark: &'a [u8],
}

impl EntryPlace {
    /// Sets a field, or clears it: what stood there in this document stands no longer.
    pub(in crate::replica) fn set<T: Transactable>(
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
    pub(in crate::replica) fn splice<T: Transactable>(
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
    pub(in crate::replica) fn set_removed<T: Transactable>(
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

    pub(in crate::replica) fn add_remark<T: Transactable>(
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

    pub(in crate::replica) fn settle<T: Transactable>(
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
    pub(in crate::replica) fn sign<T: Transactable>(
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

    pub(in crate::replica) fn contest<T: Transactable>(
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
}

/// Adds an entry; the caller has checked that there is none.
pub(in crate::replica) fn insert_entry<'a, T: Transactable>(
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
pub(in crate::replica) fn insert_record<T: Transactable>(
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
