//! Documents, and what has no section of its own.

use serde_json::{Map, Value as Json};

use super::bundle::{Resource, Resources};
use super::draft::{self, Drafts, Fields};
use super::person;
use super::{Draft, Enclosed, limits};
use crate::fhir::original::Original;
use crate::fhir::{json, known, marker};

/// Most attachments of a resource that become documents.
const ATTACHMENTS: usize = 64;

/// `DocumentReference` (HL7 FHIR R4): each attachment is a document.
pub(super) fn document(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let d = &r.json;
    if json::text(d, "status") == Some("entered-in-error") {
        return;
    }
    let attached = json::list(d, "content").iter().enumerate();
    let attached = attached.filter_map(|(at, content)| Some((at, content.get("attachment")?)));
    let attached: Vec<(usize, &Json)> = attached.take(ATTACHMENTS).collect();
    for (number, (at, attachment)) in attached.iter().enumerate() {
        let enclosed = enclosed(r, attachment, all);
        let mut rest = d.clone();
        if let Some(members) = rest.as_object_mut() {
            part(members, number, *at, &attached);
        }
        let path = "/content/0/attachment";
        // The file is kept as a file: its letters need not be kept twice.
        let held = rest.pointer_mut(path).filter(|_| enclosed.is_some());
        if let Some(held) = held.and_then(Json::as_object_mut) {
            held.remove("data");
        }
        let source = if *d == rest { r.verbatim().to_owned() } else { rest.to_string() };
        let base = r.identifier();
        let identifier = match number {
            0 => base,
            number => base.map(|b| format!("{b}#{number}")),
        };
        let fields = described(d, attachment);
        let source = Some(r.original(source));
        out.add_as("documents", "document", fields, identifier.as_deref(), source, enclosed);
    }
}

/// Leaves a document its own attachment alone, at the first place: the others are documents too,
/// and would come back with each. What is no attachment stays with the first document, and so
/// does what the sender calls the whole.
fn part(members: &mut Map<String, Json>, number: usize, at: usize, attached: &[(usize, &Json)]) {
    let Some(Json::Array(contents)) = members.get_mut("content") else { return };
    let is_attached = |this: &usize| attached.iter().any(|(other, _)| other == this);
    let others = contents.iter().enumerate().filter(|(n, _)| number == 0 && !is_attached(n));
    let own = contents.get(at).into_iter();
    *contents = own.chain(others.map(|(_, content)| content)).cloned().collect();
    if number > 0 {
        members.remove("id");
        members.remove("identifier");
    }
}

fn described(d: &Json, attachment: &Json) -> Fields {
    let kind = json::concept_in(d, "type");
    let title = json::text(attachment, "title")
        .or_else(|| json::text(d, "description"))
        .or_else(|| kind.as_ref().map(crate::section::Code::words))
        .unwrap_or("Document");
    let author = json::first(d, "author").and_then(|a| json::text(a, "display"));
    let date = json::date(attachment, "creation").or_else(|| json::date(d, "date"));
    let mut fields = Fields::default();
    fields
        .text("title", Some(title))
        .code("type", kind.clone())
        .date("date", date)
        .text("author", author)
        .text("link", json::text(attachment, "url"));
    fields
}

/// The attachment's bytes, in it or in a Binary of the same file.
fn enclosed(r: &Resource<'_>, attachment: &Json, all: &Resources<'_>) -> Option<Enclosed> {
    let found;
    let data = if let Some(data) = json::text(attachment, "data") {
        data
    } else {
        let url = json::text(attachment, "url")?;
        found = all.binary(r, url)?;
        json::text(&found, "data")?
    };
    let bytes = decoded(data)?;
    let media_type = json::text(attachment, "contentType").unwrap_or("application/octet-stream");
    let title = json::text(attachment, "title").unwrap_or("Document");
    Some(Enclosed {
        media_type: json::bounded(media_type, 256),
        title: json::bounded(title, 1024),
        bytes,
    })
}

fn decoded(data: &str) -> Option<Vec<u8>> {
    if data.len() > limits::ENCLOSED / 3 * 4 {
        return None;
    }
    let compact: Vec<u8> = data.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    data_encoding::BASE64.decode(&compact).ok().filter(|bytes| !bytes.is_empty())
}

/// A `Binary` (HL7 FHIR R4) that nothing else names, and that is too large to be kept word for
/// word: a document of its own.
pub(super) fn binary(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let Some(bytes) = json::text(&r.json, "data").and_then(decoded) else { return };
    let media_type = json::text(&r.json, "contentType").unwrap_or("application/octet-stream");
    let media_type = json::bounded(media_type, 256);
    let mut fields = Fields::default();
    fields.text("title", Some(&r.name()));
    let enclosed = Enclosed { media_type, title: r.name(), bytes };
    let identifier = r.identifier();
    out.add_as("documents", "document", fields, identifier.as_deref(), None, Some(enclosed));
}

/// The positive statements of a document's empty sections (HL7 FHIR R4, Composition).
pub(super) fn empty_sections(r: &Resource<'_>, out: &mut Drafts<'_>) {
    for section in json::list(&r.json, "section").iter().take(64) {
        let place = json::codes_in(section, "code").find_map(|code| match code {
            "11450-4" => Some("problems"),
            "48765-2" => Some("allergies"),
            "10160-0" => Some("medications"),
            _ => None,
        });
        let said = json::codes_in(section, "emptyReason").find_map(known::empty_reason);
        let (Some(place), Some(absence)) = (place, said) else { continue };
        if !json::list(section, "entry").is_empty() {
            continue;
        }
        let mut fields = Fields::default();
        fields
            .code("statement", json::concept_in(section, "emptyReason"))
            .date("asserted", json::date(&r.json, "date"));
        let source = Original::new(r.release(), section.to_string());
        out.add_as(place, absence.kind(), fields, None, Some(source), None);
    }
}

/// A resource that has no section, or what of it has none.
pub(super) fn received(r: &Resource<'_>, source: String) -> Option<Draft> {
    if is_bare(r) {
        return None;
    }
    let part = if source == r.verbatim() { None } else { json::parse(&source).ok() };
    let j = part.as_ref().unwrap_or(&r.json);
    let named = ["code", "type", "name", "description", "title"].iter().find_map(|n| {
        json::text(j, n)
            .map(str::to_owned)
            .or_else(|| json::concept_in(j, n).map(|c| c.words().to_owned()))
            .or_else(|| json::first(j, n).and_then(json::human_name))
    });
    // A bundle's type says how it was wrapped, which is over.
    let named = named.filter(|_| r.kind() != "Bundle");
    let title = named.map_or_else(|| r.kind().to_owned(), |n| format!("{}: {n}", r.kind()));
    let date = ["date", "issued", "authoredOn", "created", "dateTime", "authored", "timestamp"]
        .iter()
        .find_map(|n| json::date(j, n))
        .or_else(|| json::date_of_choice(j, "performed"))
        .or_else(|| json::date_of_choice(j, "effective"));
    let mut fields = Fields::default();
    fields.text("title", Some(&title)).text("resource_type", Some(r.kind())).date("date", date);
    if source.len() > crate::section::limits::SOURCE {
        return None;
    }
    // What an export of ours enclosed it in says what was changed of it.
    if let Some(outer) = r.head().outer() {
        fields = draft::marked("documents", "received", fields, outer);
    }
    let source = Original::new(r.release(), source);
    let mut drafts = Drafts::new(r);
    // A part that does not say whose it is, is not called after them.
    let says_whose = |part: &Json| ["identifier", "id"].iter().any(|name| part.get(name).is_some());
    let identifier = r.identifier().filter(|_| part.as_ref().is_none_or(says_whose));
    drafts.add_as("documents", "received", fields, identifier.as_deref(), Some(source), None);
    drafts.finish().drafts.pop()
}

/// Whether an export of ours made this around the entries.
pub(super) fn is_frame(r: &Resource<'_>) -> bool {
    let tags = r.json.get("meta").map(|m| json::list(m, "tag")).unwrap_or_default();
    tags.iter().any(|t| json::text(t, "system") == Some(marker::FRAME))
}

/// Whether a bundle says nothing but what it wraps, or a Patient nothing but that there is one.
pub(super) fn is_bare(r: &Resource<'_>) -> bool {
    let Some(members) = r.json.as_object() else { return false };
    match r.kind() {
        _ if is_frame(r) => true,
        "Bundle" => ["identifier", "signature"].iter().all(|n| !members.contains_key(*n)),
        "Patient" => !person::says(&r.json),
        _ => false,
    }
}
