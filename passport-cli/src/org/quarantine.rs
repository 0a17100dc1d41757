//! `passport org quarantine`.

use clap::Args;
use passport_core::author::Author;
use serde_json::{Value, json};

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::table::table;

/// Lists what was received but not accepted, and why
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org quarantine")]
pub(crate) struct Quarantine {}

impl Quarantine {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut party = desk::open(app)?;
        let (mut answer, mut rows): (Vec<Value>, Vec<[String; 5]>) = (Vec::new(), Vec::new());
        let held: Vec<_> = party.epochs().keys().copied().collect();
        for epoch in held {
            let replica = party.replica(epoch).map_err(fault::refused)?;
            let charter = replica.charter().clone();
            let view = passport_core::view::View::of(replica);
            let put_aside: Vec<_> = replica
                .quarantined()
                .map(|(id, node, why)| (*id, node.header.author, node.at, why))
                .collect();
            let student = charter.passport;
            let name = party.student_name(student);
            for (id, author, at, why) in put_aside {
                let author = charter
                    .organisation_of(&author)
                    .map(|o| view.name(Author::Organisation(o)).to_owned());
                rows.push([
                    short(&id.to_string()).to_owned(),
                    name.clone(),
                    charter.section.to_string(),
                    author.clone().unwrap_or_else(|| "unknown".to_owned()),
                    why.to_string(),
                ]);
                answer.push(json!({
                    "id": id,
                    "reason": why.to_string(),
                    "student": { "id": student, "name": name },
                    "section": charter.section,
                    "author": author.map(|name| json!({ "name": name })),
                    "at": at,
                }));
            }
        }
        app.output().answer(&answer, |_| {
            if rows.is_empty() {
                return "Nothing was put aside.".to_owned();
            }
            table(["id", "student", "section", "by", "why it was not accepted"], &rows)
        })
    }
}
