//! Standard output is data and nothing else; talk goes to standard error.

use std::io::Write as _;

use passport_core::discharge::NoticeAfter;
use passport_core::id::EntryId;
use passport_core::section::display::escape_json;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::names::short;

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
        line = escape_json(&line);
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

/// Answers that an entry was changed.
///
/// # Errors
/// Returns an error when standard output is closed.
pub(crate) fn changed(app: &App, entry: EntryId) -> Result<(), CliError> {
    let answer = serde_json::json!({ "entry": entry });
    app.output().answer(&answer, |_| format!("Done: {}.", short(&entry.to_string())))
}

/// Answers a command that edited one entry, and says what became of the notice of a discharge.
///
/// # Errors
/// Returns an error when standard output is closed.
pub(crate) fn edited(app: &App, entry: EntryId, notice: NoticeAfter) -> Result<(), CliError> {
    let changed = match notice {
        NoticeAfter::Updated { notice } => Some(notice),
        NoticeAfter::Same | NoticeAfter::Left => None,
    };
    if notice == NoticeAfter::Left {
        app.output().say(
            "No notice of this discharge could be changed with it. \
             `show discharge-notice` says what others are told; change it with `edit`.",
        );
    }
    let answer = serde_json::json!({ "entry": entry, "notice": changed });
    app.output().answer(&answer, |_| {
        let also = changed.map(|id| format!(" Its notice too: {}.", short(&id.to_string())));
        format!("Done: {}.{}", short(&entry.to_string()), also.unwrap_or_default())
    })
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
