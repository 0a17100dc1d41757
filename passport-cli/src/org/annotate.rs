//! `passport org annotate`.

use clap::Args;
use passport_core::receipt::Access;
use serde_json::json;

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::rng::os_rng;

/// Adds a signed note to an entry
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org annotate 4f2a91c3 \"Dose reviewed with the student\"")]
pub(crate) struct Annotate {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// What the note says
    #[arg(value_name = "TEXT")]
    text: String,
}

impl Annotate {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, text } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let found = desk::entry(&mut party, None, &entry)?;
        let (id, mut rng) = (found.entry.id, os_rng()?);
        party
            .annotate(found.student.id, id, &text, app.now(), &mut rng)
            .map_err(|error| fault::writing(error, &found.student.name, &found.section))?;
        desk::audit(&mut party, app, found.student.id, [&found.section], Access::Recorded)?;
        app.output().answer(&json!({ "entry": id }), |_| {
            format!("Noted, and signed by your organisation  [{}]", short(&id.to_string()))
        })
    }
}
