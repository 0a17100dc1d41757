//! A collection as a transaction for somebody's FHIR server, which does nothing twice.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{known, patient};
use crate::fhir::json as read;
use crate::fhir::known::Identifiers;
use crate::id::PassportId;
use crate::nhs_number::NhsNumber;

/// The system of the identifier that each resource gets. Its value is the UUID of the `fullUrl`, and
/// not that URL: servers were seen to replace it wherever it stands, and not to find it again.
const RESOURCE: &str = "urn:student-passport:resource";
/// The system of a passport's own identifier.
const PASSPORT: &str = "urn:student-passport:passport";

/// What becomes of a resource that the server has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Present {
    /// It stays as it is there: a conditional create (HL7 FHIR R4, `RESTful` API, `If-None-Exist`).
    Kept,
    /// It is written over: a conditional update.
    Replaced,
}

/// A transaction, and what is not in it.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Transaction {
    /// The Bundle.
    pub bundle: Json,
    /// Types of resources that were left out.
    pub left_out: BTreeSet<String>,
}

/// What a server did with the resources of a transaction: how many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// New there.
    pub created: usize,
    /// There already, and written over.
    pub replaced: usize,
    /// There already, and left as they were.
    pub kept: usize,
    /// Not taken, which an answer to a transaction should not say.
    pub refused: usize,
}

/// Makes a transaction of a collection that [`super::bundle`] made: each resource is known again by
/// an identifier that follows from its entry, so that sending it once more creates nothing.
///
/// The Patient is known by the NHS number only if it is the one that was `confirmed`: one that
/// somebody merely gave could file the record under somebody else. It is then the server's own,
/// and never replaced. Otherwise the passport's own identifier names a Patient of its own.
/// What has no identifier in R4, such as Provenance, is left out.
#[must_use]
pub fn transaction(
    collection: &Json,
    passport: PassportId,
    confirmed: Option<&NhsNumber>,
    present: Present,
) -> Transaction {
    let (mut entries, mut left_out) = (Vec::new(), BTreeSet::new());
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
            left_out.insert(kind);
            continue;
        }
        let (system, value) = match (kind.as_str(), confirmed) {
            ("Patient", Some(number)) => (known::NHS_NUMBER_SYSTEM, number.digits().to_owned()),
            ("Patient", None) => (PASSPORT, passport.to_string()),
            _ => (RESOURCE, url.trim_start_matches("urn:uuid:").to_owned()),
        };
        name(&mut resource, &kind, system, &value);
        let condition = format!("identifier={system}|{value}");
        let request = match present {
            Present::Replaced if system != known::NHS_NUMBER_SYSTEM => {
                json!({ "method": "PUT", "url": format!("{kind}?{condition}") })
            }
            Present::Kept | Present::Replaced => {
                json!({ "method": "POST", "url": kind, "ifNoneExist": condition })
            }
        };
        entries.push(json!({ "fullUrl": url, "resource": resource, "request": request }));
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    Transaction { bundle, left_out }
}

impl Transaction {
    /// What a server did, by its answer; none if that is no answer to this transaction.
    #[must_use]
    pub fn taken(&self, answer: &Json) -> Option<Taken> {
        let kind = read::text(answer, "type");
        let (sent, done) = (read::list(&self.bundle, "entry"), read::list(answer, "entry"));
        if kind != Some("transaction-response") || sent.len() != done.len() {
            return None;
        }
        let mut taken = Taken::default();
        for (sent, done) in sent.iter().zip(done) {
            let status = done.pointer("/response/status").and_then(Json::as_str)?;
            let replaces = sent.pointer("/request/method").and_then(Json::as_str) == Some("PUT");
            let count = match (status.get(..3)?, replaces) {
                ("201", _) => &mut taken.created,
                ("200" | "204", true) => &mut taken.replaced,
                ("200" | "204" | "304", _) => &mut taken.kept,
                _ => &mut taken.refused,
            };
            *count += 1;
        }
        Some(taken)
    }
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
        list.push(own);
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
        let asserted = transaction(&collection, passport, None, Present::Kept);
        assert!(condition(&asserted, 0).starts_with("identifier=urn:student-passport:passport|07"));
        assert_eq!(
            asserted.bundle["entry"][0]["resource"]["identifier"].as_array().unwrap().len(),
            2
        );
        assert_eq!(asserted.left_out, BTreeSet::from(["Provenance".to_owned()]));
        let confirmed = transaction(&collection, passport, Some(&number), Present::Kept);
        assert!(condition(&confirmed, 0).ends_with("nhs-number|9434765919"));
        assert_eq!(
            confirmed.bundle["entry"][0]["resource"]["identifier"].as_array().unwrap().len(),
            1
        );
        assert_eq!(condition(&confirmed, 1), "identifier=urn:student-passport:resource|2");
        assert_eq!(confirmed.bundle["entry"][1]["resource"]["identifier"]["value"], "2");
        assert!(confirmed.bundle["entry"][0]["resource"].get("id").is_none());
    }

    fn one_of_each() -> Json {
        json!({ "entry": [
            { "fullUrl": "urn:uuid:1", "resource": { "resourceType": "Patient" } },
            { "fullUrl": "urn:uuid:2", "resource": { "resourceType": "Condition" } },
        ] })
    }

    #[test]
    fn what_was_sent_before_is_replaced_and_a_practices_own_patient_is_not() {
        let passport = PassportId::from_bytes([7; 32]);
        let request = |t: &Transaction, n: usize| t.bundle["entry"][n]["request"].clone();
        let own = transaction(&one_of_each(), passport, None, Present::Replaced);
        assert_eq!(request(&own, 0)["method"], "PUT");
        let condition = json!({
            "method": "PUT", "url": "Condition?identifier=urn:student-passport:resource|2",
        });
        assert_eq!(request(&own, 1), condition);
        let number: NhsNumber = "943 476 5919".parse().unwrap();
        let theirs = transaction(&one_of_each(), passport, Some(&number), Present::Replaced);
        assert_eq!(request(&theirs, 0)["method"], "POST");
        assert_eq!(request(&theirs, 1)["method"], "PUT");
    }

    #[test]
    fn an_answer_counts_only_if_it_answers_this_transaction() {
        let passport = PassportId::from_bytes([7; 32]);
        let number: NhsNumber = "943 476 5919".parse().unwrap();
        let sent = transaction(&one_of_each(), passport, Some(&number), Present::Replaced);
        let answer = |kind: &str, statuses: &[&str]| {
            let entries: Vec<Json> =
                statuses.iter().map(|s| json!({ "response": { "status": s } })).collect();
            json!({ "resourceType": "Bundle", "type": kind, "entry": entries })
        };
        let taken = |statuses: &[&str]| sent.taken(&answer("transaction-response", statuses));
        assert_eq!(
            taken(&["200 OK", "200"]),
            Some(Taken { kept: 1, replaced: 1, ..Taken::default() })
        );
        assert_eq!(
            taken(&["201 Created", "422"]),
            Some(Taken { created: 1, refused: 1, ..Taken::default() })
        );
        assert_eq!(taken(&["201"]), None, "one is missing");
        assert_eq!(taken(&["201", ""]), None, "one has no status");
        assert_eq!(sent.taken(&answer("searchset", &["200", "200"])), None);
        assert_eq!(sent.taken(&Json::Null), None, "a page");
    }
}
