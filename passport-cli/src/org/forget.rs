//! `passport org forget`.

use clap::Args;
use passport_core::organisation::HeldState;
use passport_core::section::display::neutralise_line;
use serde_json::json;

use super::{desk, fault};
use crate::app::App;
use crate::error::CliError;
use crate::rng::os_rng;

/// Deletes everything a student shared, and leaves them a signed receipt of it
///
/// Consents, keys and sealed envelopes go from this program. Your own log keeps who did it, and
/// when. What you filed elsewhere is yours to delete, or to keep where you must.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org forget \"Ada Example\" --actor j.smith")]
pub(crate) struct Forget {
    /// The student: name, or the first letters of the passport's id
    #[arg(value_name = "STUDENT")]
    student: String,
}

impl Forget {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student } = self;
        let by = (app.actor()?, app.role());
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let name = neutralise_line(&student.name);
        let asked = party.deletion_asked(student.id).map_err(fault::refused)?;
        let asked = asked.map_or_else(
            || "They have not asked for it.".to_owned(),
            |at| format!("They asked for it on {}.", at.date()),
        );
        let in_force = party
            .grants()
            .into_iter()
            .filter(|g| g.grant.passport == student.id && g.state(app.now()) == HeldState::Active);
        let asked = match in_force.count() {
            0 => asked,
            n => format!("{asked} They share with you still: {n} consents, which go too."),
        };
        let question =
            format!("{asked} Everything that {name} shared goes, and cannot be read again. Go on?");
        app.confirm().ask(&question)?;
        let gone = party.forget(student.id, by, app.now(), &mut os_rng()?);
        let sections = gone.map_err(fault::refused)?;
        app.output().say("The student is told with the next `passport org sync`.");
        let answer = json!({ "student": student, "sections": sections });
        app.output().answer(&answer, |_| format!("{name} is forgotten here."))
    }
}
