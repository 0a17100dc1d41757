//! `passport quarantine list`.

use clap::Args;
use passport_core::holder::Quarantined;

use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::table::table;

/// Lists what was received but not accepted, and why
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport quarantine list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let listed = super::listed(&mut passport)?;
        let all = passport.quarantined()?;
        app.output().answer(&listed, |_| {
            if all.is_empty() {
                return "Nothing is held back.\n".to_owned();
            }
            let row = |q: &Quarantined| {
                let id = q.envelope.to_string();
                let what = q.edits.iter().map(|e| e.what).collect::<Vec<_>>().join(", ");
                [
                    short(&id).to_owned(),
                    q.section.to_string(),
                    q.author.clone(),
                    what,
                    super::reason(q),
                ]
            };
            let rows: Vec<[String; 5]> = all.iter().map(row).collect();
            table(["id", "section", "who", "what", "why"], &rows)
        })
    }
}
