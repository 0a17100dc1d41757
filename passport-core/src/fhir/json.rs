//! Reading FHIR's data types out of JSON, forgiving what is messy.

mod strict;

use serde_json::Value as Json;

use crate::section::{Code, PartialDate, Period, Quantity, Value, limits};

pub(super) use strict::{Fault, Members, parse, tokens};

/// The text of a member.
pub(super) fn text<'a>(json: &'a Json, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Json::as_str).map(str::trim).filter(|s| !s.is_empty())
}

/// The members of a list; a lone object, as some systems send, is a list of one.
pub(super) fn list<'a>(json: &'a Json, name: &str) -> &'a [Json] {
    match json.get(name) {
        Some(Json::Array(items)) => items,
        Some(one @ Json::Object(_)) => core::slice::from_ref(one),
        _ => &[],
    }
}

/// The first member of a list.
pub(super) fn first<'a>(json: &'a Json, name: &str) -> Option<&'a Json> {
    list(json, name).first()
}

/// Cuts text to a limit at a character boundary; the source keeps the rest.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit.saturating_sub('…'.len_utf8()));
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// A short text.
pub(super) fn short(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() { None } else { Some(Value::Text(bounded(text, limits::TEXT))) }
}

/// A long text.
pub(super) fn long(text: &str) -> Option<Value> {
    let text = text.trim();
    if text.is_empty() { None } else { Some(Value::Prose(bounded(text, limits::PROSE))) }
}

/// A `CodeableConcept`, or a lone `Coding`, as one code: the coding in SNOMED CT if there is one,
/// else one that the user selected, else the first.
pub(super) fn concept(json: &Json) -> Option<Code> {
    let codings = list(json, "coding");
    let coding = codings
        .iter()
        .find(|c| text(c, "system") == Some(super::known::SNOMED) && text(c, "code").is_some())
        .or_else(|| codings.iter().find(|c| c.get("userSelected") == Some(&Json::Bool(true))))
        .or_else(|| codings.first())
        .unwrap_or(json);
    let part = |s: Option<&str>| s.map(|s| bounded(s, limits::TEXT));
    let code = Code {
        system: part(text(coding, "system")),
        code: part(text(coding, "code")),
        display: part(text(coding, "display")),
        text: part(text(json, "text")),
    };
    if code.words().is_empty() { None } else { Some(code) }
}

/// The concept in a member.
pub(super) fn concept_in(json: &Json, name: &str) -> Option<Code> {
    let member = json.get(name)?;
    member.as_array().map_or_else(|| concept(member), |items| items.iter().find_map(concept))
}

/// Whether any coding of a concept carries this code, whatever its system.
pub(super) fn has_code(json: &Json, name: &str, code: &str) -> bool {
    codes_in(json, name).any(|c| c == code)
}

/// Every code of the concept or concepts in a member.
pub(super) fn codes_in<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a str> {
    list(json, name).iter().flat_map(|c| list(c, "coding")).filter_map(|c| text(c, "code"))
}

/// A FHIR date or moment; a moment without a time zone counts as its day.
pub(super) fn date_of(text: &str) -> Option<PartialDate> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.get(..10).and_then(|day| day.parse().ok()))
}

/// The date in a member.
pub(super) fn date(json: &Json, name: &str) -> Option<PartialDate> {
    text(json, name).and_then(date_of)
}

/// The date of a member that FHIR allows in several forms: `onset` as `onsetDateTime` or the
/// start of `onsetPeriod`.
pub(super) fn date_of_choice(json: &Json, stem: &str) -> Option<PartialDate> {
    date(json, &format!("{stem}DateTime"))
        .or_else(|| date(json, &format!("{stem}Date")))
        .or_else(|| date(json, &format!("{stem}Instant")))
        .or_else(|| json.get(format!("{stem}Period")).and_then(|p| date(p, "start")))
}

/// A `Period`.
pub(super) fn period(json: &Json) -> Option<Period> {
    let period = Period { start: date(json, "start"), end: date(json, "end") };
    if period.start.is_none() && period.end.is_none() { None } else { Some(period) }
}

/// The number of a member as written, `0.50` included.
pub(super) fn number(json: &Json, name: &str) -> Option<String> {
    json.get(name)?.as_number().map(ToString::to_string)
}

/// A `Quantity`, unless it carries a comparator or a number that is not a plain decimal.
pub(super) fn quantity(json: &Json) -> Option<Quantity> {
    if text(json, "comparator").is_some() {
        return None;
    }
    let part = |s: Option<&str>| s.map(|s| bounded(s, limits::TEXT));
    let ucum = text(json, "system") == Some(super::known::UCUM);
    let quantity = Quantity {
        value: number(json, "value")?,
        unit: part(text(json, "unit")).or_else(|| part(text(json, "code"))),
        code: if ucum { part(text(json, "code")) } else { None },
    };
    Value::Quantity(quantity.clone()).check().ok().map(|()| quantity)
}

/// A `Quantity` in words, `< 5 mg` included.
pub(super) fn quantity_words(json: &Json) -> Option<String> {
    let parts = [
        text(json, "comparator").map(str::to_owned),
        Some(number(json, "value")?),
        text(json, "unit").or_else(|| text(json, "code")).map(str::to_owned),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// A `HumanName` as people write it.
pub(super) fn human_name(json: &Json) -> Option<String> {
    if let Some(name) = text(json, "text") {
        return Some(bounded(name, limits::TEXT));
    }
    let given = json.get("given").and_then(Json::as_array).into_iter().flatten();
    let parts: Vec<_> = given
        .filter_map(Json::as_str)
        .chain(text(json, "family"))
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect();
    if parts.is_empty() { None } else { Some(bounded(&parts.join(" "), limits::TEXT)) }
}

/// An `Address` on one line, without its postcode if that is asked for apart.
pub(super) fn address_lines(json: &Json) -> Option<String> {
    let lines = json.get("line").and_then(Json::as_array).into_iter().flatten();
    let parts: Vec<_> = lines
        .filter_map(Json::as_str)
        .chain(["city", "district", "state", "country"].iter().filter_map(|n| text(json, n)))
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect();
    let joined = if parts.is_empty() {
        text(json, "text").unwrap_or_default().to_owned()
    } else {
        parts.join(", ")
    };
    if joined.is_empty() { None } else { Some(bounded(&joined, limits::TEXT)) }
}

/// The texts of `Annotation`s.
pub(super) fn notes(json: &Json, name: &str) -> Option<Value> {
    let texts: Vec<_> = list(json, name).iter().filter_map(|n| text(n, "text")).collect();
    long(&texts.join("\n\n"))
}

/// What the first identifier that has a value says: its system, if it has one, and its value. One
/// that has none may have been given one of ours.
pub(super) fn identifier(json: &Json) -> Option<String> {
    list(json, "identifier").iter().find_map(|stated| {
        let own = || extension(stated, super::marker::ENTRY_ID)?.get("valueIdentifier");
        let identifier = if text(stated, "value").is_some() { stated } else { own()? };
        let value = text(identifier, "value")?;
        Some(text(identifier, "system").map_or(value.to_owned(), |s| format!("{s}|{value}")))
    })
}

/// The extension of this URL.
pub(super) fn extension<'a>(json: &'a Json, url: &str) -> Option<&'a Json> {
    list(json, "extension").iter().find(|e| text(e, "url") == Some(url))
}

/// Adds an extension to an element.
pub(super) fn extend(element: &mut Json, extension: Json) {
    let Some(members) = element.as_object_mut() else { return };
    match members.get_mut("extension").and_then(Json::as_array_mut) {
        Some(extensions) => extensions.push(extension),
        None => {
            members.insert("extension".into(), Json::Array(vec![extension]));
        }
    }
}
