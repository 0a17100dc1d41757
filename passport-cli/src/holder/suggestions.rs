//! `passport suggestions`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::table::table;
use serde_json::json;

/// Lists changes that others suggest to your entries
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport suggestions")]
pub(crate) struct Suggestions {}

impl Suggestions {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let all = passport::suggestions(&mut passport)?;
        let mut listed: Vec<serde_json::Value> = Vec::new();
        for section in passport.sections() {
            for entry in passport.view(&section)?.to_json().entries {
                listed.extend(entry.suggestions.iter().map(|s| {
                    json!({
                        "id": s.id,
                        "section": section,
                        "entry": entry.id,
                        "fields": {(s.field.as_str()): s.value},
                        "author": s.author,
                        "at": s.at,
                    })
                }));
            }
        }
        app.output().answer(&listed, |_| {
            let rows: Vec<[String; 4]> = all
                .iter()
                .map(|s| {
                    let (field, value) = s.change();
                    let id = s.remark.id.to_string();
                    let what = format!("{} of {}: {value}", field, s.label);
                    [short(&id).to_owned(), what, s.by.clone(), s.section.to_string()]
                })
                .collect();
            if rows.is_empty() {
                return "No suggestions.\n".to_owned();
            }
            table(["id", "change", "by", "section"], &rows)
        })
    }
}
