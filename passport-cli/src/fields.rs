//! `--set FIELD=VALUE`.

use std::str::FromStr;

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
}
