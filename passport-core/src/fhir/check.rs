//! Is this what HL7 FHIR R4, the International Patient Summary and UK Core ask for?
//!
//! Every element is held against a table of R4's resources and data types: known, of its type and
//! form, as often as allowed, with a code of its required binding. Then what the table cannot say:
//! invariants, references that lead somewhere and to the right kind, the sections of a patient
//! summary, and the profiles that a resource claims. Terminology servers are not asked, so
//! bindings that are not required are not checked. Content never appears in what is said.

mod bundle;
mod datatype;
mod primitive;
pub(super) mod profile;
mod resource;
pub(super) mod schema;
mod walk;

use serde_json::Value as Json;

pub(super) use bundle::Index;

use super::import::{self, ImportError};
use super::json;
use walk::Walk;

/// Bounds on what is checked.
pub mod limits {
    /// Bytes of a file: 16 MiB.
    pub const FILE: usize = 16 * 1024 * 1024;
    /// Commas and opening brackets: what the parsed form costs in memory.
    pub const TOKENS: usize = 1 << 21;
    /// Findings that are kept; the rest are counted.
    pub const FINDINGS: usize = 1000;
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A rule is broken.
    Error,
    /// Allowed, and probably not meant.
    Warning,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where, such as `Bundle.entry[3].resource.code`.
    pub path: String,
    /// The rule, by HL7's key where it has one.
    pub rule: &'static str,
    /// The rest of a sentence that begins with the path.
    pub message: String,
}

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Findings in the file's order, up to [`limits::FINDINGS`].
    pub findings: Vec<Finding>,
    /// Errors, the ones not kept included.
    pub errors: usize,
    /// Warnings, the ones not kept included.
    pub warnings: usize,
}

/// Findings in the making.
type Found = Report;

impl Report {
    fn error(&mut self, path: &str, rule: &'static str, message: &str) {
        self.errors += 1;
        self.add(Severity::Error, path, rule, message);
    }

    fn warning(&mut self, path: &str, rule: &'static str, message: &str) {
        self.warnings += 1;
        self.add(Severity::Warning, path, rule, message);
    }

    fn add(&mut self, severity: Severity, path: &str, rule: &'static str, message: &str) {
        if self.findings.len() < limits::FINDINGS {
            let (path, message) = (path.to_owned(), message.to_owned());
            self.findings.push(Finding { severity, path, rule, message });
        }
    }
}

/// Checks a file of one resource or Bundle, in JSON or XML.
///
/// # Errors
/// Returns [`ImportError`] when the file is too large, neither JSON nor XML, nested too deeply, or
/// has a member twice.
pub fn check(bytes: &[u8]) -> Result<Report, ImportError> {
    if bytes.len() > limits::FILE {
        return Err(ImportError::TooLarge { len: bytes.len() });
    }
    let text = import::text(bytes)?;
    if json::tokens(&text) > limits::TOKENS {
        return Err(ImportError::TooMany);
    }
    let root = json::parse(&text)?;
    if !root.is_object() || root.get("resourceType").is_none() {
        return Err(ImportError::NotFhir);
    }
    let mut report = Report::default();
    let mut walk = Walk { found: &mut report, references: Vec::new() };
    bundle::check(&root, &mut walk);
    Ok(report)
}

/// Whether one resource by itself breaks no rule of R4.
pub(super) fn is_sound(resource: &Json) -> bool {
    let mut report = Report::default();
    let mut walk = Walk { found: &mut report, references: Vec::new() };
    walk.resource(resource, "");
    report.errors == 0
}
