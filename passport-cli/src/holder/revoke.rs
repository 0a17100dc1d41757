//! `passport revoke`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::consent::{self, GrantLine};
use crate::error::CliError;
use crate::passport;
use crate::rng::os_rng;

/// Stops sharing with a contact
///
/// The contact sees nothing that is written from now on. What it read before, it may have kept.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport revoke \"Campus Medical\"\n\
\x20 passport revoke \"Campus Medical\" risks")]
pub(crate) struct Revoke {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
    /// The sections to stop sharing; all of them when left out
    #[arg(value_name = "SECTION")]
    sections: Vec<SectionName>,
}

impl Revoke {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact, sections } = self;
        let mut passport = passport::open(app)?;
        let (id, _) = passport::contact(&passport, &contact)?;
        let ended = passport.revoke(id, &sections, app.now(), &mut os_rng()?)?;
        let grants = passport.grants(app.now());
        let lines: Vec<GrantLine> =
            grants.iter().filter(|g| ended.contains(&g.grant.id)).map(GrantLine::of).collect();
        app.output().say("It takes effect elsewhere with the next `passport sync`.");
        app.output().answer(&lines, |lines| consent::words(lines))
    }
}
