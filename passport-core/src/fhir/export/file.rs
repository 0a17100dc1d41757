//! The file of an entry, in the resource that stands for it.

use data_encoding::BASE64;
use serde_json::{Value as Json, json};
use sha1::{Digest as _, Sha1};

use super::ExportEntry;
use crate::fhir::json;
use crate::section::{Attachment, Value};

/// The file that an entry names.
pub(super) fn of(entry: &ExportEntry) -> Option<&Attachment> {
    entry.fields.values().find_map(file)
}

/// The file that a value names.
pub(super) fn file(value: &Value) -> Option<&Attachment> {
    if let Value::Attachment(file) = value { Some(file) } else { None }
}

/// Puts the file into an `Attachment` (HL7 FHIR R4): its type and size, and, where its content goes
/// along, that with its SHA-1, which is what R4 has for a hash. It says which content it was, and
/// is relied on for nothing.
pub(super) fn enclose(resource: &mut Json, entry: &ExportEntry) {
    let Some(file) = of(entry) else { return };
    if json::text(resource, "resourceType") != Some("DocumentReference") {
        return;
    }
    let place = resource.pointer_mut("/content/0/attachment");
    let Some(held) = place.and_then(Json::as_object_mut) else { return };
    held.insert("contentType".into(), file.media_type.clone().into());
    held.insert("size".into(), json!(file.size));
    let Some(data) = &entry.data else { return };
    held.insert("hash".into(), BASE64.encode(&Sha1::digest(data)).into());
    held.insert("data".into(), BASE64.encode(data).into());
}
