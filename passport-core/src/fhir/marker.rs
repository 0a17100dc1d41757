//! The mark that an export leaves where FHIR has no place for a field, so that importing it gives
//! the same entry again. To other software it is an extension like any other.
//!
//! ```text
//! { "url": "urn:student-passport:entry", "extension": [
//!   { "url": "section", "valueCode": "plan" }, { "url": "kind", "valueCode": "action" },
//!   { "url": "field:who", "valueString": "Elm Street Surgery" },
//!   { "url": "without", "valueCode": "note" } ] }
//! ```

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::json;
use crate::section::{Code, FieldKind, KindSpec, Period, Quantity, Value};

/// The address of the mark.
pub(super) const URL: &str = "urn:student-passport:entry";
/// The system of an identifier given to an entry that came with none.
pub(super) const ENTRY_ID: &str = "urn:student-passport:entry";
/// The system of the tag on what an export makes besides entries.
pub(super) const FRAME: &str = "urn:student-passport:export";
/// The system of an organisation's identifier.
pub(super) const ORGANISATION_ID: &str = "urn:student-passport:organisation";
/// The system of a grant's identifier.
pub(super) const GRANT_ID: &str = "urn:student-passport:grant";
/// HL7's own extension for the words a code was chosen for.
const ORIGINAL_TEXT: &str = "http://hl7.org/fhir/StructureDefinition/originalText";

/// Which entry a resource was, and what FHIR has no place for.
#[derive(Default)]
pub(super) struct Mark {
    pub(super) section: String,
    pub(super) kind: String,
    /// Values as extensions, by field name.
    values: BTreeMap<String, Json>,
    without: Vec<String>,
}

impl Mark {
    pub(super) fn new(section: &str, kind: &str) -> Self {
        Self { section: section.to_owned(), kind: kind.to_owned(), ..Self::default() }
    }

    /// The mark on a resource or an element.
    pub(super) fn of(element: &Json) -> Option<Self> {
        let mark = json::extension(element, URL)?;
        let mut found = Self::default();
        for part in json::list(mark, "extension").iter().take(128) {
            let code = || json::text(part, "valueCode").unwrap_or_default().to_owned();
            match json::text(part, "url")? {
                "section" => found.section = code(),
                "kind" => found.kind = code(),
                "without" => found.without.push(code()),
                url => {
                    if let Some(name) = url.strip_prefix("field:") {
                        found.values.insert(name.to_owned(), part.clone());
                    }
                }
            }
        }
        Some(found)
    }

    /// Puts the mark's fields in place of what was read otherwise.
    pub(super) fn apply(&self, kind: &KindSpec, fields: &mut BTreeMap<&'static str, Value>) {
        fields.retain(|name, _| !self.without.iter().any(|w| w == name));
        for field in kind.fields {
            if let Some(value) = self.values.get(field.name).and_then(|v| read(field.kind, v)) {
                fields.insert(field.name, value);
            }
        }
    }

    /// Notes a field that FHIR has no place for.
    pub(super) fn set(&mut self, name: &str, value: &Value) {
        if let Some(mut written) = written(value) {
            if let Some(members) = written.as_object_mut() {
                members.insert("url".into(), format!("field:{name}").into());
            }
            self.values.insert(name.to_owned(), written);
        }
    }

    /// Notes a field that the resource seems to have, and the entry does not.
    pub(super) fn set_without(&mut self, name: &str) {
        self.without.push(name.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.without.is_empty()
    }

    /// Puts the mark on a resource or element, in place of any earlier one.
    pub(super) fn put(self, element: &mut Json) {
        remove(element);
        // These three have no extensions (HL7 FHIR R4, Resource).
        if matches!(json::text(element, "resourceType"), Some("Bundle" | "Binary" | "Parameters")) {
            return;
        }
        let mut parts = vec![
            json!({ "url": "section", "valueCode": self.section }),
            json!({ "url": "kind", "valueCode": self.kind }),
        ];
        parts.extend(self.values.into_values());
        parts.extend(self.without.iter().map(|w| json!({ "url": "without", "valueCode": w })));
        let mark = json!({ "url": URL, "extension": parts });
        json::extend(element, mark);
    }
}

/// Takes the mark off.
pub(super) fn remove(element: &mut Json) {
    let Some(members) = element.as_object_mut() else { return };
    if let Some(extensions) = members.get_mut("extension").and_then(Json::as_array_mut) {
        extensions.retain(|e| json::text(e, "url") != Some(URL));
        if extensions.is_empty() {
            members.remove("extension");
        }
    }
}

/// The fields in the answers of a questionnaire whose questions are named as the fields are.
pub(super) fn answers(kind: &KindSpec, form: &Json) -> Vec<(&'static str, Value)> {
    let items = json::list(form, "item");
    let answer = |name: &str| {
        let item = items.iter().find(|i| json::text(i, "linkId") == Some(name))?;
        json::first(item, "answer")
    };
    kind.fields.iter().filter_map(|f| Some((f.name, read(f.kind, answer(f.name)?)?))).collect()
}

/// A value as `value[x]`; nothing for an original.
pub(super) fn written(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Text(text) | Value::Prose(text) | Value::Choice(text) => {
            json!({ "valueString": text })
        }
        Value::Code(code) => json!({ "valueCoding": coding(code) }),
        Value::Date(date) if date.as_str().len() > 10 => json!({ "valueDateTime": date.as_str() }),
        Value::Date(date) => json!({ "valueDate": date.as_str() }),
        Value::Period(Period { start, end }) => {
            let side = |d: &Option<crate::section::PartialDate>| {
                d.as_ref().map(ToString::to_string).unwrap_or_default()
            };
            json!({ "valueString": format!("{}..{}", side(start), side(end)) })
        }
        Value::Quantity(quantity) => match super::export::quantity(quantity) {
            Some(quantity) => json!({ "valueQuantity": quantity }),
            None => json!({ "valueString": crate::section::display::display_value(value) }),
        },
        Value::Boolean(yes) => json!({ "valueBoolean": yes }),
        Value::Entry(id) => json!({ "valueString": id.to_string() }),
        // A file goes along as a file, and its key with nobody.
        Value::Attachment(_) | Value::Source { .. } => return None,
    })
}

fn coding(code: &Code) -> Json {
    let mut coding = json!({});
    let parts = [("system", &code.system), ("code", &code.code), ("display", &code.display)];
    if let Some(members) = coding.as_object_mut() {
        for (name, part) in parts {
            if let Some(part) = part {
                members.insert(name.into(), part.clone().into());
            }
        }
        if let Some(text) = &code.text {
            let original = json!([{ "url": ORIGINAL_TEXT, "valueString": text }]);
            members.insert("extension".into(), original);
        }
    }
    coding
}

/// A value of a kind from its `value[x]`.
fn read(kind: FieldKind, element: &Json) -> Option<Value> {
    let string = || element.get("valueString").and_then(Json::as_str);
    Some(match kind {
        FieldKind::Text => Value::Text(string()?.to_owned()),
        FieldKind::Prose => Value::Prose(string()?.to_owned()),
        FieldKind::Choice(_) => Value::Choice(string()?.to_owned()),
        FieldKind::Code => {
            let coding = element.get("valueCoding")?;
            let part = |name| json::text(coding, name).map(str::to_owned);
            Value::Code(Code {
                system: part("system"),
                code: part("code"),
                display: part("display"),
                text: json::extension(coding, ORIGINAL_TEXT)
                    .and_then(|e| json::text(e, "valueString"))
                    .map(str::to_owned),
            })
        }
        FieldKind::Date => Value::Date(
            json::date(element, "valueDateTime").or_else(|| json::date(element, "valueDate"))?,
        ),
        FieldKind::Period => {
            let (start, end) = string()?.split_once("..")?;
            Value::Period(Period { start: start.parse().ok(), end: end.parse().ok() })
        }
        FieldKind::Quantity => Value::Quantity(
            element.get("valueQuantity").map_or_else(|| string().map(words), json::quantity)?,
        ),
        FieldKind::Boolean => Value::Boolean(element.get("valueBoolean")?.as_bool()?),
        FieldKind::Entry => Value::Entry(string()?.parse().ok()?),
        FieldKind::Attachment | FieldKind::Source => return None,
    })
}

/// A quantity that JSON has no number for, such as `007 mg`.
fn words(text: &str) -> Quantity {
    let (value, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = Some(unit.to_owned()).filter(|u| !u.is_empty());
    Quantity { value: value.to_owned(), unit, code: None }
}
