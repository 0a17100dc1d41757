//! Rules of data types that the table cannot say (HL7 FHIR R4, *Data Types*).

use serde_json::Value as Json;

use super::Found;
use crate::fhir::{json, known};
use crate::nhs_number::NhsNumber;

/// Checks one value of a data type.
pub(super) fn invariants(kind: &str, value: &Json, at: &str, found: &mut Found) {
    match kind {
        "Extension" => {
            let has_value = value
                .as_object()
                .is_some_and(|m| m.keys().any(|k| k.trim_start_matches('_').starts_with("value")));
            if has_value == value.get("extension").is_some() {
                found.error(
                    at,
                    "ext-1",
                    "must have a value or extensions of its own, and not both",
                );
            }
            extension(value, at, found);
        }
        "Period" => {
            if let (Some(start), Some(end)) = (json::text(value, "start"), json::text(value, "end"))
                && is_before(end, start)
            {
                found.error(at, "per-1", "ends before it begins");
            }
        }
        "Quantity" | "Age" | "Duration"
            if value.get("code").is_some() && value.get("system").is_none() =>
        {
            found.error(at, "qty-3", "has a unit's code without the code's system");
        }
        "ContactPoint" if value.get("value").is_some() && value.get("system").is_none() => {
            found.error(at, "cpt-2", "does not say what kind of number or address it is");
        }
        "Attachment" if value.get("data").is_some() && value.get("contentType").is_none() => {
            found.error(at, "att-1", "has a file without its media type");
        }
        "Coding" => coding(value, at, found),
        "Identifier" => identifier(value, at, found),
        _ => {}
    }
}

/// Extensions of UK Core whose value has one type.
fn extension(value: &Json, at: &str, found: &mut Found) {
    let Some(url) = json::text(value, "url") else { return };
    let expected = match url {
        _ if url == known::NHS_NUMBER_STATUS || known::DISCHARGE_METHOD.contains(&url) => {
            "valueCodeableConcept"
        }
        "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired" => "valueBoolean",
        "http://hl7.org/fhir/StructureDefinition/flag-detail" => "valueReference",
        "http://hl7.org/fhir/StructureDefinition/individual-genderIdentity"
        | "http://hl7.org/fhir/StructureDefinition/individual-pronouns"
        | "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-LegalStatus" => "extension",
        _ => return,
    };
    if value.get(expected).is_none() {
        found.error(at, "extension-type", "has a value of another type than this extension takes");
    }
}

fn coding(value: &Json, at: &str, found: &mut Found) {
    match json::text(value, "system") {
        Some(system) if !system.contains(':') => {
            found.error(
                at,
                "coding-system",
                "names its code system by something that is no address",
            );
        }
        Some(known::SNOMED) if json::text(value, "code").is_some_and(|code| !is_snomed(code)) => {
            found.error(at, "snomed", "has a SNOMED CT code whose check digit is wrong");
        }
        _ => {}
    }
}

/// Whether a SNOMED CT identifier's check digit holds (Verhoeff); an expression is let through.
fn is_snomed(code: &str) -> bool {
    const PERMUTE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    if code.contains([':', '+', '|']) {
        return true;
    }
    if !(6..=18).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let mut check = 0_u8;
    for (place, byte) in code.bytes().rev().enumerate() {
        let mut digit = byte - b'0';
        for _ in 0..place % 8 {
            digit = PERMUTE.get(usize::from(digit)).copied().unwrap_or_default();
        }
        check = dihedral(check, digit);
    }
    check == 0
}

/// Multiplication in the dihedral group of ten.
const fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

fn identifier(value: &Json, at: &str, found: &mut Found) {
    let Some(system) = json::text(value, "system") else { return };
    if !system.contains(':') {
        found.error(at, "identifier-system", "names its system by something that is no address");
    }
    if known::NHS_NUMBER.contains(&system) {
        let number = json::text(value, "value").unwrap_or_default();
        if number.parse::<NhsNumber>().is_err() {
            found.error(at, "nhs-number", "is no NHS number: its check digit is wrong");
        } else if number.contains(' ') {
            found.error(at, "nhs-number", "has spaces; an NHS number is written as ten digits");
        }
    }
    if json::text(value, "value").is_some_and(|v| v.starts_with("urn:uuid:"))
        && system != "urn:ietf:rfc:3986"
    {
        found.warning(at, "identifier-system", "is an address, which belongs to urn:ietf:rfc:3986");
    }
}

/// Whether one date is surely before another, as far as both say.
pub(super) fn is_before(one: &str, other: &str) -> bool {
    let len = one.len().min(other.len()).min(10);
    matches!((one.get(..len), other.get(..len)), (Some(a), Some(b)) if a < b)
}

/// What is wrong with a narrative's `div`.
pub(super) fn xhtml(div: &str) -> Option<&'static str> {
    const ALLOWED: [&str; 43] = [
        "a",
        "abbr",
        "acronym",
        "b",
        "big",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "samp",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
    ];
    const MORE: [&str; 6] = ["thead", "tr", "tt", "ul", "var", "kbd"];
    let div = div.trim();
    if !div.starts_with("<div") {
        return Some("is not a div");
    }
    let mut open: Vec<&str> = Vec::new();
    let mut rest = div;
    let mut says = false;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        says |= !text.trim().is_empty();
        if text.contains('&') && !has_entities(text) {
            return Some("has an ampersand that is not escaped");
        }
        if let Some(comment) = tag.strip_prefix("<!--") {
            let Some((_, after)) = comment.split_once("-->") else {
                return Some("has a comment without an end");
            };
            rest = after;
            continue;
        }
        let Some((inside, after)) = tag.split_at(1).1.split_once('>') else {
            return Some("has a tag without an end");
        };
        rest = after;
        let name = inside.trim_matches('/').split_whitespace().next().unwrap_or_default();
        if !ALLOWED.contains(&name) && !MORE.contains(&name) {
            return Some("has an element that narrative may not have");
        }
        let attributes = inside.get(name.len()..).unwrap_or_default();
        if attributes.split_whitespace().any(|a| a.starts_with("on") && a.contains('=')) {
            return Some("has a script, which narrative may not have");
        }
        says |= name == "img";
        if let Some(closed) = inside.strip_prefix('/') {
            if open.pop() != Some(closed.trim()) {
                return Some("is not well formed: its tags do not match");
            }
        } else if !inside.ends_with('/') {
            open.push(name);
        }
    }
    if !open.is_empty() {
        return Some("is not well formed: its tags do not match");
    }
    if says { None } else { Some("says nothing") }
}

fn has_entities(text: &str) -> bool {
    text.split('&').skip(1).all(|after| {
        let mut name = after.bytes().take(10).take_while(|b| *b != b';');
        after.bytes().take(10).any(|b| b == b';')
            && name.all(|b| b.is_ascii_alphanumeric() || b == b'#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_snomed_hold() {
        for right in ["716186003", "35489007", "22298006", "1234391000168107", "999000011000000103"]
        {
            assert!(is_snomed(right), "{right}");
        }
        for wrong in ["716186004", "35489070", "1", "abc"] {
            assert!(!is_snomed(wrong), "{wrong}");
        }
    }

    #[test]
    fn narrative_is_safe_and_well_formed() {
        assert_eq!(xhtml("<div xmlns=\"x\"><p>a &amp; b<br/></p></div>"), None);
        for wrong in [
            "<p>x</p>",
            "<div> </div>",
            "<div><script>x</script></div>",
            "<div onclick=\"x\">a</div>",
            "<div><p>a</div>",
            "<div>a & b</div>",
            "<div>a",
        ] {
            assert!(xhtml(wrong).is_some(), "{wrong}");
        }
    }
}
