//! Immunisations, measurements and results.

use serde_json::Value as Json;

use super::bundle::{Resource, Resources};
use super::draft::{Drafts, Fields};
use super::problem::absence_of;
use super::study::{is_study, study};
use crate::fhir::json;
use crate::section::Value;

/// Immunization (HL7 FHIR R4).
pub(super) fn immunisation(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let i = &r.json;
    let status = match json::text(i, "status") {
        Some("completed") => Some("given"),
        Some("not-done") => Some("not-given"),
        Some("entered-in-error") => Some("entered-in-error"),
        _ => None,
    };
    let given = json::date_of_choice(i, "occurrence");
    let mut fields = Fields::default();
    if absence_of(i, "vaccineCode").is_some() {
        // Neither word means that a vaccine was given.
        fields
            .code("statement", json::concept_in(i, "vaccineCode"))
            .date("asserted", json::date(i, "recorded").or(given));
        return out.add("immunisations", "no-information", fields);
    }
    let dose = json::first(i, "protocolApplied").and_then(|p| {
        json::text(p, "doseNumberString")
            .map(str::to_owned)
            .or_else(|| json::number(p, "doseNumberPositiveInt"))
    });
    let performer = json::list(i, "performer").iter().find_map(|p| p.get("actor"));
    let name = performer.and_then(|a| {
        json::text(a, "display").map(str::to_owned).or_else(|| {
            let target = all.resolve(r, a)?;
            let organisation = json::text(&target, "name").map(str::to_owned);
            organisation.or_else(|| json::first(&target, "name").and_then(json::human_name))
        })
    });
    fields
        .code("vaccine", json::concept_in(i, "vaccineCode"))
        .date("given", given)
        .choice("status", status)
        .text("dose_number", dose.as_deref())
        .text("batch", json::text(i, "lotNumber"))
        .code("site", json::concept_in(i, "site"))
        .code("reason_not_given", json::concept_in(i, "statusReason"))
        .text("given_by", name.as_deref())
        .set("note", json::notes(i, "note"));
    out.add("immunisations", "immunisation", fields);
}

/// Observation (HL7 FHIR R4).
pub(super) fn observation(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let o = &r.json;
    if is_study(o) && study(o, out) {
        return;
    }
    let what = json::concept_in(o, "code");
    let mut fields = Fields::default();
    let category = json::list(o, "category").iter().find_map(json::concept);
    let quantity = o.get("valueQuantity").and_then(json::quantity);
    let integer = json::number(o, "valueInteger").map(|value| crate::section::Quantity {
        value,
        unit: None,
        code: None,
    });
    fields
        .code("what", what)
        .set("value", quantity.clone().or(integer).map(Value::Quantity))
        .code("finding", json::concept_in(o, "valueCodeableConcept"))
        .date("date", json::date_of_choice(o, "effective"))
        .choice("status", json::text(o, "status"))
        .code("interpretation", json::concept_in(o, "interpretation"))
        .text("category", category.as_ref().map(crate::section::Code::words))
        .text("range", json::first(o, "referenceRange").and_then(range).as_deref())
        .set("note", json::notes(o, "note"));
    if quantity.is_none() {
        fields.text("text", words(o).or_else(|| components(o)).as_deref());
    }
    out.add("results", "result", fields);
}

/// A value that is neither a plain number nor a code, in words.
fn words(o: &Json) -> Option<String> {
    let simple =
        ["valueString", "valueDateTime", "valueTime"].iter().find_map(|n| json::text(o, n));
    simple
        .map(str::to_owned)
        .or_else(|| o.get("valueQuantity").and_then(json::quantity_words))
        .or_else(|| o.get("valueBoolean").and_then(Json::as_bool).map(yes_or_no))
        .or_else(|| o.get("valueRange").and_then(range))
        .or_else(|| {
            let ratio = o.get("valueRatio")?;
            let of = |n| ratio.get(n).and_then(json::quantity_words);
            Some(format!("{} : {}", of("numerator")?, of("denominator")?))
        })
        .or_else(|| json::concept_in(o, "dataAbsentReason").map(|c| c.words().to_owned()))
}

fn yes_or_no(yes: bool) -> String {
    (if yes { "yes" } else { "no" }).to_owned()
}

/// Parts, such as the two of a blood pressure.
fn components(o: &Json) -> Option<String> {
    let parts: Vec<_> = json::list(o, "component")
        .iter()
        .filter_map(|c| {
            let coded = || json::concept_in(c, "valueCodeableConcept");
            let value = words(c).or_else(|| coded().map(|v| v.words().to_owned()));
            let value = value.or_else(|| json::number(c, "valueInteger"))?;
            Some(format!("{}: {value}", json::concept_in(c, "code")?.words()))
        })
        .collect();
    if parts.is_empty() { None } else { Some(parts.join("; ")) }
}

fn range(range: &Json) -> Option<String> {
    if let Some(text) = json::text(range, "text") {
        return Some(text.to_owned());
    }
    let of = |n| range.get(n).and_then(json::quantity_words);
    match (of("low"), of("high")) {
        (Some(low), Some(high)) => Some(format!("{low} to {high}")),
        (Some(low), None) => Some(format!("from {low}")),
        (None, Some(high)) => Some(format!("up to {high}")),
        (None, None) => None,
    }
}
