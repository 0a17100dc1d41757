//! The person: who the file is about, and what it says of them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};

use super::bundle::{Entered, Head, Resource, Resources, relative};
use super::draft::{self, Drafts, Fields, Made};
use super::{ImportError, Subject};
use crate::fhir::{json, known, same};
use crate::nhs_number::NhsNumber;
use crate::section::Value;

/// Whose file it is, and which resource says so.
pub(super) struct Found {
    pub(super) subject: Subject,
    /// Address of the chosen Patient's text.
    chosen: Option<(*const u8, Option<String>)>,
}

#[derive(Deserialize)]
struct RawSubject<'a> {
    #[serde(borrow, default)]
    subject: Option<&'a RawValue>,
    #[serde(borrow, default)]
    patient: Option<&'a RawValue>,
}

/// Finds whose file it is.
pub(super) fn subject(entered: &[Entered<'_>]) -> Result<Found, ImportError> {
    let heads = || {
        entered.iter().filter_map(|e| match e {
            Entered::Resource(head) => Some(head),
            Entered::Unreadable { .. } => None,
        })
    };
    let mut found: Option<Found> = None;
    for head in heads().filter(|h| h.kind() == "Patient" && !h.is_enclosed()) {
        let Ok(resource) = Resource::open(head) else { continue };
        let subject = described(&resource.json);
        let id = json::text(&resource.json, "id").map(|id| format!("Patient/{id}"));
        let this = Found { subject, chosen: Some((head.raw().as_ptr(), id)) };
        found = Some(match found {
            // One of whom nothing is said is nobody else.
            Some(first) if this.subject == Subject::default() => first,
            Some(first) if first.subject == Subject::default() => this,
            Some(first) if same::surely(&first.subject, &this.subject) => first,
            Some(_) => return Err(ImportError::SeveralPeople),
            None => this,
        });
    }
    found.map_or_else(|| by_reference(heads()), Ok)
}

/// Without a Patient: whom the resources say they are about.
fn by_reference<'a>(heads: impl Iterator<Item = &'a Head<'a>>) -> Result<Found, ImportError> {
    let mut targets = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for head in heads {
        let Ok(RawSubject { subject, patient }) = serde_json::from_str(head.raw()) else {
            continue;
        };
        let Some(reference) = subject.or(patient).and_then(|r| json::parse(r.get()).ok()) else {
            continue;
        };
        numbers.extend(reference.get("identifier").and_then(number_in));
        let target = json::text(&reference, "reference").and_then(relative);
        targets.extend(target.filter(|t| t.starts_with("Patient/")));
    }
    if targets.len() > 1 || numbers.len() > 1 {
        return Err(ImportError::SeveralPeople);
    }
    let subject = Subject { nhs_number: numbers.pop_first(), ..Subject::default() };
    Ok(Found { subject, chosen: None })
}

/// A valid NHS number in an `Identifier`.
fn number_in(identifier: &Json) -> Option<NhsNumber> {
    let system = json::text(identifier, "system")?;
    if !known::NHS_NUMBER.contains(&system) {
        return None;
    }
    json::text(identifier, "value")?.parse().ok()
}

fn described(patient: &Json) -> Subject {
    Subject {
        names: names(patient),
        date_of_birth: json::date(patient, "birthDate"),
        nhs_number: json::list(patient, "identifier").iter().find_map(number_in),
    }
}

/// Every name, the official or usual one first, former ones last.
fn names(patient: &Json) -> Vec<String> {
    let mut names: Vec<_> = json::list(patient, "name").iter().collect();
    names.sort_by_key(|n| match json::text(n, "use") {
        Some("official") => 0,
        Some("usual") | None => 1,
        Some("old" | "maiden") => 3,
        Some(_) => 2,
    });
    names.into_iter().take(32).filter_map(json::human_name).collect()
}

impl Found {
    /// Whether this is the Patient that the file is about, or one of whom nothing is said.
    pub(super) fn is_chosen(&self, r: &Resource<'_>) -> bool {
        self.chosen.as_ref().is_some_and(|(at, _)| *at == r.head().raw().as_ptr())
            || described(&r.json) == Subject::default()
    }

    /// Whether a resource says that it is about somebody else.
    pub(super) fn is_about_another<'a>(&self, r: &'a Resource<'_>, all: &Resources<'_>) -> bool {
        let subject = |json: &'a Json| json.get("subject").or_else(|| json.get("patient"));
        let identifier = subject(&r.json).and_then(|reference| reference.get("identifier"));
        if let (Some(theirs), Some(ours)) =
            (identifier.and_then(number_in), &self.subject.nhs_number)
        {
            return theirs != *ours;
        }
        // What an export of ours enclosed has references of another file: that it is enclosed in
        // says whose it is.
        let reference = subject(r.head().outer().unwrap_or(&r.json));
        let (Some((at, Some(id))), Some(target)) =
            (&self.chosen, reference.and_then(|reference| json::text(reference, "reference")))
        else {
            return false;
        };
        if all.find(target).is_some_and(|raw| raw.as_ptr() == *at) {
            return false;
        }
        relative(target).is_some_and(|t| t.starts_with("Patient/") && t != *id)
    }
}

/// The Patient: the person, addresses, ways to reach them, practices and contacts.
pub(super) fn patient(r: &Resource<'_>, all: &Resources<'_>, out: &mut Drafts<'_>) {
    let p = &r.json;
    let identifier = r.identifier();
    // Each part that is an entry of its own keeps its own original, and the person's is without
    // them: whoever may see the name does not thereby see whom to ring.
    let source = r.original(without_parts(r, |_, _| true));
    let fields = draft::marked("identity", "person", person(p), p);
    out.add_as("identity", "person", fields, identifier.as_deref(), Some(source), None);
    let parts = |name: &'static str| {
        let elements = json::list(p, name).iter().take(PARTS_MAX).enumerate();
        elements.map(move |(n, e)| ((name, n, e), part(name, e).to_string()))
    };
    for (address, source) in parts("address") {
        out.add_part("identity", "address", address_of(address.2), address, source);
    }
    for (point, source) in parts("telecom") {
        out.add_part("identity", "contact-point", point_of(point.2), point, source);
    }
    for (reference, source) in parts("generalPractitioner") {
        let fields = practice(r, reference.2, all);
        out.add_part("registrations", "registration", fields, reference, source);
    }
    for (contact, source) in parts("contact") {
        out.add_part("contacts", "contact", contact_of(contact.2), contact, source);
    }
}

/// The elements of a Patient that are entries of their own.
pub(in crate::fhir) const PARTS: [&str; 4] =
    ["address", "telecom", "generalPractitioner", "contact"];

/// How many of each become entries.
const PARTS_MAX: usize = 64;

/// The original of a Patient without some of its parts, named by member and number.
fn without_parts(r: &Resource<'_>, is_apart: impl Fn(&'static str, usize) -> bool) -> String {
    let mut own = r.json.clone();
    for name in PARTS {
        match own.get_mut(name) {
            // A list too long to be entries stays whole.
            Some(Json::Array(list)) if list.len() > PARTS_MAX => continue,
            Some(Json::Array(list)) => {
                let mut numbers = 0..;
                list.retain(|_| numbers.next().is_some_and(|n| !is_apart(name, n)));
                if !list.is_empty() {
                    continue;
                }
            }
            Some(_) if is_apart(name, 0) => {}
            _ => continue,
        }
        if let Some(members) = own.as_object_mut() {
            members.remove(name);
        }
    }
    if own == r.json { r.verbatim().to_owned() } else { own.to_string() }
}

/// What of a Patient became no entry, if it says anything.
pub(super) fn left(r: &Resource<'_>, made: &Made) -> Option<String> {
    let has_person = made.drafts.iter().any(|d| d.kind == "person");
    let rest = without_parts(r, |member, number| made.parts.contains(&(member, number)));
    if !has_person {
        return json::parse(&rest).is_ok_and(|rest| says(&rest)).then_some(rest);
    }
    let mut parts = json::parse(&rest).ok()?;
    let members = parts.as_object_mut()?;
    // What is no part is in the person's original, and so is a list too long to be entries.
    members.retain(|name, value| match value {
        Json::Array(list) => PARTS.contains(&name.as_str()) && list.len() <= PARTS_MAX,
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            name == "resourceType" || PARTS.contains(&name.as_str())
        }
    });
    (members.len() > 1).then(|| parts.to_string())
}

/// Whether a Patient says anything of the person.
pub(super) fn says(patient: &Json) -> bool {
    let members = patient.as_object();
    members.is_some_and(|members| members.keys().any(|name| !is_unsaid(patient, name)))
}

/// Whether a member of a Patient says nothing of the person: names the record, or says that a
/// name or date of birth is not known.
fn is_unsaid(patient: &Json, member: &str) -> bool {
    match member {
        "resourceType" | "id" | "meta" => true,
        "name" | "_birthDate" => patient.get(member).is_some_and(is_absent),
        _ => false,
    }
}

/// Whether an element has nothing, or no more than word of why it has nothing.
fn is_absent(element: &Json) -> bool {
    match element {
        Json::Array(items) => items.iter().all(is_absent),
        Json::Object(members) => {
            json::text(element, "url") == Some(known::ABSENT_REASON)
                || members.values().all(is_absent)
        }
        Json::Null => true,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
    }
}

/// A Patient of one element.
pub(in crate::fhir) fn part(name: &str, element: &Json) -> Json {
    serde_json::json!({ "resourceType": "Patient", name: [element] })
}

fn person(p: &Json) -> Fields {
    let mut fields = Fields::default();
    let all = names(p);
    let of_use = |wanted: &[&str]| {
        json::list(p, "name")
            .iter()
            .find(|n| json::text(n, "use").is_some_and(|u| wanted.contains(&u)))
            .and_then(json::human_name)
    };
    fields
        .text("name", all.first().map(String::as_str))
        .text("known_as", of_use(&["nickname"]).as_deref())
        .text("former_name", of_use(&["old", "maiden"]).as_deref())
        .date("date_of_birth", json::date(p, "birthDate"))
        .text("gender", json::text(p, "gender"));
    let number = json::list(p, "identifier")
        .iter()
        .find(|i| json::text(i, "system").is_some_and(|s| known::NHS_NUMBER.contains(&s)));
    if let Some(written) = number.and_then(|n| json::text(n, "value")) {
        let verified =
            number.and_then(|n| json::extension(n, known::NHS_NUMBER_STATUS)).is_some_and(|e| {
                json::codes_in(e, "valueCodeableConcept")
                    .any(|c| known::NHS_NUMBER_VERIFIED.contains(&c))
            });
        let (shown, status) = match written.parse::<NhsNumber>() {
            Ok(number) if verified => (number.digits().to_owned(), "verified"),
            Ok(number) => (number.digits().to_owned(), "asserted"),
            Err(_) => (written.to_owned(), "invalid"),
        };
        fields.text("nhs_number", Some(&shown)).choice("nhs_number_status", Some(status));
    }
    let languages = json::list(p, "communication");
    let preferred = languages
        .iter()
        .find(|c| c.get("preferred") == Some(&Json::Bool(true)))
        .or_else(|| languages.first());
    let language = preferred.and_then(|c| json::concept_in(c, "language"));
    fields.text("language", language.as_ref().map(crate::section::Code::words));
    fields
}

fn address_of(address: &Json) -> Fields {
    let mut fields = Fields::default();
    let kind = match (json::text(address, "use"), json::text(address, "type")) {
        (Some("home"), _) => Some("home"),
        (Some("temp"), _) => Some("temporary"),
        (Some("old"), _) => Some("former"),
        (Some(_), _) => Some("other"),
        (None, _) => None,
    };
    fields
        .choice("use", kind)
        .text("lines", json::address_lines(address).as_deref())
        .text("postcode", json::text(address, "postalCode"))
        .set("period", address.get("period").and_then(json::period).map(Value::Period));
    fields
}

fn point_of(point: &Json) -> Fields {
    let mut fields = Fields::default();
    let system = match (json::text(point, "system"), json::text(point, "use")) {
        (Some("phone" | "sms"), Some("mobile")) | (Some("sms"), _) => "mobile",
        (Some("phone"), _) => "phone",
        (Some("email"), _) => "email",
        _ => "other",
    };
    fields
        .choice("system", Some(system))
        .text("value", json::text(point, "value"))
        .set("period", point.get("period").and_then(json::period).map(Value::Period));
    fields
}

/// A reference to a practice or doctor, with what the file says about it.
pub(super) fn practice(r: &Resource<'_>, reference: &Json, all: &Resources<'_>) -> Fields {
    let mut fields = Fields::default();
    let target = all.resolve(r, reference).unwrap_or(Json::Null);
    let is_person = json::text(&target, "resourceType") == Some("Practitioner");
    let doctor = json::first(&target, "name").and_then(json::human_name).filter(|_| is_person);
    let ods = json::list(&target, "identifier")
        .iter()
        .chain(reference.get("identifier"))
        .find(|i| json::text(i, "system") == Some(known::ODS_CODE))
        .and_then(|i| json::text(i, "value"));
    let phone = json::list(&target, "telecom")
        .iter()
        .find(|t| json::text(t, "system") == Some("phone"))
        .and_then(|t| json::text(t, "value"));
    let address = json::first(&target, "address").and_then(json::address_lines);
    let name = json::text(&target, "name")
        .or_else(|| json::text(reference, "display"))
        .or(doctor.as_deref())
        .or(ods)
        .or_else(|| reference.get("identifier").and_then(|i| json::text(i, "value")));
    fields
        .text("practice", name)
        .text("doctor", doctor.as_deref())
        .text("ods_code", ods)
        .text("phone", phone)
        .text("address", address.as_deref());
    fields
}

/// `RelatedPerson` (HL7 FHIR R4).
pub(super) fn related(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let mut contact = r.json.clone();
    // Of these a contact within a Patient has one, a person on their own several.
    for member in ["name", "address"] {
        if let Some(first) = json::first(&r.json, member)
            && let Some(members) = contact.as_object_mut()
        {
            members.insert(member.into(), first.clone());
        }
    }
    out.add("contacts", "contact", contact_of(&contact));
}

/// `CareTeam` (HL7 FHIR R4): who supports the student, by the team's name.
pub(super) fn team(r: &Resource<'_>, out: &mut Drafts<'_>) {
    let t = &r.json;
    let reach = |system: &str| {
        let mut points = json::list(t, "telecom").iter();
        points
            .find(|p| json::text(p, "system") == Some(system))
            .and_then(|p| json::text(p, "value"))
    };
    let members: Vec<_> = json::list(t, "participant")
        .iter()
        .take(64)
        .filter_map(|p| {
            let name = p.get("member").and_then(|m| json::text(m, "display"))?;
            let role = json::concept_in(p, "role").map(|role| format!(" ({})", role.words()));
            Some(format!("{name}{}", role.unwrap_or_default()))
        })
        .collect();
    let organisation =
        json::first(t, "managingOrganization").and_then(|o| json::text(o, "display"));
    let mut fields = Fields::default();
    fields
        .text("name", json::text(t, "name"))
        .text("role", Some(&members.join("; ")))
        .text("organisation", organisation)
        .text("phone", reach("phone"))
        .text("email", reach("email"))
        .set("period", t.get("period").and_then(json::period).map(Value::Period))
        .set("note", json::notes(t, "note"));
    out.add("contacts", "professional", fields);
}

fn contact_of(contact: &Json) -> Fields {
    let mut fields = Fields::default();
    let reach = |system: &str| {
        json::list(contact, "telecom")
            .iter()
            .find(|t| json::text(t, "system") == Some(system))
            .and_then(|t| json::text(t, "value"))
    };
    let words: Vec<_> = json::list(contact, "relationship")
        .iter()
        .filter_map(json::concept)
        .map(|c| c.words().to_owned())
        .collect();
    // v2-0131: C emergency contact.
    let emergency = json::has_code(contact, "relationship", "C")
        || words.iter().any(|w| w.to_ascii_lowercase().contains("emergency"));
    let relationship = match words.as_slice() {
        [] => None,
        [_] => json::concept_in(contact, "relationship"),
        many => Some(crate::section::Code::text(json::bounded(&many.join(", "), 4096))),
    };
    let address = contact.get("address").and_then(json::address_lines);
    fields
        .text("name", contact.get("name").and_then(json::human_name).as_deref())
        .code("relationship", relationship)
        .set("emergency", emergency.then_some(Value::Boolean(true)))
        .text("phone", reach("phone"))
        .text("email", reach("email"))
        .text("address", address.as_deref())
        .set("period", contact.get("period").and_then(json::period).map(Value::Period));
    fields
}

#[cfg(test)]
mod tests {
    use crate::fhir::import::{SkipReason, Skipped, read};

    /// What an export enclosed names its patient as another file does; whose it is, the document says.
    #[test]
    fn what_was_enclosed_is_about_whom_its_document_is_about() {
        let enclosed = r#"{"resourceType":"Slot","subject":{"reference":"Patient/elsewhere"}}"#;
        let data = data_encoding::BASE64.encode(enclosed.as_bytes());
        for (subject, skipped) in [("Patient/a", 0), ("Patient/b", 1)] {
            let file = format!(
                r#"{{"resourceType":"Bundle","type":"collection","entry":[
                    {{"resource":{{"resourceType":"Patient","id":"a","birthDate":"2005-03-04"}}}},
                    {{"resource":{{"resourceType":"DocumentReference","id":"d",
                        "subject":{{"reference":"{subject}"}},
                        "extension":[{{"url":"urn:student-passport:original","valueCode":"Slot"}}],
                        "content":[{{"attachment":{{"contentType":"application/fhir+json",
                            "title":"Slot","data":"{data}"}}}}]}}}}]}}"#
            );
            let import = read(file.as_bytes()).ok().unwrap();
            let another = |s: &&Skipped| s.reason == SkipReason::AnotherPerson;
            assert_eq!(import.skipped.iter().filter(another).count(), skipped, "{subject}");
        }
    }
}
