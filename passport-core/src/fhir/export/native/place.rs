//! Where each field goes in FHIR R4.

use serde_json::Value as Json;

use crate::fhir::json;

/// How a value is written.
#[derive(Clone, Copy)]
pub(super) enum As {
    /// The text, date or choice alone.
    Plain,
    /// The text alone, where it can be a URL.
    Address,
    /// A `CodeableConcept`.
    Concept,
    /// A list of one `CodeableConcept`.
    Concepts,
    /// A `CodeableConcept` of one code of this system.
    Coded(&'static str),
    /// A list of one `Annotation`.
    Note,
    /// A `Quantity`.
    Quantity,
    /// A `Period`.
    Period,
    /// A choice in FHIR's words: pairs of ours and theirs.
    Words(&'static [(&'static str, &'static str)]),
    /// `Encounter.class`.
    Class,
}

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
pub(super) const ALLERGY_CLINICAL: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const ALLERGY_VERIFICATION: &str =
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";
const REACHED: &[(&str, &str)] =
    &[("phone", "phone"), ("mobile", "phone"), ("email", "email"), ("other", "other")];
const GIVEN: &[(&str, &str)] =
    &[("given", "completed"), ("not-given", "not-done"), ("entered-in-error", "entered-in-error")];

/// `Encounter.class` (HL7 v3 `ActCode`) for the table's words.
pub(super) const CLASSES: &[(&str, &str)] = &[
    ("attendance", "EMER"),
    ("inpatient", "IMP"),
    ("outpatient", "AMB"),
    ("community", "HH"),
    ("virtual", "VR"),
];

/// The place of a field: a JSON pointer whose parts are made as needed, and the form.
fn place(section: &str, kind: &str, field: &str) -> Option<(&'static str, As)> {
    if matches!(kind, "none-known" | "no-information") {
        return statement(section, field);
    }
    match (section, kind) {
        ("problems", _) => problem(field),
        ("allergies", _) => allergy(field),
        ("medications", _) => medication(field),
        ("immunisations", _) => immunisation(field),
        ("results", _) => result(field),
        ("care-history", "referral") => referral(field),
        ("care-history" | "discharges", _) => encounter(field),
        ("discharge-notice", _) => (field == "discharged_on").then_some(("/period/end", As::Plain)),
        ("documents", "document") => document(field),
        ("plan" | "adjustments" | "risks", _) => planned(field),
        ("identity" | "registrations" | "contacts", _) => of_patient(kind, field),
        _ => None,
    }
}

pub(super) fn statement(section: &str, field: &str) -> Option<(&'static str, As)> {
    Some(match (section, field) {
        ("medications", "statement") => ("/medicationCodeableConcept", As::Concept),
        ("medications", "asserted") => ("/dateAsserted", As::Plain),
        ("immunisations", "statement") => ("/vaccineCode", As::Concept),
        ("immunisations", "asserted") => ("/recorded", As::Plain),
        (_, "statement") => ("/code", As::Concept),
        (_, "asserted") => ("/recordedDate", As::Plain),
        (_, "note") => ("/note", As::Note),
        _ => return None,
    })
}

fn referral(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "service" => ("/code", As::Concept),
        "referred_on" => ("/authoredOn", As::Plain),
        _ => return None,
    })
}

fn planned(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "action" | "holds" => ("/description", As::Plain),
        "service" | "title" => ("/title", As::Plain),
        "risk" | "adjustment" | "impairment" => ("/code", As::Concept),
        "period" => ("/period", As::Period),
        _ => return None,
    })
}

fn of_patient(kind: &str, field: &str) -> Option<(&'static str, As)> {
    Some(match (kind, field) {
        ("address", "lines") => ("/line/0", As::Plain),
        ("address", "postcode") => ("/postalCode", As::Plain),
        ("contact-point", "system") => ("/system", As::Words(REACHED)),
        ("contact-point", "value") => ("/value", As::Plain),
        ("registration", "practice") => ("/display", As::Plain),
        ("contact", "name") => ("/name/text", As::Plain),
        ("contact", "relationship") => ("/relationship", As::Concepts),
        ("professional", "name") => ("/name", As::Plain),
        // A reference, which a registration is, has no period.
        ("address" | "contact-point" | "contact" | "professional", "period") => {
            ("/period", As::Period)
        }
        _ => return None,
    })
}

fn problem(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "condition" => ("/code", As::Concept),
        "status" => ("/clinicalStatus", As::Coded(CLINICAL)),
        "certainty" => ("/verificationStatus", As::Coded(VERIFICATION)),
        "severity" => ("/severity", As::Concept),
        "onset" => ("/onsetDateTime", As::Plain),
        "ended" => ("/abatementDateTime", As::Plain),
        "recorded" => ("/recordedDate", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn allergy(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "agent" => ("/code", As::Concept),
        "reaction" => ("/reaction/0/manifestation", As::Concepts),
        "severity" => ("/reaction/0/severity", As::Plain),
        "criticality" => ("/criticality", As::Plain),
        "type" => ("/type", As::Plain),
        "status" => ("/clinicalStatus", As::Coded(ALLERGY_CLINICAL)),
        "certainty" => ("/verificationStatus", As::Coded(ALLERGY_VERIFICATION)),
        "onset" => ("/onsetDateTime", As::Plain),
        "recorded" => ("/recordedDate", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn medication(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "item" => ("/medicationCodeableConcept", As::Concept),
        "route" => ("/dosage/0/route", As::Concept),
        "timing" => ("/dosage/0/timing/code/text", As::Plain),
        "instructions" => ("/dosage/0/text", As::Plain),
        "status" => ("/status", As::Plain),
        "started" => ("/effectivePeriod/start", As::Plain),
        "stopped" => ("/effectivePeriod/end", As::Plain),
        "prescribed" => ("/dateAsserted", As::Plain),
        "reason" => ("/reasonCode/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn immunisation(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "vaccine" => ("/vaccineCode", As::Concept),
        "given" => ("/occurrenceDateTime", As::Plain),
        "status" => ("/status", As::Words(GIVEN)),
        "dose_number" => ("/protocolApplied/0/doseNumberString", As::Plain),
        "batch" => ("/lotNumber", As::Plain),
        "site" => ("/site", As::Concept),
        "reason_not_given" => ("/statusReason", As::Concept),
        "given_by" => ("/performer/0/actor/display", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn result(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "what" => ("/code", As::Concept),
        "value" => ("/valueQuantity", As::Quantity),
        "finding" => ("/valueCodeableConcept", As::Concept),
        "text" => ("/valueString", As::Plain),
        "date" => ("/effectiveDateTime", As::Plain),
        "status" => ("/status", As::Plain),
        "interpretation" => ("/interpretation", As::Concepts),
        "range" => ("/referenceRange/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

fn encounter(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "type" => ("/type", As::Concepts),
        "class" => ("/class", As::Class),
        "status" => ("/status", As::Plain),
        "period" => ("/period", As::Period),
        "service" | "specialty" => ("/serviceType", As::Concept),
        "provider" | "hospital" => ("/serviceProvider/display", As::Plain),
        "reason" => ("/reasonCode", As::Concepts),
        "admitted" => ("/period/start", As::Plain),
        "discharged_on" => ("/period/end", As::Plain),
        "destination" => ("/hospitalization/dischargeDisposition", As::Concept),
        _ => return None,
    })
}

fn document(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "title" => ("/content/0/attachment/title", As::Plain),
        "type" => ("/type", As::Concept),
        "date" => ("/content/0/attachment/creation", As::Plain),
        "author" => ("/author/0/display", As::Plain),
        "link" => ("/content/0/attachment/url", As::Address),
        _ => return None,
    })
}

/// `MedicationRequest`, whose places differ from the statement's.
fn request(field: &str) -> Option<(&'static str, As)> {
    Some(match field {
        "item" => ("/medicationCodeableConcept", As::Concept),
        "route" => ("/dosageInstruction/0/route", As::Concept),
        "timing" => ("/dosageInstruction/0/timing/code/text", As::Plain),
        "instructions" => ("/dosageInstruction/0/text", As::Plain),
        "prescribed" | "asserted" => ("/authoredOn", As::Plain),
        "reason" => ("/reasonCode/0/text", As::Plain),
        "note" => ("/note", As::Note),
        _ => return None,
    })
}

pub(super) fn place_in(
    made: &Json,
    section: &str,
    kind: &str,
    field: &str,
) -> Option<(&'static str, As)> {
    match json::text(made, "resourceType") {
        Some("MedicationRequest") => request(field),
        // Of these a person on their own has several.
        Some("RelatedPerson") if field == "name" => Some(("/name/0/text", As::Plain)),
        _ => place(section, kind, field),
    }
}
