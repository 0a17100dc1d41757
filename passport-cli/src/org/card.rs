//! `passport org card`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Writes the organisation's card, and prints its four verification words
///
/// Give the card to students as you like: it is public. Tell them the four words another way,
/// at the desk or on the telephone, so that they can be sure the card is yours.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org card -o campus-medical.card\n\
\x20 passport org card -o campus-medical.card --qr campus-medical.png")]
pub(crate) struct Card {
    /// The file to write the card to
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also writes the card as a QR picture
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
    /// The old card that this one takes over from, for example after a merger
    #[arg(long, value_name = "OLD")]
    succeeds: Option<PathBuf>,
}

impl Card {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { output, qr, succeeds } = self;
        pending((output, qr, succeeds))
    }
}
