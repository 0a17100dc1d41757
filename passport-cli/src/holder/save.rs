//! `passport save`.

use clap::Args;

use crate::app::App;
use crate::attached::{self, Saved, Target};
use crate::error::CliError;
use crate::passport;

/// Saves the file that an entry has
///
/// It is checked against what its entry says, and saved whole or not at all. What is saved is not
/// encrypted.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport save 4f4f4f4f\n\
\x20 passport save \"Letter from the clinic\" -o letter.pdf")]
pub(crate) struct Save {
    /// The entry: what it is called, or the first letters of its id
    #[arg(value_name = "ENTRY")]
    entry: String,
    #[command(flatten)]
    target: Target,
}

impl Save {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, target } = self;
        let mut passport = passport::open(app)?;
        let (_, entry) = passport::entry(&mut passport, &entry)?;
        let file = attached::one_of(&entry)?;
        let pieces = passport.file(file)?;
        let saved = attached::save((entry.id, file), pieces, target)?;
        saved.map_or(Ok(()), |saved| app.output().answer(&saved, Saved::words))
    }
}
