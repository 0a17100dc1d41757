//! Sending a record to a practice's own FHIR server.

use std::path::Path;

use passport_core::fhir::export::{Transaction, transaction};
use passport_core::nhs_number::NhsNumber;
use passport_core::organisation::StudentName;
use passport_core::section::display::neutralise_line;
use passport_sync::client::{RemoteError, transact};
use serde_json::Value;
use zeroize::Zeroizing;

use super::desk::Party;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;

/// Longest token, in bytes.
const TOKEN_MAX: usize = 16 * 1024;

/// What is to be sent.
pub(super) struct Sending {
    transaction: Transaction,
    token: Option<Zeroizing<String>>,
}

/// What the server did.
pub(super) struct Sent {
    /// Resources that are new there.
    pub(super) created: usize,
    /// Resources that were there.
    pub(super) there: usize,
    /// Types of resources that cannot be sent so that they are created once.
    pub(super) left_out: Vec<String>,
}

impl Sending {
    /// Makes the transaction of what is shared, and reads the token.
    ///
    /// # Errors
    /// Returns an error when the token cannot be read.
    pub(super) fn new(
        app: &App,
        party: &Party,
        student: &StudentName,
        collection: &Value,
        token: Option<&Path>,
    ) -> Result<Self, CliError> {
        let confirmed = party.confirmed_nhs_number(student.id).map_err(fault::refused)?;
        let number = confirmed.and_then(|c| c.number.parse::<NhsNumber>().ok());
        if number.is_none() {
            app.output().say(
                "You have confirmed no NHS number: the server files this under a patient of its \
                 own. Confirm it first with `passport org confirm STUDENT --nhs-number N`.",
            );
        }
        let token = token.map(read_token).transpose()?;
        Ok(Self { transaction: transaction(collection, student.id, number.as_ref()), token })
    }

    /// Sends it.
    ///
    /// # Errors
    /// Returns an error when the server cannot be reached, or did not take it; then it took
    /// nothing.
    pub(super) fn to(self, app: &App, base: &str) -> Result<Sent, CliError> {
        let token = self.token.as_ref().map(|t| t.as_str());
        let body = Zeroizing::new(self.transaction.bundle.to_string());
        let answer = transact(base, body.as_bytes(), token, app.remote()).map_err(unsent)?;
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer.status, &json));
        }
        let entries = json.get("entry").and_then(Value::as_array);
        let status = |e: &Value| {
            let status = e.pointer("/response/status").and_then(Value::as_str);
            status.unwrap_or_default().to_owned()
        };
        let all: Vec<String> = entries.into_iter().flatten().map(status).collect();
        let created = all.iter().filter(|s| s.starts_with("201")).count();
        Ok(Sent { created, there: all.len() - created, left_out: self.transaction.left_out })
    }
}

impl Sent {
    /// For people.
    pub(super) fn words(&self) -> String {
        let sent = format!("Sent: {} created, {} there already.", self.created, self.there);
        if self.left_out.is_empty() {
            return sent;
        }
        let kinds = self.left_out.join(", ");
        format!("{sent} Left out, as they cannot be created just once: {kinds}.")
    }
}

fn read_token(file: &Path) -> Result<Zeroizing<String>, CliError> {
    let bytes = Zeroizing::new(files::read(file, TOKEN_MAX)?);
    let text = core::str::from_utf8(&bytes).unwrap_or_default().trim();
    let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    Err(CliError::user(format!("{} holds no token", file.display()))
        .hint("the file holds the token alone, on one line"))
}

fn unsent(error: RemoteError) -> CliError {
    if matches!(error, RemoteError::Plain) {
        return CliError::usage("a record does not travel in the open")
            .hint("use https://, or --allow-http on a network that you trust");
    }
    if matches!(error, RemoteError::Url) {
        return CliError::usage("this is not the base address of a FHIR server")
            .hint("it looks like https://fhir.example/r4");
    }
    let RemoteError::Unreachable(source) = error else {
        return CliError::user("the FHIR server cannot be spoken to").caused_by(error);
    };
    CliError::new(ExitCode::RelayUnreachable, "the FHIR server cannot be reached")
        .caused_by(source)
        .hint("nothing is lost; sending it again creates nothing twice")
}

/// What the server says of its refusal is a stranger's text.
fn refused(status: u16, answer: &Value) -> CliError {
    let issues = answer.get("issue").and_then(Value::as_array).into_iter().flatten();
    let said = issues.filter_map(|issue| {
        let words = issue.get("diagnostics").or_else(|| issue.pointer("/details/text"))?;
        let line: String = neutralise_line(words.as_str()?).chars().take(200).collect();
        Some(line)
    });
    let error = CliError::new(
        ExitCode::RelayRefused,
        format!("the FHIR server did not take the record (status {status})"),
    );
    let error = said.take(3).fold(error, |error, line| error.hint(format!("it says: {line}")));
    match status {
        401 | 403 => error.hint("give its token in a file with --token-file FILE"),
        412 => error.hint("it has several patients or entries that fit; put those right there"),
        _ => error.hint("it took nothing of it"),
    }
}
