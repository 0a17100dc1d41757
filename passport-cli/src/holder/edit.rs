//! `passport edit`.

use clap::Args;
use passport_core::discharge::{DISCHARGES, NOTICES, is_noticed};
use passport_core::holder::FieldChange;

use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::output;
use crate::passport;
use crate::rng::os_rng;

/// Changes fields of an entry
///
/// A discharge's notice changes with it. An empty value clears the field. What it said before stays in `passport history`.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport edit sertraline --set dose=\"100 mg\"\n\
\x20 passport edit 4f2a91c3 --set stopped=2026-10-03 --set reason=")]
pub(crate) struct Edit {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required = true)]
    set: Vec<Assignment>,
}

impl Edit {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, set } = self;
        let mut passport = passport::open(app)?;
        let (section, entry) = passport::entry(&mut passport, &entry)?;
        let kind = fields::kind(&section, Some(&entry.kind))?;
        let changes: Vec<FieldChange> = fields::typed(kind, &set, None)?
            .into_iter()
            .map(|(field, value)| (field.to_owned(), value))
            .collect();
        let mut touched = vec![section];
        if touched.iter().any(|s| s.as_str() == DISCHARGES)
            && changes.iter().any(|(f, _)| is_noticed(f))
        {
            touched.extend(NOTICES.parse());
        }
        passport::ask_who_sees(app, &passport, &touched)?;
        let notice = passport.edit(entry.id, &changes, app.now(), &mut os_rng()?)?;
        output::edited(app, entry.id, notice)
    }
}
