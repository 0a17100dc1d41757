//! `passport contact show`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::GrantState;
use passport_core::section::display::neutralise_line;

use super::ContactLine;
use crate::app::App;
use crate::consent;
use crate::error::CliError;
use crate::passport;

/// Shows a contact: what it is, how to reach it, what it can see
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact show \"Campus Medical\"")]
pub(crate) struct Show {
    /// The contact: its name, or the first letters of its id
    #[arg(value_name = "CONTACT")]
    contact: String,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { contact } = self;
        let passport = passport::open(app)?;
        let (id, contact) = passport::contact(&passport, &contact)?;
        let line = ContactLine::of(id, &contact)?;
        app.output().answer(&line, |line| {
            let mut text = line.words();
            let _ = writeln!(text, "Four words: {}", line.phrase);
            for (what, said) in
                [("Offers", &contact.card.services), ("How to reach it", &contact.card.contact)]
            {
                if let Some(said) = said {
                    let _ = writeln!(text, "{what}: {}", neutralise_line(said));
                }
            }
            for grant in passport.grants(app.now()) {
                if grant.grant.organisation == id && grant.state == GrantState::Active {
                    let title = grant.grant.section.spec().title;
                    let right = consent::can(grant.grant.can);
                    let _ = writeln!(text, "May {right}: {title}");
                }
            }
            text
        })
    }
}
