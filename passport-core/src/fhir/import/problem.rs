//! Conditions, allergies and alerts.

use serde_json::Value as Json;

use super::bundle::Resource;
use super::draft::{Drafts, Fields};
use crate::fhir::json;
use crate::fhir::known::{self, Absence};
use crate::section::Code;

/// Condition (HL7 FHIR R4).
pub(super) fn condition(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let c = &r.json;
    if known::is_adjustment(c) {
        return impairment(c, out);
    }
    let certainty = verification(c);
    if let Some(absence) = absence(c) {
        return state(r, "problems", absence, certainty.as_deref(), out);
    }
    let status = code_of(c, "clinicalStatus");
    let mut fields = Fields::default();
    fields
        .code("condition", json::concept_in(c, "code"))
        .choice("status", status.as_deref())
        .choice("certainty", certainty.as_deref())
        .code("severity", json::concept_in(c, "severity"))
        .date("onset", json::date_of_choice(c, "onset"))
        .date("ended", json::date_of_choice(c, "abatement"))
        .date("recorded", json::date(c, "recordedDate"))
        .set("note", json::notes(c, "note"));
    out.add("problems", "problem", fields);
}

/// `AllergyIntolerance` (HL7 FHIR R4).
pub(super) fn allergy(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let a = &r.json;
    let certainty = verification(a);
    if let Some(absence) = absence(a) {
        return state(r, "allergies", absence, certainty.as_deref(), out);
    }
    let reactions = json::list(a, "reaction");
    let manifestations: Vec<_> = reactions
        .iter()
        .flat_map(|r| json::list(r, "manifestation"))
        .filter_map(json::concept)
        .filter(|c| c.code.as_deref() != Some("NI"))
        .collect();
    let reaction = match manifestations.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => {
            let words: Vec<_> = many.iter().map(Code::words).collect();
            Some(Code::text(json::bounded(&words.join(", "), 4096)))
        }
    };
    let worst = ["severe", "moderate", "mild"]
        .into_iter()
        .find(|s| reactions.iter().any(|r| json::text(r, "severity") == Some(s)));
    let agent = json::concept_in(a, "code")
        .or_else(|| reactions.iter().find_map(|r| json::concept_in(r, "substance")));
    let status = code_of(a, "clinicalStatus");
    let mut fields = Fields::default();
    fields
        .code("agent", agent)
        .code("reaction", reaction)
        .choice("severity", worst)
        .choice("criticality", json::text(a, "criticality"))
        .choice("type", json::text(a, "type"))
        .choice("status", status.as_deref())
        .choice("certainty", certainty.as_deref())
        .date("onset", json::date_of_choice(a, "onset"))
        .date("recorded", json::date(a, "recordedDate"))
        .set("note", json::notes(a, "note"));
    out.add("allergies", "allergy", fields);
}

/// Flag and `RiskAssessment` (HL7 FHIR R4): never under `documents`, which are shared more freely.
pub(super) fn risk(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let f = &r.json;
    if known::is_adjustment(f) {
        if json::text(f, "status") != Some("entered-in-error") {
            adjustment(f, out);
        }
        return;
    }
    let named = json::concept_in(f, "code")
        .or_else(|| json::first(f, "prediction").and_then(|p| json::concept_in(p, "outcome")))
        .unwrap_or_else(|| Code::text(r.kind()));
    let status = match json::text(f, "status") {
        Some("active" | "final" | "registered" | "preliminary" | "amended") => Some("active"),
        Some("entered-in-error") => Some("entered-in-error"),
        Some(_) => Some("inactive"),
        None => None,
    };
    let category = match json::codes_in(f, "category").next() {
        Some("safety" | "behavioral") => Some("safety"),
        Some("clinical" | "drug" | "lab" | "diet") => Some("clinical"),
        Some(_) => Some("other"),
        None => None,
    };
    let mut fields = Fields::default();
    fields
        .code("risk", Some(named))
        .choice("category", category)
        .choice("status", status)
        .set("period", f.get("period").and_then(json::period).map(crate::section::Value::Period))
        .date("assessed", json::date_of_choice(f, "occurrence"))
        .set("note", json::notes(f, "note"));
    out.add("risks", "risk", fields);
}

/// A Flag of England's Reasonable Adjustment Flag.
fn adjustment(f: &Json, out: &mut Drafts<'_>) {
    const NOTES: &str = "https://fhir.nhs.uk/England/StructureDefinition/Extension-FlagNotes";
    let status = match json::text(f, "status") {
        Some("active") => Some("in-place"),
        Some("inactive") => Some("ended"),
        _ => None,
    };
    let notes = json::extension(f, NOTES).and_then(|n| json::notes(n, "valueAnnotation"));
    let mut fields = Fields::default();
    fields
        .code("adjustment", json::concept_in(f, "code"))
        .choice("status", status)
        .set("period", f.get("period").and_then(json::period).map(crate::section::Value::Period))
        .set("note", notes);
    out.add("adjustments", "adjustment", fields);
}

/// A Condition of England's Reasonable Adjustment Flag.
fn impairment(c: &Json, out: &mut Drafts<'_>) {
    let mut fields = Fields::default();
    fields
        .code("impairment", json::concept_in(c, "code"))
        .date("onset", json::date_of_choice(c, "onset"))
        .set("note", json::notes(c, "note"));
    out.add("adjustments", "impairment", fields);
}

/// Whether the code says that there are none, or nothing is known: by a code that means so, or,
/// where there is no code at all, by words such as "No known allergies".
pub(super) fn absence_of(resource: &Json, name: &str) -> Option<Absence> {
    let concepts = json::list(resource, name);
    let coded = concepts
        .iter()
        .flat_map(|c| json::list(c, "coding"))
        .find_map(|c| known::absence(json::text(c, "system"), json::text(c, "code")?));
    coded.or_else(|| {
        let concept = concepts.first().filter(|c| json::list(c, "coding").is_empty())?;
        let words = json::text(concept, "text")?.to_lowercase();
        let whole_list = ["allerg", "medic", "problem", "condition"];
        let none = words.starts_with("no known ") && whole_list.iter().any(|w| words.contains(w));
        none.then_some(Absence::NoneKnown)
    })
}

fn absence(resource: &Json) -> Option<Absence> {
    absence_of(resource, "code")
}

/// A positive word on a whole list; not if it was ruled out or recorded by mistake.
fn state(
    r: &Resource<'_>,
    section: &str,
    absence: Absence,
    certainty: Option<&str>,
    out: &mut Drafts<'_>,
) {
    if matches!(certainty, Some("entered-in-error" | "refuted")) {
        return;
    }
    let mut fields = Fields::default();
    let asserted = ["recordedDate", "onsetDateTime"].iter().find_map(|n| json::date(&r.json, n));
    fields
        .code("statement", json::concept_in(&r.json, "code"))
        .date("asserted", asserted)
        .set("note", json::notes(&r.json, "note"));
    out.add(section, absence.kind(), fields);
}

fn verification(resource: &Json) -> Option<String> {
    code_of(resource, "verificationStatus")
}

/// A status, which is a concept in R4 and a code alone in STU3.
fn code_of(resource: &Json, name: &str) -> Option<String> {
    json::codes_in(resource, name).next().or_else(|| json::text(resource, name)).map(str::to_owned)
}
