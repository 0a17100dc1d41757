//! `passport device remove`.

use clap::Args;
use passport_core::ledger::Device;
use passport_core::party::PartyError;
use passport_core::section::display::neutralise_line;

use crate::app::App;
use crate::error::CliError;
use crate::names::{Candidate, resolve};
use crate::passport;
use crate::rng::os_rng;
use serde_json::json;

/// Shuts a lost or old device out
///
/// The devices that it let in go with it: whoever has it could have let in more. The device that
/// let this one in can be removed from one that the 24 words made.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport device remove old-phone")]
pub(crate) struct Remove {
    /// The device: its name, or the first letters of its id
    #[arg(value_name = "DEVICE")]
    device: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { device } = self;
        let mut passport = passport::open(app)?;
        let devices = passport.fold().live_devices();
        let (keys, candidates): (Vec<_>, Vec<_>) = devices
            .map(|d| {
                let key = d.verified.key();
                (key, Candidate { id: key.to_string(), name: d.name.clone() })
            })
            .unzip();
        let place = resolve("device", &device, &candidates)?;
        let key = keys.get(place).copied().ok_or(PartyError::NoDevice)?;
        let descends = |d: &&Device| d.verified.key() != key && d.verified.lineage().contains(&key);
        let along: Vec<String> = passport
            .fold()
            .live_devices()
            .filter(descends)
            .map(|d| neutralise_line(&d.name))
            .collect();
        if !along.is_empty() {
            let named = along.join(", ");
            app.output().say(&format!("It let these devices in, and they go with it: {named}."));
            app.confirm().ask("Remove all of them?")?;
        }
        passport.remove_device(key, app.now(), &mut os_rng()?)?;
        app.output().say("It is shut out elsewhere with the next `passport sync`.");
        let answer = json!({ "device": key });
        app.output().answer(&answer, |_| "Removed. What it had read, it may have kept.".to_owned())
    }
}
