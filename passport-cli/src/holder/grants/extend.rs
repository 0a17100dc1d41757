//! `passport grants extend`.

use clap::Args;
use passport_core::section::display::neutralise_line;

use crate::app::App;
use crate::consent::{self, GrantLine};
use crate::duration::When;
use crate::error::CliError;
use crate::names::{Candidate, resolve};
use crate::passport;
use crate::rng::os_rng;

/// Gives a consent anew, with a later end
///
/// All else stays as it was agreed: who, which section, what for.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport grants extend 3f2a --until \"12 months\"")]
pub(crate) struct Extend {
    /// The consent: the first letters of its id
    #[arg(value_name = "ID")]
    id: String,
    /// When it ends from now on: a date, or a span such as \"6 months\"
    #[arg(long, value_name = "DATE|DURATION")]
    until: When,
}

impl Extend {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { id, until } = self;
        let far = |e| CliError::usage("`--until` has no end").caused_by(e);
        let until = until.until(app.now()).map_err(far)?;
        let mut passport = passport::open(app)?;
        let mut all = passport.grants(app.now());
        let candidates: Vec<Candidate> = all
            .iter()
            .map(|g| Candidate {
                id: g.grant.id.to_string(),
                name: format!("{}, {}", g.contact, g.grant.section),
            })
            .collect();
        let grant = all.swap_remove(resolve("consent", &id, &candidates)?);
        app.confirm().ask(&format!(
            "{} goes on with {} until {}?",
            neutralise_line(&grant.contact),
            neutralise_line(grant.grant.section.spec().title),
            until.date()
        ))?;
        let id = passport.extend(grant.grant.id, until, app.now(), &mut os_rng()?)?;
        let mut given = passport.grants(app.now());
        given.retain(|g| g.grant.id == id);
        let lines = GrantLine::all(&mut passport, &given)?;
        app.output().say("It takes effect elsewhere with the next `passport sync`.");
        app.output().answer(&lines, |lines| consent::words(lines))
    }
}
