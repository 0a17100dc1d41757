//! `passport org remove`.

use clap::Args;
use passport_core::receipt::Access;
use serde_json::json;

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::rng::os_rng;

/// Removes an entry that the organisation recorded
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org remove 4f2a91c3")]
pub(crate) struct Remove {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
}

impl Remove {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let found = desk::entry(&mut party, None, &entry)?;
        let (id, mut rng) = (found.entry.id, os_rng()?);
        app.confirm().ask(&format!("Remove [{}]?", short(&id.to_string())))?;
        party
            .remove(found.student.id, id, app.now(), &mut rng)
            .map_err(|error| fault::writing(error, &found.student.name, &found.section))?;
        desk::audit(&mut party, app, found.student.id, [&found.section], Access::Recorded)?;
        app.output().answer(&json!({ "entry": id }), |_| {
            format!(
                "Removed  [{}]. What others received before stays in its history.",
                short(&id.to_string())
            )
        })
    }
}
