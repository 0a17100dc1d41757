//! The Patient, put together from the entries that are parts of it.

use serde_json::{Value as Json, json};

use super::{ExportEntry, ExportSubject, Own, base, foreign, full_url, overlay, source};
use crate::fhir::{import::person::part, json, known, marker, original};
use crate::id::EntryId;
use crate::nhs_number::NhsNumber;
use crate::section::Value;

/// The Patient, its address in the bundle, and the entries it is made of.
pub(super) fn patient(subject: &ExportSubject, entries: &[&ExportEntry]) -> (Json, String, Own) {
    let mut own = Own::new();
    let person = entries.iter().find(|e| e.section.as_str() == "identity" && e.kind == "person");
    let mut patient = match person {
        Some(entry) => {
            own.insert(entry.id);
            let blank = || json!({ "resourceType": "Patient" });
            let mut made = overlay(base(entry).unwrap_or_else(blank), entry, &Json::clone);
            set_id(&mut made, entry.id);
            if let Some((original, _)) = foreign(entry) {
                original::put(&mut made, &original);
            }
            made
        }
        None => described(subject),
    };
    for entry in entries {
        let Some(element) = element_of(entry) else { continue };
        let received = source(entry).and_then(|s| json::first(&s, element).cloned());
        let mut from = received.unwrap_or_else(|| json!({}));
        marker::remove(&mut from);
        let made = overlay(from, entry, &|e| part(element, e));
        own.insert(entry.id);
        if let Some(members) = patient.as_object_mut() {
            let list = members.entry(element).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(made);
            }
        }
    }
    let url = person.map_or_else(|| full_url(EntryId::from_bytes([0; 16])), |e| full_url(e.id));
    (patient, url, own)
}

/// The element of the Patient that an entry is.
fn element_of(entry: &ExportEntry) -> Option<&'static str> {
    let foreign = foreign(entry).map(|(_, kind)| kind);
    let kind = base(entry).and_then(|b| json::text(&b, "resourceType").map(str::to_owned));
    if foreign.or(kind).is_some_and(|kind| kind != "Patient") {
        return None;
    }
    match (entry.section.as_str(), entry.kind.as_str()) {
        ("identity", "address") => Some("address"),
        ("identity", "contact-point") => Some("telecom"),
        ("registrations", "registration") => Some("generalPractitioner"),
        ("contacts", "contact") => Some("contact"),
        _ => None,
    }
}

fn set_id(made: &mut Json, id: EntryId) {
    if let Some(members) = made.as_object_mut() {
        members.entry("id").or_insert_with(|| id.to_string().into());
    }
}

/// A Patient of what the export is addressed with.
fn described(subject: &ExportSubject) -> Json {
    let mut patient = json!({ "resourceType": "Patient", "id": "holder" });
    if let Some(members) = patient.as_object_mut() {
        if let Some(name) = &subject.name {
            members.insert("name".into(), json!([{ "text": name }]));
        }
        if let Some(born) = &subject.date_of_birth {
            members.insert("birthDate".into(), born.as_str().into());
        }
        let number = subject.nhs_number.as_deref().and_then(|n| n.parse::<NhsNumber>().ok());
        if let Some(number) = number {
            members.insert("identifier".into(), json!([nhs_number(number.digits())]));
        }
    }
    patient
}

/// An identifier that is an NHS number.
pub(super) fn nhs_number(number: &str) -> Json {
    json!({ "system": known::NHS_NUMBER_SYSTEM, "value": number })
}

/// Writes one field into a Patient.
pub(super) fn write(patient: &mut Json, name: &str, value: &Value) {
    let Some(members) = patient.as_object_mut() else { return };
    match (name, value) {
        ("name", Value::Text(text)) => {
            members.insert("name".into(), json!([{ "use": "official", "text": text }]));
        }
        ("date_of_birth", Value::Date(date)) => {
            members.insert("birthDate".into(), date.as_str().into());
        }
        ("gender", Value::Text(text))
            if ["male", "female", "other", "unknown"].contains(&text.as_str()) =>
        {
            members.insert("gender".into(), text.clone().into());
        }
        // What is no NHS number travels in the mark.
        ("nhs_number", Value::Text(text)) if text.parse::<NhsNumber>().is_ok() => {
            let list = members.entry("identifier").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.retain(|i| {
                    json::text(i, "system").is_none_or(|s| !known::NHS_NUMBER.contains(&s))
                });
                list.insert(0, nhs_number(&text.replace(' ', "")));
            }
        }
        ("nhs_number_status", Value::Choice(choice)) if choice == "verified" => {
            let number = members.get_mut("identifier").and_then(Json::as_array_mut);
            let number = number
                .into_iter()
                .flatten()
                .find(|i| json::text(i, "system").is_some_and(|s| known::NHS_NUMBER.contains(&s)));
            if let Some(number) = number.and_then(Json::as_object_mut) {
                let coding = json!({
                    "system": known::NHS_NUMBER_STATUS_SYSTEM,
                    "code": "01",
                    "display": "Number present and verified",
                });
                let status = json!([{
                    "url": known::NHS_NUMBER_STATUS,
                    "valueCodeableConcept": { "coding": [coding] },
                }]);
                number.insert("extension".into(), status);
            }
        }
        _ => {}
    }
}
