//! Student status as an Observation that a practice can file: coded where there is a code, and
//! with the reason where there is no status.

use serde_json::{Value as Json, json};

use super::written;
use super::{As, put, remove};
use crate::fhir::{json, known};
use crate::section::{Value, table};

/// Status of somebody who is a student now.
const STUDENTS: [&str; 3] = ["enrolled", "on-placement", "interrupted"];
const VALUE: &str = "/valueCodeableConcept";
const ABSENT: &str = "/dataAbsentReason";

/// Writes a field where there is a place for it.
pub(super) fn write(made: &mut Json, field: &str, value: &Value) {
    match (field, value) {
        ("status", Value::Choice(status)) => {
            // One written for a purpose before must not stand beside what is said now.
            remove(made, VALUE);
            remove(made, ABSENT);
            remove(made, "/valueString");
            if status == "unknown" {
                put(made, ABSENT, absent(known::ASKED_UNKNOWN, "Asked But Unknown"));
            } else {
                put(made, VALUE, coded(status));
            }
        }
        ("period", _) => {
            if let Some(period) = written(value, As::Period) {
                put(made, "/effectivePeriod", period);
            }
        }
        ("note", Value::Prose(text)) => put(made, "/note", json!([{ "text": text }])),
        ("regulated_course", Value::Boolean(yes)) => {
            part(made, field, &json!({ "valueBoolean": yes }));
        }
        (_, Value::Text(text)) if known::STUDY_TEXTS.contains(&field) => {
            part(made, field, &json!({ "valueString": text }));
        }
        _ => {}
    }
}

/// Takes out a field that the entry no longer has.
pub(super) fn erase(made: &mut Json, field: &str) {
    match field {
        "status" => {
            remove(made, VALUE);
            remove(made, ABSENT);
        }
        "period" => remove(made, "/effectivePeriod"),
        "note" => remove(made, "/note"),
        _ => unpart(made, field),
    }
}

/// Says that nobody has said, where there is no status: that is not *no student*.
pub(super) fn complete(made: &mut Json) {
    let silent = ["valueCodeableConcept", "valueString", "dataAbsentReason"];
    if silent.iter().all(|name| made.get(*name).is_none()) {
        put(made, ABSENT, absent("unknown", "Unknown"));
    }
}

fn coded(status: &str) -> Json {
    let mut codings = vec![json!({ "system": known::STUDENT_STATUS, "code": status })];
    if STUDENTS.contains(&status) {
        let student = json!({
            "system": known::ROLE_CLASS, "code": known::STUDENT, "display": "student",
        });
        codings.push(student);
    }
    json!({ "coding": codings, "text": format!("Student status: {}", status.replace('-', " ")) })
}

fn absent(code: &str, display: &str) -> Json {
    json!({ "coding": [{ "system": known::DATA_ABSENT, "code": code, "display": display }] })
}

/// Sets a part of the Observation.
fn part(made: &mut Json, field: &str, value: &Json) {
    unpart(made, field);
    let spec = table::find("education").and_then(|s| s.kinds.first()?.field(field));
    let title = spec.map_or(field, |f| f.title);
    let mut part = json!({
        "code": { "coding": [{ "system": known::STUDIES, "code": field }], "text": title },
    });
    if let (Some(members), Some(value)) = (part.as_object_mut(), value.as_object()) {
        members.extend(value.clone());
    }
    let Some(members) = made.as_object_mut() else { return };
    let parts = members.entry("component").or_insert_with(|| json!([]));
    if let Some(parts) = parts.as_array_mut() {
        parts.push(part);
    }
}

fn unpart(made: &mut Json, field: &str) {
    let Some(members) = made.as_object_mut() else { return };
    let Some(parts) = members.get_mut("component").and_then(Json::as_array_mut) else { return };
    let is_it = |part: &Json| {
        json::codes_in(part, "code").any(|code| code == field)
            && part.to_string().contains(known::STUDIES)
    };
    parts.retain(|part| !is_it(part));
    if parts.is_empty() {
        members.remove("component");
    }
}
