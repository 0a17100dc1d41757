//! Where each field goes in FHIR. What is not here travels in the mark.

use serde_json::{Value as Json, json};

use super::{ExportEntry, patient, quantity};
use crate::fhir::{json, known};
use crate::section::{Code, Value, display::display_value};

/// How a value is written.
#[derive(Clone, Copy)]
enum As {
    /// The text, date or choice alone.
    Plain,
    /// A `CodeableConcept`.
    Concept,
    /// A list of one `CodeableConcept`.
    Concepts,
    /// A `CodeableConcept` of one code of this system.
    Coded(&'static str),
    /// A list of one `Annotation`.
    Note,
    /// A `Quantity`.
    Quantity,
    /// A `Period`.
    Period,
    /// A choice in FHIR's words: pairs of ours and theirs.
    Words(&'static [(&'static str, &'static str)]),
    /// `Encounter.class`.
    Class,
}

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
const ALLERGY_CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const ALLERGY_VERIFICATION: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const GIVEN: &[(&str, &str)] =
    &[("given", "completed"), ("not-given", "not-done"), ("entered-in-error", "entered-in-error")];

/// `Encounter.class` (HL7 v3 `ActCode`) for the table's words.
const CLASSES: &[(&str, &str)] = &[
    ("attendance", "EMER"),
    ("inpatient", "IMP"),
    ("outpatient", "AMB"),
    ("community", "HH"),
    ("virtual", "VR"),
];

/// The place of a field: a JSON pointer whose parts are made as needed, and the form.
fn place(section: &str, kind: &str, field: &str) -> Option<(&'static str, As)> {
    if matches!(kind, "none-known" | "no-information") {
        return statement(section, field);
    }
    match (section, kind) {
        ("problems", _) => problem(field),
        ("allergies", _) => allergy(field),
        ("medications", _) => medication(field),
        ("immunisations", _) => immunisation(field),
        ("results", _) => result(field),
        ("care-history", "referral") => referral(field),
        ("care-history" | "discharges", _) => encounter(field),
        ("discharge-notice", _) => (field == "discharged_on").then_some(("/period/end", As::Plain)),
        ("documents", "document") => document(field),
        ("education", _) => education(field),
        ("plan" | "adjustments" | "risks", _) => planned(field),
        ("identity" | "registrations" | "contacts", _) => of_patient(kind, field),
        _ => None,
    }
}

fn statement(section: &str, field: &str) -> Option<(&'static str, As)> {
    Some(match (section, field) {
        ("medications", "statement") => ("/medicationCodeableConcept", As::Concept),
        ("medications", "asserted") => ("/dateAsserted", As::Plain),
        ("immunisations", "statement") => ("/vaccineCode", As::Concept),
        ("immunisations", "asserted") => ("/recorded", As::Plain),
        (_, "statement") => ("/code", As::Concept),
        (_, "asserted") => ("/recordedDate", As::Plain),
        (_, "note") => ("/note", As::Note),
        _ => return None,
    })
}

fn referral(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "service" => ("/code", As::Concept),
        "referred_on" => ("/authoredOn", As::Plain),
        _ => return None,
    })
}

fn education(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "provider" => ("/valueString", As::Plain),
        "period" => ("/effectivePeriod", As::Period),
        _ => return None,
    })
}

fn planned(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "action" | "holds" => ("/description", As::Plain),
        "service" | "title" => ("/title", As::Plain),
        "risk" | "adjustment" | "impairment" => ("/code", As::Concept),
        "period" => ("/period", As::Period),
        _ => return None,
    })
}

fn of_patient(kind: &str, field: &str) -> Option<(&'static str, As)> {
    Some(match (kind, field) {
        ("address", "lines") => ("/line/0", As::Plain),
        ("address", "postcode") => ("/postalCode", As::Plain),
        ("contact-point", "value") => ("/value", As::Plain),
        ("registration", "practice") => ("/display", As::Plain),
        ("contact", "name") => ("/name/text", As::Plain),
        ("contact", "relationship") => ("/relationship", As::Concepts),
        ("professional", "name") => ("/name", As::Plain),
        // A reference, which a registration is, has no period.
        ("address" | "contact-point" | "contact" | "professional", "period") => {
            ("/period", As::Period)
        }
        _ => return None,
    })
}

fn problem(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "condition" => ("/code", As::Concept),
        "status" => ("/clinicalStatus", As::Coded(CLINICAL)),
        "certainty" => ("/verificationStatus", As::Coded(VERIFICATION)),
        "severity" => ("/severity", As::Concept),
        "onset" => ("/onsetDateTime", As::Plain),
        "ended" => ("/abatementDateTime", As::Plain),
        "recorded" => ("/recordedDate", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn allergy(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "agent" => ("/code", As::Concept),
        "reaction" => ("/reaction/0/manifestation", As::Concepts),
        "severity" => ("/reaction/0/severity", As::Plain),
        "criticality" => ("/criticality", As::Plain),
        "type" => ("/type", As::Plain),
        "status" => ("/clinicalStatus", As::Coded(ALLERGY_CLINICAL)),
        "certainty" => ("/verificationStatus", As::Coded(ALLERGY_VERIFICATION)),
        "onset" => ("/onsetDateTime", As::Plain),
        "recorded" => ("/recordedDate", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn medication(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "item" => ("/medicationCodeableConcept", As::Concept),
        "route" => ("/dosage/0/route", As::Concept),
        "timing" => ("/dosage/0/timing/code/text", As::Plain),
        "instructions" => ("/dosage/0/text", As::Plain),
        "status" => ("/status", As::Plain),
        "started" => ("/effectivePeriod/start", As::Plain),
        "stopped" => ("/effectivePeriod/end", As::Plain),
        "prescribed" => ("/dateAsserted", As::Plain),
        "reason" => ("/reasonCode/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn immunisation(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "vaccine" => ("/vaccineCode", As::Concept),
        "given" => ("/occurrenceDateTime", As::Plain),
        "status" => ("/status", As::Words(GIVEN)),
        "dose_number" => ("/protocolApplied/0/doseNumberString", As::Plain),
        "batch" => ("/lotNumber", As::Plain),
        "site" => ("/site", As::Concept),
        "reason_not_given" => ("/statusReason", As::Concept),
        "given_by" => ("/performer/0/actor/display", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn result(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "what" => ("/code", As::Concept),
        "value" => ("/valueQuantity", As::Quantity),
        "finding" => ("/valueCodeableConcept", As::Concept),
        "text" => ("/valueString", As::Plain),
        "date" => ("/effectiveDateTime", As::Plain),
        "status" => ("/status", As::Plain),
        "interpretation" => ("/interpretation", As::Concepts),
        "range" => ("/referenceRange/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn encounter(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "type" => ("/type", As::Concepts),
        "class" => ("/class", As::Class),
        "status" => ("/status", As::Plain),
        "period" => ("/period", As::Period),
        "service" | "specialty" => ("/serviceType", As::Concept),
        "provider" | "hospital" => ("/serviceProvider/display", As::Plain),
        "reason" => ("/reasonCode", As::Concepts),
        "admitted" => ("/period/start", As::Plain),
        "discharged_on" => ("/period/end", As::Plain),
        "destination" => ("/hospitalization/dischargeDisposition", As::Concept),
        _ => return None,
    })
}

fn document(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "title" => ("/content/0/attachment/title", As::Plain),
        "type" => ("/type", As::Concept),
        "date" => ("/content/0/attachment/creation", As::Plain),
        "author" => ("/author/0/display", As::Plain),
        "link" => ("/content/0/attachment/url", As::Plain),
        _ => return None,
    })
}

/// `MedicationRequest`, whose places differ from the statement's.
fn request(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "item" => ("/medicationCodeableConcept", As::Concept),
        "route" => ("/dosageInstruction/0/route", As::Concept),
        "timing" => ("/dosageInstruction/0/timing/code/text", As::Plain),
        "instructions" => ("/dosageInstruction/0/text", As::Plain),
        "prescribed" | "asserted" => ("/authoredOn", As::Plain),
        "reason" => ("/reasonCode/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn place_in(made: &Json, section: &str, kind: &str, field: &str) -> Option<(&'static str, As)> {
    match json::text(made, "resourceType") {
        Some("MedicationRequest") => request(field),
        _ => place(section, kind, field),
    }
}

/// Writes a field where FHIR has a place for it.
pub(super) fn write(made: &mut Json, section: &str, kind: &str, field: &str, value: &Value) {
    if (section, kind) == ("identity", "person") {
        return patient::write(made, field, value);
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
fn state(made: &mut Json, section: &str, kind: &str) {
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
    if let Some((pointer, _)) = place_in(made, section, kind, field) {
        remove(made, pointer);
    }
    if field == "statement" {
        state(made, section, kind);
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

/// The resource of an entry that nothing was received for: what R4 asks for and no more.
pub(super) fn blank(entry: &ExportEntry) -> Json {
    let mut made = bare(entry);
    state(&mut made, entry.section.as_str(), &entry.kind);
    made
}

fn bare(entry: &ExportEntry) -> Json {
    let subject = json!({ "reference": "" });
    let kind = entry.kind.as_str();
    let class = |code: &str| json!({ "system": known::ACT_CODE, "code": code });
    let stay = || json!({ "resourceType": "Encounter", "status": "finished", "class": class("IMP"), "subject": subject });
    match entry.section.as_str() {
        "problems" => json!({ "resourceType": "Condition", "subject": subject }),
        "allergies" => json!({ "resourceType": "AllergyIntolerance", "patient": subject }),
        "medications" => {
            json!({ "resourceType": "MedicationStatement", "status": "unknown", "subject": subject })
        }
        "immunisations" => {
            json!({ "resourceType": "Immunization", "status": "completed", "patient": subject })
        }
        "results" => {
            json!({ "resourceType": "Observation", "status": "unknown", "subject": subject })
        }
        "care-history" if kind == "referral" => json!({
            "resourceType": "ServiceRequest", "status": "unknown", "intent": "order", "subject": subject,
        }),
        "care-history" => json!({
            "resourceType": "Encounter", "status": "unknown", "class": class("AMB"), "subject": subject,
        }),
        "discharges" | "discharge-notice" => stay(),
        "education" => json!({
            "resourceType": "Observation", "status": "final", "subject": subject,
            "code": { "coding": heading(entry), "text": "Student status" },
        }),
        "about-me" => about_me(entry, &subject),
        "plan" | "safety-plan" => json!({
            "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject,
        }),
        "adjustments" if kind == "impairment" => {
            json!({ "resourceType": "Condition", "subject": subject })
        }
        "adjustments" if kind == "support-plan" => json!({
            "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": subject,
        }),
        "adjustments" | "risks" => json!({
            "resourceType": "Flag", "status": "active", "subject": subject,
        }),
        "contacts" => json!({ "resourceType": "CareTeam", "status": "active", "subject": subject }),
        _ => json!({
            "resourceType": "DocumentReference", "status": "current", "subject": subject,
            "content": [{ "attachment": { "title": "Document" } }],
        }),
    }
}

fn heading(entry: &ExportEntry) -> Json {
    entry.section.spec().heading.map_or_else(
        || json!([]),
        |h| json!([{ "system": h.system, "code": h.code, "display": h.display }]),
    )
}

/// The prompts with their answers.
fn about_me(entry: &ExportEntry, subject: &Json) -> Json {
    let fields = entry.section.spec().kind(&entry.kind).map(|k| k.fields).unwrap_or_default();
    let items: Vec<_> = fields
        .iter()
        .filter(|f| f.name != "identifier")
        .filter_map(|f| {
            let answer = crate::fhir::marker::written(entry.fields.get(f.name)?)?;
            Some(json!({ "linkId": f.name, "text": f.title, "answer": [answer] }))
        })
        .collect();
    json!({
        "resourceType": "QuestionnaireResponse", "status": "completed",
        "subject": subject, "item": items,
    })
}
