//! `passport org history`.

use clap::Args;
use passport_core::receipt::Access;
use passport_core::section::display::neutralise_line;
use passport_core::view::HistoryEvent;

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::table::table;

/// Lists who changed what in a student's record, and when
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith history \"Ada Example\"")]
pub(crate) struct History {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
}

impl History {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let mut events: Vec<HistoryEvent> = Vec::new();
        let sections = party.sections(student.id);
        for section in &sections {
            events.extend(party.history(student.id, section).map_err(fault::refused)?);
        }
        events.sort_by_key(|e| (e.at, e.envelope));
        desk::audit(&mut party, app, student.id, &sections, Access::Opened)?;
        app.output().answer(&events, |events| {
            if events.is_empty() {
                return format!("Nothing was received of {} yet.", neutralise_line(&student.name));
            }
            let rows: Vec<[String; 5]> = events.iter().map(row).collect();
            table(["when", "who", "section", "entry", "what"], &rows)
        })
    }
}

fn row(event: &HistoryEvent) -> [String; 5] {
    let mut what = event.what.to_owned();
    for part in [&event.field, &event.value].into_iter().flatten() {
        what.push(' ');
        what.push_str(part);
    }
    [
        event.at.to_string(),
        event.author.name.clone(),
        event.section.to_string(),
        short(&event.entry.to_string()).to_owned(),
        what,
    ]
}
