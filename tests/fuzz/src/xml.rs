//! That a record that breaks no rule reads alike in JSON and in XML.

use std::fmt::Write as _;

use passport_core::fhir::check::check;
use passport_core::fhir::import::{self, Import};
use passport_core::section::Value;
use serde_json::{Map, Value as Json};

use super::again::entry_fields;

/// Writes a record in JSON as XML, and reads that.
pub(super) fn reads_alike(bytes: &[u8], import: &Import) {
    let is_sound = check(bytes).is_ok_and(|report| report.errors == 0 && report.warnings == 0);
    let Some(json) = is_sound.then(|| serde_json::from_slice(bytes).ok()).flatten() else { return };
    let Some(xml) = written(&json) else { return };
    let read = match import::read(xml.as_bytes()) {
        Ok(read) => read,
        Err(error) => panic!("as XML it cannot be read: {error}\n{xml}"),
    };
    assert_eq!(read.tally, import.tally, "{xml}");
    let said = |import: &Import| -> Vec<_> {
        let without_source = |draft| {
            let mut fields = entry_fields(draft);
            fields.retain(|_, value| !matches!(value, Value::Source { .. }));
            fields
        };
        import.drafts.iter().map(|d| (d.kind, without_source(d))).collect()
    };
    assert_eq!(said(&read), said(import), "{xml}");
    let report = check(xml.as_bytes()).unwrap();
    assert_eq!(report.findings, [], "{xml}");
}

/// A resource as XML, unless XML cannot say it.
fn written(resource: &Json) -> Option<String> {
    let mut out = String::new();
    element(
        resource["resourceType"].as_str()?,
        " xmlns=\"http://hl7.org/fhir\"",
        resource,
        &mut out,
    )?;
    Some(out)
}

fn element(name: &str, attributes: &str, value: &Json, out: &mut String) -> Option<()> {
    name.bytes().all(|b| b.is_ascii_alphanumeric()).then_some(())?;
    let _ = write!(out, "<{name}{attributes}>");
    members(name, value.as_object()?, out)?;
    let _ = write!(out, "</{name}>");
    Some(())
}

fn members(of: &str, members: &Map<String, Json>, out: &mut String) -> Option<()> {
    let is_resource = members.contains_key("resourceType");
    let is_element =
        |name: &str| name != "resourceType" && (is_resource || !is_attribute(of, name));
    let plain = |name: &String| name.strip_prefix('_').unwrap_or(name).to_owned();
    let mut names: Vec<String> = members.keys().map(plain).collect();
    names.sort();
    names.dedup();
    for name in names.iter().filter(|n| is_element(n)) {
        let value = members.get(name).unwrap_or(&Json::Null);
        let beside = members.get(&format!("_{name}")).unwrap_or(&Json::Null);
        match (value, beside) {
            (Json::Array(values), beside) => {
                for (n, value) in values.iter().enumerate() {
                    one(name, value, beside.get(n).unwrap_or(&Json::Null), out)?;
                }
            }
            (Json::Null, Json::Array(_)) => return None,
            (value, beside) => one(name, value, beside, out)?,
        }
    }
    Some(())
}

/// One element; of a primitive with what stands beside it.
fn one(name: &str, value: &Json, beside: &Json, out: &mut String) -> Option<()> {
    match value {
        Json::String(div) if name == "div" => out.push_str(div),
        Json::Object(members) if members.contains_key("resourceType") => {
            let _ = write!(out, "<{name}>");
            element(members["resourceType"].as_str()?, "", value, out)?;
            let _ = write!(out, "</{name}>");
        }
        Json::Object(members) => element(name, &attributes(name, members)?, value, out)?,
        Json::Null => element(name, &attributes(name, beside.as_object()?)?, beside, out)?,
        Json::Array(_) => return None,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let none = Map::new();
            let beside = beside.as_object().unwrap_or(&none);
            let value = format!("{} value=\"{}\"", attributes(name, beside)?, escaped(&text)?);
            element(name, &value, &Json::Object(beside.clone()), out)?;
        }
    }
    Some(())
}

/// Whether a member of an element that is no resource is an attribute in XML.
fn is_attribute(of: &str, name: &str) -> bool {
    name == "id" || (name == "url" && ["extension", "modifierExtension"].contains(&of))
}

fn attributes(of: &str, members: &Map<String, Json>) -> Option<String> {
    let mut out = String::new();
    for name in ["id", "url"] {
        if let Some(text) = members.get(name).filter(|_| is_attribute(of, name)) {
            let _ = write!(out, " {name}=\"{}\"", escaped(text.as_str()?)?);
        }
    }
    Some(out)
}

/// A text as the value of an attribute; none if XML 1.0 has no way to say it.
fn escaped(text: &str) -> Option<String> {
    let character = |c: char| match c {
        '\t' | '\n' | '\r' | '&' | '<' | '"' => Some(format!("&#{};", u32::from(c))),
        '\u{fffe}' | '\u{ffff}' => None,
        c if c < ' ' => None,
        c => Some(c.to_string()),
    };
    text.chars().map(character).collect()
}
