//! `passport org suggest`.

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::fields::Assignment;
use crate::pending::pending;

/// Suggests a change to an entry that someone else recorded
///
/// The student, or whoever recorded the entry, accepts or declines it.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org suggest \"Ada Example\" 4f2a91c3 --set dose=\"25 mg\"")]
pub(crate) struct Suggest {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    set: Vec<Assignment>,
}

impl Suggest {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { student, entry, set } = self;
        pending((student, entry, set))
    }
}
