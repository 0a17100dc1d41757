//! Records that are right, in every form in which they are taken: what mutations begin with.

use data_encoding::BASE64URL_NOPAD as BASE64URL;
use serde_json::{Value as Json, json};

use super::{Form, KEY};

/// A record to begin with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it is.
    pub name: String,
    /// How it travels.
    pub form: Form,
    /// What it is when it is not wrapped.
    pub record: Vec<u8>,
}

impl Sample {
    fn of(name: &str, form: Form, json: &Json) -> Self {
        Self { name: name.to_owned(), form, record: json.to_string().into_bytes() }
    }

    /// As it travels.
    #[must_use]
    pub fn whole(&self) -> Vec<u8> {
        self.form.wrapped(&self.record)
    }
}

/// A sample of everything.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let resource =
        |json: &Json| Sample::of(json["resourceType"].as_str().unwrap(), Form::Plain, json);
    let mut all: Vec<Sample> = records().iter().map(resource).collect();
    let document = document();
    let claims = json!({ "iss": "https://issuer.example", "nbf": 1_700_000_000, "exp": 1.5e9,
        "vc": { "credentialSubject": { "fhirVersion": "4.0.1", "fhirBundle": document } } });
    let link = json!({ "url": "https://relay.example/shl/x", "key": BASE64URL.encode(&KEY),
        "flag": "LPU", "exp": 1_800_000_000, "label": "For the pharmacy", "v": 1 });
    let list = json!({ "files": [{ "contentType": "application/fhir+json", "embedded": "a..b" },
        { "contentType": "application/smart-health-card", "location": "https://b.example/1" }] });
    let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k",
        "x": BASE64URL.encode(&[1; 32]), "y": BASE64URL.encode(&[2; 32]) }] });
    for form in [Form::Plain, Form::Lines, Form::Sealed] {
        all.push(Sample::of("document", form, &document));
    }
    for form in [Form::Card, Form::CardFile, Form::Digits] {
        all.push(Sample::of("card", form, &claims));
    }
    all.push(Sample::of("link", Form::Link, &link));
    all.push(Sample::of("manifest", Form::Plain, &list));
    all.push(Sample::of("keys", Form::Plain, &keys));
    for (name, text) in [("discharge.xml", DISCHARGE), ("person.xml", PERSON)] {
        all.push(Sample { name: name.to_owned(), form: Form::Plain, record: text.into() });
    }
    all
}

fn coded(system: &str, code: &str, words: &str) -> Json {
    json!({ "coding": [{ "system": system, "code": code, "display": words }], "text": words })
}

/// A resource of each kind that is mapped.
fn records() -> Vec<Json> {
    let sct = "http://snomed.info/sct";
    let subject = json!({ "reference": "Patient/a" });
    let clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    vec![
        json!({ "resourceType": "Patient", "id": "a", "birthDate": "2005-03-04",
            "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9434765919" }],
            "name": [{ "use": "official", "family": "Example", "given": ["Ada"] }],
            "telecom": [{ "system": "phone", "value": "01632 960000", "use": "mobile" }],
            "address": [{ "line": ["1 High Street"], "city": "Leeds", "postalCode": "LS1 1AA" }],
            "contact": [{ "name": { "text": "Sara" }, "relationship": [{ "text": "Mother" }] }],
            "generalPractitioner": [{ "display": "Elm Street Surgery" }] }),
        json!({ "resourceType": "Condition", "id": "c", "subject": subject,
            "clinicalStatus": coded(clinical, "active", "Active"),
            "code": coded(sct, "35489007", "Depressive disorder"), "onsetDateTime": "2024-05",
            "note": [{ "text": "Seen in clinic" }] }),
        json!({ "resourceType": "AllergyIntolerance", "id": "l", "patient": subject,
            "code": coded(sct, "256349002", "Peanut"), "criticality": "high",
            "reaction": [{ "manifestation": [{ "text": "Hives" }], "severity": "mild" }] }),
        json!({ "resourceType": "MedicationStatement", "id": "m", "status": "active",
            "contained": [{ "resourceType": "Medication", "id": "in", "code": { "text": "A" } }],
            "medicationReference": { "reference": "#in" }, "subject": subject,
            "effectivePeriod": { "start": "2026-01-02", "end": "2026-05" },
            "dosage": [{ "text": "One a day", "timing": { "repeat": { "frequency": 1, "period": 1,
                "periodUnit": "d" } }, "doseAndRate": [{ "doseQuantity": { "value": 0.50,
                "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg" } }] }] }),
        json!({ "resourceType": "Immunization", "id": "i", "status": "completed",
            "patient": subject, "vaccineCode": { "text": "MenACWY" },
            "occurrenceDateTime": "2023-09-01", "lotNumber": "7" }),
        json!({ "resourceType": "Observation", "id": "o", "status": "final", "subject": subject,
            "code": { "text": "Blood pressure" }, "effectiveDateTime": "2026-10-01T10:00:00Z",
            "component": [{ "code": { "text": "Systolic" }, "valueQuantity": { "value": 120 } }] }),
        json!({ "resourceType": "Observation", "id": "s", "status": "final", "subject": subject,
            "code": { "text": "Student" }, "valueCodeableConcept": coded(
                "http://terminology.hl7.org/CodeSystem/v3-RoleClass", "STD", "student"),
            "component": [{ "code": coded("urn:student-passport:studies", "provider", "Provider"),
                "valueString": "University of Leeds" }] }),
        json!({ "resourceType": "Encounter", "id": "e", "status": "finished", "subject": subject,
            "class": { "code": "IMP" }, "period": { "start": "2026-10-01", "end": "2026-10-09" },
            "hospitalization": { "dischargeDisposition": { "text": "Home" } },
            "diagnosis": [{ "condition": { "reference": "Condition/c" } }] }),
        json!({ "resourceType": "DocumentReference", "status": "current", "description": "Letter",
            "content": [{ "attachment": { "contentType": "text/plain", "title": "Letter.txt",
                "data": "aGVsbG8=" } }] }),
        json!({ "resourceType": "Flag", "id": "f", "status": "active", "subject": subject,
            "code": { "text": "Lives alone" } }),
        json!({ "resourceType": "RelatedPerson", "patient": subject, "name": [{ "text": "Sara" }],
            "telecom": [{ "system": "phone", "value": "1" }] }),
        json!({ "resourceType": "CareTeam", "subject": subject, "participant": [{
            "member": { "display": "Dr Smith" }, "role": [{ "text": "GP" }] }] }),
        json!({ "resourceType": "ServiceRequest", "status": "active", "intent": "order",
            "code": { "text": "Referral" }, "subject": subject, "authoredOn": "2026-09-01",
            "requester": { "display": "Dr Smith" }, "reasonCode": [{ "text": "Low mood" }] }),
    ]
}

/// A document of a discharge with one of everything.
fn document() -> Json {
    let composition = json!({ "resourceType": "Composition", "status": "final",
        "type": coded("http://snomed.info/sct", "373942005", "Discharge summary"),
        "title": "Mental health discharge", "date": "2026-10-09", "subject": { "reference": "Patient/a" },
        "encounter": { "reference": "Encounter/e" }, "custodian": { "display": "Leeds Trust" },
        "section": [{ "title": "Plan", "code": { "text": "Plan" }, "text": { "status": "generated",
            "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">See the GP</div>" },
            "entry": [{ "reference": "Condition/c" }], "emptyReason": { "text": "none" } }] });
    let entry: Vec<Json> = core::iter::once(composition)
        .chain(records())
        .map(|r| json!({ "fullUrl": format!("urn:uuid:{}", r["id"].as_str().unwrap_or("x")), "resource": r }))
        .collect();
    json!({ "resourceType": "Bundle", "type": "document", "timestamp": "2026-10-09T10:00:00Z",
        "identifier": { "system": "urn:ietf:rfc:3986", "value": "urn:uuid:b" }, "entry": entry })
}

const PERSON: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Patient xmlns="http://hl7.org/fhir"><id value="a"/>
<identifier><system value="https://fhir.nhs.uk/Id/nhs-number"/><value value="9434765919"/></identifier>
<name><use value="official"/><family value="O&apos;Brien"/><given value="Ada"/><given value="May">
<extension url="u"><valueString value="x"/></extension></given></name>
<birthDate value="2005-03-04"/><contact><name><text value="Sara"/></name></contact></Patient>"#;

const DISCHARGE: &str = r#"<Bundle xmlns="http://hl7.org/fhir"><type value="document"/><entry>
<fullUrl value="urn:uuid:e"/><resource><Encounter><id value="e"/><status value="finished"/>
<class><code value="IMP"/></class><period><end value="2026-10-09"/></period><hospitalization>
<dischargeDisposition><text value="Home"/></dischargeDisposition></hospitalization></Encounter>
</resource></entry><entry><resource><MedicationStatement><status value="active"/>
<medicationCodeableConcept><text value="Sertraline"/></medicationCodeableConcept><dosage>
<doseAndRate><doseQuantity><value value="0.50"/><unit value="mg"/></doseQuantity></doseAndRate>
</dosage></MedicationStatement></resource></entry><entry><resource><Flag><text>
<status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">1 &lt; 2 <b>x</b></div></text>
<code><text value="Lives alone"/></code></Flag></resource></entry></Bundle>"#;
