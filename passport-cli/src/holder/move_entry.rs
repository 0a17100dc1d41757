//! `passport move`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::error::CliError;
use crate::help;
use crate::passport;
use crate::rng::os_rng;
use serde_json::json;

/// Moves an entry to another section
///
/// Who recorded it, and their signature, move with it.
#[derive(Args)]
#[command(after_help = help::with_sections("Example:\n\
\x20 passport move 4f2a91c3 private"))]
pub(crate) struct MoveEntry {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// The section it goes to
    #[arg(value_name = "SECTION")]
    section: SectionName,
}

impl MoveEntry {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, section } = self;
        let mut passport = passport::open_for(app, std::slice::from_ref(&section))?;
        let (_, entry) = passport::entry(&mut passport, &entry)?;
        passport::ask_who_sees(app, &passport, std::slice::from_ref(&section))?;
        passport.move_entry(entry.id, &section, app.now(), &mut os_rng()?)?;
        let moved = json!({"entry": entry.id, "section": section});
        app.output().answer(&moved, |_| format!("Moved to {}.", section.spec().title))
    }
}
