//! That nothing of a file is lost unsaid, looked for apart from the code under test.

use core::fmt;
use std::collections::BTreeSet;

use data_encoding::BASE64;
use passport_core::fhir::import::{Import, ImportError, SkipReason};
use passport_core::section::Value;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// Bundles within bundles that are looked into.
const BUNDLES: usize = 4;
/// What an export of ours says of itself: it is read by that.
const OURS: &str = "urn:student-passport:";
/// What the parser gives a meaning of its own.
const RESERVED: &str = "$serde_json";

/// JSON without a value, in which every member of an object is there once.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Once;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_str<E>(self, _: &str) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_unit<E>(self) -> Result<Once, E> {
                Ok(Once)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Once, A::Error> {
                while seq.next_element::<Once>()?.is_some() {}
                Ok(Once)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
                let mut names = BTreeSet::new();
                while let Some((name, Once)) = map.next_entry::<String, Once>()? {
                    if !names.insert(name) {
                        return Err(A::Error::custom("twice"));
                    }
                }
                Ok(Once)
            }
        }
        d.deserialize_any(Each)
    }
}

/// What a file in JSON has, if it is one that the parser takes as it stands.
fn documents(bytes: &[u8]) -> Option<Vec<Json>> {
    let text = core::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}');
    if text.contains(RESERVED) || text.contains("\\u0024") {
        return None;
    }
    serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

/// Whether a member of an object is there twice, however deep it stands.
fn is_twice(bytes: &[u8]) -> bool {
    let text = core::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{feff}');
    serde_json::Deserializer::from_str(text).into_iter::<Once>().any(|one| one.is_err())
}

/// A file in which a member is there twice is refused, or says which part of it was.
pub(super) fn nothing_twice(bytes: &[u8], read: Result<&Import, &ImportError>) {
    let Some(documents) = documents(bytes) else { return };
    let Ok(import) = read else { return };
    if !is_twice(bytes) {
        return;
    }
    let is_bundle = |d: &Json| d["resourceType"] == "Bundle" || d.to_string().contains(OURS);
    let reported = import.skipped.iter().any(|s| s.reason == SkipReason::Twice);
    assert!(reported || documents.iter().any(is_bundle), "a member twice, and nothing said");
}

/// Every value of every resource that was taken in is somewhere in what came of it.
pub(super) fn nothing_is_lost(bytes: &[u8], import: &Import) {
    let Some(documents) = documents(bytes) else { return };
    if is_twice(bytes) {
        return;
    }
    let ours = String::from_utf8_lossy(bytes).contains(OURS);
    if !ours {
        let found: usize = documents.iter().map(|d| count(d, 0)).sum();
        assert_eq!(found, import.tally.resources, "resources in the file, and as they were told");
    }
    if ours || !import.skipped.is_empty() {
        return;
    }
    let is_named = import.drafts.iter().any(|d| d.kind == "person");
    let mut wanted = BTreeSet::new();
    for document in &documents {
        resources(document, is_named, 0, &mut wanted);
    }
    let mut kept = BTreeSet::new();
    for value in import.drafts.iter().flat_map(|d| d.fields.values()) {
        if let Value::Source { content, .. } = value {
            leaves("", &serde_json::from_str(content).unwrap(), &mut kept);
        }
    }
    let enclosed: Vec<_> = import.drafts.iter().filter_map(|d| d.enclosed.as_ref()).collect();
    let is_file = |text: &str| {
        let text: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        BASE64.decode(&text).is_ok_and(|bytes| enclosed.iter().any(|e| e.bytes == bytes))
    };
    for (name, value) in wanted.difference(&kept) {
        let is_enclosed =
            name == "data" && serde_json::from_str(value).is_ok_and(|text: String| is_file(&text));
        assert!(is_enclosed, "lost: {name}: {value}");
    }
}

/// Resources in a document, counted.
fn count(document: &Json, depth: usize) -> usize {
    1 + entries(document, depth).map_or(0, |entries| {
        entries.iter().map(|e| e.get("resource").map_or(1, |r| count(r, depth + 1))).sum()
    })
}

fn entries(document: &Json, depth: usize) -> Option<&Vec<Json>> {
    let is_bundle = depth < BUNDLES && document.get("resourceType")? == "Bundle";
    document.get("entry")?.as_array().filter(|_| is_bundle)
}

/// The values of every resource that says something. A Patient of whom no entry has the name may do
/// without the name of its record, and without word that a name or date of birth is not known.
fn resources(document: &Json, is_named: bool, depth: usize, out: &mut BTreeSet<(String, String)>) {
    if document["resourceType"] == "Patient" && !is_named {
        let said = document.as_object().unwrap().iter().filter(|(name, value)| match &***name {
            "resourceType" | "id" | "meta" => false,
            "name" | "_birthDate" => !is_absent(value),
            _ => true,
        });
        return said.for_each(|(name, value)| leaves(name, value, out));
    }
    if document["resourceType"] != "Bundle" {
        return leaves("", document, out);
    }
    for entry in entries(document, depth).into_iter().flatten() {
        resources(&entry["resource"], is_named, depth + 1, out);
    }
    let mut shell = document.clone();
    shell.as_object_mut().unwrap().remove("entry");
    if shell.get("identifier").is_some() || shell.get("signature").is_some() {
        leaves("", &shell, out);
    }
}

/// Whether a value says nothing, or why it says nothing.
fn is_absent(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().all(is_absent),
        Json::Object(members) => {
            value["url"] == "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
                || members.values().all(is_absent)
        }
        Json::Null => true,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// Every value that is no list and no object, with the name of the member that it is in.
fn leaves(name: &str, value: &Json, out: &mut BTreeSet<(String, String)>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| leaves(name, item, out)),
        Json::Object(members) => members.iter().for_each(|(name, value)| leaves(name, value, out)),
        Json::Null => {}
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            out.insert((name.to_owned(), value.to_string()));
        }
    }
}
