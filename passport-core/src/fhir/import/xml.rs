//! FHIR XML as FHIR JSON.
//!
//! The two say the same (HL7 FHIR R4, *XML Representation*), but XML does not tell a list of one
//! from a single element, nor a number from text. The elements that repeat are listed here; what
//! is read later takes either. Document types and entities of their own are refused, so nothing
//! in a file can swell or reach beyond it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

/// Bytes of XML: its parsed form is several times larger.
const BYTES: usize = 16 * 1024 * 1024;
/// Elements in a file.
const ELEMENTS: usize = 400_000;
/// Elements within elements.
const DEPTH: usize = 100;

/// The text is not XML of a resource, or is beyond the limits.
pub(super) struct NotXml;

/// The JSON text of an XML resource.
pub(super) fn to_json(xml: &str) -> Result<String, NotXml> {
    if xml.len() > BYTES {
        return Err(NotXml);
    }
    let mut reader = Reader { xml, at: 0, elements: 0 };
    reader.skip_misc()?;
    let root = reader.element(0)?;
    reader.skip_misc()?;
    if reader.at == xml.len() { Ok(resource(&root).to_string()) } else { Err(NotXml) }
}

/// One element.
struct Element<'a> {
    name: &'a str,
    attributes: BTreeMap<&'a str, String>,
    children: Vec<Self>,
    /// The element as written.
    raw: &'a str,
}

struct Reader<'a> {
    xml: &'a str,
    at: usize,
    elements: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.xml.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// What stands before a token, which is passed.
    fn until(&mut self, token: &str) -> Result<&'a str, NotXml> {
        let (before, _) = self.rest().split_once(token).ok_or(NotXml)?;
        self.at += before.len() + token.len();
        Ok(before)
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Space, comments and instructions outside the root.
    fn skip_misc(&mut self) -> Result<(), NotXml> {
        loop {
            self.skip_space();
            if self.take("<?") {
                self.until("?>")?;
            } else if self.take("<!--") {
                self.until("-->")?;
            } else {
                return Ok(());
            }
        }
    }

    fn name(&mut self) -> Result<&'a str, NotXml> {
        let is_name = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        let end = self.rest().find(|c| !is_name(c)).ok_or(NotXml)?;
        let name = self.rest().get(..end).filter(|n| !n.is_empty()).ok_or(NotXml)?;
        self.at += end;
        Ok(name)
    }

    fn element(&mut self, depth: usize) -> Result<Element<'a>, NotXml> {
        let began = self.at;
        self.elements += 1;
        if depth > DEPTH || self.elements > ELEMENTS || !self.take("<") {
            return Err(NotXml);
        }
        let full = self.name()?;
        let attributes = self.attributes()?;
        let mut children = Vec::new();
        if !self.take("/>") {
            if !self.take(">") {
                return Err(NotXml);
            }
            while let Some(child) = self.child(depth)? {
                children.push(child);
            }
            if self.name()? != full {
                return Err(NotXml);
            }
            self.skip_space();
            if !self.take(">") {
                return Err(NotXml);
            }
        }
        let name = full.rsplit(':').next().unwrap_or(full);
        let raw = self.xml.get(began..self.at).unwrap_or_default();
        Ok(Element { name, attributes, children, raw })
    }

    /// The next element inside one, or nothing at its end tag, whose `</` is passed.
    fn child(&mut self, depth: usize) -> Result<Option<Element<'a>>, NotXml> {
        loop {
            let text = self.rest().find('<').ok_or(NotXml)?;
            self.at += text;
            if self.take("</") {
                return Ok(None);
            } else if self.take("<!--") {
                self.until("-->")?;
            } else if self.take("<![CDATA[") {
                self.until("]]>")?;
            } else if self.take("<?") {
                self.until("?>")?;
            } else {
                return self.element(depth + 1).map(Some);
            }
        }
    }

    fn attributes(&mut self) -> Result<BTreeMap<&'a str, String>, NotXml> {
        let mut found = BTreeMap::new();
        loop {
            self.skip_space();
            if self.rest().starts_with(['/', '>']) {
                return Ok(found);
            }
            let name = self.name()?;
            self.skip_space();
            if !self.take("=") {
                return Err(NotXml);
            }
            self.skip_space();
            let quote = if self.take("\"") {
                "\""
            } else if self.take("'") {
                "'"
            } else {
                return Err(NotXml);
            };
            let value = unescaped(self.until(quote)?)?;
            if found.insert(name, value).is_some() {
                return Err(NotXml);
            }
        }
    }
}

/// Text with the five entities of XML and character numbers in place.
fn unescaped(text: &str) -> Result<String, NotXml> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        let (entity, after) = after.split_once(';').ok_or(NotXml)?;
        out.push_str(before);
        let number = entity.strip_prefix('#').and_then(|n| match n.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => n.parse().ok(),
        });
        out.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => number.and_then(char::from_u32).ok_or(NotXml)?,
        });
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn resource(element: &Element<'_>) -> Json {
    let mut members = members(element);
    members.insert("resourceType".into(), element.name.into());
    Json::Object(members)
}

/// The members of an element that is not a primitive.
fn members(element: &Element<'_>) -> Map<String, Json> {
    let mut lists: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    let mut out = Map::new();
    for child in &element.children {
        lists.entry(child.name).or_default().push(value(child, element.name));
        // A primitive's own extensions stand beside it.
        if child.attributes.contains_key("value") && !child.children.is_empty() {
            out.insert(format!("_{}", child.name), Json::Object(members(child)));
        }
    }
    for name in ["id", "url"] {
        if let Some(text) = element.attributes.get(name) {
            out.insert(name.to_owned(), text.clone().into());
        }
    }
    for (name, mut list) in lists {
        let one = if list.len() == 1 && !repeats(element.name, name) { list.pop() } else { None };
        out.insert(name.to_owned(), one.unwrap_or(Json::Array(list)));
    }
    out
}

fn value(element: &Element<'_>, parent: &str) -> Json {
    if element.name == "div" {
        return element.raw.into();
    }
    if let Some(text) = element.attributes.get("value") {
        return primitive(element.name, parent, text);
    }
    match (element.name, element.children.as_slice()) {
        ("resource" | "contained", [inner]) => resource(inner),
        _ => Json::Object(members(element)),
    }
}

/// Text, or the number or truth value that JSON has in its place.
fn primitive(name: &str, parent: &str, text: &str) -> Json {
    const NUMBERS: [&str; 13] = [
        "count",
        "duration",
        "frequency",
        "offset",
        "period",
        "rank",
        "sequence",
        "size",
        "total",
        "valueDecimal",
        "valueInteger",
        "valuePositiveInt",
        "valueUnsignedInt",
    ];
    const OF_QUANTITIES: [&str; 8] =
        ["low", "high", "numerator", "denominator", "quantity", "length", "doseQuantity", "age"];
    let in_quantity = parent.ends_with("Quantity")
        || parent.ends_with("Duration")
        || OF_QUANTITIES.contains(&parent);
    let is_number = NUMBERS.contains(&name) || (name == "value" && in_quantity);
    match text {
        "true" if !name.ends_with("String") => Json::Bool(true),
        "false" if !name.ends_with("String") => Json::Bool(false),
        _ if is_number => serde_json::from_str(text).map_or_else(|_| text.into(), Json::Number),
        _ => text.into(),
    }
}

/// Whether an element may occur more than once, so that JSON has a list of it.
fn repeats(parent: &str, name: &str) -> bool {
    const ALWAYS: [&str; 36] = [
        "answer",
        "author",
        "coding",
        "communication",
        "component",
        "contact",
        "contained",
        "content",
        "diagnosis",
        "doseAndRate",
        "dosage",
        "dosageInstruction",
        "entry",
        "extension",
        "generalPractitioner",
        "given",
        "identifier",
        "ingredient",
        "item",
        "line",
        "link",
        "manifestation",
        "modifierExtension",
        "note",
        "participant",
        "performer",
        "prefix",
        "profile",
        "protocolApplied",
        "reaction",
        "reasonCode",
        "referenceRange",
        "section",
        "suffix",
        "tag",
        "telecom",
    ];
    // Names that repeat elsewhere, and not within these.
    const LONE: [(&str, &str); 13] = [
        ("Bundle", "identifier"),
        ("CarePlan", "author"),
        ("Composition", "identifier"),
        ("Flag", "author"),
        ("MedicationRequest", "performer"),
        ("MessageHeader", "author"),
        ("QuestionnaireResponse", "author"),
        ("QuestionnaireResponse", "identifier"),
        ("RiskAssessment", "performer"),
        ("dispenseRequest", "performer"),
        ("entry", "item"),
        ("media", "link"),
        ("subject", "identifier"),
    ];
    const PEOPLE: [&str; 4] = ["Patient", "Practitioner", "RelatedPerson", "Person"];
    match name {
        "name" | "photo" => PEOPLE.contains(&parent),
        "address" => PEOPLE.contains(&parent) || parent == "Organization",
        "type" => ["Encounter", "Organization", "Location", "participant"].contains(&parent),
        "location" => parent == "Encounter",
        "dayOfWeek" | "timeOfDay" | "when" => parent == "repeat",
        "relationship" => parent == "contact",
        "category" => {
            parent.starts_with(|c: char| c.is_ascii_uppercase()) && parent != "MedicationStatement"
        }
        "interpretation" => parent == "Observation",
        "organization" | "policy" => parent == "Consent",
        "action" | "actor" | "purpose" | "securityLabel" => parent == "provision",
        _ => ALWAYS.contains(&name) && !LONE.contains(&(parent, name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = r#"<?xml version="1.0"?><!-- a comment --><f:Patient xmlns:f="http://hl7.org/fhir">
        <f:id value="p"/><f:active value="true"/>
        <f:name><f:family value="O&apos;Brien &#x26; Khan"/><f:given value="Amina"/></f:name>
        <f:text><div xmlns="http://www.w3.org/1999/xhtml">1 &lt; 2 <b>x</b></div></f:text>
        <f:contained><f:Observation><f:valueQuantity><f:value value="0.50"/></f:valueQuantity>
        </f:Observation></f:contained>
        <f:birthDate value="2005-03-04"><f:extension url="u"><f:valueString value="true"/></f:extension></f:birthDate>
        </f:Patient>"#;

    fn json(xml: &str) -> Option<Json> {
        serde_json::from_str(&to_json(xml).ok()?).ok()
    }

    #[test]
    fn xml_reads_as_the_json_that_says_the_same() {
        let patient = json(PATIENT).unwrap();
        assert_eq!(patient["resourceType"], "Patient");
        assert_eq!(patient["active"], true);
        assert_eq!(patient["name"][0]["family"], "O'Brien & Khan");
        assert_eq!(patient["name"][0]["given"][0], "Amina");
        assert_eq!(patient["contained"][0]["valueQuantity"]["value"].to_string(), "0.50");
        assert_eq!(patient["birthDate"], "2005-03-04");
        assert_eq!(patient["_birthDate"]["extension"][0]["valueString"], "true");
        let div = patient["text"]["div"].as_str().unwrap();
        assert!(div.starts_with("<div") && div.ends_with("<b>x</b></div>"));
    }

    #[test]
    fn nothing_in_xml_can_swell_or_reach_out() {
        let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Patient><id value="&b;"/></Patient>"#;
        assert!(json(laughs).is_none());
        assert!(json(r#"<Patient><id value="&b;"/></Patient>"#).is_none());
        assert!(json(r#"<!DOCTYPE Patient SYSTEM "file:///etc/passwd"><Patient/>"#).is_none());
        assert!(json(&"<a>".repeat(2_000_000)).is_none());
        assert!(json(&format!("<a>{}</a>", "<b/>".repeat(ELEMENTS))).is_none());
        assert!(json("<a></b>").is_none() && json("<a/><b/>").is_none() && json("<a").is_none());
        assert!(json(&" ".repeat(BYTES + 1)).is_none());
        for end in (0..PATIENT.len()).filter(|end| PATIENT.is_char_boundary(*end)) {
            assert!(json(&PATIENT[..end]).is_none(), "{end}");
        }
        for place in 0..PATIENT.len() * 8 {
            let mut bytes = PATIENT.as_bytes().to_vec();
            bytes[place / 8] ^= 1 << (place % 8);
            if let Ok(xml) = core::str::from_utf8(&bytes) {
                let _ = json(xml);
            }
        }
    }
}
