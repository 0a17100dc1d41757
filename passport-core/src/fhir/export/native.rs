//! Where each field goes in FHIR. What is not here travels in the mark.

mod place;
mod study;

use serde_json::{Value as Json, json};

use super::{patient, quantity};
use crate::fhir::{json, known};
use crate::section::{Code, Value, display::display_value};
use place::{ALLERGY_CLINICAL, As, CLASSES, place_in, statement};

/// Writes a field where FHIR has a place for it.
pub(super) fn write(made: &mut Json, section: &str, kind: &str, field: &str, value: &Value) {
    if (section, kind) == ("identity", "person") {
        return patient::write(made, field, value);
    }
    if section == "education" {
        return study::write(made, field, value);
    }
    if let Some((pointer, form)) = place_in(made, section, kind, field)
        && let Some(written) = written(value, form)
    {
        choose(made, pointer);
        put(made, pointer, written);
    }
    if field == "statement" {
        state(made, section, kind);
    }
}

/// Of an element with several forms, such as `onsetDateTime` and `onsetAge`, FHIR allows one.
fn choose(made: &mut Json, pointer: &str) {
    const STEMS: [&str; 6] =
        ["onset", "abatement", "effective", "occurrence", "value", "medication"];
    let name = pointer.split('/').nth(1).unwrap_or_default();
    let is_form = |of: &str, stem: &str| {
        of.strip_prefix(stem).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    let Some(stem) = STEMS.into_iter().find(|stem| is_form(name, stem)) else { return };
    let Some(members) = made.as_object_mut() else { return };
    let began = members.get("effectiveDateTime").cloned();
    members.retain(|member, _| member == name || !is_form(member, stem));
    if let Some(began) = began.filter(|_| pointer == "/effectivePeriod/end") {
        members.insert("effectivePeriod".into(), json!({ "start": began }));
    }
}

/// Says in a code that there are none, or none known: in words alone, or without any, another
/// system would take the entry for an allergy or a medicine.
pub(super) fn state(made: &mut Json, section: &str, kind: &str) {
    let (system, code, display) = match (section, kind) {
        ("allergies", "none-known") => (known::SNOMED, "716186003", "No known allergy"),
        ("allergies", "no-information") => {
            (known::ABSENT_UNKNOWN, "no-allergy-info", "No information about allergies")
        }
        ("medications", "none-known") => {
            (known::ABSENT_UNKNOWN, "no-known-medications", "No known medications")
        }
        ("medications", "no-information") => {
            (known::ABSENT_UNKNOWN, "no-medication-info", "No information about medications")
        }
        ("problems", "none-known") => {
            (known::ABSENT_UNKNOWN, "no-known-problems", "No known problems")
        }
        ("problems", "no-information") => {
            (known::ABSENT_UNKNOWN, "no-problem-info", "No information about problems")
        }
        ("immunisations", "no-information") => {
            (known::ABSENT_UNKNOWN, "no-immunization-info", "No information about immunizations")
        }
        _ => return,
    };
    let Some((pointer, _)) = statement(section, "statement") else { return };
    let coding = json!([{ "system": system, "code": code, "display": display }]);
    if made.pointer(&format!("{pointer}/coding")).is_none() {
        put(made, &format!("{pointer}/coding"), coding);
    }
}

/// Takes out a field that the entry no longer has.
pub(super) fn erase(made: &mut Json, section: &str, kind: &str, field: &str) {
    if section == "education" {
        return study::erase(made, field);
    }
    if let Some((pointer, _)) = place_in(made, section, kind, field) {
        remove(made, pointer);
    }
    if field == "statement" {
        state(made, section, kind);
    }
}

/// Takes out what R4's rules do not allow beside the rest, which then travels in the mark. What was
/// received that way goes back as it came: `had` is the resource before anything was written over it.
pub(super) fn allow(made: &mut Json, had: &Json) {
    if errs_and_is(made) && !errs_and_is(had) {
        take_out(made, "clinicalStatus");
    }
    if ended_and_is(made) && !ended_and_is(had) {
        take_out(made, "abatement");
    }
}

/// Takes out an element, in whichever form it is there.
fn take_out(made: &mut Json, stem: &str) {
    if let Some(members) = made.as_object_mut() {
        members.retain(|name, _| !name.starts_with(stem));
    }
}

/// What was entered in error has no clinical status (R4, con-5 and ait-2).
fn errs_and_is(made: &Json) -> bool {
    json::has_code(made, "verificationStatus", "entered-in-error")
        && made.get("clinicalStatus").is_some()
}

/// What has ended has the status of something that is over (R4, con-4).
fn ended_and_is(made: &Json) -> bool {
    let over = ["resolved", "remission", "inactive"];
    made.as_object().is_some_and(|members| members.keys().any(|k| k.starts_with("abatement")))
        && !over.iter().any(|code| json::has_code(made, "clinicalStatus", code))
}

/// Adds to what was written here what must be there by R4's rules.
pub(super) fn complete(made: &mut Json, section: &str) {
    let in_error = json::has_code(made, "verificationStatus", "entered-in-error");
    let kind = json::text(made, "resourceType").unwrap_or_default().to_owned();
    if section == "education" {
        return study::complete(made);
    }
    let Some(members) = made.as_object_mut() else { return };
    match kind.as_str() {
        "AllergyIntolerance" if !in_error => {
            let active = json!({ "coding": [{ "system": ALLERGY_CLINICAL, "code": "active" }] });
            members.entry("clinicalStatus").or_insert(active);
        }
        "Immunization" if !members.keys().any(|k| k.starts_with("occurrence")) => {
            members.insert("occurrenceString".into(), "unknown".into());
        }
        "" if section == "identity" && members.contains_key("value") => {
            members.entry("system").or_insert("other".into());
        }
        _ => {}
    }
}

fn written(value: &Value, form: As) -> Option<Json> {
    let plain = || {
        if let Value::Text(text) | Value::Prose(text) | Value::Choice(text) = value {
            text.clone()
        } else {
            display_value(value)
        }
    };
    Some(match (form, value) {
        (As::Concept, Value::Code(code)) => concept(code),
        (As::Concepts, Value::Code(code)) => json!([concept(code)]),
        (As::Coded(system), Value::Choice(code)) => {
            json!({ "coding": [{ "system": system, "code": code }] })
        }
        (As::Words(words), Value::Choice(ours)) => {
            words.iter().find(|(name, _)| name == ours)?.1.into()
        }
        (As::Class, Value::Choice(ours)) => {
            let code = CLASSES.iter().find(|(name, _)| name == ours)?.1;
            json!({ "system": known::ACT_CODE, "code": code })
        }
        (As::Note, _) => json!([{ "text": plain() }]),
        (As::Quantity, Value::Quantity(number)) => quantity(number)?,
        (As::Period, Value::Period(period)) => {
            let sides = [("start", &period.start), ("end", &period.end)];
            sides
                .into_iter()
                .filter_map(|(name, d)| Some((name.to_owned(), d.as_ref()?.as_str().into())))
                .collect::<serde_json::Map<String, Json>>()
                .into()
        }
        (As::Plain, _) => plain().into(),
        // An address has no space in it (R4, url): what has is none.
        (As::Address, _) => Some(plain()).filter(|url| !url.contains(char::is_whitespace))?.into(),
        _ => return None,
    })
}

fn concept(code: &Code) -> Json {
    let mut out = serde_json::Map::new();
    let parts = [("system", &code.system), ("code", &code.code), ("display", &code.display)];
    let coding: serde_json::Map<String, Json> = parts
        .into_iter()
        .filter_map(|(name, part)| Some((name.to_owned(), part.clone()?.into())))
        .collect();
    if !coding.is_empty() {
        out.insert("coding".into(), json!([coding]));
    }
    if let Some(text) = &code.text {
        out.insert("text".into(), text.clone().into());
    }
    Json::Object(out)
}

/// Sets what a pointer names, making what leads there.
fn put(made: &mut Json, pointer: &str, value: Json) {
    let mut at = made;
    for part in pointer.split('/').skip(1) {
        if part == "0" {
            if !at.is_array() {
                *at = json!([]);
            }
            let Some(list) = at.as_array_mut() else { return };
            if list.is_empty() {
                list.push(json!({}));
            }
            let Some(first) = list.first_mut() else { return };
            at = first;
        } else {
            if !at.is_object() {
                *at = json!({});
            }
            let Some(members) = at.as_object_mut() else { return };
            at = members.entry(part).or_insert(Json::Null);
        }
    }
    *at = value;
}

fn remove(made: &mut Json, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let parent = if parent.is_empty() { Some(made) } else { made.pointer_mut(parent) };
    if let Some(members) = parent.and_then(Json::as_object_mut) {
        members.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_contradicts_itself_is_left_to_the_mark_unless_it_came_so() {
        let coded = |code: &str| json!({ "coding": [{ "code": code }] });
        let ended = |status: &str| json!({ "clinicalStatus": coded(status), "abatementDateTime": "2026-10" });
        let mut error = ended("resolved");
        put(&mut error, "/verificationStatus", coded("entered-in-error"));
        for (wrong, rest) in [
            (ended("active"), json!({ "clinicalStatus": coded("active") })),
            (json!({ "abatementString": "last year" }), json!({})),
            (error, json!({ "verificationStatus": coded("entered-in-error") })),
        ] {
            let (mut made, mut came) = (wrong.clone(), wrong.clone());
            allow(&mut made, &Json::Null);
            assert_eq!(made, rest);
            allow(&mut came, &wrong);
            assert_eq!(came, wrong);
        }
        let (mut fine, before) = (ended("resolved"), ended("resolved"));
        allow(&mut fine, &Json::Null);
        assert_eq!(fine, before);
    }
}
