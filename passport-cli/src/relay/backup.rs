//! `passport relay backup`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::store::{self, Store};
use crate::app::App;
use crate::error::CliError;

/// Copies the relay's database to a new file while the relay serves
///
/// A relay can start with the copy: devices that have seen more than is in it offer that again.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport relay backup /backup/relay.sqlite --store sqlite:/var/lib/passport/relay.sqlite")]
pub(crate) struct Backup {
    /// The file to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where the relay keeps its envelopes; in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Store>,
}

impl Backup {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { file, store } = self;
        let from = store::look_at(app, store)?;
        from.backup(&file).map_err(|source| {
            CliError::user(format!("{} cannot be written", file.display()))
                .caused_by(source)
                .hint("name a file that is not there yet")
        })?;
        let answer = json!({ "file": file.display().to_string() });
        app.output().answer(&answer, |_| format!("The copy is in {}.", file.display()))
    }
}
