//! `passport contact list`.

use clap::Args;

use super::ContactLine;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::table::table;

/// Lists the services and people you know
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport contact list")]
pub(crate) struct List {}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let passport = passport::open(app)?;
        let contacts = passport.fold().contacts.iter();
        let listed = contacts
            .map(|(id, contact)| ContactLine::of(*id, contact))
            .collect::<Result<Vec<_>, _>>()?;
        app.output().answer(&listed, |listed| {
            if listed.is_empty() {
                return "No contacts yet.\n".to_owned();
            }
            let row = |c: &ContactLine| {
                let checked = if c.verified { "yes" } else { "no" };
                let id = c.id.to_string();
                [short(&id).to_owned(), c.name.clone(), c.kind.to_owned(), checked.to_owned()]
            };
            let rows: Vec<[String; 4]> = listed.iter().map(row).collect();
            table(["id", "name", "kind", "words compared"], &rows)
        })
    }
}
