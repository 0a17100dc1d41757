//! `passport org suggest`.

use clap::Args;
use passport_core::id::RemarkId;
use passport_core::receipt::Access;
use serde_json::json;

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::names::short;
use crate::rng::os_rng;

/// Suggests a change to an entry that someone else recorded
///
/// The student, or whoever recorded the entry, accepts or declines it.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org suggest \"Ada Example\" 4f2a91c3 --set dose=\"25 mg\"")]
pub(crate) struct Suggest {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    set: Vec<Assignment>,
}

impl Suggest {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, entry, set } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let found = desk::entry(&mut party, Some(&student), &entry)?;
        let kind = fields::kind(&found.section, Some(&found.entry.kind))?;
        let fields = fields::typed(kind, &set, None)?;
        let (id, mut rng) = (found.entry.id, os_rng()?);
        let mut suggested: Vec<RemarkId> = Vec::with_capacity(fields.len());
        for (field, value) in fields {
            let made = party.suggest(student.id, id, field, value, app.now(), &mut rng);
            suggested.push(
                made.map_err(|error| fault::writing(error, &found.student.name, &found.section))?,
            );
        }
        desk::audit(&mut party, app, student.id, [&found.section], Access::Recorded)?;
        // One suggestion is the rule; the first names the answer, all are listed.
        let answer = json!({ "id": suggested.first(), "entry": id, "suggestions": suggested });
        app.output().answer(&answer, |_| {
            format!(
                "Suggested for [{}]; the student, or whoever recorded it, decides.",
                short(&id.to_string())
            )
        })
    }
}
