//! Standard output is data and nothing else; talk goes to standard error.

use std::fmt::Write as _;
use std::io::Write as _;

use serde::Serialize;

use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::render::misleads;

/// Where a command's answer goes, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    /// `json`: one JSON document instead of words; `quiet`: no talk.
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Whether the answer is JSON.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Whether talk is switched off.
    pub(crate) const fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Prints the answer: `value` as one line of JSON, or the words made of it.
    ///
    /// # Errors
    /// Returns an error when standard output is closed.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        words: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        if !self.json {
            return print(&words(value));
        }
        let mut line = serde_json::to_string(value).map_err(|source| {
            CliError::new(ExitCode::Bug, "the answer has no JSON form").caused_by(source)
        })?;
        line = escaped(&line);
        line.push('\n');
        print_bytes(line.as_bytes())
    }

    /// Says something to the person on standard error, unless asked to be quiet.
    pub(crate) fn say(self, line: &str) {
        if !self.quiet {
            // Talk that cannot be heard must not fail the command.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// Reports an error on standard error. A reader who left needs no report.
    pub(crate) fn error(self, error: &CliError) {
        if error.code() == ExitCode::OutputClosed {
            return;
        }
        let text = if self.json { error.to_json() } else { error.to_text() };
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Prints text as it is, adding a last line break where it lacks one.
///
/// # Errors
/// Returns an error when standard output is closed.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    if text.is_empty() || text.ends_with('\n') {
        return print_bytes(text.as_bytes());
    }
    print_bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes, such as a document.
///
/// # Errors
/// Returns an error when standard output is closed.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|source| {
        CliError::new(ExitCode::OutputClosed, "the output cannot be written").caused_by(source)
    })
}

/// JSON that means the same and is harmless when it reaches a terminal. Characters of this sort
/// occur inside strings alone, where an escape may stand for them.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if misleads(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn json_reaches_a_terminal_without_escapes_and_means_the_same() {
        let text = "a\u{1b}[2J\u{9b}\u{202e}\u{e0001}é";
        let json = escaped(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u001b[2J\\u009b\\u202e\\udb40\\udc01é\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
