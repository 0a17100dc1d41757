//! What went wrong, why, and what to do: an error has a kind, a cause and hints.

use std::error::Error as StdError;
use std::fmt::Write as _;

use passport_core::section::display::{escape_json, neutralise};
use serde_json::json;

use crate::exit_code::ExitCode;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct CliError {
    code: ExitCode,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
    hints: Vec<String>,
}

impl CliError {
    /// An error of this kind; `message` is a sentence without its full stop.
    pub(crate) fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), source: None, hints: Vec::new() }
    }

    /// Something the user can put right.
    pub(crate) fn user(message: impl Into<String>) -> Self {
        Self::new(ExitCode::UserFixable, message)
    }

    /// A command line or setting that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds something the user can do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// How the program ends because of it.
    pub(crate) const fn code(&self) -> ExitCode {
        self.code
    }

    /// What went wrong, in a sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The error for people, ending in a line break.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("Error: {}\n", self.message);
        for cause in self.causes() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "Caused by: {cause}");
        }
        for hint in &self.hints {
            let _ = writeln!(text, "Hint: {hint}");
        }
        // Messages may quote what was typed, or names that others chose.
        neutralise(&text)
    }

    /// The error for programs: one line of JSON.
    pub(crate) fn to_json(&self) -> String {
        let document = json!({"error": {
            "code": self.code.word(),
            "exit_code": self.code.number(),
            "message": self.message,
            "causes": self.causes(),
            "hints": self.hints,
        }});
        format!("{}\n", escape_json(&document.to_string()))
    }

    fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next: Option<&dyn StdError> = match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        };
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        causes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read the file")]
    struct Outer {
        #[source]
        source: std::io::Error,
    }

    fn example() -> CliError {
        let source = Outer { source: std::io::Error::other("disk is full") };
        CliError::new(ExitCode::VaultDamaged, "the vault cannot be opened")
            .caused_by(source)
            .hint("restore it from a backup")
    }

    #[test]
    fn text_names_error_causes_and_hints_in_this_order() {
        let expected = "Error: the vault cannot be opened\n\
                        Caused by: failed to read the file\n\
                        Caused by: disk is full\n\
                        Hint: restore it from a backup\n";
        assert_eq!(example().to_text(), expected);
    }

    #[test]
    fn json_has_the_documented_members() {
        let value: serde_json::Value = serde_json::from_str(&example().to_json()).unwrap();
        assert_eq!(value["error"]["code"], "vault_damaged");
        assert_eq!(value["error"]["exit_code"], 11);
        assert_eq!(value["error"]["message"], "the vault cannot be opened");
        assert_eq!(value["error"]["hints"][0], "restore it from a backup");
    }
}
