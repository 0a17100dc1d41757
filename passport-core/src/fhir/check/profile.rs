//! Profiles: HL7 International Patient Summary 2.0 and UK Core.
//!
//! Of each profile only what it adds to FHIR R4 stands here. Slices that are open and bindings
//! that are not required leave nothing to check.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::Found;
use super::bundle::Index;
use super::walk::Walk;
use crate::fhir::json;

const IPS: &str = "http://hl7.org/fhir/uv/ips/StructureDefinition/";
const UK_CORE: &str = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-";
/// The type of an International Patient Summary (LOINC).
pub(in crate::fhir) const SUMMARY: &str = "60591-5";

/// What a profile asks for beyond R4.
struct Profile {
    base: &'static str,
    name: &'static str,
    resource: &'static str,
    /// Paths that must be there; `x[x]` in any form.
    required: &'static [&'static str],
}

const fn ips(
    name: &'static str,
    resource: &'static str,
    required: &'static [&'static str],
) -> Profile {
    Profile { base: IPS, name, resource, required }
}

const fn uk(resource: &'static str, required: &'static [&'static str]) -> Profile {
    Profile { base: UK_CORE, name: resource, resource, required }
}

const PROFILES: &[Profile] = &[
    ips("Patient-uv-ips", "Patient", &["name", "birthDate"]),
    ips("Composition-uv-ips", "Composition", &["subject.reference"]),
    ips("Bundle-uv-ips", "Bundle", &["identifier", "timestamp", "entry.fullUrl"]),
    ips("Condition-uv-ips", "Condition", &["code", "subject.reference"]),
    ips("AllergyIntolerance-uv-ips", "AllergyIntolerance", &["code", "patient.reference"]),
    ips(
        "MedicationStatement-uv-ips",
        "MedicationStatement",
        &["subject.reference", "effective[x]"],
    ),
    ips("MedicationRequest-uv-ips", "MedicationRequest", &["subject.reference"]),
    ips("Medication-uv-ips", "Medication", &["code"]),
    ips("Immunization-uv-ips", "Immunization", &["patient.reference"]),
    ips(
        "Observation-results-laboratory-pathology-uv-ips",
        "Observation",
        &["category", "subject.reference", "effective[x]", "performer"],
    ),
    ips("Flag-alert-uv-ips", "Flag", &["subject.reference"]),
    ips("Procedure-uv-ips", "Procedure", &["code", "subject.reference", "performed[x]"]),
    ips("Organization-uv-ips", "Organization", &["name"]),
    ips("Practitioner-uv-ips", "Practitioner", &["name"]),
    uk("Patient", &[]),
    uk("Condition", &[]),
    uk("AllergyIntolerance", &["code"]),
    uk("MedicationStatement", &["identifier.system", "identifier.value"]),
    uk("MedicationRequest", &["identifier.system", "identifier.value"]),
    uk("Immunization", &[]),
    uk("Observation", &[]),
    uk("Encounter", &[]),
    uk("Flag", &[]),
    uk("Organization", &[]),
    uk("Practitioner", &[]),
    uk("ServiceRequest", &[]),
    uk("RelatedPerson", &[]),
    uk("CareTeam", &[]),
    uk("CarePlan", &[]),
    uk("DocumentReference", &[]),
    uk("Composition", &[]),
];

/// A section of the summary, by its LOINC code, and what its entries may be.
struct Section {
    code: &'static str,
    required: bool,
    targets: &'static [&'static str],
}

const fn section(code: &'static str, required: bool, targets: &'static [&'static str]) -> Section {
    Section { code, required, targets }
}

const SECTIONS: &[Section] = &[
    section("11450-4", true, &["Condition"]),
    section("48765-2", true, &["AllergyIntolerance"]),
    section(
        "10160-0",
        true,
        &[
            "MedicationStatement",
            "MedicationRequest",
            "MedicationAdministration",
            "MedicationDispense",
        ],
    ),
    section("11369-6", false, &["Immunization"]),
    section("30954-2", false, &["Observation", "DiagnosticReport"]),
    section("47519-4", false, &["Procedure"]),
    section("46264-8", false, &["DeviceUseStatement"]),
    section("42348-3", false, &["Consent"]),
    section("104605-1", false, &["Flag"]),
    section("47420-5", false, &["Condition", "ClinicalImpression"]),
    section("11348-0", false, &["Condition"]),
    section("10162-6", false, &["Observation"]),
    section("18776-5", false, &["CarePlan", "ImmunizationRecommendation"]),
    section("29762-2", false, &["Observation"]),
    section("8716-3", false, &["Observation"]),
];

/// Whether every occurrence of a path has something.
fn has(json: &Json, path: &str) -> bool {
    let (name, rest) = path.split_once('.').map_or((path, None), |(n, r)| (n, Some(r)));
    if let Some(stem) = name.strip_suffix("[x]") {
        let is_form = |k: &String| k.strip_prefix(stem).is_some_and(|f| !f.is_empty());
        return json.as_object().is_some_and(|m| m.keys().any(is_form));
    }
    match (json.get(name), rest) {
        (None, None) => json.get(format!("_{name}")).is_some(),
        (None, Some(_)) => false,
        (Some(_), None) => true,
        (Some(Json::Array(items)), Some(rest)) => items.iter().all(|i| has(i, rest)),
        (Some(one), Some(rest)) => has(one, rest),
    }
}

impl Profile {
    fn url(&self) -> String {
        format!("{}{}", self.base, self.name)
    }

    /// What it asks for and the resource has not; a parent that R4 lets be absent may be.
    fn missing<'a>(&'a self, resource: &'a Json) -> impl Iterator<Item = &'static str> + 'a {
        self.required.iter().copied().filter(|path| {
            let parent = path.split_once('.').map(|(parent, _)| parent);
            let optional = self.base == UK_CORE;
            let applies = !optional || parent.is_none_or(|p| resource.get(p).is_some());
            applies && !has(resource, path)
        })
    }

    /// Rules beyond presence.
    fn broken(&self, resource: &Json) -> Option<&'static str> {
        match (self.base, self.resource) {
            (IPS, "Flag") if json::text(resource, "status") != Some("active") => {
                Some("is an alert of the summary, and not active")
            }
            (IPS, "Patient") => {
                let named = |n: &Json| {
                    ["family", "given", "text", "_text"].iter().any(|m| n.get(*m).is_some())
                };
                let right = json::list(resource, "name").iter().all(named);
                (!right).then_some("has a name without words")
            }
            (IPS, "Observation") => {
                let of_laboratory = json::has_code(resource, "category", "laboratory");
                let parts =
                    resource.get("component").is_some() || resource.get("hasMember").is_some();
                let absent = resource.get("dataAbsentReason").is_some();
                if !of_laboratory {
                    Some("claims to be of a laboratory, and its category says otherwise")
                } else if !parts && !absent && !has(resource, "value[x]") {
                    Some("has neither value nor parts, nor a reason for having none")
                } else {
                    None
                }
            }
            (UK_CORE, "Immunization") => {
                let unsaid = json::text(resource, "status") == Some("not-done")
                    && resource.get("statusReason").is_none();
                unsaid.then_some("was not given, and does not say why")
            }
            _ => None,
        }
    }
}

/// The profiles that a resource meets, if it meets R4.
pub(in crate::fhir) fn met(resource: &Json) -> Vec<String> {
    let kind = json::text(resource, "resourceType");
    PROFILES
        .iter()
        .filter(|p| kind == Some(p.resource))
        .filter(|p| p.missing(resource).next().is_none() && p.broken(resource).is_none())
        .map(Profile::url)
        .collect()
}

/// Whether this is the address of a profile that is checked here.
pub(in crate::fhir) fn is_known(url: &str) -> bool {
    PROFILES.iter().any(|p| url.split('|').next() == Some(p.url().as_str()))
}

/// Whether a section of the summary may hold this kind of resource.
pub(in crate::fhir) fn holds(section: &str, kind: &str) -> bool {
    let spec = SECTIONS.iter().find(|s| s.code == section);
    spec.is_none_or(|s| kind == "DocumentReference" || s.targets.contains(&kind))
}

/// Holds a resource against the profiles that it claims.
pub(super) fn claimed(resource: &Json, path: &str, found: &mut Found) {
    let claims = resource.pointer("/meta/profile").and_then(Json::as_array);
    for claim in claims.into_iter().flatten().filter_map(Json::as_str) {
        let claim = claim.split('|').next().unwrap_or(claim);
        let Some(profile) = PROFILES.iter().find(|p| p.url() == claim) else { continue };
        if json::text(resource, "resourceType") != Some(profile.resource) {
            found.error(path, "profile", "claims a profile of another kind of resource");
            continue;
        }
        for missing in profile.missing(resource) {
            let at = format!("{path}.{missing}");
            found.error(&at, "profile", "is required by the profile that is claimed, and missing");
        }
        if let Some(wrong) = profile.broken(resource) {
            found.error(path, "profile", wrong);
        }
    }
}

/// Holds a document against what a patient summary is, if it says that it is one.
pub(super) fn document(bundle: &Json, index: &Index<'_>, walk: &mut Walk<'_>) {
    let entries = json::list(bundle, "entry");
    let of = |kind: &str| {
        let resources = entries.iter().filter_map(|e| e.get("resource"));
        resources.filter(|r| json::text(r, "resourceType") == Some(kind)).count()
    };
    let Some(composition) = entries.first().and_then(|e| e.get("resource")) else { return };
    let claims = bundle.pointer("/meta/profile").is_some_and(|p| p.to_string().contains(IPS));
    if !json::has_code(composition, "type", SUMMARY) {
        if claims {
            walk.found.error(
                "Bundle",
                "ips",
                "claims to be a summary, and its type says otherwise",
            );
        }
        return;
    }
    if json::text(bundle, "type") != Some("document") {
        return;
    }
    for (kind, right) in [("Composition", of("Composition") == 1), ("Patient", of("Patient") == 1)]
    {
        if !right {
            let text = format!("a patient summary has one {kind}");
            walk.found.error("Bundle.entry", "ips", &text);
        }
    }
    for member in ["identifier", "timestamp"] {
        if bundle.get(member).is_none() {
            walk.found.error(
                &format!("Bundle.{member}"),
                "ips",
                "is required of a patient summary",
            );
        }
    }
    let subject = composition.get("subject").and_then(|s| json::text(s, "reference"));
    match subject.and_then(|s| index.find(s)) {
        Some(patient) => {
            for member in ["name", "birthDate"] {
                if !has(patient, member) {
                    let at = format!("Bundle.entry(Patient).{member}");
                    walk.found.error(&at, "ips", "is required of a patient summary");
                }
            }
        }
        None => walk.found.error(
            "Bundle.entry[0].resource.subject",
            "ips",
            "does not lead to the Patient that the summary is about",
        ),
    }
    sections(composition, index, walk.found);
    subjects(bundle, subject.and_then(|s| index.find(s)), index, walk.found);
    connected(entries, walk.found);
}

/// Whatever is about somebody is about the Patient of the summary.
fn subjects(bundle: &Json, patient: Option<&Json>, index: &Index<'_>, found: &mut Found) {
    for (n, entry) in json::list(bundle, "entry").iter().enumerate().skip(1) {
        for member in ["subject", "patient"] {
            let about = entry.get("resource").and_then(|r| r.get(member));
            let Some(about) = about.and_then(|a| json::text(a, "reference")) else { continue };
            let target = index.find(about);
            if !target.zip(patient).is_some_and(|(t, p)| core::ptr::eq(t, p)) {
                let at = format!("Bundle.entry[{n}].resource.{member}");
                found.error(&at, "ips-subject", "is not the Patient that the summary is about");
            }
        }
    }
}

fn sections(composition: &Json, index: &Index<'_>, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for (n, section) in json::list(composition, "section").iter().enumerate() {
        let at = format!("Bundle.entry[0].resource.section[{n}]");
        for member in ["title", "code", "text"] {
            if section.get(member).is_none() {
                found.error(&format!("{at}.{member}"), "ips", "is required of a section");
            }
        }
        if section.get("section").is_some() {
            found.error(&at, "ips", "has sections within; a patient summary has none");
        }
        let Some(spec) = json::codes_in(section, "code")
            .find_map(|code| SECTIONS.iter().find(|s| s.code == code))
        else {
            continue;
        };
        if !seen.insert(spec.code) {
            found.error(&at, "ips", "is there twice");
        }
        let entries = json::list(section, "entry");
        if spec.required && entries.is_empty() && section.get("emptyReason").is_none() {
            found.error(&at, "ips-comp-1", "has no entries, and does not say why");
        }
        for (n, entry) in entries.iter().enumerate() {
            let target = json::text(entry, "reference").and_then(|t| index.find(t));
            let kind = target.and_then(|t| json::text(t, "resourceType"));
            if kind.is_some_and(|k| k != "DocumentReference" && !spec.targets.contains(&k)) {
                let at = format!("{at}.entry[{n}]");
                found.error(
                    &at,
                    "ips-target",
                    "refers to a resource that this section does not hold",
                );
            }
        }
    }
    for spec in SECTIONS.iter().filter(|s| s.required && !seen.contains(s.code)) {
        let text = format!("has no section {}, which every patient summary has", spec.code);
        found.error("Bundle.entry[0].resource.section", "ips", &text);
    }
}

/// Every entry of a document is there because something refers to it, or it to something.
fn connected(entries: &[Json], found: &mut Found) {
    let mut named = BTreeSet::new();
    for entry in entries {
        references(entry, &mut named);
    }
    for (n, entry) in entries.iter().enumerate().skip(1) {
        let url = json::text(entry, "fullUrl").unwrap_or_default();
        let resource = entry.get("resource").unwrap_or(&Json::Null);
        let kind = json::text(resource, "resourceType").unwrap_or_default();
        let id = json::text(resource, "id").unwrap_or_default();
        let is_named = named.contains(url) || named.contains(format!("{kind}/{id}").as_str());
        let mut own = BTreeSet::new();
        references(resource, &mut own);
        if !is_named && own.is_empty() {
            let at = format!("Bundle.entry[{n}]");
            found.warning(&at, "connected", "is in the document, and nothing leads to it");
        }
    }
}

fn references<'a>(json: &'a Json, named: &mut BTreeSet<&'a str>) {
    match json {
        Json::Object(members) => {
            named.extend(members.get("reference").and_then(Json::as_str));
            members.values().for_each(|v| references(v, named));
        }
        Json::Array(items) => items.iter().for_each(|i| references(i, named)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
