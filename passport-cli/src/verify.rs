//! `passport verify`.

use std::path::PathBuf;

use clap::Args;
use passport_core::fhir::check::limits;
use passport_core::fhir::proof::{Verified, verify};
use passport_core::keys::verification_phrase;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;

/// Says whether an export still says what an organisation signed
///
/// Needs no passport: signatures, cards and signed values travel in the file. It shows that nothing
/// was changed since, and by which card it was signed; that the card is really theirs shows the
/// phrase, compared with the organisation itself.
#[derive(Args)]
#[command(after_help = "Example:\n  passport verify summary.json")]
pub(crate) struct Verify {
    /// An export in `ips` or `fhir` form; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Verify {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { file } = self;
        let bytes = files::read(&file, limits::FILE)?;
        let found = verify(&bytes).map_err(|source| {
            CliError::user(format!("{} cannot be verified", file.display())).caused_by(source)
        })?;
        if found.is_empty() {
            return Err(CliError::user(format!("{} carries no signature", file.display()))
                .hint("only what an organisation recorded is signed")
                .hint("`passport export --format ips` carries the signatures along"));
        }
        let mut shown = Vec::new();
        let mut lines = Vec::new();
        for one in &found {
            let (json, line) = match one {
                Some(verified) => said(verified)?,
                None => (json!({ "holds": false }), "a signature that cannot be read".to_owned()),
            };
            shown.push(json);
            lines.push(line);
        }
        let failed = found.iter().filter(|v| !v.as_ref().is_some_and(Verified::holds)).count();
        let answer = json!({ "entries": shown, "failed": failed });
        app.output().answer(&answer, |_| lines.join("\n"))?;
        if failed == 0 {
            return Ok(());
        }
        let said = format!("{failed} of {} signed entries do not hold", found.len());
        Err(CliError::new(ExitCode::VerificationFailed, said)
            .hint("ask whoever recorded it, or have it exported anew"))
    }
}

fn said(verified: &Verified) -> Result<(serde_json::Value, String), CliError> {
    let phrase = verified.signer.as_ref().map(|s| verification_phrase(&s.id)).transpose();
    let phrase = phrase.map_err(|source| {
        CliError::new(ExitCode::Bug, "the card has no phrase").caused_by(source)
    })?;
    let phrase = phrase.map(|p| p.to_string());
    let signer = verified
        .signer
        .as_ref()
        .map(|s| json!({ "id": s.id.to_string(), "name": s.name, "phrase": phrase }));
    let json = json!({
        "entry": verified.entry.to_string(), "section": verified.section,
        "holds": verified.holds(), "signer": signer, "signed_at": verified.signed_at,
        "intact": verified.intact, "changed": verified.changed, "unseen": verified.unseen,
    });
    let who = verified.signer.as_ref().map_or_else(
        || "the signature does not hold".to_owned(),
        |s| format!("signed by {} ({})", s.name, phrase.as_deref().unwrap_or_default()),
    );
    let changed = if verified.changed.is_empty() {
        "as signed".to_owned()
    } else {
        format!("changed since: {}", verified.changed.join(", "))
    };
    let line = format!("{} {}: {who}, {changed}", verified.section, verified.entry);
    Ok((json, line))
}
