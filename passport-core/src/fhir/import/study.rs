//! Student status, which health records have no place of their own for.

use serde_json::Value as Json;

use super::draft::{Drafts, Fields};
use crate::fhir::{json, known};
use crate::section::Value;

/// Where a student says what they study: the heading of the record standard, HL7's role of a
/// student, or this project's own code.
pub(super) fn is_study(observation: &Json) -> bool {
    let coded = |name: &str, system: &str, code: Option<&str>| {
        codings(observation, name).any(|c| {
            json::text(c, "system") == Some(system)
                && code.is_none_or(|code| json::text(c, "code") == Some(code))
        })
    };
    let heading = Some("educational-history");
    coded("code", known::RECORD_HEADINGS, heading)
        || coded("valueCodeableConcept", known::STUDENT_STATUS, None)
        || coded("valueCodeableConcept", known::ROLE_CLASS, Some(known::STUDENT))
}

/// Observation (HL7 FHIR R4) about studies; without a provider it is a result like any other, and
/// this says so.
pub(super) fn study(o: &Json, out: &mut Drafts<'_>) -> bool {
    let part = |name: &str| {
        json::list(o, "component").iter().find(|c| {
            codings(c, "code").any(|coding| {
                json::text(coding, "system") == Some(known::STUDIES)
                    && json::text(coding, "code") == Some(name)
            })
        })
    };
    let said = |name: &str| part(name).and_then(|c| json::text(c, "valueString"));
    let performer = json::first(o, "performer").and_then(|p| json::text(p, "display"));
    let Some(provider) = said("provider").or(performer) else { return false };
    let regulated = part("regulated_course").and_then(|c| c.get("valueBoolean")?.as_bool());
    let mut fields = Fields::default();
    fields
        .text("provider", Some(provider))
        .choice("status", status(o))
        .set("period", o.get("effectivePeriod").and_then(json::period).map(Value::Period))
        .set("regulated_course", regulated.map(Value::Boolean))
        .set("note", json::notes(o, "note"));
    for name in known::STUDY_TEXTS.iter().filter(|name| **name != "provider") {
        fields.text(name, said(name));
    }
    out.add("education", "study", fields);
    true
}

fn status(o: &Json) -> Option<&str> {
    let own = codings(o, "valueCodeableConcept")
        .find(|c| json::text(c, "system") == Some(known::STUDENT_STATUS));
    let asked = json::has_code(o, "dataAbsentReason", known::ASKED_UNKNOWN);
    let student = json::has_code(o, "valueCodeableConcept", known::STUDENT);
    own.and_then(|c| json::text(c, "code"))
        .or_else(|| asked.then_some("unknown"))
        .or_else(|| student.then_some("enrolled"))
}

fn codings<'a>(of: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    json::list(of, name).iter().flat_map(|concept| json::list(concept, "coding"))
}
