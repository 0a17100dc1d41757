//! `passport annotate`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::output;
use crate::passport;
use crate::rng::os_rng;

/// Adds a note to an entry, in your name
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport annotate sertraline \"Makes me sleepy in the morning\"")]
pub(crate) struct Annotate {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// What the note says
    #[arg(value_name = "TEXT")]
    text: String,
}

impl Annotate {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, text } = self;
        let mut passport = passport::open(app)?;
        let (section, entry) = passport::entry(&mut passport, &entry)?;
        passport::ask_who_sees(app, &passport, std::slice::from_ref(&section))?;
        passport.annotate(entry.id, &text, app.now(), &mut os_rng()?)?;
        output::changed(app, entry.id)
    }
}
