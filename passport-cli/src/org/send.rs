//! Sending a record to a practice's own FHIR server.

use std::path::Path;

use passport_core::fhir::export::{Present, Taken, Transaction, transaction};
use passport_core::nhs_number::NhsNumber;
use passport_core::organisation::StudentName;
use passport_core::receipt::Access;
use passport_core::section::display::neutralise_line;
use passport_sync::client::{PageAnswer, RemoteError, transact};
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
    present: Present,
    token: Option<Zeroizing<String>>,
}

/// What the server did.
pub(super) struct Sent {
    /// With how many resources.
    pub(super) taken: Taken,
    /// Types of resources that cannot be sent so that they are created once.
    pub(super) left_out: Vec<String>,
    present: Present,
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
        present: Present,
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
        let transaction = transaction(collection, student.id, number.as_ref(), present);
        Ok(Self { transaction, present, token })
    }

    /// Sends it. It notes that it sets out to; and that it was exported, unless it is certain
    /// that the server has nothing of it.
    ///
    /// # Errors
    /// Returns an error when the server cannot be reached, or did not take all of it.
    pub(super) fn to(
        self,
        app: &App,
        base: &str,
        mut note: impl FnMut(Access) -> Result<(), CliError>,
    ) -> Result<Sent, CliError> {
        let bearer = self.token.as_ref().map(|t| t.as_str());
        let body = Zeroizing::new(self.transaction.bundle.to_string());
        note(Access::Attempted)?;
        let answer = transact(base, body.as_bytes(), bearer, app.remote());
        if !is_untaken(&answer) {
            note(Access::Exported)?;
        }
        let answer = answer.map_err(unanswered)?;
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if !(200..300).contains(&answer.status) {
            return Err(refused(answer.status, &json, self.token.is_some()));
        }
        let taken = self.transaction.taken(&json).ok_or_else(|| not_understood(answer.status))?;
        if taken.refused > 0 {
            return Err(in_part(taken, &json));
        }
        let left_out = self.transaction.left_out.into_iter().collect();
        Ok(Sent { taken, left_out, present: self.present })
    }
}

impl Sent {
    /// For people.
    pub(super) fn words(&self) -> String {
        let Taken { created, replaced, kept, .. } = self.taken;
        let mut done = vec![format!("{created} created")];
        done.extend((replaced > 0).then(|| format!("{replaced} updated")));
        done.extend((kept > 0).then(|| format!("{kept} there already and left as they were")));
        let mut words = format!("Sent: {}.", done.join(", "));
        if kept > 0 && self.present == Present::Kept {
            words.push_str(
                " What was changed here since is not in those; `--update` writes it over them.",
            );
        }
        if !self.left_out.is_empty() {
            words.push_str(" Left out, as they cannot be created just once: ");
            words.push_str(&self.left_out.join(", "));
            words.push('.');
        }
        words
    }
}

/// Whether the server certainly has nothing of the record: it was not sent, or the server says
/// that it does not take it.
fn is_untaken(answer: &Result<PageAnswer, RemoteError>) -> bool {
    match answer {
        Ok(answer) => (300..500).contains(&answer.status),
        Err(error) => error.is_unsent(),
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

fn unanswered(error: RemoteError) -> CliError {
    if matches!(error, RemoteError::Plain) {
        return CliError::usage("a record does not travel in the open")
            .hint("use https://, or --allow-http on a network that you trust");
    }
    if matches!(error, RemoteError::Url) {
        return CliError::usage("this is not the base address of a FHIR server").hint(BASE);
    }
    let unsent = error.is_unsent();
    let RemoteError::Unreachable(source) = error else {
        return CliError::user("the FHIR server cannot be spoken to").caused_by(error);
    };
    let (said, hint) = if unsent {
        ("the FHIR server cannot be reached", "nothing was sent")
    } else {
        ("the FHIR server did not answer", IN_DOUBT)
    };
    CliError::new(ExitCode::RelayUnreachable, said).caused_by(source).hint(hint)
}

const BASE: &str = "the base address looks like https://fhir.example/r4";
const IN_DOUBT: &str = "it may have taken the record, which is noted as exported; sending it again \
                        creates nothing twice";

const SEVERAL: &str = "it has several patients or entries that fit; put those right there";

/// An answer in the affirmative that is not one to a transaction.
fn not_understood(status: u16) -> CliError {
    let said = format!("this is not how a FHIR server answers a transaction (status {status})");
    CliError::new(ExitCode::RelayRefused, said).hint(BASE).hint(IN_DOUBT)
}

/// A server that took one thing and not another does not do transactions.
fn in_part(taken: Taken, answer: &Value) -> CliError {
    let Taken { created, replaced, kept, refused } = taken;
    let all = created + replaced + kept + refused;
    let said = format!("the FHIR server did not take {refused} of {all} resources");
    let entries = answer.get("entry").and_then(Value::as_array).into_iter().flatten();
    let outcomes = entries.filter_map(|e| e.pointer("/response/outcome"));
    says(CliError::new(ExitCode::RelayRefused, said), outcomes)
        .hint("the others are there, and noted as exported")
}

fn refused(status: u16, answer: &Value, had_token: bool) -> CliError {
    let said = format!("the FHIR server did not take the record (status {status})");
    let error = says(CliError::new(ExitCode::RelayRefused, said), [answer]);
    match status {
        // Servers were seen to say 400, and in words which status one resource would have had.
        400 if answer.to_string().contains("status 412") => error.hint(SEVERAL),
        300..=399 => error.hint("it points elsewhere, where no record is sent: give that address"),
        401 | 403 if had_token => {
            error.hint("the token in that file is not good for this, or no longer")
        }
        401 | 403 => error.hint("give its token in a file with --token-file FILE"),
        404 | 405 => error.hint(BASE).hint("and the server has to do transactions"),
        412 => error.hint(SEVERAL),
        413 => error.hint("it is more than this server takes at once"),
        500.. => error.hint(IN_DOUBT),
        _ => error.hint("it took nothing of it"),
    }
}

/// What the server says of what is wrong, and where: a stranger's text.
fn says<'a>(error: CliError, outcomes: impl IntoIterator<Item = &'a Value>) -> CliError {
    let issues = outcomes.into_iter().filter_map(|outcome| outcome.get("issue")?.as_array());
    let wrong = issues.flatten().filter(|issue| {
        !matches!(issue.get("severity").and_then(Value::as_str), Some("warning" | "information"))
    });
    let said = wrong.filter_map(|issue| {
        let words = issue.get("diagnostics").or_else(|| issue.pointer("/details/text"))?;
        let place = issue.pointer("/expression/0").and_then(Value::as_str);
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        Some(neutralise_line(&format!("{}{place}", words.as_str()?)).chars().take(300).collect())
    });
    said.take(3).fold(error, |error, line: String| error.hint(format!("it says: {line}")))
}
