//! `passport code`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Prints your student code: give it to a service so that it can ask you for access
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport code\n\
\x20 passport code --qr my-code.png")]
pub(crate) struct Code {
    /// Also writes the code as a QR picture
    #[arg(long, value_name = "FILE")]
    qr: Option<PathBuf>,
}

impl Code {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { qr } = self;
        pending(qr)
    }
}
