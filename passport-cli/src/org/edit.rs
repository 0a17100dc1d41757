//! `passport org edit`.

use clap::Args;
use passport_core::author::Author;
use passport_core::discharge::{NOTICES, NoticeAfter};
use passport_core::receipt::Access;
use passport_core::section::Value;

use super::desk;
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::output;
use crate::rng::os_rng;

/// Changes an entry that the organisation recorded, or one in a shared plan
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org edit 4f2a91c3 --set dose=\"100 mg\"")]
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
        app.actor()?;
        let mut party = desk::open(app)?;
        let found = desk::entry(&mut party, None, &entry)?;
        let kind = fields::kind(&found.section, Some(&found.entry.kind))?;
        let fields: Vec<(String, Option<Value>)> = fields::typed(kind, &set, None)?
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let own = found.entry.author == Author::Organisation(party.id());
        let others: Vec<String> = found
            .entry
            .changed_since_signed()
            .into_iter()
            .filter(|field| own && !fields.iter().any(|(set, _)| set == field))
            .collect();
        if !others.is_empty() {
            // The signature is over the whole entry: nobody vouches for another's words unasked.
            let named = others.join(", ");
            app.confirm().ask(&format!(
                "Others changed {named} since your organisation signed it, and its signature \
                 will cover that too. Go on?"
            ))?;
        }
        let (id, mut rng) = (found.entry.id, os_rng()?);
        let notice = party
            .edit(found.student.id, id, &fields, app.now(), &mut rng)
            .map_err(|error| fault::writing(error, &found.student.name, &found.section))?;
        let mut opened = vec![found.section];
        if matches!(notice, NoticeAfter::Updated { .. }) {
            opened.extend(NOTICES.parse());
        }
        desk::audit(&mut party, app, found.student.id, &opened, Access::Recorded)?;
        output::edited(app, id, notice)
    }
}
