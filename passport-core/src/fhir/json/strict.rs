//! JSON in which every member of an object is there once.
//!
//! RFC 8259 leaves open what a member that is there twice means, and readers differ: the first,
//! the last, both. FHIR says that names are unique. A record in which a dose is there twice says
//! two things, and whoever reads only one of them may read the wrong one; so it is not read.

use core::fmt;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Objects and lists within one another: as many as `serde_json` reads.
const DEPTH: usize = 127;
/// Members of one object that are looked at without reading what is in them; FHIR has no
/// resource with a hundred.
const MEMBERS: usize = 4096;
/// How names begin that `serde_json` itself gives a meaning.
const RESERVED: &str = "$serde_json::private::";

/// Why text was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fhir) enum Fault {
    /// Not JSON.
    Malformed,
    /// Nested beyond [`DEPTH`].
    TooDeep,
    /// More than [`MEMBERS`].
    TooLarge,
    /// A member is there twice.
    Twice,
}

/// The name of a member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The members of an object, each by its name and none of them read.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(in crate::fhir) struct Members<'a>(BTreeMap<Name<'a>, &'a RawValue>);

impl<'a> Members<'a> {
    /// The members of an object.
    pub(in crate::fhir) fn of(text: &'a str) -> Result<Self, Fault> {
        let found: Found<'a> = serde_json::from_str(text).map_err(|_| Fault::Malformed)?;
        found.0
    }

    /// The member of this name.
    pub(in crate::fhir) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(&Name(Cow::Borrowed(name))).copied()
    }

    /// Takes the member of this name out.
    pub(in crate::fhir) fn remove(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.0.remove(&Name(Cow::Borrowed(name)))
    }
}

/// Members, or why there are none: the parser has no error of one's own to tell apart.
struct Found<'a>(Result<Members<'a>, Fault>);

impl<'de: 'a, 'a> Deserialize<'de> for Found<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Result<Members<'de>, Fault>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Members::default();
                let mut fault = None;
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    if fault.is_some() {
                        map.next_value::<IgnoredAny>()?;
                    } else if members.0.insert(name, map.next_value()?).is_some() {
                        fault = Some(Fault::Twice);
                    } else if members.0.len() > MEMBERS {
                        fault = Some(Fault::TooLarge);
                    }
                }
                Ok(fault.map_or(Ok(members), Err))
            }
        }
        d.deserialize_map(Each).map(Found)
    }
}

/// Parses JSON whose members are unique, however deep they stand.
pub(in crate::fhir) fn parse(text: &str) -> Result<Json, Fault> {
    unique(text)?;
    serde_json::from_str(text).map_err(|_| Fault::Malformed)
}

/// Commas and opening brackets: what the parsed form of a text costs in memory.
pub(in crate::fhir) fn tokens(text: &str) -> usize {
    text.bytes().filter(|b| matches!(b, b',' | b'[' | b'{')).count()
}

/// The strings and brackets of JSON text.
enum Token<'a> {
    /// An object or a list begins.
    Open,
    /// It ends.
    Close,
    /// The name of a member, as it is written.
    Name(&'a str),
}

/// The next token, and what follows it; a string that is no name is passed over.
fn next(mut text: &str) -> Option<(Token<'_>, &str)> {
    loop {
        let at = text.find(['"', '{', '[', '}', ']'])?;
        let (mark, rest) = (text.as_bytes().get(at)?, text.get(at + 1..)?);
        match mark {
            b'{' | b'[' => return Some((Token::Open, rest)),
            b'}' | b']' => return Some((Token::Close, rest)),
            _ => {}
        }
        let (string, rest) = rest.split_at_checked(end(rest)?)?;
        text = rest.get(1..)?;
        // In JSON a string before a colon is a name, and nothing else is.
        if text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with(':') {
            return Some((Token::Name(string), text));
        }
    }
}

/// Where a string ends whose beginning was read.
fn end(text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(['"', '\\'])?;
        if text.as_bytes().get(at) == Some(&b'"') {
            return Some(at);
        }
        // Whatever character is escaped, what is beyond it begins a character.
        from = at + 1 + text.get(at + 1..)?.chars().next()?.len_utf8();
    }
}

/// Whether every member is there once. Of text that is not JSON it may say anything.
fn unique(text: &str) -> Result<(), Fault> {
    let mut open: Vec<BTreeSet<Cow<'_, str>>> = Vec::new();
    let mut rest = text;
    while let Some((token, after)) = next(rest) {
        rest = after;
        match token {
            Token::Open if open.len() >= DEPTH => return Err(Fault::TooDeep),
            Token::Open => open.push(BTreeSet::new()),
            Token::Close => drop(open.pop()),
            Token::Name(name) => {
                let name = unescaped(name)?;
                if name.starts_with(RESERVED) {
                    return Err(Fault::Malformed);
                }
                let names = open.last_mut().ok_or(Fault::Malformed)?;
                if !names.insert(name) {
                    return Err(Fault::Twice);
                }
            }
        }
    }
    Ok(())
}

/// A name without its escapes: `"\u0061"` is `"a"`.
fn unescaped(name: &str) -> Result<Cow<'_, str>, Fault> {
    if !name.contains('\\') {
        return Ok(Cow::Borrowed(name));
    }
    let name = serde_json::from_str::<String>(&format!("\"{name}\""));
    name.map(Cow::Owned).map_err(|_| Fault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_there_twice_is_found_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"b":{"c":[{"d":1, "d" :1}]}}"#,
            r#"{"a":1,"\u0061":2}"#,
            "{\"é\":1,\"\\u00e9\":2}",
            r#"[{},{"x":{"y":"}","y":"{"}}]"#,
            r#"{"a\"":1,"b":"\\","a\"":1}"#,
            "{\"a\"\n:1,\"a\"\t:2}",
        ] {
            assert_eq!(parse(text), Err(Fault::Twice), "{text}");
        }
        for text in [
            r#"{"a":{"a":{"a":1}},"b":["a","a"],"c":"a"}"#,
            r#"[{"a":1},{"a":1}]"#,
            r#"{"a":"\",\"a\":","b":"{\"a\":1,\"a\":1}"}"#,
            "1.50",
            "\"a\"",
        ] {
            assert_eq!(parse(text).map(|json| json.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_json_is_no_value_and_no_fault() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&nest(DEPTH)).is_ok());
        assert_eq!(parse(&nest(DEPTH + 1)), Err(Fault::TooDeep));
        for text in ["", "{", "\"", "\"\\", "\"\\é", "}", "{\"a\":1,", "{\"\\x\":1}", "\"a\":1"] {
            assert_eq!(parse(text), Err(Fault::Malformed), "{text}");
        }
        // A way around: text that would be parsed within the parser.
        let hidden = r#"{"a":{"$serde_json::private::RawValue":"{\"b\":1,\"b\":2}"}}"#;
        assert_eq!(parse(hidden), Err(Fault::Malformed));
        let spelt = hidden.replace('$', "\\u0024");
        assert_eq!(parse(&spelt), Err(Fault::Malformed));
    }

    #[test]
    fn members_are_told_apart_without_reading_them() {
        let members = Members::of(r#"{"b":[{"x":1,"x":2}],"a":1.50}"#).unwrap();
        assert_eq!(members.get("a").map(RawValue::get), Some("1.50"));
        assert!(members.get("c").is_none());
        let fault = |text: &str| Members::of(text).map(|_| ()).unwrap_err();
        assert_eq!(fault(r#"{"a":1,"\u0061":2}"#), Fault::Twice);
        for text in ["", "[]", "null", "{\"a\":1", "{\"a\":1}x"] {
            assert_eq!(fault(text), Fault::Malformed, "{text}");
        }
        let many: Vec<String> = (0..=MEMBERS).map(|n| format!("\"{n}\":0")).collect();
        assert_eq!(fault(&format!("{{{}}}", many.join(","))), Fault::TooLarge);
    }
}
