//! `passport resolve`.

use clap::Args;
use passport_core::id::EntryId;
use passport_core::replica::Stance;

use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::output;
use crate::passport::{self, Passport};
use crate::rng::os_rng;

/// Settles a conflict: chooses one of the values, or gives another
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport resolve sertraline dose --choose 1\n\
\x20 passport resolve sertraline dose --value \"75 mg\"")]
pub(crate) struct Resolve {
    /// The entry: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: String,
    /// The field, as `passport conflicts` names it
    #[arg(value_name = "FIELD")]
    field: String,
    /// The number of the value to keep, as `passport conflicts` counts them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    choose: Option<u16>,
    /// Another value instead
    #[arg(
        long,
        value_name = "VALUE",
        conflicts_with = "choose",
        required_unless_present = "choose"
    )]
    value: Option<String>,
}

impl Resolve {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, field, choose, value } = self;
        let mut passport = passport::open(app)?;
        let (section, entry) = passport::entry(&mut passport, &entry)?;
        if field == REMOVAL && entry.stance == Stance::Disputed {
            return settle_removal(app, &mut passport, entry.id, choose);
        }
        let now = entry.fields.get(&field).filter(|f| f.versions.len() > 1).ok_or_else(|| {
            CliError::user(format!("`{field}` of this entry has no conflict"))
                .hint("`passport conflicts` lists those there are")
        })?;
        let kind = fields::kind(&section, Some(&entry.kind))?;
        let chosen = match (choose, value) {
            (Some(number), _) => {
                let version = now.versions.get(usize::from(number).saturating_sub(1));
                let version = version.ok_or_else(|| {
                    CliError::usage(format!(
                        "there are {} values to choose from",
                        now.versions.len()
                    ))
                })?;
                Some(version.value.clone())
            }
            (None, value) => {
                let value = value.unwrap_or_default();
                let assigned = [Assignment { field: field.clone(), value }];
                fields::typed(kind, &assigned, None)?.remove(field.as_str()).flatten()
            }
        };
        passport.resolve(entry.id, &field, chosen, app.now(), &mut os_rng()?)?;
        output::changed(app, entry.id)
    }
}

/// What stands in the place of a field where somebody removed an entry that another changed.
const REMOVAL: &str = "removal";

fn settle_removal(
    app: &App,
    passport: &mut Passport,
    entry: EntryId,
    choose: Option<u16>,
) -> Result<(), CliError> {
    match choose {
        Some(1) => passport.restore(entry, app.now(), &mut os_rng()?)?,
        Some(2) => passport.remove(entry, app.now(), &mut os_rng()?)?,
        _ => return Err(CliError::usage("choose 1 to keep the entry, 2 to remove it")),
    }
    output::changed(app, entry)
}
