//! `passport import`.

mod link;
mod source;

use std::path::{Path, PathBuf};

use clap::Args;
use passport_core::attachment::{Filed, object_of};
use passport_core::fhir::import::{self, Draft, Subject};
use passport_core::fhir::{Existing, Holder, Identity, Step, plan, same_person as same_person_as};
use passport_core::holder::{FieldChange, NewEntry};
use passport_core::id::EntryId;
use passport_core::section::{SectionName, Value};

use crate::added::{Added, Placed, Skipped};
use crate::app::App;
use crate::attached;
use crate::error::CliError;
use crate::passport::{self, Passport};
use crate::rng::os_rng;
use link::Opener;
use source::{Reader, called};

/// Takes in a health record from a file, a health card or a link, and says what went where
///
/// Of a SMART Health Card the issuer is not asked; `--issuer-keys` holds its signature against
/// keys that you have. A SMART Health Link is opened over https at the address in it. A link in a
/// file is seen by fewer than one on the command line.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport import record.json --dry-run\n\
\x20 passport import record.json\n\
\x20 passport import letter.pdf\n\
\x20 passport import vaccinations.smart-health-card --issuer-keys jwks.json\n\
\x20 passport import link.txt --passcode 4711 --recipient \"Ada Example\"")]
pub(crate) struct Import {
    /// The files: FHIR in JSON or XML, a letter or picture as it is, a SMART Health Card, or the
    /// text of its code (shc:/…) or of a SMART Health Link (shlink:/…), which may stand here
    /// itself; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Only says what would happen
    #[arg(long)]
    dry_run: bool,
    /// Takes the file although it names another person than you
    #[arg(long)]
    same_person: bool,
    /// Keys of a health card's issuer (a JWK set): a card that they did not sign is refused
    #[arg(long, value_name = "FILE")]
    issuer_keys: Option<PathBuf>,
    /// What a link asks for beside itself
    #[arg(long, value_name = "P")]
    passcode: Option<String>,
    /// Who opens a link, as whoever made it is told
    #[arg(long, value_name = "NAME", default_value = "a student passport")]
    recipient: String,
}

impl Import {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let dry_run = self.dry_run;
        let mut passport = passport::open(app)?;
        let existing = existing(&mut passport)?;
        let mut answer = Added::new(core::iter::empty());
        let drafts = self.read(app, &holder(&existing), &mut answer)?;
        let mut work = Work::of(plan(drafts, &existing), &existing, &mut passport)?;
        answer.skipped.append(&mut work.skipped);
        let mut touched: Vec<SectionName> =
            work.entries.iter().map(|e| e.section.clone()).collect();
        touched.extend(work.changes.iter().map(|(_, section, _)| section.clone()));
        touched.sort();
        touched.dedup();
        let mut ids = Vec::new();
        if !dry_run && !touched.is_empty() {
            passport::ask_who_sees(app, &passport, &touched)?;
            let changes: Vec<(EntryId, Vec<FieldChange>)> =
                work.changes.iter().map(|(id, _, fields)| (*id, fields.clone())).collect();
            let files = core::mem::take(&mut work.files);
            ids = passport.merge(&work.entries, &changes, files, app.now(), &mut os_rng()?)?;
        }
        let mut ids = ids.into_iter();
        let new = work.entries.into_iter().map(|e| {
            let field = |name: &str| e.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v);
            Placed::named(ids.next(), e.section.clone(), &e.kind, field)
        });
        answer.entries.extend(new);
        let placed = |id, section: SectionName| {
            let Some(there) = existing.iter().find(|e| e.id == id) else {
                return Placed { id: Some(id), section, kind: None, name: None };
            };
            Placed::named(Some(id), section, &there.kind, |name| there.fields.get(name))
        };
        answer.updated.extend(work.changes.into_iter().map(|(id, s, _)| placed(id, s)));
        answer.kept.extend(work.kept.into_iter().map(|(id, s)| placed(id, s)));
        if dry_run {
            app.output().say("Nothing was changed; this is what would happen:");
            return app.output().answer(&answer, Added::planned);
        }
        app.output().answer(&answer, Added::words)
    }

    /// What is in the files, all of which are about the holder.
    fn read(&self, app: &App, holder: &Holder, answer: &mut Added) -> Result<Vec<Draft>, CliError> {
        let opener = Opener { recipient: &self.recipient, passcode: self.passcode.as_deref() };
        let reader = Reader::new(app, self.issuer_keys.as_ref(), opener)?;
        let mut drafts = Vec::new();
        for file in &self.files {
            let source = reader.read(file)?;
            answer.cards.extend(source.cards);
            answer.skipped.extend(source.skipped);
            for document in &source.documents {
                if let Some(document) = attached::document(file, document) {
                    drafts.push(document);
                    continue;
                }
                let read = import::read(document).map_err(|source| {
                    CliError::user(format!("{} cannot be taken in", called(file)))
                        .caused_by(source)
                        .hint("nothing was changed")
                })?;
                check_person(&read.subject, holder, file, self.same_person)?;
                answer.skipped.extend(read.skipped.iter().map(|s| Skipped {
                    resource: s.resource.clone(),
                    reason: s.reason.to_string(),
                }));
                drafts.extend(read.drafts);
            }
        }
        Ok(drafts)
    }
}

/// Everything there is, as an import compares it; a field in conflict has no value.
fn existing(passport: &mut Passport) -> Result<Vec<Existing>, CliError> {
    let mut all = Vec::new();
    for section in passport.sections() {
        for entry in passport.view(&section)?.entries {
            let settled = entry
                .fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), field.settled()?.value.clone())));
            let fields = settled.collect();
            all.push(Existing { id: entry.id, section: section.clone(), kind: entry.kind, fields });
        }
    }
    Ok(all)
}

/// Who the student is, as `identity` says.
fn holder(existing: &[Existing]) -> Holder {
    let mut holder = Holder::default();
    for person in existing.iter().filter(|e| e.section.as_str() == "identity") {
        for field in ["name", "known_as", "former_name"] {
            if let Some(Value::Text(name)) = person.fields.get(field) {
                holder.names.push(name.clone());
            }
        }
        if let Some(Value::Date(date)) = person.fields.get("date_of_birth") {
            holder.date_of_birth.get_or_insert_with(|| date.clone());
        }
        if let Some(Value::Text(number)) = person.fields.get("nhs_number") {
            holder.nhs_number = holder.nhs_number.take().or_else(|| number.parse().ok());
        }
    }
    holder
}

/// Stops where a file names another person.
fn check_person(
    subject: &Subject,
    holder: &Holder,
    file: &Path,
    same_person: bool,
) -> Result<(), CliError> {
    match same_person_as(subject, holder) {
        Identity::Other { why } if !same_person => {
            Err(CliError::user(format!("{} is about another person", called(file)))
                .caused_by(why)
                .hint("if it is about you all the same, say so with --same-person")
                .hint("nothing was changed"))
        }
        Identity::Same | Identity::Unknown | Identity::Other { .. } => Ok(()),
    }
}

/// What an import comes to.
struct Work {
    entries: Vec<NewEntry>,
    changes: Vec<(EntryId, SectionName, Vec<FieldChange>)>,
    kept: Vec<(EntryId, SectionName)>,
    files: Vec<Filed>,
    skipped: Vec<Skipped>,
}

impl Work {
    fn of(
        steps: Vec<Step>,
        existing: &[Existing],
        passport: &mut Passport,
    ) -> Result<Self, CliError> {
        let mut work = Self {
            entries: Vec::new(),
            changes: Vec::new(),
            kept: Vec::new(),
            files: Vec::new(),
            skipped: Vec::new(),
        };
        for step in steps {
            match step {
                Step::Add(mut draft) => {
                    let file = work.file(&mut draft, None, passport)?;
                    let fields = draft.fields.into_iter().map(|(n, v)| (n.to_owned(), v));
                    work.entries.push(NewEntry {
                        section: draft.section,
                        kind: draft.kind.to_owned(),
                        fields: fields.chain(file).collect(),
                    });
                }
                Step::Known { id, draft } => {
                    work.update(id, draft, Vec::new(), existing, passport)?;
                }
                Step::Update { id, changes, draft } => {
                    let (_, now) = passport.find(id)?;
                    let has =
                        |n: &str| existing.iter().any(|e| e.id == id && e.fields.contains_key(n));
                    let contested =
                        |n: &str| now.fields.get(n).is_some_and(|f| f.settled().is_none());
                    // What the student says of themself is not overwritten by a file, and no
                    // file chooses between values that stand against each other.
                    let own = draft.kind == "person";
                    let wanted = |n: &str| !(contested(n) || own && has(n));
                    let fields: Vec<FieldChange> = changes
                        .into_iter()
                        .filter(|(name, _)| wanted(name))
                        .map(|(name, value)| (name.to_owned(), Some(value)))
                        .collect();
                    work.update(id, draft, fields, existing, passport)?;
                }
            }
        }
        Ok(work)
    }

    /// Notes what changes in an entry that is there: fields, and its file if that is another one.
    fn update(
        &mut self,
        id: EntryId,
        mut draft: Draft,
        mut fields: Vec<FieldChange>,
        existing: &[Existing],
        passport: &mut Passport,
    ) -> Result<(), CliError> {
        let there = existing.iter().find(|e| e.id == id);
        let file = self.file(&mut draft, there, passport)?;
        fields.extend(file.map(|(name, value)| (name, Some(value))));
        if fields.is_empty() {
            self.kept.push((id, draft.section));
        } else {
            self.changes.push((id, draft.section, fields));
        }
        Ok(())
    }

    /// Takes in the file that came with an entry, unless the entry that is there has it already.
    fn file(
        &mut self,
        draft: &mut Draft,
        there: Option<&Existing>,
        passport: &mut Passport,
    ) -> Result<Option<(String, Value)>, CliError> {
        let Some(enclosed) = draft.enclosed.take() else { return Ok(None) };
        let named = there.into_iter().flat_map(|e| e.fields.values()).find_map(|value| {
            if let Value::Attachment(file) = value { Some(file.object) } else { None }
        });
        if named == Some(object_of(&enclosed.bytes)) {
            return Ok(None);
        }
        let filing = passport.begin_file(&draft.section, &mut os_rng()?);
        match attached::take_in_enclosed(&draft.section, draft.kind, enclosed, filing) {
            Ok((field, filed)) => {
                let filed = passport.place_file(&draft.section, filed)?;
                let value = Value::Attachment(filed.attachment.clone());
                self.files.push(filed);
                Ok(Some((field.to_owned(), value)))
            }
            Err(reason) => {
                self.skipped.push(Skipped { resource: draft.resource.clone(), reason });
                Ok(None)
            }
        }
    }
}
