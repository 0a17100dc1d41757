//! `passport share`.

use clap::Args;
use passport_core::section::SectionName;

use crate::app::App;
use crate::choice::Can;
use crate::duration::When;
use crate::error::CliError;
use crate::help;
use crate::pending::pending;

/// Shares sections with a contact, until a date
///
/// You are shown what the contact will see, and asked, before anything is shared. It ends by
/// itself: after 12 months, at a university with the academic year, unless you say otherwise.
/// You can end it at any time with `passport revoke`; what was read before may have been kept.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport share medications allergies --with \"Campus Medical\" --purpose \"term-time care\"\n\
\x20 passport share discharge-notice --with Wellbeing --purpose \"after hospital\" --until 2027-07\n\
\x20 passport share plan --with Wellbeing --purpose \"shared plan\" --can contribute --until \"6 months\""))]
pub(crate) struct Share {
    /// The sections to share
    #[arg(value_name = "SECTION", required = true)]
    sections: Vec<SectionName>,
    /// Who will see them
    #[arg(long = "with", value_name = "CONTACT")]
    contact: String,
    /// What for, in your words; the contact sees it
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// What the contact may do
    #[arg(long, value_enum, default_value = "read", value_name = "RIGHT")]
    can: Can,
    /// When it ends: a date, or a span such as 30d or "6 months"
    #[arg(long, value_name = "DATE|DURATION")]
    until: Option<When>,
    /// Also shows what the sections said before, not only what they say now
    #[arg(long)]
    include_history: bool,
    /// Shares although the contact's four words were never compared
    #[arg(long)]
    unverified: bool,
}

impl Share {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { sections, contact, purpose, can, until, include_history, unverified } = self;
        let until = until.map(|until| until.until(app.now())).transpose();
        let until = until.map_err(|e| CliError::usage("`--until` has no end").caused_by(e))?;
        pending((sections, contact, purpose, can, until, include_history, unverified))
    }
}
