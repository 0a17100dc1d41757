//! `passport org sync`.

use std::path::PathBuf;

use clap::Args;

use super::desk::Party;
use super::{fault, quarantine};
use crate::app::App;
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;
use crate::syncing::{self, Synced};
use crate::watching::{self, Teller, Watched};
use passport_core::vault::{SqliteVault, VaultAgain};

/// Fetches what students shared, and sends what was contributed
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org sync")]
pub(crate) struct Sync {
    /// Goes on, and prints a line each time something arrives or is sent; ends with Ctrl-C
    #[arg(long, conflicts_with = "via")]
    watch: bool,
    /// Exchanges through a file or folder, such as a USB stick, instead of a relay
    #[arg(long, value_name = "FILE|DIR")]
    via: Option<PathBuf>,
}

impl Sync {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { watch, via } = self;
        let mut rng = os_rng()?;
        let vault = passport::unlock(app)?;
        let again = VaultAgain::of(&vault, app.home().dir());
        let mut party = Party::open(vault).map_err(fault::refused)?;
        if let Some(path) = via {
            let synced = syncing::via(app, &mut party, &path, &mut rng)?;
            return told(app, &mut party, synced);
        }
        let urls = party.card().relays.clone();
        if urls.is_empty() {
            return Err(CliError::user("this organisation has no relay")
                .hint("add one with `passport org remote add URL`")
                .hint("exchange through a file or folder with `passport org sync --via DIR`"));
        }
        if watch {
            drop(party);
            return watching::watch::<Party>(app, &again, &mut Told { app }, &mut rng);
        }
        let synced = syncing::with_relays(app, &mut party, &urls, &mut rng)?;
        told(app, &mut party, synced)
    }
}

impl Watched for Party {
    fn is_wanted(&self) -> bool {
        self.journal().vault().is_wanted()
    }

    fn open_again(vault: SqliteVault) -> Result<Self, CliError> {
        Self::open(vault).map_err(fault::refused)
    }

    fn relays(&self) -> Vec<String> {
        self.card().relays.clone()
    }
}

/// Tells what each exchange did.
struct Told<'a> {
    app: &'a App,
}

impl Teller<Party> for Told<'_> {
    fn exchanged(&mut self, party: &mut Party, synced: Synced) -> Result<(), CliError> {
        told(self.app, party, synced)
    }
}

fn told(app: &App, party: &mut Party, mut synced: Synced) -> Result<(), CliError> {
    let held = quarantine::listed(party)?;
    synced.quarantined =
        held.iter().map(serde_json::to_value).collect::<Result<_, _>>().map_err(|source| {
            CliError::user("what was put aside has no JSON form").caused_by(source)
        })?;
    app.output().answer(&synced, |synced| {
        // Organisations look elsewhere than students for what was put aside.
        synced.words().replace("passport quarantine list", "passport org quarantine")
    })
}
