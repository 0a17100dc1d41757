//! `passport sync`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::error::CliError;
use crate::holder::{quarantine, status};
use crate::joining;
use crate::passport::{self, Opened, Passport};
use crate::rng::os_rng;
use crate::syncing::{self, Synced};
use crate::watching::{self, Teller, Watched};
use passport_core::vault::{SqliteVault, VaultAgain};

/// Sends what is new here and fetches what is new elsewhere
///
/// Without a network nothing is lost: what you wrote waits for the next sync.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport sync\n\
\x20 passport sync --via /media/usb-stick")]
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
        let mut passport = match passport::opened(vault)? {
            Opened::Holder(holder) => *holder,
            Opened::Pending(pending) => joining::join(app, *pending, via.as_deref(), &mut rng)?,
        };
        if let Some(path) = via {
            let synced = syncing::via(app, &mut passport, &path, &mut rng)?;
            return told(app, &mut passport, synced);
        }
        if watch {
            drop(passport);
            return watching::watch::<Passport>(app, &again, &mut Told { app }, &mut rng);
        }
        let urls = passport.fold().relays.clone();
        let synced = syncing::with_relays(app, &mut passport, &urls, &mut rng)?;
        told(app, &mut passport, synced)
    }
}

impl Watched for Passport {
    fn open_again(vault: SqliteVault) -> Result<Self, CliError> {
        Ok(Self::open(vault)?)
    }

    fn is_wanted(&self) -> bool {
        self.journal().vault().is_wanted()
    }

    fn relays(&self) -> Vec<String> {
        self.fold().relays.clone()
    }
}

/// Tells what each exchange did.
struct Told<'a> {
    app: &'a App,
}

impl Teller<Passport> for Told<'_> {
    fn exchanged(&mut self, passport: &mut Passport, synced: Synced) -> Result<(), CliError> {
        told(self.app, passport, synced)
    }
}

fn told(app: &App, passport: &mut Passport, mut synced: Synced) -> Result<(), CliError> {
    synced.quarantined = quarantine::listed(passport)?;
    if passport.was_removed() {
        app.output().say(status::REMOVED);
    }
    app.output().answer(&synced, Synced::words)
}
