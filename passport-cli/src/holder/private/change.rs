//! `passport private change`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use crate::passphrase::Passphrases;
use crate::passport;
use crate::rng::os_rng;

/// Puts what you keep back under another passphrase
///
/// The old passphrase opens nothing that is written from now on. What was written before it can
/// still open for whoever has it, the vault's passphrase, and a tool of their own.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport private change\n\
\x20 passport private change --private-passphrase-file old --new-passphrase-file new")]
pub(crate) struct Change {
    /// A file that holds the new passphrase; without it you are asked
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl Change {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { new_passphrase_file } = self;
        let mut passport = passport::open_kept_back(app)?;
        let new = Passphrases::new_kept_back(new_passphrase_file).chosen()?;
        passport.change_kept_back(&new, app.now(), &mut os_rng()?)?;
        app.output().answer(&json!({"section": "private"}), |_| {
            "Done. From now on the new passphrase opens what you keep back.".to_owned()
        })
    }
}
