//! Medicines.

use serde_json::Value as Json;

use super::bundle::{Resource, Resources};
use super::draft::{Drafts, Fields};
use super::problem::absence_of;
use crate::fhir::json;
use crate::section::{Code, Value};

/// `MedicationStatement` and `MedicationRequest` (HL7 FHIR R4).
pub(super) fn medication(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let m = &r.json;
    let status = json::text(m, "status");
    let asserted = ["dateAsserted", "authoredOn"].iter().find_map(|n| json::date(m, n));
    if let Some(absence) = absence_of(m, "medicationCodeableConcept") {
        if status != Some("entered-in-error") {
            let mut fields = Fields::default();
            fields
                .code("statement", json::concept_in(m, "medicationCodeableConcept"))
                .date("asserted", asserted.or_else(|| json::date_of_choice(m, "effective")))
                .set("note", json::notes(m, "note"));
            out.add("medications", absence.kind(), fields);
        }
        return;
    }
    let doses = [json::list(m, "dosage"), json::list(m, "dosageInstruction")].concat();
    let joined = |each: fn(&Json) -> Option<String>| {
        let parts: Vec<_> = doses.iter().filter_map(each).collect();
        parts.join("; ")
    };
    let reasons: Vec<_> = json::list(m, "reasonCode")
        .iter()
        .filter_map(json::concept)
        .map(|c| c.words().to_owned())
        .collect();
    let is_request = r.kind() == "MedicationRequest";
    let started = json::date_of_choice(m, "effective");
    let stopped = m.get("effectivePeriod").and_then(|p| json::date(p, "end"));
    let mut fields = Fields::default();
    fields
        .code("item", item(r, all))
        .text("dose", Some(&joined(dose)))
        .code("route", doses.iter().find_map(|d| json::concept_in(d, "route")))
        .text("timing", Some(&joined(timing)))
        .text("instructions", Some(&joined(instructions)))
        .choice("status", status.map(status_of))
        .date("started", started)
        .date("stopped", stopped)
        .date("prescribed", asserted)
        .text("reason", Some(&reasons.join(", ")))
        .text("prescriber", m.get("requester").and_then(|p| json::text(p, "display")))
        .text("supply", m.get("dispenseRequest").and_then(supply).as_deref())
        .set("note", json::notes(m, "note"));
    if is_request && json::has_code(m, "courseOfTherapyType", "continuous") {
        fields.set("repeat", Some(Value::Boolean(true)));
    }
    out.add("medications", "medication", fields);
}

/// The medicine, named here or by reference.
fn item(r: &Resource<'_>, all: &Resources<'_>) -> Option<Code> {
    if let Some(code) = json::concept_in(&r.json, "medicationCodeableConcept") {
        return Some(code);
    }
    let reference = r.json.get("medicationReference")?;
    let medication = all.resolve(r, reference);
    medication
        .as_ref()
        .and_then(|m| json::concept_in(m, "code"))
        .or_else(|| {
            let parts = json::list(medication.as_ref()?, "ingredient");
            parts.iter().find_map(|i| json::concept_in(i, "itemCodeableConcept"))
        })
        .or_else(|| json::text(reference, "display").map(|d| Code::text(json::bounded(d, 4096))))
}

fn dose(dosage: &Json) -> Option<String> {
    let rate = json::first(dosage, "doseAndRate")?;
    rate.get("doseQuantity").and_then(json::quantity_words).or_else(|| {
        let range = rate.get("doseRange")?;
        let low = range.get("low").and_then(json::quantity_words);
        let high = range.get("high").and_then(json::quantity_words);
        Some([low, high].into_iter().flatten().collect::<Vec<_>>().join(" to "))
    })
}

fn timing(dosage: &Json) -> Option<String> {
    let timing = dosage.get("timing");
    let coded = timing.and_then(|t| json::concept_in(t, "code")).map(|c| c.words().to_owned());
    let repeat = timing.and_then(|t| t.get("repeat"));
    let said = coded.or_else(|| repeat.and_then(repeats));
    let as_needed = match dosage.get("asNeededBoolean") {
        Some(Json::Bool(true)) => Some("as needed".to_owned()),
        _ => json::concept_in(dosage, "asNeededCodeableConcept")
            .map(|c| format!("as needed for {}", c.words())),
    };
    let parts: Vec<_> = said.into_iter().chain(as_needed).collect();
    if parts.is_empty() { None } else { Some(parts.join(", ")) }
}

/// `2 times every 1 day`, as far as the repeat says.
fn repeats(repeat: &Json) -> Option<String> {
    let unit = match json::text(repeat, "periodUnit")? {
        "h" => "hours",
        "d" => "days",
        "wk" => "weeks",
        "mo" => "months",
        "min" => "minutes",
        _ => return None,
    };
    let times = json::number(repeat, "frequency").unwrap_or_else(|| "1".to_owned());
    let every = json::number(repeat, "period")?;
    Some(match (times.as_str(), every.as_str(), unit) {
        ("1", "1", "days") => "once a day".to_owned(),
        (times, "1", "days") => format!("{times} times a day"),
        (times, every, unit) => format!("{times} every {every} {unit}"),
    })
}

fn instructions(dosage: &Json) -> Option<String> {
    let extra = json::list(dosage, "additionalInstruction").iter().filter_map(json::concept);
    let parts: Vec<_> = ["text", "patientInstruction"]
        .iter()
        .filter_map(|n| json::text(dosage, n).map(str::to_owned))
        .chain(extra.map(|c| c.words().to_owned()))
        .collect();
    if parts.is_empty() { None } else { Some(parts.join(". ")) }
}

fn supply(request: &Json) -> Option<String> {
    let quantity = request.get("quantity").and_then(json::quantity_words);
    let lasting = request.get("expectedSupplyDuration").and_then(json::quantity_words);
    match (quantity, lasting) {
        (Some(q), Some(d)) => Some(format!("{q} for {d}")),
        (Some(q), None) => Some(q),
        (None, Some(d)) => Some(format!("for {d}")),
        (None, None) => None,
    }
}

fn status_of(status: &str) -> &'static str {
    match status {
        "active" => "active",
        "completed" => "completed",
        "on-hold" => "on-hold",
        "stopped" | "cancelled" => "stopped",
        "intended" | "draft" => "intended",
        "not-taken" => "not-taken",
        "entered-in-error" => "entered-in-error",
        _ => "unknown",
    }
}
