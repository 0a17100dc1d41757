//! `passport relay stats`.

use clap::Args;
use passport_sync::store::Stats;

use super::store::{self, Store};
use crate::app::App;
use crate::error::CliError;

/// Counts what the relay keeps; names nobody
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport relay stats --json")]
pub(crate) struct Show {
    /// Where the relay keeps its envelopes; in the home directory when left out
    #[arg(long, value_name = "sqlite:PATH")]
    store: Option<Store>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let stats = store::look_at(app, self.store)?.stats().map_err(store::unusable)?;
        app.output().answer(&stats, words)
    }
}

fn words(stats: &Stats) -> String {
    format!(
        "{} channels, {} keys\n{} envelopes of {} bytes, {} forgotten\n{} letters of {} bytes\n\
         {} rows of feeds, {} objects of rendezvous\nThe database has {} bytes.\n",
        stats.channels,
        stats.keys,
        stats.envelopes,
        stats.envelope_bytes,
        stats.dropped,
        stats.letters,
        stats.letter_bytes,
        stats.feed_rows,
        stats.blobs,
        stats.database_bytes
    )
}
