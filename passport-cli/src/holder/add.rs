//! `passport add`.

use std::path::PathBuf;

use clap::Args;
use passport_core::holder::NewEntry;
use passport_core::section::SectionName;

use crate::added::{Added, notice_of};
use crate::app::App;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::help;
use crate::passport;
use crate::rng::os_rng;

/// Adds an entry to a section
///
/// If the section is shared, you are told who will see the entry, and asked.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport add medications --set item=Sertraline --set dose=\"50 mg\"\n\
\x20 passport add x-diary --text \"Slept well\"\n\
\x20 passport add documents --set title=\"Letter from the clinic\""))]
pub(crate) struct Add {
    /// The section, for example `medications`
    #[arg(value_name = "SECTION")]
    section: SectionName,
    /// The kind of entry, where the section holds several; the usual one when left out
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    set: Vec<Assignment>,
    /// A longer text: what you would write on paper
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Keeps a file with the entry; can be given several times
    #[arg(long = "attach", value_name = "FILE")]
    attachments: Vec<PathBuf>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { section, kind, set, text, attachments } = self;
        let kind = fields::kind(&section, kind.as_deref())?;
        let fields = fields::typed(kind, &set, text.as_deref())?;
        fields::complete(kind, &fields)?;
        if !attachments.is_empty() {
            return Err(CliError::user("files cannot be kept with an entry in this version yet")
                .hint("write what they say with --text; nothing was changed"));
        }
        let mut passport = passport::open_for(app, std::slice::from_ref(&section))?;
        let entry = NewEntry {
            section,
            kind: kind.name.to_owned(),
            fields: fields
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect(),
        };
        let notice = notice_of(&entry);
        let entries: Vec<NewEntry> = core::iter::once(entry).chain(notice).collect();
        let sections: Vec<SectionName> = entries.iter().map(|e| e.section.clone()).collect();
        passport::ask_who_sees(app, &passport, &sections)?;
        let ids = passport.add(&entries, app.now(), &mut os_rng()?)?;
        let added = Added::new(ids.into_iter().zip(sections));
        app.output().answer(&added, Added::words)
    }
}
