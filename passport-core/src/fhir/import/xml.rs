//! FHIR XML as FHIR JSON.
//!
//! The two say the same (HL7 FHIR R4, *XML Representation*), but XML does not tell a list of one
//! from a single element, nor a number from text: the table of elements does. Of an element that
//! is not in it (other versions have some), its name is asked. Document types are refused, and
//! with them entities of one's own, so nothing in a file can swell or reach beyond it.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value as Json};

use crate::fhir::check::schema::Place;

/// Bytes of XML: its parsed form is several times larger.
const BYTES: usize = 16 * 1024 * 1024;
/// Elements and texts in a file.
const NODES: u32 = 800_000;
/// Elements within elements.
const DEPTH: usize = 100;
/// Attributes of one element. Of FHIR's, none has more than three; narrative may have some more.
const ATTRIBUTES: usize = 64;
/// Prefixes in force in one place.
const PREFIXES: usize = 64;

/// The text is not XML of a resource, or is beyond the limits.
pub(super) struct NotXml;

/// The JSON text of an XML resource.
pub(super) fn to_json(xml: &str) -> Result<String, NotXml> {
    if xml.len() > BYTES || is_misread(xml) || is_crowded(xml) {
        return Err(NotXml);
    }
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(xml, options).map_err(|_| NotXml)?;
    Ok(resource(document.root_element(), 0)?.to_string())
}

/// Whether the file says that its bytes mean other letters than they were read as.
fn is_misread(xml: &str) -> bool {
    let declaration = xml.trim_start().strip_prefix("<?xml").and_then(|x| x.split_once("?>"));
    let encoding = declaration.and_then(|(declaration, _)| declaration.split_once("encoding"));
    let Some((_, encoding)) = encoding else { return false };
    let encoding = encoding.trim_start_matches([' ', '=', '"', '\'']);
    let is_utf8 = encoding.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("utf-8"));
    !is_utf8 && !xml.is_ascii()
}

/// Whether some element has more attributes or prefixes than allowed. The parser compares each with
/// all others of its element, and lists those in force anew wherever one is declared: of megabytes
/// of them it would not come to an end.
fn is_crowded(xml: &str) -> bool {
    // Prefixes in force inside each element that is open.
    let mut open = vec![0_usize];
    let mut rest = xml;
    while let Some((_, markup)) = rest.split_once('<') {
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];
        if let Some((_, end)) = skipped.iter().find(|(begin, _)| markup.starts_with(begin)) {
            let Some((_, after)) = markup.split_once(end) else { return false };
            rest = after;
            continue;
        }
        let (mut attributes, mut prefixes) = (0, open.last().copied().unwrap_or_default());
        let mut tag = markup;
        let is_empty = loop {
            // What is not whole is for the parser to refuse.
            let Some(at) = tag.find(['"', '\'', '>']) else { return false };
            let (before, after) = tag.split_at(at);
            if let Some(after) = after.strip_prefix('>') {
                rest = after;
                break before.ends_with('/');
            }
            attributes += 1;
            prefixes += usize::from(before.contains("xmlns:"));
            if attributes > ATTRIBUTES || prefixes > PREFIXES {
                return true;
            }
            let (quote, value) = after.split_at(1);
            let Some((_, after)) = value.split_once(quote) else { return false };
            tag = after;
        };
        if markup.starts_with('/') {
            open.pop();
        } else if !is_empty {
            open.push(prefixes);
        }
    }
    false
}

fn resource(element: Node<'_, '_>, depth: usize) -> Result<Json, NotXml> {
    let kind = element.tag_name().name();
    let mut members = members(element, &Place::resource(kind), depth)?;
    members.insert("resourceType".into(), kind.into());
    Ok(Json::Object(members))
}

/// The members of an element that is not a primitive.
fn members(
    element: Node<'_, '_>,
    place: &Place,
    depth: usize,
) -> Result<Map<String, Json>, NotXml> {
    if depth > DEPTH {
        return Err(NotXml);
    }
    let mut lists: BTreeMap<&str, List> = BTreeMap::new();
    let mut out = Map::new();
    for child in element.children().filter(Node::is_element) {
        let name = child.tag_name().name();
        // Members that JSON has beside the elements: an element of that name would say two things.
        if name.starts_with('_') || name == "resourceType" || element.has_attribute(name) {
            return Err(NotXml);
        }
        let inner = place.child(name);
        let list = lists.entry(name).or_default();
        list.repeats = inner.repeats();
        let text = child.attribute("value");
        if text.is_none() && !inner.is_primitive() {
            list.values.push(value(child, &inner, depth + 1)?);
            list.beside.push(Json::Null);
            continue;
        }
        // A primitive's own name and extensions stand beside it, and may stand there alone.
        let beside = members(child, &inner, depth + 1)?;
        list.values.push(text.map_or(Json::Null, |text| primitive(inner.kind(), text)));
        list.beside.push(if beside.is_empty() { Json::Null } else { Json::Object(beside) });
    }
    for name in ["id", "url"] {
        if let Some(text) = element.attribute(name) {
            out.insert(name.to_owned(), text.into());
        }
    }
    for (name, list) in lists {
        if list.beside.iter().any(|beside| !beside.is_null()) {
            out.insert(format!("_{name}"), one_or_all(list.beside, list.repeats));
        }
        if list.values.iter().any(|value| !value.is_null()) {
            out.insert(name.to_owned(), one_or_all(list.values, list.repeats));
        }
    }
    Ok(out)
}

/// Elements of one name within another.
#[derive(Default)]
struct List {
    /// Whether JSON has a list even of one.
    repeats: bool,
    values: Vec<Json>,
    /// What stands beside each; null where nothing does.
    beside: Vec<Json>,
}

fn one_or_all(mut list: Vec<Json>, repeats: bool) -> Json {
    let one = if list.len() == 1 && !repeats { list.pop() } else { None };
    one.unwrap_or(Json::Array(list))
}

fn value(element: Node<'_, '_>, place: &Place, depth: usize) -> Result<Json, NotXml> {
    let name = element.tag_name().name();
    if name == "div" {
        return Ok(element.document().input_text().get(element.range()).unwrap_or_default().into());
    }
    let mut inner = element.children().filter(Node::is_element);
    let holds_resource = name == "resource" || place.kind() == "Resource";
    match (holds_resource, inner.next(), inner.next()) {
        (true, Some(one), None) => resource(one, depth + 1),
        _ => Ok(Json::Object(members(element, place, depth)?)),
    }
}

/// Text, or the number or truth value that JSON has in its place.
fn primitive(kind: &str, text: &str) -> Json {
    let number = || serde_json::from_str(text).map_or_else(|_| text.into(), Json::Number);
    match (kind, text) {
        ("boolean", "true") => Json::Bool(true),
        ("boolean", "false") => Json::Bool(false),
        ("decimal" | "integer" | "positiveInt" | "unsignedInt", _) => number(),
        _ => text.into(),
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
    fn what_stands_beside_primitives_of_a_list_stays_with_its_own() {
        let given = |n: u8| format!(r#"<given value="{n}"><extension url="{n}"/></given>"#);
        let name = format!(r#"<name>{}<given value="x"/>{}</name>"#, given(1), given(2));
        let patient = json(&format!("<Patient>{name}</Patient>")).unwrap();
        assert_eq!(patient["name"][0]["given"], serde_json::json!(["1", "x", "2"]));
        let beside = &patient["name"][0]["_given"];
        assert_eq!(beside[0]["extension"][0]["url"], "1");
        assert!(beside[1].is_null());
        assert_eq!(beside[2]["extension"][0]["url"], "2");
    }

    #[test]
    fn a_primitive_may_have_a_name_of_its_own_or_extensions_and_no_value() {
        let absent = r#"<birthDate id="b"><extension url="u"/></birthDate>"#;
        let given = r#"<name><given id="g" value="x"/><given><extension url="v"/></given></name>"#;
        let patient = json(&format!("<Patient>{absent}{given}<gender/></Patient>")).unwrap();
        assert_eq!(patient["_birthDate"]["extension"][0]["url"], "u");
        assert_eq!(patient["_birthDate"]["id"], "b");
        assert!(patient.get("birthDate").is_none() && patient.get("gender").is_none());
        assert_eq!(patient["name"][0]["given"], serde_json::json!(["x", null]));
        assert_eq!(patient["name"][0]["_given"][0]["id"], "g");
    }

    #[test]
    fn the_outcome_of_a_response_is_a_resource() {
        let outcome = "<outcome><OperationOutcome><issue><code value=\"invalid\"/></issue>\
             </OperationOutcome></outcome>";
        let bundle = format!("<Bundle><entry><response>{outcome}</response></entry></Bundle>");
        let bundle = json(&bundle).unwrap();
        let outcome = &bundle["entry"][0]["response"]["outcome"];
        assert_eq!(outcome["resourceType"], "OperationOutcome");
    }

    #[test]
    fn what_says_two_things_or_other_letters_is_refused() {
        for xml in [
            r#"<Patient><resourceType value="Flag"/></Patient>"#,
            r#"<Patient><birthDate value="2005"><extension url="u"/></birthDate><_birthDate value="x"/></Patient>"#,
            r#"<Patient><extension url="u"><url value="v"/></extension></Patient>"#,
            r#"<Patient id="a" id="b"/>"#,
            "<?xml version='1.0' encoding='ISO-8859-1'?><Patient><id value='Ã©'/></Patient>",
        ] {
            assert!(json(xml).is_none(), "{xml}");
        }
        for encoding in ["UTF-8", "utf-8", "us-ascii", "iso-8859-1"] {
            let xml = format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?><Patient/>");
            assert!(json(&xml).is_some(), "{encoding}");
        }
        assert!(
            json("<?xml version='1.0' encoding='utf-8'?><Patient><id value='é'/></Patient>")
                .is_some()
        );
    }

    #[test]
    fn attributes_and_prefixes_are_bounded() {
        let some = |n: usize, of: fn(usize) -> String| (0..n).map(of).collect::<String>();
        let attributes = |n| {
            let attributes = some(n, |n| format!(" a{n}='>'"));
            format!(
                "<Patient><!-- ' --><?x ' ?><id{attributes}/><birthDate value='2005'/></Patient>"
            )
        };
        assert!(json(&attributes(ATTRIBUTES)).is_some());
        assert!(json(&attributes(ATTRIBUTES + 1)).is_none());
        let within = |n| {
            let open = some(n, |n| format!("<div xmlns:n{n}=\"u\">"));
            let div = "<div xmlns='http://www.w3.org/1999/xhtml'>";
            format!(
                "<Patient><text>{div}{open}{}</div></text></Patient>",
                some(n, |_| "</div>".into())
            )
        };
        assert!(json(&within(PREFIXES)).is_some());
        assert!(json(&within(PREFIXES + 1)).is_none());
        // One after the other they are not in force together.
        let one = r#"<contained xmlns:x="u"><Flag><id value="f"/><a x:b="c"/></Flag></contained>"#;
        assert!(json(&format!("<Patient>{}</Patient>", one.repeat(PREFIXES * 2))).is_some());
    }

    #[test]
    fn nothing_in_xml_can_swell_or_reach_out() {
        let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><Patient><id value="&b;"/></Patient>"#;
        assert!(json(laughs).is_none());
        assert!(json(r#"<Patient><id value="&b;"/></Patient>"#).is_none());
        assert!(json(r#"<!DOCTYPE Patient SYSTEM "file:///etc/passwd"><Patient/>"#).is_none());
        assert!(json(&"<a>".repeat(2_000_000)).is_none());
        assert!(json(&format!("<a>{}</a>", "<b/>".repeat(NODES as usize))).is_none());
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
