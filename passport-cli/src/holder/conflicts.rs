//! `passport conflicts`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::render::{self, Reader, Section};
use serde_json::json;

/// Lists fields that two people set at the same time
///
/// Both values are kept and shown until someone chooses: see `passport resolve --help`.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport conflicts")]
pub(crate) struct Conflicts {}

impl Conflicts {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let sections = passport.sections();
        let views = passport::views(&mut passport, &sections)?;
        let mut listed: Vec<serde_json::Value> = Vec::new();
        for section in views.iter().map(passport_core::view::View::to_json) {
            for entry in &section.entries {
                let open = entry.conflicts.iter().map(|(field, values)| {
                    json!({
                        "section": section.section,
                        "entry": entry.id,
                        "field": field,
                        "values": values,
                    })
                });
                listed.extend(open);
            }
        }
        app.output().answer(&listed, |_| {
            let sections: Vec<Section> = views.iter().map(Section::of).collect();
            render::conflicts(&sections, Reader::Holder)
        })
    }
}
