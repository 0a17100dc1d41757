//! `passport device approve`.

use clap::Args;
use passport_core::keys::EnrolmentCode;

use crate::app::App;
use crate::error::CliError;
use crate::pending::pending;

/// Lets a new device join, after comparing its code
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport device approve 7K3M-9QXR-2BVN-0HTD-P5WE-8JAC-Z4")]
pub(crate) struct Approve {
    /// The code the new device shows
    #[arg(value_name = "CODE")]
    code: EnrolmentCode,
}

impl Approve {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self { code } = self;
        pending(code)
    }
}
