//! `passport check`.

use std::path::PathBuf;

use clap::Args;
use passport_core::fhir::check::{Finding, Report, Severity, check, limits};
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::files;

/// Says whether a file is what FHIR R4, the patient summary and UK Core ask for
///
/// Every error is named with its place in the file. Ends with 21 when there are any; a warning is
/// allowed, and probably not meant. Nothing of the record itself is printed.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport check summary.json\n\
\x20 passport check --json summary.json")]
pub(crate) struct Check {
    /// A resource or Bundle, in JSON or XML; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Check {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { file } = self;
        let bytes = files::read(&file, limits::FILE)?;
        let report = check(&bytes).map_err(|source| {
            CliError::user(format!("{} cannot be checked", file.display())).caused_by(source)
        })?;
        let findings: Vec<_> = report.findings.iter().map(shown).collect();
        let answer = json!({
            "errors": report.errors, "warnings": report.warnings, "findings": findings,
        });
        app.output().answer(&answer, |_| words(&report))?;
        if report.errors == 0 {
            return Ok(());
        }
        let said = format!("{} breaks {} rules", file.display(), report.errors);
        Err(CliError::new(ExitCode::VerificationFailed, said)
            .hint("whoever made the file can put this right; it can be imported all the same"))
    }
}

fn shown(finding: &Finding) -> serde_json::Value {
    json!({
        "severity": finding.severity.word(), "path": finding.path,
        "rule": finding.rule, "message": finding.message,
    })
}

fn words(report: &Report) -> String {
    let mut lines: Vec<String> = report
        .findings
        .iter()
        .map(|f| {
            let mark = if f.severity == Severity::Error { "error" } else { "warning" };
            format!("{mark}: {} {} ({})", f.path, f.message, f.rule)
        })
        .collect();
    let more = (report.errors + report.warnings).saturating_sub(report.findings.len());
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    if report.errors == 0 {
        lines.push("No rule is broken.".to_owned());
    }
    lines.join("\n")
}
