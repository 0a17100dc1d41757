//! `passport add`.

use std::path::{Path, PathBuf};

use clap::Args;
use passport_core::holder::NewEntry;
use passport_core::id::EntryId;
use passport_core::section::{FieldKind, KindSpec, SectionName, Value};

use crate::added::{Added, notice_of};
use crate::app::App;
use crate::attached;
use crate::error::CliError;
use crate::fields::{self, Assignment, Fields};
use crate::help;
use crate::passport::{self, Passport};
use crate::rng::os_rng;

/// Adds an entry to a section
///
/// If the section is shared, you are told who will see the entry, and asked.
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport add medications --set item=Sertraline --set dose=\"50 mg\"\n\
\x20 passport add x-diary --text \"Slept well\"\n\
\x20 passport add documents --set title=\"Letter from the clinic\" --attach letter.pdf"))]
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
    /// Keeps a file with the entry, up to 25 MiB; each further one makes an entry of its own
    #[arg(long = "attach", value_name = "FILE")]
    attachments: Vec<PathBuf>,
}

impl Add {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { section, kind, set, text, attachments } = self;
        let kind = fields::kind(&section, kind.as_deref())?;
        let mut fields = fields::typed(kind, &set, text.as_deref())?;
        if !attachments.is_empty() {
            attached::field_of(kind)?;
            attached::check_sizes(&attachments)?;
            name_after(kind, &mut fields, attachments.first());
        }
        fields::complete(kind, &fields)?;
        let fields: Vec<(String, Value)> = fields
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect();
        let mut passport = passport::open_for(app, std::slice::from_ref(&section))?;
        let entry = NewEntry { section, kind: kind.name.to_owned(), fields };
        let notice = notice_of(&entry);
        let mut entries: Vec<NewEntry> = core::iter::once(entry).chain(notice).collect();
        let mut sections: Vec<SectionName> = entries.iter().map(|e| e.section.clone()).collect();
        passport::ask_who_sees(app, &passport, &sections)?;
        let mut ids = Vec::new();
        if attachments.is_empty() {
            ids = passport.add(&entries, app.now(), &mut os_rng()?)?;
        } else if let Some(entry) = entries.pop() {
            sections = vec![entry.section.clone(); attachments.len()];
            for file in &attachments {
                ids.extend(with_file(app, &mut passport, kind, &entry, file)?);
            }
        }
        let added = Added::new(ids.into_iter().zip(sections));
        app.output().answer(&added, Added::words)
    }
}

/// Names an entry after its file, where it has no other name.
fn name_after(kind: &KindSpec, fields: &mut Fields, file: Option<&PathBuf>) {
    let name = file.and_then(|path| path.file_name()).map(|name| name.to_string_lossy());
    let label = kind.field(kind.label).filter(|label| label.kind == FieldKind::Text);
    if let (Some(name), Some(label)) = (name, label) {
        let limit = passport_core::section::limits::TEXT;
        let name = name.chars().take(limit / 4).collect();
        fields.entry(label.name).or_insert(Some(Value::Text(name)));
    }
}

/// Adds an entry with one file, in one write.
fn with_file(
    app: &App,
    passport: &mut Passport,
    kind: &KindSpec,
    entry: &NewEntry,
    path: &Path,
) -> Result<Vec<EntryId>, CliError> {
    let mut rng = os_rng()?;
    let filed = attached::take_in(path, passport.begin_file(&entry.section, &mut rng))?;
    let filed = passport.place_file(&entry.section, filed)?;
    let file = Value::Attachment(filed.attachment.clone());
    let mut entry = entry.clone();
    entry.fields.push((attached::field_of(kind)?.to_owned(), file));
    Ok(passport.merge(&[entry], &[], vec![filed], app.now(), &mut rng)?)
}
