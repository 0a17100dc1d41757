//! `--set FIELD=VALUE`, and `--text`, as typed fields of a kind of entry.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::str::FromStr;

use passport_core::section::parse::parse_value;
use passport_core::section::{FieldKind, FieldSpec, KindSpec, SectionName, Value};

use crate::error::CliError;

/// One field and the text that it shall hold; typed when the kind of entry is known.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The field's name, in the section table's spelling.
    pub(crate) field: String,
    /// Its new value, as written; empty clears the field.
    pub(crate) value: String,
}

/// The text is not `FIELD=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseAssignmentError {
    /// There is no `=`.
    #[error("write it as FIELD=VALUE, for example dose=\"50 mg\"")]
    NoValue,
    /// The field's name has other characters than the table's names.
    #[error("a field's name is made of a-z, 0-9 and _")]
    FieldName,
}

impl FromStr for Assignment {
    type Err = ParseAssignmentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (field, value) = text.split_once('=').ok_or(ParseAssignmentError::NoValue)?;
        let field = field.trim().to_ascii_lowercase().replace('-', "_");
        let valid = !field.is_empty()
            && field.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !valid {
            return Err(ParseAssignmentError::FieldName);
        }
        Ok(Self { field, value: value.to_owned() })
    }
}

/// Reads a kind of setting that a discharge may be from.
///
/// # Errors
/// Returns the kinds there are.
pub(crate) fn setting(text: &str) -> Result<String, String> {
    let section: Option<SectionName> = "discharges".parse().ok();
    let field = section.and_then(|s| s.spec().kinds.first()?.field("setting"));
    let Some(FieldKind::Choice(choices)) = field.map(|f| f.kind) else {
        return Err("there are none".to_owned());
    };
    let names: Vec<&str> = choices.iter().map(|c| c.name).collect();
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("the kinds of setting are {}", names.join(", ")))
}

/// The fields to set, in the order of their names; `None` clears one.
pub(crate) type Fields = BTreeMap<&'static str, Option<Value>>;

/// The kind of entry that `name` means in a section: its first where there is no name.
///
/// # Errors
/// Returns a usage error that lists the kinds there are.
pub(crate) fn kind(
    section: &SectionName,
    name: Option<&str>,
) -> Result<&'static KindSpec, CliError> {
    let kinds = section.spec().kinds;
    let found = match name {
        None => kinds.first(),
        Some(name) => kinds.iter().find(|k| k.name == name.to_ascii_lowercase().replace('_', "-")),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = kinds.iter().map(|k| k.name).collect();
        CliError::usage("this section holds no entry of that kind")
            .hint(format!("it holds {}", names.join(", ")))
    })
}

/// Types the assignments by the kind's fields. `text` goes to its first long text.
///
/// # Errors
/// Returns a usage error that names the field, and lists the kind's fields if it has none such.
pub(crate) fn typed(
    kind: &'static KindSpec,
    assignments: &[Assignment],
    text: Option<&str>,
) -> Result<Fields, CliError> {
    let mut fields = Fields::new();
    for assignment in assignments {
        let spec = kind.field(&assignment.field).ok_or_else(|| {
            let said = format!("`{}` has no field `{}`", kind.title, assignment.field);
            CliError::usage(said).hint(listed(kind))
        })?;
        put(&mut fields, spec, &assignment.value)?;
    }
    if let Some(text) = text {
        let long = kind.fields.iter().find(|f| f.kind == FieldKind::Prose).ok_or_else(|| {
            CliError::usage(format!("`{}` has no longer text", kind.title)).hint(listed(kind))
        })?;
        put(&mut fields, long, text)?;
    }
    Ok(fields)
}

/// Checks that a new entry says what its kind must say.
///
/// # Errors
/// Returns a usage error that names the first missing field.
pub(crate) fn complete(kind: &'static KindSpec, fields: &Fields) -> Result<(), CliError> {
    let filled = |f: &FieldSpec| fields.get(f.name).is_some_and(Option::is_some);
    match kind.fields.iter().find(|f| f.required && !filled(f)) {
        None => Ok(()),
        Some(field) => Err(CliError::usage(format!("`{}` needs `{}`", kind.title, field.name))
            .hint(format!("add --set {}=\"…\": {}", field.name, field.gloss))),
    }
}

fn put(fields: &mut Fields, spec: &'static FieldSpec, text: &str) -> Result<(), CliError> {
    let value = if text.is_empty() {
        None
    } else {
        let parsed = parse_value(spec, text).map_err(|source| {
            CliError::usage(format!("`{}` cannot hold this value", spec.name))
                .caused_by(source)
                .hint(format!("{}: {}", spec.title, spec.gloss))
        })?;
        Some(parsed)
    };
    match fields.entry(spec.name) {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(_) => Err(CliError::usage(format!("`{}` is set twice", spec.name))),
    }
}

fn listed(kind: &KindSpec) -> String {
    let width = kind.fields.iter().map(|f| f.name.len()).max().unwrap_or(0);
    let lines: Vec<String> =
        kind.fields.iter().map(|f| format!("  {:width$}  {}", f.name, f.title)).collect();
    format!("its fields are:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_equals_sign_divides() {
        let parsed: Assignment = " Discharged-On = a=b ".parse().unwrap();
        assert_eq!((parsed.field.as_str(), parsed.value.as_str()), ("discharged_on", " a=b "));
        assert_eq!("dose=".parse::<Assignment>().unwrap().value, "");
    }

    #[test]
    fn other_forms_are_refused() {
        assert_eq!("dose".parse::<Assignment>().err(), Some(ParseAssignmentError::NoValue));
        for bad in ["=50 mg", "do se=1", "dose\u{202e}=1"] {
            assert_eq!(bad.parse::<Assignment>().err(), Some(ParseAssignmentError::FieldName));
        }
    }

    fn medicine() -> &'static KindSpec {
        kind(&"medications".parse().unwrap(), None).unwrap()
    }

    fn set(text: &str) -> Vec<Assignment> {
        vec![text.parse().unwrap()]
    }

    #[test]
    fn assignments_are_typed_by_the_table() {
        let fields = typed(medicine(), &set("dose=50 mg"), None).unwrap();
        assert_eq!(fields["dose"], Some(Value::Text("50 mg".to_owned())));
        assert_eq!(typed(medicine(), &set("dose="), None).unwrap()["dose"], None);
        assert!(typed(medicine(), &set("started=soon"), None).is_err());
        let twice = [set("dose=1"), set("dose=2")].concat();
        assert!(typed(medicine(), &twice, None).unwrap_err().to_text().contains("set twice"));
    }

    #[test]
    fn an_unknown_field_or_kind_lists_those_there_are() {
        let error = typed(medicine(), &set("doze=1"), None).unwrap_err().to_text();
        assert!(error.contains("no field `doze`") && error.contains("  dose "), "{error}");
        let error = kind(&"medications".parse().unwrap(), Some("bread")).unwrap_err().to_text();
        assert!(error.contains("medication"), "{error}");
    }

    #[test]
    fn text_goes_to_the_long_text_and_required_fields_are_asked_for() {
        let note = kind(&"x-diary".parse().unwrap(), None).unwrap();
        let fields = typed(note, &[], Some("slept well")).unwrap();
        assert_eq!(fields["text"], Some(Value::Prose("slept well".to_owned())));
        assert!(complete(note, &fields).is_ok());
        let error = complete(medicine(), &Fields::new()).unwrap_err().to_text();
        assert!(error.contains("needs `item`"), "{error}");
    }
}
