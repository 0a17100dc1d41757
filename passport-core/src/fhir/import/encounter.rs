//! Contacts with services, and which of them were discharges.
//!
//! A finished stay whose `hospitalization` says where the patient went, that carries UK Core's
//! discharge method, or that a discharge summary in the same file is about, is a discharge: it becomes an entry of `discharges` and a notice. A finished
//! stay in hospital without either is care history marked as a possible discharge. A visit to an
//! emergency department is an attendance, whatever else it carries.

use serde_json::Value as Json;

use super::bundle::{Resource, Resources};
use super::draft::{Drafts, Fields};
use crate::fhir::marker::Mark;
use crate::fhir::{json, known};
use crate::section::{Code, Value};

/// Encounter (HL7 FHIR R4, UK Core Encounter).
pub(super) fn encounter(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let e = &r.json;
    let class = class(e);
    let finished = json::text(e, "status") == Some("finished");
    let ended = e.get("period").and_then(|p| json::date(p, "end"));
    let said = says_discharged(e) || all.document_of(r).is_some();
    if class != Some("attendance") && finished && said && ended.is_some() {
        out.add("discharges", "discharge", discharge(r, all));
        // The notice carries neither the encounter nor its number: only a mark to know it by.
        let mark = r.identifier().map(|i| mark(&i));
        out.add_as("discharge-notice", "notice", notice(e, all, r), mark.as_deref(), None, None);
        return;
    }
    let stay = class == Some("inpatient");
    let mut fields = Fields::default();
    fields
        .code("type", what(e))
        .choice("class", class)
        .choice("status", json::text(e, "status").map(status))
        .set("period", e.get("period").and_then(json::period).map(Value::Period))
        .code("service", service(e))
        .text("provider", provider(r, all).as_deref())
        .code("reason", reason(e));
    if finished && (stay || (said && class != Some("attendance"))) {
        fields.set("possible_discharge", Some(Value::Boolean(true)));
    }
    out.add("care-history", "encounter", fields);
}

/// `ServiceRequest` (HL7 FHIR R4) that is a referral, and `ReferralRequest` (STU3).
pub(super) fn referral(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let s = &r.json;
    let says = |name| {
        let concepts = json::list(s, name).iter().filter_map(json::concept);
        concepts.into_iter().any(|c| c.words().to_lowercase().contains("referral"))
    };
    if r.kind() == "ServiceRequest" && !says("category") && !says("code") {
        return;
    }
    let party = |reference: &Json| {
        let named = || {
            let target = all.resolve(r, reference)?;
            let name = json::text(&target, "name").map(str::to_owned);
            name.or_else(|| json::first(&target, "name").and_then(json::human_name))
        };
        json::text(reference, "display").map(str::to_owned).or_else(named)
    };
    // STU3 says who asked one level deeper, and may ask several services.
    let asked_by = s.get("requester").and_then(|q| party(q.get("agent").unwrap_or(q)));
    let to = ["performer", "recipient"].iter().find_map(|n| json::first(s, n));
    let service = ["serviceRequested", "code", "specialty", "performerType", "type"]
        .iter()
        .find_map(|n| json::concept_in(s, n));
    let mut fields = Fields::default();
    fields
        .code("service", service)
        .text("provider", to.and_then(party).as_deref())
        .text("referred_by", asked_by.as_deref())
        .date("referred_on", json::date(s, "authoredOn"))
        .text("reason", json::concept_in(s, "reasonCode").as_ref().map(Code::words))
        .set("note", json::notes(s, "note"));
    out.add("care-history", "referral", fields);
}

fn says_discharged(e: &Json) -> bool {
    let stay = e.get("hospitalization");
    stay.and_then(|h| json::concept_in(h, "dischargeDisposition")).is_some() || method(e).is_some()
}

/// The extension that says how the stay ended.
fn method(e: &Json) -> Option<&Json> {
    let places = [Some(e), e.get("hospitalization")];
    places
        .into_iter()
        .flatten()
        .find_map(|p| known::DISCHARGE_METHOD.iter().find_map(|url| json::extension(p, url)))
}

/// `Encounter.class` in the table's words.
fn class(e: &Json) -> Option<&'static str> {
    let class = e.get("class")?;
    let code = json::text(class, "code").or_else(|| json::codes_in(e, "class").next())?;
    Some(match code {
        "EMER" | "emergency" => "attendance",
        "IMP" | "ACUTE" | "NONAC" | "OBSENC" | "SS" | "inpatient" => "inpatient",
        "AMB" | "PRENC" | "outpatient" | "ambulatory" => "outpatient",
        "HH" | "FLD" | "home" => "community",
        "VR" | "virtual" => "virtual",
        _ => "other",
    })
}

fn status(status: &str) -> &'static str {
    match status {
        "planned" => "planned",
        "arrived" | "triaged" | "in-progress" | "onleave" => "in-progress",
        "finished" => "finished",
        "cancelled" => "cancelled",
        "entered-in-error" => "entered-in-error",
        _ => "unknown",
    }
}

fn discharge(r: &Resource<'_>, all: &Resources<'_>) -> Fields {
    let e = &r.json;
    let period = e.get("period").unwrap_or(&Json::Null);
    let stay = e.get("hospitalization").unwrap_or(&Json::Null);
    let legal = json::extension(e, known::LEGAL_STATUS)
        .or_else(|| json::extension(stay, known::LEGAL_STATUS))
        .and_then(|l| {
            json::list(l, "extension")
                .iter()
                .find(|x| json::text(x, "url") == Some("legalStatusClassification"))
                .and_then(|x| json::concept_in(x, "valueCodeableConcept"))
        });
    let diagnoses: Vec<_> = json::list(e, "diagnosis")
        .iter()
        .filter_map(|d| {
            let reference = d.get("condition")?;
            json::text(reference, "display").map(str::to_owned).or_else(|| {
                let condition = all.resolve(r, reference)?;
                Some(json::concept_in(&condition, "code")?.words().to_owned())
            })
        })
        .collect();
    let mut fields = Fields::default();
    fields
        .date("discharged_on", json::date(period, "end"))
        .date("admitted", json::date(period, "start"))
        .choice("setting", Some(setting(e, all, r)))
        .code("specialty", service(e))
        .text("hospital", provider(r, all).as_deref())
        .code("reason", reason(e))
        .set("diagnoses", json::long(&diagnoses.join("\n")))
        .code("legal_status", legal)
        .code("method", method(e).and_then(|m| json::concept_in(m, "valueCodeableConcept")))
        .code("destination", json::concept_in(stay, "dischargeDisposition"));
    // What we exported says by its mark whatever the document said when it came.
    if let Some(document) = all.document_of(r).filter(|_| Mark::of(e).is_none()) {
        document.said.fill(&mut fields);
    }
    fields
}

fn notice(e: &Json, all: &Resources<'_>, r: &Resource<'_>) -> Fields {
    let mut fields = Fields::default();
    fields
        // The day is enough, and the hour may say more.
        .date("discharged_on", e.get("period").and_then(|p| json::text(p, "end")).and_then(day))
        .choice("setting", Some(setting(e, all, r)))
        .choice("state", Some("unknown"));
    fields
}

fn day(moment: &str) -> Option<crate::section::PartialDate> {
    moment.get(..10).unwrap_or(moment).parse().ok()
}

/// The kind of place, from the words and codes of service, type and provider.
fn setting(e: &Json, all: &Resources<'_>, r: &Resource<'_>) -> &'static str {
    let words: Vec<_> = json::list(e, "serviceType")
        .iter()
        .chain(json::list(e, "type"))
        .filter_map(json::concept)
        .map(|c| c.words().to_lowercase())
        .chain(provider(r, all).map(|p| p.to_lowercase()))
        .chain(all.document_of(r).map(|d| d.words.clone()).unwrap_or_default())
        .collect();
    let says = |stems: &[&str]| words.iter().any(|w| stems.iter().any(|s| w.contains(s)));
    if says(&["mental", "psychiatr", "psycholog", "camhs", "eating disorder"]) {
        "mental-health"
    } else if says(&["maternity", "obstetric", "midwif", "antenatal", "postnatal"]) {
        "maternity"
    } else if says(&["community"]) {
        "community"
    } else if class(e) == Some("inpatient") {
        "acute"
    } else {
        "other"
    }
}

fn service(e: &Json) -> Option<Code> {
    json::concept_in(e, "serviceType")
}

fn what(e: &Json) -> Option<Code> {
    json::concept_in(e, "type").or_else(|| e.get("class").and_then(json::concept))
}

fn reason(e: &Json) -> Option<Code> {
    // STU3 calls it by the shorter name.
    json::concept_in(e, "reasonCode").or_else(|| json::concept_in(e, "reason"))
}

fn provider(r: &Resource<'_>, all: &Resources<'_>) -> Option<String> {
    let named = r.json.get("serviceProvider").and_then(|reference| {
        json::text(reference, "display").map(str::to_owned).or_else(|| {
            let organisation = all.resolve(r, reference)?;
            json::text(&organisation, "name").map(str::to_owned)
        })
    });
    named.or_else(|| all.document_of(r)?.custodian.clone())
}

/// A mark by which the same discharge is known again, and that says nothing else.
fn mark(identifier: &str) -> String {
    let digest = blake3::hash(identifier.as_bytes()).to_hex();
    digest.get(..32).unwrap_or_default().to_owned()
}
