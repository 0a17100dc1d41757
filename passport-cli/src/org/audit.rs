//! `passport org audit`.

use clap::Args;
use passport_core::organisation::{AuditRecord, StudentName};
use passport_core::section::display::neutralise_line;
use serde_json::{Value, json};

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::table::table;

/// Lists who of your staff did what with which record
///
/// The log is your own. Students are told the role, the section and the time, not the name.
/// `attempted` was about to be sent to another system; unless `exported` follows, that took
/// nothing, as far as the program came to know.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org audit\n\
\x20 passport org audit --student \"Ada Example\"")]
pub(crate) struct Audit {
    /// Only what was done with this student's record
    #[arg(long, value_name = "STUDENT")]
    student: Option<String>,
}

impl Audit {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student } = self;
        let party = desk::open(app)?;
        let only = student.map(|named| desk::student(&party, &named)).transpose()?;
        let mut records = party.audited().map_err(fault::refused)?;
        records.retain(|r| only.as_ref().is_none_or(|s| s.id == r.student));
        let answer: Vec<Value> = records.iter().map(|r| line(&party, r)).collect();
        app.output().answer(&answer, |_| {
            if records.is_empty() {
                return "Nothing was opened yet.".to_owned();
            }
            let rows: Vec<[String; 6]> = records.iter().map(|r| row(&party, r)).collect();
            table(["when", "who", "role", "student", "section", "what"], &rows)
        })
    }
}

fn line(party: &Party, record: &AuditRecord) -> Value {
    let student = StudentName { id: record.student, name: name(party, record) };
    json!({
        "at": record.at,
        "actor": record.actor,
        "role": record.role,
        "student": student,
        "section": record.section,
        "what": record.what,
    })
}

fn row(party: &Party, record: &AuditRecord) -> [String; 6] {
    let id = record.student.to_string();
    let name = name(party, record);
    [
        record.at.to_string(),
        neutralise_line(&record.actor),
        neutralise_line(&record.role),
        format!("{}  [{}]", neutralise_line(&name), short(&id)),
        record.section.to_string(),
        record.what.name().to_owned(),
    ]
}

/// Whose record it was; the name of a student who was forgotten is gone.
fn name(party: &Party, record: &AuditRecord) -> String {
    let name = party.student_name(record.student);
    if name.is_empty() { "(forgotten)".to_owned() } else { name }
}
