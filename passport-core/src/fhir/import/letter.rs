//! What a discharge document says in its sections' words.
//!
//! Hospitals send most of a discharge as narrative under headings: follow-up, who was told, legal
//! status. Sources: NHS Digital ITK transfer of care (SNOMED CT headings), UK Core record standard
//! headings.

use serde_json::Value as Json;

use super::bundle::{Resource, Resources};
use super::draft::{Drafts, Fields};
use super::person;
use crate::fhir::original::Original;
use crate::fhir::{json, known, narrative};
use crate::section::Code;

const ADVICE: [&str; 2] = ["887201000000105", "plan-and-requested-actions"];
const MEDICINES: [&str; 2] = ["933361000000108", "medications-and-medical-devices"];
const DISTRIBUTION: [&str; 2] = ["887261000000109", "distribution-list"];
const SUMMARY: [&str; 2] = ["887181000000106", "clinical-summary"];
const DIAGNOSES: [&str; 2] = ["887161000000102", "diagnoses"];
const DETAILS: [&str; 2] = ["886811000000106", "discharge-details"];
const ALERTS: [&str; 2] = ["886931000000107", "safety-alerts"];
const PRACTICE: [&str; 2] = ["886711000000101", "gp-practice"];

/// The sections of a discharge document that have a place in the entry of the discharge.
#[derive(Clone, Default)]
pub(super) struct Said {
    follow_up: String,
    medicines: String,
    told: String,
    summary: String,
    diagnoses: String,
    legal_status: Option<String>,
}

impl Said {
    pub(super) fn of(composition: &Json) -> Self {
        let text = |codes| section(composition, codes).map(words).unwrap_or_default();
        // Its rows are words for people; this label is the one that the documents use.
        let details = text(DETAILS);
        let status = details.lines().find_map(|l| l.strip_prefix("Legal status on discharge: "));
        Self {
            follow_up: text(ADVICE),
            medicines: text(MEDICINES),
            told: text(DISTRIBUTION),
            summary: text(SUMMARY),
            diagnoses: text(DIAGNOSES),
            legal_status: status.map(str::to_owned),
        }
    }

    /// Fills what the encounter itself does not say.
    pub(super) fn fill(&self, fields: &mut Fields) {
        let status = self.legal_status.as_deref().map(|s| Code::text(json::bounded(s, 4096)));
        fields
            .or_set("diagnoses", json::long(&self.diagnoses))
            .or_set("legal_status", status.map(crate::section::Value::Code))
            .or_set("medicine_changes", json::long(&self.medicines))
            .or_set("follow_up", json::long(&self.follow_up))
            .or_set("told", json::long(&self.told))
            .or_set("note", json::long(&self.summary));
    }
}

/// The safety alerts of a discharge document: never only among documents, which are shared more
/// freely than risks and read by fewer people who look for them.
pub(super) fn alerts(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let composition = &r.json;
    if !known::is_discharge_document(composition) {
        return;
    }
    let Some(alerts) = section(composition, ALERTS) else { return };
    let detail = words(alerts);
    if detail.is_empty() {
        return;
    }
    let mut fields = Fields::default();
    fields
        .code("risk", heading(alerts))
        .set("detail", json::long(&detail))
        .date("assessed", json::date(composition, "date"));
    let source = Original::new(r.release(), alerts.to_string());
    out.add_as("risks", "risk", fields, None, Some(source), None);
}

/// The practice that a document names, where the Patient itself names none.
pub(super) fn practice(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let Some(section) = section(&r.json, PRACTICE) else { return };
    let patient = r.json.get("subject").and_then(|s| all.resolve(r, s)).unwrap_or(Json::Null);
    if !json::list(&patient, "generalPractitioner").is_empty() {
        return;
    }
    let Some(named) = json::first(section, "entry") else { return };
    let fields = person::practice(r, named, all);
    let source = Original::new(r.release(), section.to_string());
    out.add_as("registrations", "registration", fields, None, Some(source), None);
}

/// The code of a section; in its title's words where it has none of its own.
fn heading(section: &Json) -> Option<Code> {
    let title = json::text(section, "title").map(|t| Code::text(json::bounded(t, 4096)));
    match json::concept_in(section, "code") {
        Some(code) if code.display.is_none() && code.text.is_none() => {
            Some(Code { text: title.and_then(|t| t.text), ..code })
        }
        Some(code) => Some(code),
        None => title,
    }
}

fn section<'a>(composition: &'a Json, codes: [&str; 2]) -> Option<&'a Json> {
    let sections = json::list(composition, "section").iter().take(64);
    let mut with = sections.filter(|s| json::codes_in(s, "code").any(|c| codes.contains(&c)));
    with.next()
}

fn words(section: &Json) -> String {
    let div = section.get("text").and_then(|t| json::text(t, "div"));
    div.map(narrative::words).unwrap_or_default()
}
