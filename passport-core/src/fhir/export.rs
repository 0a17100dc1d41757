//! Entries as a FHIR R4 Bundle.
//!
//! Each entry becomes one resource, or one element of the Patient. It starts from what was
//! received, so that nothing is lost that had no field; only what the original does not already
//! say is written over it. What FHIR has no place for travels in a mark of ours, so that
//! export and import give the same fields again.

mod blank;
mod file;
mod ips;
mod native;
mod patient;
mod transaction;

pub use ips::{ExportConsent, ExportOrganisation, Summary, summary};
pub use transaction::{Present, Taken, Transaction, transaction};

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::import::{self, Draft, person::PARTS};
use super::known::Identifiers;
use super::original::{self, Original, Release};
use super::proof::{self, Proof};
use super::{json, known, marker, narrative};
use crate::id::EntryId;
use crate::section::display::display_value;
use crate::section::{PartialDate, Quantity, SectionName, Value};
use crate::time::Timestamp;
use marker::Mark;

/// Whose record it is.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it names a person")]
pub struct ExportSubject {
    /// The name to write when the entries do not carry one.
    pub name: Option<String>,
    /// Date of birth.
    pub date_of_birth: Option<PartialDate>,
    /// NHS number as written; only as the holder chooses.
    pub nhs_number: Option<String>,
}

/// One entry of the view that is exported.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct ExportEntry {
    /// Its identifier.
    pub id: EntryId,
    /// Its section; entries of sections that cannot be shared are left out.
    pub section: SectionName,
    /// Its kind.
    pub kind: String,
    /// Its fields.
    pub fields: BTreeMap<String, Value>,
    /// Fields that have several values, and those: they are told in the narrative.
    pub conflicts: BTreeMap<String, Vec<Value>>,
    /// Who recorded it.
    pub author_name: String,
    /// When.
    pub recorded_at: Timestamp,
    /// Whether the author's signature on it holds.
    pub attested: bool,
    /// The signature, to be carried by the export.
    pub proof: Option<Proof>,
    /// The content of its file, if it goes along.
    pub data: Option<Vec<u8>>,
}

/// A collection Bundle of the entries: a Patient, a resource for each entry, and Provenance that
/// names who recorded what.
///
/// `at` is the moment of the export. Equal arguments give equal JSON; each `fullUrl` is derived
/// from the entry's identifier and stays the same from export to export.
#[must_use]
pub fn bundle(subject: &ExportSubject, entries: &[ExportEntry], at: Timestamp) -> Json {
    let shareable: Vec<_> = entries.iter().filter(|e| e.section.spec().shareable).collect();
    let said = said_by_documents(&shareable);
    // The document that said so is exported, and says it again.
    let Parts { patient, patient_url, resources, provenance, .. } =
        parts(subject, entries, &|entry| is_said(entry, &said));
    let people = core::iter::once((patient_url, patient));
    let resources = people.chain(resources.into_iter().map(|(_, url, resource)| (url, resource)));
    let mut out: Vec<Json> = resources
        .map(|(url, mut resource)| {
            original::seal(&mut resource);
            json!({ "fullUrl": url, "resource": resource })
        })
        .collect();
    out.extend(provenance.into_iter().map(|r| json!({ "resource": r })));
    json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": at.to_string(),
        "entry": out,
    })
}

/// The resources of an export.
struct Parts {
    patient: Json,
    patient_url: String,
    /// Entries that became part of the Patient.
    own: Own,
    /// Each other entry's resource and its address.
    resources: Vec<(EntryId, String, Json)>,
    /// Who recorded what, and what they signed.
    provenance: Vec<Json>,
}

/// Makes the resources of all entries but those to leave out, and of those that are kept back.
fn parts(
    subject: &ExportSubject,
    entries: &[ExportEntry],
    leave_out: &dyn Fn(&ExportEntry) -> bool,
) -> Parts {
    let entries: Vec<_> = entries.iter().filter(|e| e.section.spec().shareable).collect();
    let (mut patient, patient_url, own) = patient::patient(subject, &entries);
    for part in entries.iter().filter(|e| own.contains(&e.id)) {
        tell(&mut patient, part);
    }
    let mut resources = Vec::new();
    let mut recorded: BTreeMap<(&str, Timestamp, bool), Vec<String>> = BTreeMap::new();
    let mut signed = Vec::new();
    for entry in entries {
        let url = if own.contains(&entry.id) { patient_url.clone() } else { full_url(entry.id) };
        if !own.contains(&entry.id) {
            if leave_out(entry) {
                continue;
            }
            let mut resource = resource(entry);
            file::enclose(&mut resource, entry);
            about(&mut resource, &patient_url);
            tell(&mut resource, entry);
            resources.push((entry.id, url.clone(), resource));
        }
        let author = (entry.author_name.as_str(), entry.recorded_at, entry.attested);
        if let Some(proof) = &entry.proof {
            let mut made = provenance(author, core::slice::from_ref(&url));
            sign(&mut made, entry, proof);
            signed.push(made);
            continue;
        }
        let targets = recorded.entry(author).or_default();
        if !targets.contains(&url) {
            targets.push(url);
        }
    }
    let recorded = recorded.iter().map(|(author, targets)| provenance(*author, targets));
    let provenance = recorded.chain(signed).collect();
    Parts { patient, patient_url, own, resources, provenance }
}

/// A UUID made of the entry's identifier (RFC 9562, version 8).
fn full_url(id: EntryId) -> String {
    let mut bytes = *id.as_bytes();
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x80;
    *variant = (*variant & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    let part = |range| hex.get(range).unwrap_or_default();
    let (a, b, c) = (part(0..8), part(8..12), part(12..16));
    format!("urn:uuid:{a}-{b}-{c}-{}-{}", part(16..20), part(20..32))
}

/// What was received.
fn received(entry: &ExportEntry) -> Option<Original> {
    match entry.fields.get("source") {
        Some(Value::Source { media_type, content }) => {
            Some(Original::new(Release::of_media_type(media_type), content.as_str()))
        }
        _ => None,
    }
}

fn source(entry: &ExportEntry) -> Option<Json> {
    json::parse(&received(entry)?.text).ok()
}

/// What was received in another release of FHIR, which an R4 Bundle does not hold: the resource
/// that it was, and its kind.
fn foreign(entry: &ExportEntry) -> Option<(Original, String)> {
    let original = received(entry).filter(|original| original.release != Release::R4)?;
    let kind = json::text(&json::parse(&original.text).ok()?, "resourceType")?.to_owned();
    Some((original, kind))
}

/// What was received, if it is a resource that may stand on its own.
fn base(entry: &ExportEntry) -> Option<Json> {
    if received(entry)?.release != Release::R4 {
        return None;
    }
    let mut source = source(entry)?;
    let kind = json::text(&source, "resourceType")?.to_owned();
    let of_patient = PARTS.iter().any(|p| source.get(p).is_some());
    if kind == "Patient" && of_patient && entry.section.as_str() != "documents" {
        return None;
    }
    if kind == "Bundle" {
        // Without its entries it is no document any more.
        source.as_object_mut()?.insert("type".into(), "collection".into());
    }
    marker::remove(&mut source);
    Some(source)
}

/// What the sections of every Composition that is exported are read as.
fn said_by_documents(entries: &[&ExportEntry]) -> Vec<Draft> {
    entries
        .iter()
        .filter_map(|e| base(e))
        .filter(|b| json::text(b, "resourceType") == Some("Composition"))
        .filter_map(|b| import::read(b.to_string().as_bytes()).ok())
        .flat_map(|read| read.drafts)
        .collect()
}

/// Whether a document that is exported says exactly this, and will say it again when it is read.
fn is_said(entry: &ExportEntry, said: &[Draft]) -> bool {
    let same = |draft: &Draft| {
        draft.section == entry.section
            && draft.kind == entry.kind
            && draft
                .fields
                .iter()
                .map(|(n, v)| (*n, v))
                .eq(entry.fields.iter().map(|(n, v)| (n.as_str(), v)))
    };
    entry.section.as_str() != "documents" && said.iter().any(same)
}

/// One entry as one resource.
fn resource(entry: &ExportEntry) -> Json {
    let id = entry.id.to_string();
    let foreign = foreign(entry);
    // What has no section has nothing in R4 that it could stand beside.
    let enclosed = foreign
        .as_ref()
        .filter(|_| entry.kind == "received")
        .map(|(original, kind)| original::document(kind, original.release, &original.text, ""));
    let stands_beside = enclosed.is_none();
    let made = base(entry).or(enclosed).unwrap_or_else(|| blank::blank(entry));
    let mut made = overlay(made, entry, &|resource| resource.clone());
    if let Some((original, _)) = foreign.filter(|_| stands_beside) {
        original::put(&mut made, &original);
    }
    // Nobody would know it by an id that is no text.
    if json::text(&made, "id").is_none()
        && let Some(members) = made.as_object_mut()
    {
        members.insert("id".into(), id.into());
    }
    made
}

/// Writes over a resource or element what it does not already say. `whole` makes a resource of
/// it that can be read back.
fn overlay(made: Json, entry: &ExportEntry, whole: &dyn Fn(&Json) -> Json) -> Json {
    let (had, mut made) = (made.clone(), made);
    let mut wanted: BTreeMap<&str, &Value> =
        entry.fields.iter().map(|(n, v)| (n.as_str(), v)).collect();
    // What a file says of itself goes where the file does.
    wanted.retain(|name, value| *name != "source" && file::file(value).is_none());
    let section = entry.section.as_str();
    let before = reads_as(&whole(&made), section, &entry.kind).unwrap_or_default();
    for (name, value) in &wanted {
        if before.get(*name) != Some(value) {
            native::write(&mut made, section, &entry.kind, name, value);
        }
    }
    for name in before.keys().filter(|n| !wanted.contains_key(**n)) {
        native::erase(&mut made, section, &entry.kind, name);
    }
    native::allow(&mut made, &had);
    if base(entry).is_none() {
        native::complete(&mut made, section);
    }
    identify(&mut made, entry);
    let after = reads_as(&whole(&made), section, &entry.kind);
    let mut mark = Mark::new(section, &entry.kind);
    let read = after.clone().unwrap_or_default();
    for (name, value) in wanted.iter().filter(|(n, _)| **n != "identifier") {
        if read.get(*name) != Some(value) {
            mark.set(name, value);
        }
    }
    for name in read.keys().filter(|n| !wanted.contains_key(**n) && **n != "identifier") {
        mark.set_without(name);
    }
    // A stay is read as two entries, so it always says which of them it is.
    let is_ambiguous = section.starts_with("discharge");
    if after.is_none() || !mark.is_empty() || is_ambiguous {
        mark.put(&mut made);
    }
    made
}

/// What a resource is read as, without its origin.
fn reads_as(resource: &Json, section: &str, kind: &str) -> Option<BTreeMap<&'static str, Value>> {
    let import = import::read(resource.to_string().as_bytes()).ok()?;
    let found = import.drafts.into_iter().find(|d| d.section.as_str() == section && d.kind == kind);
    found.map(|mut draft| {
        draft.fields.remove("source");
        draft.fields
    })
}

/// Gives an entry that has no sender's identifier one of ours.
fn identify(made: &mut Json, entry: &ExportEntry) {
    let is_resource = made.get("resourceType").is_some();
    if !is_resource || json::identifier(made).is_some() || json::text(made, "id").is_some() {
        return;
    }
    let identifier = match entry.fields.get("identifier") {
        Some(Value::Text(text)) => match text.rsplit_once('|') {
            Some((system, value)) => json!({ "system": system, "value": value }),
            None => json!({ "value": text }),
        },
        _ => json!({ "system": marker::ENTRY_ID, "value": entry.id.to_string() }),
    };
    let kind = json::text(made, "resourceType").unwrap_or_default();
    let many = known::identifiers(kind) != Identifiers::One;
    let Some(members) = made.as_object_mut() else { return };
    // What was sent as one and identifies nothing stays there.
    let identifiers = match members.remove("identifier") {
        None if many => json!([identifier]),
        None => identifier,
        Some(Json::Array(mut list)) => {
            list.push(identifier);
            list.into()
        }
        Some(mut one @ Json::Object(_)) if !many => {
            let own = json!({ "url": marker::ENTRY_ID, "valueIdentifier": identifier });
            json::extend(&mut one, own);
            one
        }
        Some(other) => json!([other, identifier]),
    };
    members.insert("identifier".into(), identifiers);
}

/// Tells every value of fields that have several in the narrative: no element has room for them,
/// and whoever reads the resource must not take the field for empty.
fn tell(resource: &mut Json, entry: &ExportEntry) {
    let bare = matches!(json::text(resource, "resourceType"), Some("Bundle" | "Binary"));
    if entry.conflicts.is_empty() || bare {
        return;
    }
    let kind = entry.section.spec().kind(&entry.kind);
    let mut told = String::new();
    for (name, values) in &entry.conflicts {
        let title = kind.and_then(|k| k.field(name)).map_or(name.as_str(), |f| f.title);
        let values: Vec<String> = values.iter().map(display_value).collect();
        let line = format!("{title}: not settled between {}", values.join(" / "));
        for piece in ["<p>", &narrative::escaped(&line), "</p>"] {
            told.push_str(piece);
        }
    }
    let before = resource.pointer("/text/div").and_then(Json::as_str);
    let before = before.and_then(|div| div.trim_end().strip_suffix("</div>"));
    let open = before.unwrap_or("<div xmlns=\"http://www.w3.org/1999/xhtml\">");
    let text = json!({ "status": "additional", "div": format!("{open}{told}</div>") });
    if let Some(members) = resource.as_object_mut() {
        members.insert("text".into(), text);
    }
}

/// Points a resource at the Patient of the bundle.
fn about(resource: &mut Json, patient_url: &str) {
    for name in ["subject", "patient"] {
        let Some(reference) = resource.get_mut(name).and_then(Json::as_object_mut) else {
            continue;
        };
        let target = reference.get("reference").and_then(Json::as_str).unwrap_or_default();
        if target.contains("Patient/") || target.starts_with("urn:") || target.is_empty() {
            reference.insert("reference".into(), patient_url.into());
        }
    }
}

fn provenance((author, at, attested): (&str, Timestamp, bool), targets: &[String]) -> Json {
    let targets: Vec<_> = targets.iter().map(|t| json!({ "reference": t })).collect();
    let activity = if attested { "recorded and signed by the author" } else { "recorded" };
    let role = json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
        "code": "author",
        "display": "Author",
    }] });
    let mut made = json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": at.to_string(),
        "activity": { "text": activity },
        "agent": [{ "type": role, "who": { "display": author } }],
    });
    tagged(&mut made);
    made
}

/// Adds what an organisation signed.
fn sign(provenance: &mut Json, entry: &ExportEntry, proof: &Proof) {
    let signature = json!([{
        "type": [{
            "system": "urn:iso-astm:E1762-95:2013",
            "code": "1.2.840.10065.1.12.1.1",
            "display": "Author's Signature",
        }],
        "when": proof.at().to_string(),
        "who": { "display": entry.author_name },
        "sigFormat": proof::FORMAT,
        "data": proof.to_base64(),
    }]);
    if let Some(members) = provenance.as_object_mut() {
        members.insert("signature".into(), signature);
    }
}

/// Marks a resource as made by the export itself: no entry, and not to become one.
fn tagged(made: &mut Json) {
    if let Some(members) = made.as_object_mut() {
        members.insert("meta".into(), json!({ "tag": [frame_tag()] }));
    }
}

fn frame_tag() -> Json {
    json!({ "system": marker::FRAME, "code": "frame" })
}

/// A `Quantity`; nothing if the number is not one that JSON can write.
pub(super) fn quantity(quantity: &Quantity) -> Option<Json> {
    let number: serde_json::Number = serde_json::from_str(&quantity.value).ok()?;
    let mut out = Map::new();
    out.insert("value".into(), Json::Number(number));
    if let Some(unit) = &quantity.unit {
        out.insert("unit".into(), unit.clone().into());
    }
    if let Some(code) = &quantity.code {
        out.insert("system".into(), known::UCUM.into());
        out.insert("code".into(), code.clone().into());
    }
    Some(Json::Object(out))
}

/// Entries that became part of the Patient.
type Own = BTreeSet<EntryId>;
