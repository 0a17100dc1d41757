//! `passport access-log`.

use clap::Args;
use passport_core::holder::AccessLine;
use passport_core::section::display::neutralise_line;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::table::table;

/// Lists who received, opened and exported what, and when
///
/// As their programs say: a service that runs other software may say nothing.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport access-log\n\
\x20 passport access-log --contact \"Campus Medical\"")]
pub(crate) struct AccessLog {
    /// Only this contact: its name, or the first letters of its id
    #[arg(long, value_name = "CONTACT")]
    contact: Option<String>,
}

impl AccessLog {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        let passport = passport::open(app)?;
        let only = contact.map(|named| passport::contact(&passport, &named)).transpose()?;
        let lines = passport.access_log(only.map(|(id, _)| id))?;
        let answer: Vec<Value> = lines.iter().map(line).collect();
        app.output().answer(&answer, |_| {
            if lines.is_empty() {
                return "Nobody has said that they received or opened anything. `passport sync` \
                        fetches what they say."
                    .to_owned();
            }
            let rows: Vec<[String; 5]> = lines.iter().map(row).collect();
            table(["when", "contact", "role", "section", "what"], &rows)
        })
    }
}

fn line(line: &AccessLine) -> Value {
    json!({
        "contact": { "id": line.organisation, "name": line.contact },
        "role": line.role,
        "section": line.section,
        "what": line.what,
        "at": line.at,
    })
}

fn row(line: &AccessLine) -> [String; 5] {
    [
        line.at.to_string(),
        neutralise_line(&line.contact),
        neutralise_line(&line.role),
        line.section.to_string(),
        line.what.name().to_owned(),
    ]
}
