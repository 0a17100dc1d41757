//! `passport export`.

use std::path::PathBuf;

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::choice::Format;
use crate::error::CliError;
use crate::help;
use crate::pending::pending;

/// Writes your record to a file that others can read
///
/// The file is not encrypted: whoever has it can read it.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport export --format pdf -o record.pdf\n\
\x20 passport export --format ips medications allergies problems -o summary.json"))]
pub(crate) struct Export {
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Format,
    /// The sections; everything but `private` and `risks` when left out
    #[arg(value_name = "SECTION")]
    sections: Vec<SectionName>,
    /// The file to write; `-` is standard output
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { format, sections, output } = self;
        pending((format, sections, output))
    }
}
