//! Mutations of JSON that leave it JSON: members and values of one place in another.

use rand_chacha::ChaCha20Rng;
use serde_json::{Map, Value as Json, json};

use super::{below, one};

/// Members that the readers look for.
const NAMES: &[&str] = &[
    "active",
    "address",
    "attachment",
    "birthDate",
    "category",
    "class",
    "clinicalStatus",
    "code",
    "coding",
    "component",
    "contained",
    "content",
    "contentType",
    "criticality",
    "data",
    "diagnosis",
    "display",
    "doseAndRate",
    "dosage",
    "encounter",
    "end",
    "entry",
    "extension",
    "family",
    "fullUrl",
    "generalPractitioner",
    "given",
    "hospitalization",
    "id",
    "identifier",
    "line",
    "link",
    "manifestation",
    "medicationCodeableConcept",
    "medicationReference",
    "meta",
    "name",
    "note",
    "occurrenceDateTime",
    "onsetDateTime",
    "participant",
    "patient",
    "period",
    "reaction",
    "reference",
    "relationship",
    "resource",
    "resourceType",
    "section",
    "serviceProvider",
    "start",
    "status",
    "subject",
    "system",
    "telecom",
    "text",
    "timing",
    "title",
    "type",
    "unit",
    "url",
    "use",
    "value",
    "valueCodeableConcept",
    "valueQuantity",
    "valueString",
    "verificationStatus",
    "whole",
    "_birthDate",
    "iss",
    "vc",
    "credentialSubject",
    "fhirBundle",
];
/// Kinds of resource that the readers treat each in its own way.
const KINDS: &[&str] = &[
    "AllergyIntolerance",
    "Basic",
    "Bundle",
    "CareTeam",
    "Composition",
    "Condition",
    "DocumentReference",
    "Encounter",
    "Flag",
    "Immunization",
    "List",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "Observation",
    "Organization",
    "Patient",
    "Provenance",
    "ReferralRequest",
    "RelatedPerson",
    "RiskAssessment",
    "ServiceRequest",
];
/// Texts with a meaning somewhere, or with none anywhere.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\u{0}",
    "\u{202e}x",
    "#",
    "#a",
    "Patient/a",
    "Patient/b",
    "urn:uuid:a",
    "resource:0",
    "http://snomed.info/sct",
    "716186003",
    "373942005",
    "active",
    "finished",
    "entered-in-error",
    "IMP",
    "EMER",
    "STD",
    "2026",
    "2026-02-30",
    "2026-10-03T14:00:00+01:00",
    "9434765919",
    "-",
    "https://fhir.nhs.uk/Id/nhs-number",
    "no-known-problems",
    "asked-unknown",
    "application/pdf",
    "aGVsbG8=",
    "!",
    "<div>x</div>",
    "urn:student-passport:entry",
    "李",
    "e\u{301}",
];

fn anything(rng: &mut ChaCha20Rng) -> Json {
    match below(rng, 12) {
        0 => Json::Null,
        1 => json!(below(rng, 2) == 0),
        2 => json!([]),
        3 => json!({}),
        4 => json!([null, {}, [[]], "a"]),
        5 => "1e999".parse().unwrap(),
        6 => one(rng, &["-0.00", "1e-400", "123456789012345678901234567890.5"]).parse().unwrap(),
        7 => Json::String("ü".repeat(below(rng, 3000))),
        8 => json!({ "reference": one(rng, TEXTS) }),
        9 => json!({ "coding": [{ "system": one(rng, TEXTS), "code": one(rng, TEXTS) }] }),
        10 => json!({ "resourceType": one(rng, KINDS), "id": one(rng, TEXTS) }),
        _ => Json::String((*one(rng, TEXTS)).to_owned()),
    }
}

/// How many values there are in a value, itself included.
fn count(value: &Json) -> usize {
    1 + match value {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(members) => members.values().map(count).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// The value of this number, in the order of the text.
fn at<'a>(value: &'a Json, n: &mut usize) -> Option<&'a Json> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Json::Array(items) => items.iter().find_map(|item| at(item, n)),
        Json::Object(members) => members.values().find_map(|member| at(member, n)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

/// The same, to be changed.
fn nth<'a>(value: &'a mut Json, n: &mut usize) -> Option<&'a mut Json> {
    if *n == 0 {
        return Some(value);
    }
    *n -= 1;
    match value {
        Json::Array(items) => items.iter_mut().find_map(|item| nth(item, n)),
        Json::Object(members) => members.values_mut().find_map(|member| nth(member, n)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

fn any<'a>(value: &'a mut Json, rng: &mut ChaCha20Rng) -> &'a mut Json {
    let mut n = below(rng, count(value));
    nth(value, &mut n).unwrap()
}

/// One to four changes.
pub(super) fn tree(good: &Json, other: &Json, rng: &mut ChaCha20Rng) -> Json {
    let mut json = good.clone();
    for _ in 0..=below(rng, 4) {
        let graft = at(other, &mut below(rng, count(other))).cloned().unwrap_or_default();
        let new = anything(rng);
        let place = any(&mut json, rng);
        match (below(rng, 8), place) {
            (0, place) => *place = new,
            (1, place) => *place = graft,
            (2, place) => *place = json!([place.take()]),
            (3, Json::Array(items)) if !items.is_empty() => {
                let item = one(rng, items).clone();
                items.extend(core::iter::repeat_n(item, 1 + below(rng, 6)));
            }
            (4, Json::Object(members)) if !members.is_empty() => {
                let names: Vec<String> = members.keys().cloned().collect();
                let value = members.remove(one(rng, &names));
                if below(rng, 2) == 0 {
                    members.insert((*one(rng, NAMES)).to_owned(), value.unwrap_or_default());
                }
            }
            (5, Json::Object(members)) => put(members, graft, rng),
            (_, Json::Object(members)) => put(members, new, rng),
            (_, Json::Array(items)) => items.insert(below(rng, items.len() + 1), new),
            (_, place @ Json::String(_)) => *place = Json::String((*one(rng, TEXTS)).to_owned()),
            (_, place) => *place = new,
        }
    }
    json
}

fn put(members: &mut Map<String, Json>, value: Json, rng: &mut ChaCha20Rng) {
    members.insert((*one(rng, NAMES)).to_owned(), value);
}

/// JSON as text; now and then with a member twice.
pub(super) fn written(json: &Json, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let text = json.to_string();
    if below(rng, 16) > 0 {
        return text.into_bytes();
    }
    let name = one(rng, NAMES);
    text.replacen('{', &format!("{{\"{name}\":{},", anything(rng)), 1 + below(rng, 3)).into_bytes()
}
