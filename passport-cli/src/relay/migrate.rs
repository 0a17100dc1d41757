//! `passport relay migrate`.

use clap::Args;
use passport_sync::store::{Copied, SqliteFile, StoreError};

use super::store::{self, Store};
use crate::app::App;
use crate::error::CliError;

/// Copies a relay's database into another store and compares every row
///
/// Stop the relay first. A run that was cut is gone on with by the same command. The copy is the
/// same relay: start it from the copy and never again from both. SQLite is the only kind of
/// store so far.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport relay migrate sqlite:/old/relay.sqlite sqlite:/new/relay.sqlite")]
pub(crate) struct Migrate {
    /// The store to copy
    #[arg(value_name = "FROM")]
    from: Store,
    /// The store to copy it into: a new one, or one that this began to make
    #[arg(value_name = "TO")]
    to: Store,
}

impl Migrate {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { from, to } = self;
        let to = store::file(app, Some(to));
        let original = SqliteFile::open(&store::file(app, Some(from))).map_err(store::unusable)?;
        let copied = original.copy_into(&to).map_err(|source| {
            let differs = matches!(source, StoreError::Differs { .. });
            let error = CliError::user(format!("{} is no copy", to.display())).caused_by(source);
            if differs {
                error.hint("stop the relay, and name a store that is not there yet")
            } else {
                error
            }
        })?;
        app.output().answer(&copied, words)
    }
}

fn words(copied: &Copied) -> String {
    format!("{} objects and {} rows in all are copied and compared.", copied.objects, copied.rows)
}
