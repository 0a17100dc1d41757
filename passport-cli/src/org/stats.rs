//! `passport org stats`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::disclosure::Cell;
use passport_core::organisation::{Counted, Stats as Counts};

use super::{desk, fault};
use crate::app::App;
use crate::duration::When;
use crate::error::CliError;

/// Counts students who share with you, without numbers so small that they single somebody out
///
/// Counts below the least cell are suppressed, zeros are told, and further counts are suppressed
/// until none follows from the others. Two tables made close in time can still be compared: publish
/// one a term.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org stats\n\
\x20 passport org stats --min-cell 10 --since 2026-09-01 --json")]
pub(crate) struct Stats {
    /// The least count that is told
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(3..=1000))]
    min_cell: u16,
    /// How far back discharges are counted: a span or a date
    #[arg(long, value_name = "DURATION|DATE", default_value = "90d")]
    since: When,
}

impl Stats {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { min_cell, since } = self;
        let since = since.since(app.now());
        let since = since.map_err(|e| CliError::usage("`--since` has no start").caused_by(e))?;
        let mut party = desk::open(app)?;
        let stats = party.stats(since, min_cell.into(), app.now()).map_err(fault::refused)?;
        app.output().answer(&stats, words)
    }
}

fn words(stats: &Counts) -> String {
    let mut text = format!("As of {}\n", stats.as_of);
    let least = stats.min_cell;
    let said = |cell: Cell| cell.map_or_else(|| "suppressed".to_owned(), |n| n.to_string());
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "Students who share something: {}", said(stats.students));
    let mut table = |title: &str, rows: &[Counted]| {
        let _ = writeln!(text, "\n{title}");
        for row in rows {
            let _ = writeln!(text, "  {}: {}", row.of, said(row.count));
        }
    };
    table("By section; one may share several", &stats.sections);
    let since = stats.since.date();
    let discharged = said(stats.discharged);
    let title = format!("Students discharged since {since}: {discharged}; by setting");
    table(&title, &stats.settings);
    table("The same, by how far you have got", &stats.handled);
    let _ = writeln!(
        text,
        "\nCounts from 1 to {} are suppressed, and others from which they would follow. Only what \
         students share is counted: no entry does not mean no discharge.",
        least.saturating_sub(1),
    );
    text
}
