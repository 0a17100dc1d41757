//! `passport org conflicts`.

use clap::Args;
use passport_core::receipt::Access;
use serde_json::{Value, json};

use super::desk;
use crate::app::App;
use crate::error::CliError;
use crate::render::{self, Reader, Section};

/// Lists fields that two people set at the same time
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith conflicts")]
pub(crate) struct Conflicts {}

impl Conflicts {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let (mut answer, mut text): (Vec<Value>, String) = (Vec::new(), String::new());
        for student in desk::students(&party) {
            let before = answer.len();
            let views = desk::views(&mut party, &student)?;
            for view in &views {
                for entry in view.to_json().entries {
                    answer.extend(entry.conflicts.into_iter().map(|(field, values)| {
                        json!({
                            "student": student,
                            "section": view.section,
                            "entry": entry.id,
                            "field": field,
                            "values": values,
                        })
                    }));
                }
            }
            if answer.len() > before {
                let opened = views.iter().map(|v| &v.section);
                desk::audit(&mut party, app, student.id, opened, Access::Opened)?;
                let sections: Vec<Section> = views.iter().map(Section::of).collect();
                let name = passport_core::section::display::neutralise_line(&student.name);
                text.push_str(&name);
                text.push('\n');
                text.push_str(&render::conflicts(&sections, Reader::Organisation));
            }
        }
        app.output().answer(&answer, |answer| {
            if answer.is_empty() { "No conflicts.".to_owned() } else { text }
        })
    }
}
