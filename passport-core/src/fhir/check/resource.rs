//! Rules of resources that the table cannot say (HL7 FHIR R4, *Invariants*; UK Core).

use serde_json::Value as Json;

use super::Found;
use super::datatype::is_before;
use crate::fhir::json;

/// Checks one resource on its own.
pub(super) fn invariants(r: &Json, kind: &str, path: &str, found: &mut Found) {
    match kind {
        "Condition" => condition(r, path, found),
        "AllergyIntolerance" => allergy(r, path, found),
        "Observation" => observation(r, path, found),
        "Composition" => composition(r, path, found),
        "Patient" => patient(r, path, found),
        "Bundle" => bundle(r, path, found),
        "CarePlan" => {
            for (n, one) in json::list(r, "activity").iter().enumerate() {
                if one.get("detail").is_some() && one.get("reference").is_some() {
                    let at = format!("{path}.activity[{n}]");
                    found.error(&at, "cpl-3", "is told here and by reference; one is allowed");
                }
            }
        }
        "Organization" if r.get("identifier").is_none() && r.get("name").is_none() => {
            found.error(path, "org-1", "has neither a name nor an identifier");
        }
        _ => {}
    }
}

fn has(r: &Json, name: &str, code: &str) -> bool {
    json::has_code(r, name, code)
}

fn condition(r: &Json, path: &str, found: &mut Found) {
    let ended = r.as_object().is_some_and(|m| m.keys().any(|k| k.starts_with("abatement")));
    let over = ["resolved", "remission", "inactive"].iter().any(|c| has(r, "clinicalStatus", c));
    if ended && r.get("clinicalStatus").is_some() && !over {
        found.error(path, "con-4", "has ended, and its status says that it has not");
    }
    if has(r, "verificationStatus", "entered-in-error") && r.get("clinicalStatus").is_some() {
        found.error(path, "con-5", "was entered in error, and has a status all the same");
    }
    if let (Some(began), Some(ended)) =
        (json::text(r, "onsetDateTime"), json::text(r, "abatementDateTime"))
        && is_before(ended, began)
    {
        found.error(path, "dates", "ended before it began");
    }
}

fn allergy(r: &Json, path: &str, found: &mut Found) {
    let in_error = has(r, "verificationStatus", "entered-in-error");
    match (in_error, r.get("clinicalStatus").is_some()) {
        (true, true) => {
            found.error(path, "ait-2", "was entered in error, and has a status all the same");
        }
        (false, false) => found.error(path, "ait-1", "does not say whether it is active"),
        _ => {}
    }
}

fn observation(r: &Json, path: &str, found: &mut Found) {
    let value =
        |of: &Json| of.as_object().is_some_and(|m| m.keys().any(|k| k.starts_with("value")));
    if value(r) && r.get("dataAbsentReason").is_some() {
        found.error(path, "obs-6", "has a value, and a reason for having none");
    }
    for (n, part) in json::list(r, "component").iter().enumerate() {
        if value(part) && part.get("dataAbsentReason").is_some() {
            let at = format!("{path}.component[{n}]");
            found.error(&at, "obs-6", "has a value, and a reason for having none");
        }
        if value(r) && part.get("code") == r.get("code") {
            found.error(path, "obs-7", "has a value and a part of the same code");
        }
    }
}

fn composition(r: &Json, path: &str, found: &mut Found) {
    for (n, section) in json::list(r, "section").iter().enumerate() {
        let at = format!("{path}.section[{n}]");
        let filled = !json::list(section, "entry").is_empty();
        if section.get("emptyReason").is_some() && filled {
            found.error(&at, "cmp-2", "has entries, and a reason for having none");
        }
        if section.get("text").is_none() && !filled && section.get("section").is_none() {
            found.error(&at, "cmp-1", "has neither text nor entries");
        }
    }
}

fn patient(r: &Json, path: &str, found: &mut Found) {
    for (n, contact) in json::list(r, "contact").iter().enumerate() {
        let reached = ["name", "telecom", "address", "organization"];
        if !reached.iter().any(|m| contact.get(*m).is_some()) {
            let at = format!("{path}.contact[{n}]");
            found.error(&at, "pat-1", "has neither name nor address, number or organisation");
        }
    }
    if let (Some(born), Some(died)) =
        (json::text(r, "birthDate"), json::text(r, "deceasedDateTime"))
        && is_before(died, born)
    {
        found.error(path, "dates", "died before being born");
    }
}

/// What a bundle is by itself; its entries against each other are another matter.
fn bundle(r: &Json, path: &str, found: &mut Found) {
    let kind = json::text(r, "type").unwrap_or_default();
    if r.get("total").is_some() && !matches!(kind, "searchset" | "history") {
        found.error(path, "bdl-1", "counts what was found, and is no answer to a search");
    }
    let entries = json::list(r, "entry");
    for (n, entry) in entries.iter().enumerate() {
        let at = format!("{path}.entry[{n}]");
        if ["resource", "request", "response"].iter().all(|m| entry.get(*m).is_none()) {
            found.error(&at, "bdl-5", "has no resource");
        }
        let asks = matches!(kind, "batch" | "transaction" | "history");
        if asks != entry.get("request").is_some() {
            found.error(&at, "bdl-3", "has a request where none belongs, or none where one does");
        }
        if entry.get("search").is_some() && kind != "searchset" {
            found.error(&at, "bdl-2", "tells of a search, and this is no answer to one");
        }
    }
    let first = entries.first().and_then(|e| e.get("resource"));
    let first = first.and_then(|f| json::text(f, "resourceType"));
    if kind == "document" {
        let identifier = json::first(r, "identifier");
        let part = |name| identifier.is_some_and(|i| json::text(i, name).is_some());
        if !part("system") || !part("value") {
            found.error(path, "bdl-9", "is a document without an identifier, its system and value");
        }
        if r.get("timestamp").is_none() {
            found.error(path, "bdl-10", "is a document that does not say when it was put together");
        }
        if first != Some("Composition") {
            found.error(path, "bdl-11", "is a document that does not begin with its Composition");
        }
    }
    if kind == "message" && first != Some("MessageHeader") {
        found.error(path, "bdl-12", "is a message that does not begin with its MessageHeader");
    }
}
