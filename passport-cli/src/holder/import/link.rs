//! The files of a SMART Health Link, fetched and opened (HL7, *SMART Health Links* 1.0).

use std::time::Duration;

use passport_core::fhir::smart::{HealthLink, Manifest, ManifestFile, Place, jwe};
use passport_core::section::display::neutralise_line;
use passport_sync::client::{RemoteConfig, RemoteError, ask_page, fetch_page};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::added::Skipped;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Longest file that a server is asked to put into its list, in characters.
const EMBEDDED_MAX: usize = 4 * 1024 * 1024;
/// Largest list of files, in bytes.
const MANIFEST_MAX: usize = 32 * 1024 * 1024;
/// Largest encrypted file, in bytes.
const FILE_MAX: usize = 24 * 1024 * 1024;
/// Bytes of all files of a link together.
const TOTAL_MAX: usize = 64 * 1024 * 1024;
/// Until a list or a file has arrived.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What the importer reads.
const KINDS: [&str; 2] = ["application/fhir+json", "application/smart-health-card"];

/// What a link leads to.
pub(super) struct Fetched {
    /// The files that can be taken in, opened.
    pub(super) files: Vec<Vec<u8>>,
    /// The files that cannot.
    pub(super) skipped: Vec<Skipped>,
}

/// How whoever opens a link presents themself.
pub(super) struct Opener<'a> {
    /// Who it is, as the link's maker is told.
    pub(super) recipient: &'a str,
    /// What the link asks for beside itself.
    pub(super) passcode: Option<&'a str>,
}

/// Fetches and opens every file of a link. Nothing is sent in the open, and no redirect is
/// followed: a server sees who opens it, and the passcode, but never the key.
///
/// # Errors
/// Returns an error when the link has ended, its server cannot be reached or says no, or a file
/// does not open with the link's key.
pub(super) fn fetch(
    app: &App,
    link: &HealthLink,
    opener: &Opener<'_>,
) -> Result<Fetched, CliError> {
    if let Some(end) = link.until.filter(|end| *end <= app.now()) {
        return Err(CliError::user(format!("the link ended on {}", end.date()))
            .hint("ask whoever gave it for another"));
    }
    let config =
        RemoteConfig { allow_http: false, response_timeout: TIMEOUT, ..app.remote().clone() };
    let host = link.url.split('/').nth(2).unwrap_or_default();
    app.output().say(&format!("Fetching from {} …", neutralise_line(host)));
    let mut fetched = Fetched { files: Vec::new(), skipped: Vec::new() };
    if link.flags.direct {
        fetched.open(link, None, &direct(link, opener, &config)?)?;
    } else {
        for (number, file) in manifest(link, opener, &config)?.files.into_iter().enumerate() {
            fetched.take(link, number.saturating_add(1), file, &config)?;
        }
    }
    if fetched.files.is_empty() {
        let error = CliError::user("the link leads to nothing that can be taken in")
            .hint("it must hold FHIR in JSON, or health cards");
        let skipped = fetched.skipped.iter();
        return Err(skipped.fold(error, |e, s| e.hint(format!("{}: {}", s.resource, s.reason))));
    }
    Ok(fetched)
}

impl Fetched {
    /// Fetches a listed file, if it is of a kind that can be read.
    fn take(
        &mut self,
        link: &HealthLink,
        number: usize,
        file: ManifestFile,
        config: &RemoteConfig,
    ) -> Result<(), CliError> {
        if !KINDS.contains(&file.content_type.as_str()) {
            self.skip(number, &file.content_type);
            return Ok(());
        }
        let jwe = match file.place {
            Place::Embedded(jwe) => jwe,
            Place::Location(url) => {
                // What was listed over TLS is not fetched without.
                let secure = |url: &str| url.to_ascii_lowercase().starts_with("https://");
                if secure(&link.url) && !secure(&url) {
                    return Err(refused(&RemoteError::Plain));
                }
                text(fetch_page(&url, FILE_MAX, config).map_err(|e| refused(&e))?)?
            }
        };
        self.open(link, Some(number), &jwe)
    }

    fn open(
        &mut self,
        link: &HealthLink,
        number: Option<usize>,
        jwe: &str,
    ) -> Result<(), CliError> {
        let opened = jwe::decrypt(jwe, &link.key)?;
        // The list's word on the kind counts where there is a list.
        if let (None, Some(kind)) = (number, &opened.content_type)
            && !KINDS.contains(&kind.as_str())
        {
            self.skip(1, kind);
            return Ok(());
        }
        let total: usize = self.files.iter().map(Vec::len).sum();
        if total.saturating_add(opened.bytes.len()) > TOTAL_MAX {
            return Err(CliError::user("the link's files are too large together")
                .hint("ask for a link to less"));
        }
        self.files.push(opened.bytes);
        Ok(())
    }

    fn skip(&mut self, number: usize, kind: &str) {
        let kind: String = neutralise_line(kind).chars().take(80).collect();
        self.skipped.push(Skipped {
            resource: format!("file {number} of the link"),
            reason: format!("of a kind that cannot be taken in: {kind}"),
        });
    }
}

/// The one file of a link without a list.
fn direct(
    link: &HealthLink,
    opener: &Opener<'_>,
    config: &RemoteConfig,
) -> Result<String, CliError> {
    let mark = if link.url.contains('?') { '&' } else { '?' };
    let recipient = utf8_percent_encode(opener.recipient, NON_ALPHANUMERIC);
    let url = format!("{}{mark}recipient={recipient}", link.url);
    text(fetch_page(&url, FILE_MAX, config).map_err(|e| refused(&e))?)
}

/// The list of a link's files.
fn manifest(
    link: &HealthLink,
    opener: &Opener<'_>,
    config: &RemoteConfig,
) -> Result<Manifest, CliError> {
    let mut question = json!({ "recipient": opener.recipient, "embeddedLengthMax": EMBEDDED_MAX });
    match (link.flags.passcode, opener.passcode, question.as_object_mut()) {
        (true, None, _) => {
            return Err(CliError::user("the link asks for a passcode")
                .hint("whoever gave it knows it: give it with --passcode P"));
        }
        (true, Some(passcode), Some(members)) => {
            members.insert("passcode".to_owned(), passcode.into());
        }
        _ => {}
    }
    let question = question.to_string();
    let answer = ask_page(&link.url, question.as_bytes(), MANIFEST_MAX, config);
    let answer = answer.map_err(|e| refused(&e))?;
    match answer.status {
        200 => Ok(Manifest::parse(&answer.body)?),
        401 => Err(wrong_passcode(&answer.body)),
        status => Err(refused(&RemoteError::Answer { status })),
    }
}

fn text(bytes: Vec<u8>) -> Result<String, CliError> {
    String::from_utf8(bytes).map_err(|_| {
        CliError::new(ExitCode::VerificationFailed, "the link's file is not encrypted text")
            .hint("ask whoever gave the link for another; nothing was changed")
    })
}

fn wrong_passcode(body: &[u8]) -> CliError {
    let said: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let left = said.get("remainingAttempts").and_then(serde_json::Value::as_u64);
    let error = CliError::user("the passcode is wrong");
    match left {
        Some(0) => error.hint("it was tried too often: ask whoever gave the link for another"),
        Some(left) => error.hint(format!("it can be tried {left} more times")),
        None => error.hint("ask whoever gave the link; nothing was changed"),
    }
}

/// Why a server gave nothing, without the address: it is half of the link.
fn refused(error: &RemoteError) -> CliError {
    let make = |code, said: &str| CliError::new(code, said);
    match error {
        RemoteError::Url => make(ExitCode::UserFixable, "the link has no address that can be used")
            .hint("ask whoever gave it for another"),
        RemoteError::Plain => {
            make(ExitCode::UserFixable, "the link leads over http://, which everybody can read")
                .hint("ask for a link that begins with https://")
        }
        RemoteError::Unreachable(_) => {
            make(ExitCode::RelayUnreachable, "the link's server cannot be reached")
                .hint("try again later; nothing was changed")
        }
        RemoteError::Answer { status: 404 } => {
            make(ExitCode::UserFixable, "the link leads nowhere: it has ended or was revoked")
                .hint("ask whoever gave it for another")
        }
        RemoteError::Answer { status: 429 } => {
            make(ExitCode::RelayUnreachable, "the link was opened too often just now")
                .hint("try again in a few minutes")
        }
        RemoteError::Answer { status: 300..=399 } => {
            make(ExitCode::UserFixable, "the link's server sends on to another address")
                .hint("no redirect is followed: it could lead to where nobody meant")
        }
        RemoteError::Answer { status: 200 } => {
            make(ExitCode::UserFixable, "the link's server answers with too much")
                .hint("ask for a link to less")
        }
        RemoteError::Answer { status } => {
            make(ExitCode::UserFixable, &format!("the link's server says no (status {status})"))
                .hint("ask whoever gave the link for another")
        }
        RemoteError::Tls(_)
        | RemoteError::Refused { .. }
        | RemoteError::Protocol(_)
        | RemoteError::Endless
        | _ => make(ExitCode::UserFixable, "the link cannot be opened")
            .hint("ask whoever gave it for another; nothing was changed"),
    }
}
