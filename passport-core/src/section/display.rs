//! Values as people and programs read them.

use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{Attachment, Code, PartialDate, Value};

/// Stands in for a character that could mislead a reader or a terminal.
const SHOWN_INSTEAD: char = '\u{fffd}';

/// Text made safe to show over several lines: line feeds and tabs stay, every other character
/// that moves the cursor, hides or reorders text becomes U+FFFD.
///
/// That is: control characters of both blocks (so also terminal escapes), bidirectional marks,
/// overrides and isolates (Unicode UAX #9), line and paragraph separators, the byte order mark
/// and interlinear annotation. It does not escape HTML: whoever writes HTML does.
#[must_use]
pub fn neutralise(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|c| if misleads(c) { SHOWN_INSTEAD } else { c })
        .collect()
}

/// [`neutralise`], on one line: line feeds and tabs become spaces, so that a value cannot forge
/// a line of its own in a list.
#[must_use]
pub fn neutralise_line(text: &str) -> String {
    neutralise(text).chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect()
}

/// Escapes what [`neutralise`] would replace in JSON text that is already written, so that it
/// can go to a terminal. The document means the same: outside strings none of these occur.
#[must_use]
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if misleads(c) && c != '\r' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let hex = format!("\\u{unit:04x}");
                out.push_str(&hex);
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character moves the cursor, hides or reorders what is around it.
fn misleads(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        _ => {
            c.is_control()
                || matches!(c,
                    '\u{061c}' | '\u{180e}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        }
    }
}

/// A value in plain words, safe for a terminal.
#[must_use]
pub fn display_value(value: &Value) -> String {
    match value {
        Value::Prose(text) => neutralise(text),
        Value::Source { media_type, content } => {
            neutralise_line(&format!("{} bytes of {media_type}", content.len()))
        }
        Value::Attachment(file) => {
            neutralise_line(&format!("{} ({}, {} bytes)", file.title, file.media_type, file.size))
        }
        Value::Boolean(yes) => (if *yes { "yes" } else { "no" }).to_owned(),
        Value::Text(_)
        | Value::Code(_)
        | Value::Date(_)
        | Value::Period(_)
        | Value::Quantity(_)
        | Value::Choice(_)
        | Value::Entry(_) => neutralise_line(&plain(value)),
    }
}

/// A value as JSON: `{"value": …}`, and for a coded term `"code": {"system", "code", "display"}`.
///
/// `value` is a string, but `true`/`false` for yes and no and an object for a file. Periods are
/// `start..end`, quantities `20 mg`. Text is verbatim: [`escape_json`] makes it safe to print.
#[must_use]
pub const fn json_value(value: &Value) -> JsonValue<'_> {
    JsonValue(value)
}

/// The JSON form of a value; see [`json_value`].
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "values are health content")]
pub struct JsonValue<'a>(&'a Value);

/// The value verbatim, on as many lines as it has.
fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Prose(text) | Value::Choice(text) => text.clone(),
        Value::Code(code) => code.words().to_owned(),
        Value::Date(date) => date.to_string(),
        Value::Period(period) => {
            let show =
                |d: &Option<PartialDate>| d.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{}..{}", show(&period.start), show(&period.end))
        }
        Value::Quantity(quantity) => match quantity.unit.as_deref().or(quantity.code.as_deref()) {
            Some(unit) => format!("{} {unit}", quantity.value),
            None => quantity.value.clone(),
        },
        Value::Boolean(yes) => yes.to_string(),
        Value::Entry(id) => id.to_string(),
        Value::Attachment(file) => file.title.clone(),
        Value::Source { content, .. } => content.clone(),
    }
}

#[derive(Serialize)]
struct CodeJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<&'a str>,
}

#[derive(Serialize)]
struct FileJson<'a> {
    object: crate::id::ObjectId,
    media_type: &'a str,
    title: &'a str,
    size: u64,
}

impl<'a> FileJson<'a> {
    fn of(file: &'a Attachment) -> Self {
        Self {
            object: file.object,
            media_type: &file.media_type,
            title: &file.title,
            size: file.size,
        }
    }
}

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let code = if let Value::Code(Code { system, code: Some(code), display, .. }) = self.0 {
            Some(CodeJson { system: system.as_deref(), code, display: display.as_deref() })
        } else {
            None
        };
        let mut out = serializer.serialize_struct("Value", 1 + usize::from(code.is_some()))?;
        if let Value::Boolean(yes) = self.0 {
            out.serialize_field("value", yes)?;
        } else if let Value::Attachment(file) = self.0 {
            out.serialize_field("value", &FileJson::of(file))?;
        } else {
            out.serialize_field("value", &plain(self.0))?;
        }
        if let Some(code) = code {
            out.serialize_field("code", &code)?;
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::Quantity;

    #[test]
    fn nothing_shown_can_move_the_cursor_or_turn_text_around() {
        let attack = "A\u{1b}[2J\u{9b}31m\r\u{202e}gnp\u{2066}\u{7f}\u{200f}\u{2028}\u{feff}Z";
        let shown = neutralise(attack);
        assert!(!shown.chars().any(misleads), "{shown:?}");
        assert!(shown.starts_with('A') && shown.ends_with('Z'));
        assert_eq!(neutralise("a\r\nb\tc"), "a\nb\tc");
        assert_eq!(display_value(&Value::Text("a\nb: forged".into())), "a b: forged");
        assert_eq!(neutralise("Zoë 👩🏽‍🎓 שלום"), "Zoë 👩🏽‍🎓 שלום");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = Value::Prose("x\u{202e}y\u{9b}z\u{feff}".into());
        let written = serde_json::to_string(&json_value(&value)).unwrap();
        let escaped = escape_json(&written);
        assert!(!escaped.chars().any(misleads) && escaped.contains("\\u202e"));
        let back: serde_json::Value = serde_json::from_str(&escaped).unwrap();
        assert_eq!(back["value"], "x\u{202e}y\u{9b}z\u{feff}");
    }

    #[test]
    fn json_keeps_the_code_beside_the_words() {
        let code = Value::Code(Code {
            system: Some("http://snomed.info/sct".into()),
            code: Some("91936005".into()),
            display: Some("Allergy to penicillin".into()),
            text: Some("Penicillin".into()),
        });
        assert_eq!(
            serde_json::to_string(&json_value(&code)).unwrap(),
            r#"{"value":"Penicillin","code":{"system":"http://snomed.info/sct","code":"91936005","display":"Allergy to penicillin"}}"#
        );
        let words = Value::Code(Code::text("Nuts"));
        assert_eq!(serde_json::to_string(&json_value(&words)).unwrap(), r#"{"value":"Nuts"}"#);
        let dose =
            Value::Quantity(Quantity { value: "0.50".into(), unit: Some("mg".into()), code: None });
        assert_eq!(display_value(&dose), "0.50 mg");
        assert_eq!(
            serde_json::to_string(&json_value(&Value::Boolean(true))).unwrap(),
            r#"{"value":true}"#
        );
    }
}
