//! Values as people type them: `FIELD=VALUE`.

use super::{
    ChoiceSpec, Code, FieldKind, FieldSpec, PartialDate, Period, Quantity, Value, ValueError,
};

/// Why typed text is not a value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseValueError {
    /// Not a value at all, or beyond its limits.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Not one of the fixed list.
    #[error("not one of {}", Names(allowed))]
    Choice {
        /// What it may be.
        allowed: &'static [ChoiceSpec],
    },
    /// Neither yes nor no.
    #[error("neither yes nor no")]
    Boolean,
    /// Not a period.
    #[error("not a period of the form 2026-09-01..2027-06-30, either end left out if open")]
    Period,
    /// A period that ends before it begins.
    #[error("the period ends before it begins")]
    PeriodReversed,
    /// Not the identifier of an entry.
    #[error("not the identifier of an entry")]
    Entry,
    /// The field holds a file or verbatim content, which is not typed.
    #[error("a field that is filled from a file, not typed")]
    NotTyped,
}

/// Shows the names of a list of choices.
struct Names<'a>(&'a [ChoiceSpec]);

impl core::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (i, choice) in self.0.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            f.write_str(choice.name)?;
        }
        Ok(())
    }
}

/// Reads the value of a field from what a person typed.
///
/// Shapes: a code is plain words or `system|code|display` (display may be left out); a period is
/// `start..end` with either end open; a quantity is a number and an optional unit, `20 mg`; yes
/// and no are `yes`, `no`, `true` or `false`; a choice is one of its names; an entry is its
/// identifier in hexadecimal.
///
/// # Errors
/// Returns [`ParseValueError`] when the text is not of the field's shape, empty or too long.
pub fn parse_value(field: &FieldSpec, text: &str) -> Result<Value, ParseValueError> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err(ValueError::Empty.into());
    }
    let value = match field.kind {
        FieldKind::Text => Value::Text(trimmed.to_owned()),
        FieldKind::Prose => Value::Prose(text.to_owned()),
        FieldKind::Code => Value::Code(parse_code(trimmed)),
        FieldKind::Date => Value::Date(trimmed.parse()?),
        FieldKind::Period => Value::Period(parse_period(trimmed)?),
        FieldKind::Quantity => Value::Quantity(parse_quantity(trimmed)),
        FieldKind::Boolean => Value::Boolean(parse_boolean(trimmed)?),
        FieldKind::Choice(allowed) => Value::Choice(parse_choice(allowed, trimmed)?),
        FieldKind::Entry => {
            Value::Entry(trimmed.to_ascii_lowercase().parse().map_err(|_| ParseValueError::Entry)?)
        }
        FieldKind::Attachment | FieldKind::Source => return Err(ParseValueError::NotTyped),
    };
    value.check()?;
    Ok(value)
}

/// A code system is a URL or URN, so words with a bar in them stay words.
fn parse_code(text: &str) -> Code {
    let mut parts = text.splitn(3, '|').map(str::trim);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(system), Some(code), display) if system.contains(':') && !code.is_empty() => Code {
            system: Some(system.to_owned()),
            code: Some(code.to_owned()),
            display: display.filter(|d| !d.is_empty()).map(str::to_owned),
            text: None,
        },
        _ => Code::text(text),
    }
}

fn parse_period(text: &str) -> Result<Period, ParseValueError> {
    let (start, end) = text.split_once("..").ok_or(ParseValueError::Period)?;
    let side = |s: &str| match s.trim() {
        "" => Ok(None),
        date => date.parse::<PartialDate>().map(Some).map_err(|_| ParseValueError::Period),
    };
    let period = Period { start: side(start)?, end: side(end)? };
    let earliest = |d: &Option<PartialDate>| d.as_ref().and_then(PartialDate::earliest);
    match (earliest(&period.start), earliest(&period.end)) {
        (None, None) => Err(ParseValueError::Period),
        // `2026-09..2026` is within one year: only compare what is equally precise.
        (Some(start), Some(end)) if end < start && same_precision(&period) => {
            Err(ParseValueError::PeriodReversed)
        }
        _ => Ok(period),
    }
}

fn same_precision(period: &Period) -> bool {
    let len = |d: &Option<PartialDate>| d.as_ref().map_or(0, |d| d.as_str().len());
    len(&period.start) == len(&period.end)
}

fn parse_quantity(text: &str) -> Quantity {
    let end = text
        .char_indices()
        .find(|&(i, c)| !(c.is_ascii_digit() || c == '.' || (i == 0 && c == '-')))
        .map_or(text.len(), |(i, _)| i);
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    Quantity {
        value: number.to_owned(),
        unit: if unit.is_empty() { None } else { Some(unit.to_owned()) },
        code: None,
    }
}

fn parse_boolean(text: &str) -> Result<bool, ParseValueError> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "y" => Ok(true),
        "no" | "false" | "n" => Ok(false),
        _ => Err(ParseValueError::Boolean),
    }
}

fn parse_choice(allowed: &'static [ChoiceSpec], text: &str) -> Result<String, ParseValueError> {
    let name = text.to_ascii_lowercase();
    match allowed.iter().find(|c| c.name == name) {
        Some(choice) => Ok(choice.name.to_owned()),
        None => Err(ParseValueError::Choice { allowed }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::{display::display_value, table};

    fn typed(section: &str, field: &str, text: &str) -> Result<Value, ParseValueError> {
        let section = table::find(section).unwrap();
        let spec = section.kinds.iter().find_map(|k| k.field(field)).unwrap();
        let value = parse_value(spec, text);
        if let Ok(value) = &value {
            assert!(spec.kind.admits(value));
        }
        value
    }

    #[test]
    fn every_shape_is_read_and_shown_again() {
        for (section, field, text) in [
            ("identity", "name", "Amina Khan"),
            ("about-me", "please_do", "Ask me first.\nThen wait."),
            ("medications", "item", "Sertraline 50 mg | tablets"),
            ("problems", "onset", "2025-10"),
            ("education", "period", "2026-09-01..2027-06-30"),
            ("education", "period", "2026-09-01.."),
            ("results", "value", "-0.50 mmol/L"),
            ("contacts", "emergency", "yes"),
            ("discharge-notice", "setting", "mental-health"),
            ("documents", "about", "000102030405060708090a0b0c0d0e0f"),
        ] {
            assert_eq!(display_value(&typed(section, field, text).unwrap()), text, "{field}");
        }
    }

    #[test]
    fn codes_are_told_from_words() {
        let coded = typed("problems", "condition", "http://snomed.info/sct|35489007|Depression");
        let Ok(Value::Code(code)) = coded else { panic!("not a code") };
        assert_eq!(code.code.as_deref(), Some("35489007"));
        assert_eq!(code.words(), "Depression");
        let Ok(Value::Quantity(dose)) = typed("results", "value", "20mg") else { panic!() };
        assert_eq!((dose.value.as_str(), dose.unit.as_deref()), ("20", Some("mg")));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let error = typed("discharge-notice", "setting", "ward 7").unwrap_err();
        assert!(error.to_string().contains("mental-health, acute, emergency"), "{error}");
        for (section, field, text) in [
            ("identity", "name", "  "),
            ("problems", "onset", "last week"),
            ("education", "period", "2026-09-01"),
            ("education", "period", ".."),
            ("education", "period", "2027-09-01..2026-09-01"),
            ("results", "value", "high"),
            ("contacts", "emergency", "perhaps"),
            ("documents", "about", "07"),
            ("documents", "file", "letter.pdf"),
            ("medications", "source", "{}"),
        ] {
            assert!(typed(section, field, text).is_err(), "{field}={text}");
        }
        let long = "x".repeat(super::super::limits::TEXT + 1);
        assert!(typed("identity", "name", &long).is_err());
    }
}
