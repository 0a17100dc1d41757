//! Entries as an International Patient Summary: a document Bundle (HL7 IPS 2.0).
//!
//! The resources are those of the collection. Around them stand the Composition with its
//! sections and narrative, who put the document together, and, where an organisation did, the
//! consents that it was given under. Equal arguments give equal bytes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{ExportEntry, ExportSubject, Parts, frame_tag, full_url, parts, tagged};
use crate::fhir::original::{self, Release};
use crate::fhir::{check, json, known, marker, narrative};
use crate::id::EntryId;
use crate::section::{SectionName, Value, display::display_value, table};
use crate::time::Timestamp;

const LOINC: &str = "http://loinc.org";
const EMPTY: &str = "http://terminology.hl7.org/CodeSystem/list-empty-reason";

/// Who puts a document together, if not the holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOrganisation {
    /// Its identifier, in hexadecimal.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its ODS code.
    pub ods: Option<String>,
}

/// A consent that a document is given under.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "a purpose is in the holder's words")]
pub struct ExportConsent {
    /// The grant's identifier, in hexadecimal.
    pub id: String,
    /// The section.
    pub section: SectionName,
    /// What for, in the holder's words.
    pub purpose: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// What a summary is made of.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Summary<'a> {
    /// Whose record it is.
    pub subject: &'a ExportSubject,
    /// The entries.
    pub entries: &'a [ExportEntry],
    /// The sections that were looked at: an empty one is *unavailable*, any other *withheld*.
    pub sections: &'a [SectionName],
    /// Who puts it together; nobody for the holder.
    pub organisation: Option<&'a ExportOrganisation>,
    /// The consents that it is given under.
    pub consents: &'a [ExportConsent],
    /// The moment of the export.
    pub at: Timestamp,
}

/// The document.
#[must_use]
pub fn summary(of: &Summary<'_>) -> Json {
    let Parts { mut patient, patient_url, own, resources, provenance } =
        parts(of.subject, of.entries, &|_| false);
    complete(&mut patient, of.subject);
    let mut entries: Vec<(String, Json)> = vec![(patient_url.clone(), patient)];
    let by_id: BTreeMap<EntryId, &ExportEntry> = of.entries.iter().map(|e| (e.id, e)).collect();
    for (id, url, resource) in resources {
        let resource = by_id.get(&id).map_or_else(
            || resource.clone(),
            |entry| fitting(entry, resource.clone(), &patient_url),
        );
        entries.push((url, resource));
    }
    relink(&mut entries);
    for (_, resource) in &mut entries {
        profiled(resource);
        original::seal(resource);
    }
    let shown = sections(of, &entries, &own);
    let mut frame = Vec::new();
    let author = of.organisation.map(|o| {
        let url = made_url(&["organisation", &o.id]);
        frame.push((url.clone(), organisation(o)));
        url
    });
    for consent in of.consents {
        let url = made_url(&["consent", &consent.id]);
        frame.push((url, consented(consent, &patient_url, author.as_deref())));
    }
    for (n, one) in provenance.into_iter().enumerate() {
        frame.push((made_url(&["provenance", &n.to_string(), &one.to_string()]), one));
    }
    let composition = composition(of, &patient_url, author.as_deref(), &shown);
    let content: Vec<String> = entries.iter().chain(&frame).map(|(_, r)| r.to_string()).collect();
    let mut all = content.iter().map(String::as_str).collect::<Vec<_>>();
    let composed = composition.to_string();
    all.push(&composed);
    let identifier = made_url(&all);
    let first = (made_url(&["composition", &identifier]), composition);
    let entries: Vec<Json> = core::iter::once(first)
        .chain(entries)
        .chain(frame)
        .map(|(url, resource)| json!({ "fullUrl": url, "resource": resource }))
        .collect();
    json!({
        "resourceType": "Bundle",
        "meta": {
            "profile": ["http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"],
            "tag": [frame_tag()],
        },
        "identifier": { "system": "urn:ietf:rfc:3986", "value": identifier },
        "type": "document",
        "timestamp": of.at.to_string(),
        "entry": entries,
    })
}

/// The address of something that this export makes.
fn made_url(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("student passport fhir export address");
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    full_url(EntryId::from_bytes(id))
}

/// What the summary asks of a Patient: a name and a date of birth, or word that it is not known.
fn complete(patient: &mut Json, subject: &ExportSubject) {
    let Some(members) = patient.as_object_mut() else { return };
    if let Some(name) = subject.name.as_ref().filter(|_| !members.contains_key("name")) {
        members.insert("name".into(), json!([{ "text": name }]));
    }
    members.entry("name").or_insert_with(|| json!([{ "_text": unknown() }]));
    if !members.contains_key("birthDate") {
        match &subject.date_of_birth {
            Some(date) => members.insert("birthDate".into(), date.as_str().into()),
            None => members.insert("_birthDate".into(), unknown()),
        };
    }
}

fn unknown() -> Json {
    json!({ "extension": [{ "url": known::ABSENT_REASON, "valueCode": "unknown" }] })
}

/// A resource as it may stand in a document.
fn fitting(entry: &ExportEntry, resource: Json, patient_url: &str) -> Json {
    let kind = json::text(&resource, "resourceType").unwrap_or_default().to_owned();
    if ["Composition", "Bundle", "Patient"].contains(&kind.as_str()) {
        let text = resource.to_string();
        let mut made = original::document(&kind, Release::R4, &text, patient_url);
        if let Some(members) = made.as_object_mut() {
            members.insert("id".into(), entry.id.to_string().into());
        }
        return made;
    }
    let mut resource = resource;
    if let Some(members) = resource.as_object_mut() {
        let has = |stem: &str| members.keys().any(|k| k.trim_start_matches('_').starts_with(stem));
        if kind == "MedicationStatement" && !has("effective") {
            members.insert("_effectiveDateTime".into(), unknown());
        }
    }
    resource
}

/// Leads references to what is in the document by the addresses it has there; what is not in it
/// is named by identifier, since a document's addresses lead nowhere else.
fn relink(entries: &mut [(String, Json)]) {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (url, resource) in entries.iter() {
        let kind = json::text(resource, "resourceType").unwrap_or_default();
        if let Some(id) = json::text(resource, "id") {
            names.entry(format!("{kind}/{id}")).or_insert_with(|| url.clone());
            names.entry(format!("urn:uuid:{id}")).or_insert_with(|| url.clone());
        }
    }
    let own: BTreeSet<String> = entries.iter().map(|(url, _)| url.clone()).collect();
    for (_, resource) in entries {
        led(resource, &names, &own);
    }
}

fn led(json: &mut Json, names: &BTreeMap<String, String>, own: &BTreeSet<String>) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|i| led(i, names, own)),
        Json::Object(members) => {
            if let Some(target) = members.get("reference").and_then(Json::as_str) {
                let plain = target.split("/_history/").next().unwrap_or(target);
                if let Some(url) = names.get(plain) {
                    members.insert("reference".into(), url.clone().into());
                } else if target.starts_with("urn:") && !own.contains(target) {
                    let identifier = json!({ "system": "urn:ietf:rfc:3986", "value": target });
                    members.remove("reference");
                    let value = members.get("identifier").and_then(|i| json::text(i, "value"));
                    if value.is_none() {
                        members.insert("identifier".into(), identifier);
                    }
                }
            }
            members.values_mut().for_each(|v| led(v, names, own));
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Declares the profiles that a resource meets, and takes back those it does not.
fn profiled(resource: &mut Json) {
    if resource.get("resourceType").is_none() {
        return;
    }
    let met = if check::is_sound(resource) { check::profile::met(resource) } else { Vec::new() };
    let Some(members) = resource.as_object_mut() else { return };
    let claimed = members.get("meta").and_then(|m| m.get("profile")).and_then(Json::as_array);
    let foreign = claimed
        .into_iter()
        .flatten()
        .filter(|claim| claim.as_str().is_some_and(|c| !check::profile::is_known(c)));
    let all: Vec<Json> = foreign.cloned().chain(met.into_iter().map(Json::String)).collect();
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        if all.is_empty() {
            meta.remove("profile");
        } else {
            meta.insert("profile".into(), all.into());
        }
    }
    if meta.as_object().is_some_and(serde_json::Map::is_empty) {
        members.remove("meta");
    }
}

/// The LOINC code and the resources of a section that the summary knows.
fn standard(section: &SectionName) -> Option<(&'static str, &'static str)> {
    Some(match section.as_str() {
        "problems" => ("11450-4", "Problem list - Reported"),
        "allergies" => ("48765-2", "Allergies and adverse reactions Document"),
        "medications" => ("10160-0", "History of Medication use Narrative"),
        "immunisations" => ("11369-6", "History of Immunization Narrative"),
        "results" => ("30954-2", "Relevant diagnostic tests/laboratory data Narrative"),
        "risks" => ("104605-1", "Alert"),
        "plan" => ("18776-5", "Plan of care note"),
        "about-me" => ("81338-6", "Patient Goals, preferences, and priorities for care experience"),
        _ => return None,
    })
}

/// The sections, in the table's order, the required ones always.
fn sections(of: &Summary<'_>, entries: &[(String, Json)], own: &BTreeSet<EntryId>) -> Vec<Json> {
    let resources: BTreeMap<&str, &Json> = entries.iter().map(|(u, r)| (u.as_str(), r)).collect();
    let names = table::SECTIONS.iter().filter_map(|s| s.name.parse::<SectionName>().ok());
    let mut all: Vec<SectionName> = names.collect();
    all.extend(
        of.entries.iter().map(|e| e.section.clone()).filter(|s| s.as_str().starts_with("x-")),
    );
    all.dedup();
    let mut shown = Vec::new();
    for name in all.into_iter().filter(|s| s.spec().shareable) {
        let required = ["problems", "allergies", "medications"].contains(&name.as_str());
        let entries: Vec<&ExportEntry> = of.entries.iter().filter(|e| e.section == name).collect();
        if entries.is_empty() {
            if required {
                shown.push(empty(&name, of.sections.contains(&name)));
            }
            continue;
        }
        // Whom it is about is the Patient, and not a section.
        if name.as_str() == "identity" {
            continue;
        }
        let urls: Vec<String> =
            entries.iter().filter(|e| !own.contains(&e.id)).map(|e| full_url(e.id)).collect();
        let held = |code: &str| {
            urls.iter().all(|u| {
                let kind = resources.get(u.as_str()).and_then(|r| json::text(r, "resourceType"));
                kind.is_some_and(|k| check::profile::holds(code, k))
            })
        };
        let code = standard(&name).filter(|(code, _)| held(code) && !urls.is_empty());
        let refers: Vec<Json> = urls.iter().map(|u| json!({ "reference": u })).collect();
        let mut section = heading(&name, code);
        if let Some(members) = section.as_object_mut() {
            members.insert("text".into(), text(&listed(&entries)));
            if !refers.is_empty() {
                members.insert("entry".into(), refers.into());
            }
        }
        shown.push(section);
        if required && code.is_none() {
            shown.push(empty(&name, true));
        }
    }
    shown
}

fn heading(name: &SectionName, code: Option<(&str, &str)>) -> Json {
    let title = match name.as_str() {
        own if own.starts_with("x-") => own,
        _ => name.spec().title,
    };
    let coding = match (code, name.spec().heading) {
        (Some((code, display)), _) => {
            Some(json!({ "system": LOINC, "code": code, "display": display }))
        }
        (None, Some(h)) if standard(name).is_none() => {
            Some(json!({ "system": h.system, "code": h.code, "display": h.display }))
        }
        _ => None,
    };
    let code = match coding {
        Some(coding) => json!({ "coding": [coding], "text": title }),
        None => json!({ "text": title }),
    };
    json!({ "title": title, "code": code })
}

/// A required section of which nothing is recorded, or that is not part of this document.
fn empty(name: &SectionName, looked_at: bool) -> Json {
    let (code, display, words) = if looked_at {
        (
            "unavailable",
            "Unavailable",
            "Nothing is recorded; that does not mean that there is nothing.",
        )
    } else {
        ("withheld", "Information Withheld", "This section is not part of this document.")
    };
    let mut section = heading(name, standard(name));
    if let Some(members) = section.as_object_mut() {
        members.insert("text".into(), text(&format!("<p>{words}</p>")));
        let coding = json!([{ "system": EMPTY, "code": code, "display": display }]);
        members.insert("emptyReason".into(), json!({ "coding": coding }));
    }
    section
}

fn text(inner: &str) -> Json {
    let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>");
    json!({ "status": "generated", "div": div })
}

/// The entries in words.
fn listed(entries: &[&ExportEntry]) -> String {
    let mut out = String::from("<ul>");
    for entry in entries {
        out.push_str("<li>");
        let Some(kind) = entry.section.spec().kind(&entry.kind) else { continue };
        let label =
            entry.fields.get(kind.label).map_or_else(|| kind.title.to_owned(), display_value);
        out.push_str("<b>");
        out.push_str(&narrative::escaped(&label));
        out.push_str("</b>");
        let shown = kind
            .fields
            .iter()
            .filter(|f| f.name != kind.label && !["identifier", "source"].contains(&f.name));
        for field in shown {
            let Some(value) = entry.fields.get(field.name) else { continue };
            let words = if let Value::Attachment(file) = value {
                file.title.clone()
            } else {
                display_value(value)
            };
            for part in ["; ", field.title, ": ", &narrative::escaped(&words)] {
                out.push_str(part);
            }
        }
        out.push_str("</li>");
    }
    out.push_str("</ul>");
    out
}

fn composition(of: &Summary<'_>, patient: &str, author: Option<&str>, shown: &[Json]) -> Json {
    let name = of.subject.name.as_deref().unwrap_or("Student");
    let mut made = json!({
        "resourceType": "Composition",
        "status": "final",
        "type": { "coding": [{
            "system": LOINC, "code": check::profile::SUMMARY, "display": "Patient summary Document",
        }] },
        "subject": { "reference": patient },
        "date": of.at.to_string(),
        "author": [{ "reference": author.unwrap_or(patient) }],
        "title": format!("Patient summary: {name}"),
        "section": shown,
    });
    tagged(&mut made);
    if let Some((members, author)) = made.as_object_mut().zip(author) {
        members.insert("custodian".into(), json!({ "reference": author }));
    }
    profiled(&mut made);
    made
}

fn organisation(of: &ExportOrganisation) -> Json {
    let mut identifiers = vec![json!({ "system": marker::ORGANISATION_ID, "value": of.id })];
    if let Some(ods) = &of.ods {
        identifiers.push(json!({ "system": known::ODS_CODE, "value": ods }));
    }
    let mut made =
        json!({ "resourceType": "Organization", "identifier": identifiers, "name": of.name });
    tagged(&mut made);
    profiled(&mut made);
    made
}

fn consented(of: &ExportConsent, patient: &str, organisation: Option<&str>) -> Json {
    let mut period = json!({ "start": of.from.to_string() });
    if let Some((members, until)) = period.as_object_mut().zip(of.until) {
        members.insert("end".into(), until.to_string().into());
    }
    let title = of.section.spec().title;
    let scope = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/consentscope",
        "code": "patient-privacy", "display": "Privacy Consent",
    }] });
    let mut made = json!({
        "resourceType": "Consent",
        "identifier": [{ "system": marker::GRANT_ID, "value": of.id }],
        "status": "active",
        "scope": scope,
        "category": [{ "coding": [{
            "system": LOINC, "code": "59284-0", "display": "Consent Document",
        }] }],
        "patient": { "reference": patient },
        "dateTime": of.from.to_string(),
        "policyRule": { "text": format!("{title}: {}", of.purpose) },
        "provision": { "type": "permit", "period": period },
    });
    tagged(&mut made);
    if let (Some(members), Some(organisation)) = (made.as_object_mut(), organisation) {
        let role = json!({ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "IRCP", "display": "information recipient",
        }] });
        members.insert("organization".into(), json!([{ "reference": organisation }]));
        if let Some(provision) = members.get_mut("provision").and_then(Json::as_object_mut) {
            let actor = json!([{ "role": role, "reference": { "reference": organisation } }]);
            provision.insert("actor".into(), actor);
        }
    }
    made
}
