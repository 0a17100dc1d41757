//! Resources for what was written here and not received.

use serde_json::{Value as Json, json};

use super::{ExportEntry, native};
use crate::fhir::{known, marker};

/// The resource of an entry that nothing was received for: what R4 asks for and no more.
pub(super) fn blank(entry: &ExportEntry) -> Json {
    let mut made = bare(entry);
    native::state(&mut made, entry.section.as_str(), &entry.kind);
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
            "category": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "social-history", "display": "Social History",
            }] }],
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
        // One that came as an element of the Patient is one again.
        "contacts" if kind == "contact" => {
            json!({ "resourceType": "RelatedPerson", "patient": subject })
        }
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
            let answer = marker::written(entry.fields.get(f.name)?)?;
            Some(json!({ "linkId": f.name, "text": f.title, "answer": [answer] }))
        })
        .collect();
    json!({
        "resourceType": "QuestionnaireResponse", "status": "completed",
        "subject": subject, "item": items,
    })
}
