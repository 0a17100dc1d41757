//! `passport org contribute`.

use std::path::PathBuf;

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::help;
use crate::pending::pending;

/// Adds an entry to a student's record, signed by the organisation
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport org contribute \"Ada Example\" medications --set item=Sertraline --set dose=\"50 mg\"\n\
\x20 passport org contribute \"Ada Example\" discharges --from discharge.json"))]
pub(crate) struct Contribute {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The section, for example `medications`
    #[arg(value_name = "SECTION")]
    section: SectionName,
    /// The kind of entry, where the section holds several; the usual one when left out
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required_unless_present = "from")]
    set: Vec<Assignment>,
    /// Takes the entries from a FHIR file instead
    #[arg(long, value_name = "FHIR-FILE", conflicts_with = "set")]
    from: Option<PathBuf>,
}

impl Contribute {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { student, section, kind, set, from } = self;
        let kind = fields::kind(&section, kind.as_deref())?;
        let fields = fields::typed(kind, &set, None)?;
        if from.is_none() {
            fields::complete(kind, &fields)?;
        }
        pending((student, section, kind, fields, from))
    }
}
