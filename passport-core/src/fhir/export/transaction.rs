//! A collection as a transaction for somebody's FHIR server, which does nothing twice.

use serde_json::{Value as Json, json};

use super::{known, patient};
use crate::fhir::json as read;
use crate::fhir::known::Identifiers;
use crate::id::PassportId;
use crate::nhs_number::NhsNumber;

/// URIs as identifiers (HL7 FHIR R4, *Known Identifier Systems*).
const URI: &str = "urn:ietf:rfc:3986";
/// The system of a passport's own identifier.
const PASSPORT: &str = "urn:student-passport:passport";

/// A transaction, and what is not in it.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Transaction {
    /// The Bundle.
    pub bundle: Json,
    /// Types of resources that were left out, once for each.
    pub left_out: Vec<String>,
}

/// Makes a transaction of conditional creates (HL7 FHIR R4, `RESTful` API, `If-None-Exist`) of a
/// collection that [`super::bundle`] made: each resource is known again by an identifier that
/// follows from its entry, so that sending it once more creates nothing.
///
/// The Patient is known by the NHS number only if it is the one that was `confirmed`: one that
/// somebody merely gave could file the record under somebody else. Otherwise the passport's own
/// identifier names a Patient of its own. What has no identifier in R4, such as Provenance, is left out.
#[must_use]
pub fn transaction(
    collection: &Json,
    passport: PassportId,
    confirmed: Option<&NhsNumber>,
) -> Transaction {
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for entry in read::list(collection, "entry") {
        let (Some(url), Some(mut resource)) =
            (read::text(entry, "fullUrl"), entry.get("resource").cloned())
        else {
            left_out.extend(entry.get("resource").map(kind));
            continue;
        };
        let kind = kind(&resource);
        // It cannot be created on a condition.
        if known::identifiers(&kind) == Identifiers::None {
            left_out.push(kind);
            continue;
        }
        let (system, value) = match (kind.as_str(), confirmed) {
            ("Patient", Some(number)) => (known::NHS_NUMBER_SYSTEM, number.digits().to_owned()),
            ("Patient", None) => (PASSPORT, passport.to_string()),
            _ => (URI, url.to_owned()),
        };
        name(&mut resource, &kind, system, &value);
        let condition = format!("identifier={system}|{value}");
        entries.push(json!({
            "fullUrl": url,
            "resource": resource,
            "request": { "method": "POST", "url": kind, "ifNoneExist": condition },
        }));
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    Transaction { bundle, left_out }
}

fn kind(resource: &Json) -> String {
    read::text(resource, "resourceType").unwrap_or_default().to_owned()
}

/// Gives a resource the identifier that it is known by, and takes off the id, which is the
/// server's to give.
fn name(resource: &mut Json, kind: &str, system: &str, value: &str) {
    let own = if system == known::NHS_NUMBER_SYSTEM {
        patient::nhs_number(value)
    } else {
        json!({ "system": system, "value": value })
    };
    let Some(members) = resource.as_object_mut() else { return };
    members.remove("id");
    if known::identifiers(kind) == Identifiers::One {
        members.insert("identifier".into(), own);
        return;
    }
    let list = members.entry("identifier").or_insert_with(|| json!([]));
    if let Some(one) = list.as_object().cloned() {
        *list = json!([one]);
    }
    let Some(list) = list.as_array_mut() else { return };
    let is_own =
        |i: &Json| read::text(i, "system") == Some(system) && read::text(i, "value") == Some(value);
    if !list.iter().any(is_own) {
        list.insert(0, own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_matched_by_a_confirmed_number_alone() {
        let number: NhsNumber = "943 476 5919".parse().unwrap();
        let passport = PassportId::from_bytes([7; 32]);
        let collection = json!({ "entry": [
            { "fullUrl": "urn:uuid:1", "resource": {
                "resourceType": "Patient", "id": "holder",
                "identifier": [{ "system": known::NHS_NUMBER_SYSTEM, "value": "9434765919" }],
            } },
            { "fullUrl": "urn:uuid:2", "resource": {
                "resourceType": "QuestionnaireResponse", "id": "q", "identifier": { "value": "x" },
            } },
            { "resource": { "resourceType": "Provenance" } },
        ] });
        let condition = |t: &Transaction, n: usize| {
            t.bundle["entry"][n]["request"]["ifNoneExist"].as_str().unwrap().to_owned()
        };
        let asserted = transaction(&collection, passport, None);
        assert!(condition(&asserted, 0).starts_with("identifier=urn:student-passport:passport|07"));
        assert_eq!(
            asserted.bundle["entry"][0]["resource"]["identifier"].as_array().unwrap().len(),
            2
        );
        assert_eq!(asserted.left_out, ["Provenance"]);
        let confirmed = transaction(&collection, passport, Some(&number));
        assert!(condition(&confirmed, 0).ends_with("nhs-number|9434765919"));
        assert_eq!(
            confirmed.bundle["entry"][0]["resource"]["identifier"].as_array().unwrap().len(),
            1
        );
        assert_eq!(condition(&confirmed, 1), "identifier=urn:ietf:rfc:3986|urn:uuid:2");
        assert_eq!(confirmed.bundle["entry"][1]["resource"]["identifier"]["value"], "urn:uuid:2");
        assert!(confirmed.bundle["entry"][0]["resource"].get("id").is_none());
    }
}
