//! What was received, word for word, and of which release of FHIR it is.
//!
//! A resource does not say of which release it is; a media type may, with `fhirVersion` (HL7 FHIR
//! R4, *`RESTful` API*, FHIR Version Parameter). Files have none, so it is told by what is in them:
//! the profiles that they claim, and elements that STU3 alone has.
//!
//! An R4 Bundle holds R4. An original of STU3 goes along as a file of its media type, in the
//! resource that says in R4 what was read of it:
//!
//! ```text
//! { "url": "urn:student-passport:original", "extension": [
//!   { "url": "content", "valueAttachment": {
//!     "contentType": "application/fhir+json; fhirVersion=3.0", "data": "…" } },
//!   { "url": "beside", "valueString": "digest of this resource without this line" } ] }
//! ```
//!
//! Whoever reads it takes the original back if the resource is as it was written. Once something
//! else was written into that, it is itself what was received, and the original stays in it.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value as Json, json};

use super::json::{self, Members};
use crate::domain;
use crate::section::Value;

/// The extension that carries an original, or says of a `DocumentReference` that it is one.
pub(super) const URL: &str = "urn:student-passport:original";
/// The part of [`URL`] that has the original.
const CONTENT: &str = "content";
/// The part of [`URL`] that says what the original stands beside.
const BESIDE: &str = "beside";

/// A release of FHIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    /// R4, or the same in R4 and before.
    R4,
    /// STU3, which `CareConnect` and the ITK documents are of.
    Stu3,
}

impl Release {
    /// Its media type in JSON.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::R4 => "application/fhir+json",
            Self::Stu3 => "application/fhir+json; fhirVersion=3.0",
        }
    }

    /// The release that a media type names.
    pub(super) fn of_media_type(media_type: &str) -> Self {
        let mut parameters = media_type.split(';').skip(1).map(str::trim);
        if parameters.any(|p| p == "fhirVersion=3.0") { Self::Stu3 } else { Self::R4 }
    }

    /// The release whose profiles a resource claims, if it is known of any.
    pub(super) fn claimed(meta: &Json) -> Option<Self> {
        let claims = meta.get("profile").and_then(Json::as_array).into_iter().flatten();
        claims.filter_map(Json::as_str).find_map(|claim| {
            let is_of = |marks: &[&str]| marks.iter().any(|mark| claim.contains(mark));
            if is_of(&OF_STU3) { Some(Self::Stu3) } else { is_of(&OF_R4).then_some(Self::R4) }
        })
    }

    /// The release that the elements of a resource are of, if they tell.
    pub(super) fn told(kind: &str, members: &Members<'_>) -> Option<Self> {
        let has = |name: &&str| members.get(name).is_some();
        let is = |name: &str, open: char| {
            members.get(name).is_some_and(|member| member.get().starts_with(open))
        };
        let of = |table: &[(&str, &[&str])]| {
            let named = table.iter().find(|(of, _)| *of == kind);
            named.is_some_and(|(_, names)| names.iter().any(has))
        };
        // A status was a code before it was a concept; before STU3 these were of a `patient`.
        let states = matches!(kind, "Condition" | "AllergyIntolerance");
        let state = |open| ["clinicalStatus", "verificationStatus"].iter().any(|s| is(s, open));
        let coded = states && (kind == "AllergyIntolerance" || has(&"subject")) && state('"');
        // A class was a code before STU3, and is a list after R4.
        let visit = kind == "Encounter"
            && is("class", '{')
            && ["incomingReferral", "reason"].iter().any(has);
        let is_mixed = ONLY_R4.iter().any(has) || of(&ONLY_R4_OF);
        if !is_mixed && (coded || visit || of(&ONLY_STU3)) {
            Some(Self::Stu3)
        } else if is_mixed || kind == "ServiceRequest" || (states && state('{')) {
            Some(Self::R4)
        } else {
            None
        }
    }
}

/// What profiles of STU3 have in their addresses.
const OF_STU3: [&str; 3] = ["/STU3/", "/CareConnect-", "hl7.org/fhir/3.0/"];
/// What profiles of R4 have in theirs.
const OF_R4: [&str; 3] = ["/UKCore-", "/uv/ips/", "hl7.org/fhir/4.0/"];

/// Elements that STU3 has, and neither DSTU2 nor R4 nor R5 (compared by the definitions of each).
const ONLY_STU3: [(&str, &[&str]); 17] = [
    ("AllergyIntolerance", &["assertedDate"]),
    ("Appointment", &["incomingReferral", "indication"]),
    ("CarePlan", &["definition"]),
    ("CareTeam", &["context"]),
    ("Communication", &["context", "definition", "notDone", "notDoneReason"]),
    ("Condition", &["assertedDate", "context"]),
    ("Consent", &["action", "actor", "consentingParty", "except"]),
    ("DiagnosticReport", &["context"]),
    ("Immunization", &["notGiven", "practitioner"]),
    ("MedicationRequest", &["context", "definition"]),
    ("MedicationStatement", &["taken"]),
    ("Observation", &["comment", "context"]),
    ("Procedure", &["context", "definition", "notDone", "notDoneReason"]),
    ("ProcedureRequest", &["authoredOn", "context", "intent"]),
    ("QuestionnaireResponse", &["context", "parent"]),
    ("ReferralRequest", &["authoredOn", "context", "intent"]),
    ("RiskAssessment", &["comment", "context", "reasonCodeableConcept"]),
];

/// Elements that R4 has in some of these kinds, and STU3 in none: a resource with one of them has
/// the others by mistake.
const ONLY_R4: [&str; 9] = [
    "encounter",
    "hasMember",
    "instantiatesCanonical",
    "occurrenceDateTime",
    "occurrenceString",
    "protocolApplied",
    "provision",
    "recordedDate",
    "statusReason",
];

/// The same of one kind alone: others have elements of these names in STU3.
const ONLY_R4_OF: [(&str, &[&str]); 1] =
    [("Encounter", &["reasonCode", "reasonReference", "serviceType"])];

/// What was received, word for word.
pub(super) struct Original {
    pub(super) release: Release,
    pub(super) text: String,
}

impl Original {
    pub(super) fn new(release: Release, text: impl Into<String>) -> Self {
        Self { release, text: text.into() }
    }

    /// As the value of a field.
    pub(super) fn into_value(self) -> Value {
        Value::Source { media_type: self.release.media_type().into(), content: self.text }
    }
}

/// A `DocumentReference` of a resource that is no R4, or may not stand by itself where it goes.
pub(super) fn document(kind: &str, release: Release, text: &str, patient: &str) -> Json {
    json!({
        "resourceType": "DocumentReference",
        "extension": [{ "url": URL, "valueCode": kind }],
        "status": "current",
        "subject": { "reference": patient },
        "content": [{ "attachment": {
            "contentType": release.media_type(),
            "data": BASE64.encode(text.as_bytes()),
            "title": kind,
        } }],
    })
}

/// Puts an original into the resource that says in R4 what was read of it.
pub(super) fn put(made: &mut Json, original: &Original) {
    let attachment = json!({
        "contentType": original.release.media_type(),
        "data": BASE64.encode(original.text.as_bytes()),
    });
    let content = json!([{ "url": CONTENT, "valueAttachment": attachment }]);
    json::extend(made, json!({ "url": URL, "extension": content }));
}

/// Writes beside an original that was put here what it stands beside. Nothing may be changed in
/// the resource after this.
pub(super) fn seal(made: &mut Json) {
    let Some(parts) = parts(made) else { return };
    // One that was sealed before goes out as it came, which is not as it was made.
    if parts.len() != 1 {
        return;
    }
    let digest = json!({ "url": BESIDE, "valueString": digest(made) });
    if let Some(parts) = parts_mut(made) {
        parts.push(digest);
    }
}

/// The original that a resource carries, if nothing but that is in it.
pub(super) fn carried(resource: &Json) -> Option<Original> {
    let parts = parts(resource)?;
    let [content, beside] = parts else { return None };
    let attachment = content.get("valueAttachment")?;
    let release = Release::of_media_type(json::text(attachment, "contentType")?);
    let mut unsealed = resource.clone();
    parts_mut(&mut unsealed)?.pop();
    if release == Release::R4 || json::text(beside, "valueString")? != digest(&unsealed) {
        return None;
    }
    let data = json::text(attachment, "data")?;
    let text = String::from_utf8(BASE64.decode(data.as_bytes()).ok()?).ok()?;
    let original = json::parse(&text).ok()?;
    json::text(&original, "resourceType")?;
    Some(Original { release, text })
}

fn parts(resource: &Json) -> Option<&[Json]> {
    let carried = json::extension(resource, URL)?;
    let parts = carried.get("extension").and_then(Json::as_array)?;
    (json::text(parts.first()?, "url") == Some(CONTENT)).then_some(parts.as_slice())
}

fn parts_mut(resource: &mut Json) -> Option<&mut Vec<Json>> {
    let extensions = resource.get_mut("extension")?.as_array_mut()?;
    let carried = extensions.iter_mut().find(|e| json::text(e, "url") == Some(URL))?;
    carried.get_mut("extension")?.as_array_mut()
}

fn digest(resource: &Json) -> String {
    let digest = domain::FHIR_ORIGINAL.hash(&[resource.to_string().as_bytes()]);
    HEXLOWER.encode(digest.split_at(16).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_original_is_taken_back_from_what_is_as_it_was_written_alone() {
        let text = r#"{"resourceType":"Condition","clinicalStatus":"active"}"#;
        let mut made = json!({ "resourceType": "Condition", "code": { "text": "Asthma" } });
        assert!(carried(&made).is_none());
        put(&mut made, &Original::new(Release::Stu3, text));
        assert!(carried(&made).is_none(), "it does not say what it stands beside");
        seal(&mut made);
        let found = carried(&made).unwrap();
        assert_eq!((found.release, found.text.as_str()), (Release::Stu3, text));
        let sealed = made.clone();
        seal(&mut made);
        assert_eq!(made, sealed);
        made["note"] = json!([{ "text": "Added by somebody" }]);
        assert!(carried(&made).is_none());
        seal(&mut made);
        assert!(carried(&made).is_none(), "it passes for as it was written");
    }

    #[test]
    fn a_release_is_told_by_media_type_profile_and_elements() {
        for (media_type, release) in [
            ("application/fhir+json", Release::R4),
            ("application/fhir+json; fhirVersion=4.0", Release::R4),
            ("application/fhir+json;charset=utf-8;fhirVersion=3.0", Release::Stu3),
            (Release::R4.media_type(), Release::R4),
            (Release::Stu3.media_type(), Release::Stu3),
        ] {
            assert_eq!(Release::of_media_type(media_type), release, "{media_type}");
        }
        let claims = |url: &str| Release::claimed(&json!({ "profile": [url] }));
        for (url, release) in [
            (
                "https://fhir.hl7.org.uk/STU3/StructureDefinition/CareConnect-Patient-1",
                Some(Release::Stu3),
            ),
            (
                "https://fhir.hl7.org.uk/StructureDefinition/CareConnect-Patient-1",
                Some(Release::Stu3),
            ),
            ("https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient", Some(Release::R4)),
            ("http://hl7.org/fhir/uv/ips/StructureDefinition/Patient-uv-ips", Some(Release::R4)),
            ("https://example.org/StructureDefinition/patient", None),
        ] {
            assert_eq!(claims(url), release, "{url}");
        }
        let coding = json!({ "coding": [{ "code": "active" }] });
        for (resource, release) in [
            (json!({ "resourceType": "MedicationStatement", "taken": "y" }), Release::Stu3),
            (json!({ "resourceType": "MedicationStatement", "status": "active" }), Release::R4),
            (
                json!({ "resourceType": "Condition", "subject": {}, "clinicalStatus": "active" }),
                Release::Stu3,
            ),
            (
                json!({ "resourceType": "Condition", "patient": {}, "clinicalStatus": "active" }),
                Release::R4,
            ),
            (
                json!({ "resourceType": "Condition", "subject": {}, "clinicalStatus": coding }),
                Release::R4,
            ),
            (json!({ "resourceType": "Patient", "taken": "y" }), Release::R4),
            (json!({ "resourceType": "Immunization", "notGiven": false }), Release::Stu3),
            (
                json!({
                    "resourceType": "Immunization",
                    "notGiven": false,
                    "occurrenceDateTime": "2020",
                }),
                Release::R4,
            ),
        ] {
            let text = resource.to_string();
            let kind = json::text(&resource, "resourceType").unwrap();
            let told = Release::told(kind, &Members::of(&text).unwrap());
            assert_eq!(told.unwrap_or(Release::R4), release, "{resource}");
        }
    }
}
