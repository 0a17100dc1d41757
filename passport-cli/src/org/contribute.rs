//! `passport org contribute`.

use std::path::PathBuf;

use clap::Args;
use passport_core::id::EntryId;
use passport_core::organisation::StudentName;
use passport_core::receipt::Access;
use passport_core::section::{SectionName, Value};
use serde_json::json;

use super::desk::{self, Party};
use super::fault;
use super::incoming::{self, Adding, Incoming};
use crate::app::App;
use crate::attached;
use crate::error::CliError;
use crate::fields::{self, Assignment};
use crate::help;
use crate::names::short;
use crate::rng::os_rng;

/// Adds an entry to a student's record, signed by the organisation
#[derive(Args)]
#[command(after_help = help::with_sections("Examples:\n\
\x20 passport org contribute \"Ada Example\" medications --set item=Sertraline --set dose=\"50 mg\"\n\
\x20 passport org contribute \"Ada Example\" documents --set title=Letter --attach letter.pdf\n\
\x20 passport org contribute \"Ada Example\" discharges --from discharge.json"))]
pub(crate) struct Contribute {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The section, for example `medications`
    #[arg(value_name = "SECTION")]
    section: SectionName,
    /// The kind of entry, where the section holds several; the usual one when left out
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Fills a field; can be given several times
    #[arg(long = "set", value_name = "FIELD=VALUE", required_unless_present = "from")]
    set: Vec<Assignment>,
    /// Keeps a file with the entry, up to 25 MiB
    #[arg(long = "attach", value_name = "FILE")]
    attachment: Option<PathBuf>,
    /// Takes the entries from a FHIR file instead
    #[arg(long, value_name = "FHIR-FILE", conflicts_with_all = ["set", "attachment"])]
    from: Option<PathBuf>,
}

impl Contribute {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, section, kind, set, attachment, from } = self;
        let kind = fields::kind(&section, kind.as_deref())?;
        let fields = fields::typed(kind, &set, None)?;
        if from.is_none() {
            fields::complete(kind, &fields)?;
        }
        let field = attachment.as_ref().map(|_| attached::field_of(kind)).transpose()?;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        writable(&party, &student, &section, app)?;
        let mut incoming = if let Some(file) = from {
            incoming::read(&mut party, &student, &section, &file)?
        } else {
            let mut fields: Vec<(String, Value)> =
                fields.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v?))).collect();
            let mut kept = None;
            if let (Some(path), Some(field)) = (&attachment, field) {
                let filing = party.begin_file(student.id, &section, &mut os_rng()?);
                let file = attached::take_in(path, filing.map_err(fault::refused)?)?;
                fields.push((field.to_owned(), Value::Attachment(file.attachment.clone())));
                kept = Some(file);
            }
            let add = vec![Adding { kind: kind.name, fields, file: kept }];
            Incoming { add, update: Vec::new(), skipped: Vec::new() }
        };
        let to = To { student: &student, section: &section };
        let recorded = record(&mut party, app, &to, &mut incoming)?;
        if !recorded.is_empty() {
            desk::audit(&mut party, app, student.id, [&section], Access::Recorded)?;
        }
        let entries: Vec<_> =
            recorded.iter().map(|(section, id)| json!({ "id": id, "section": section })).collect();
        let answer = json!({ "entries": entries, "skipped": incoming.skipped });
        app.output().answer(&answer, |_| words(&student, &recorded, &incoming))
    }
}

/// Where the entries go.
struct To<'a> {
    student: &'a StudentName,
    section: &'a SectionName,
}

fn writable(
    party: &Party,
    student: &StudentName,
    section: &SectionName,
    app: &App,
) -> Result<(), CliError> {
    if party.may_write(student.id, section, app.now()) {
        return Ok(());
    }
    Err(if party.sections(student.id).contains(section) {
        fault::not_writable(&student.name, section)
    } else {
        fault::never_shared(&student.name, section)
    })
}

fn record(
    party: &mut Party,
    app: &App,
    to: &To<'_>,
    incoming: &mut Incoming,
) -> Result<Vec<(SectionName, EntryId)>, CliError> {
    let (mut rng, now) = (os_rng()?, app.now());
    let refused = |error| fault::writing(error, &to.student.name, to.section);
    let mut recorded = Vec::new();
    for Adding { kind, fields, file } in incoming.add.drain(..) {
        let (student, with) = (to.student.id, (&fields[..], file));
        let added = party.contribute_with_file(student, to.section, kind, with, now, &mut rng);
        recorded.extend(added.map_err(refused)?);
    }
    for (entry, fields) in &incoming.update {
        party.edit(to.student.id, *entry, fields, now, &mut rng).map_err(refused)?;
        recorded.push((to.section.clone(), *entry));
    }
    Ok(recorded)
}

fn words(
    student: &StudentName,
    recorded: &[(SectionName, EntryId)],
    incoming: &Incoming,
) -> String {
    use passport_core::section::display::neutralise_line as line;
    let mut text: Vec<String> = recorded
        .iter()
        .map(|(section, id)| format!("Recorded in {section}  [{}]", short(&id.to_string())))
        .collect();
    if recorded.is_empty() {
        text.push("Nothing was added.".to_owned());
    } else {
        text.push(format!(
            "Signed by your organisation; `passport org sync` sends it to {}.",
            line(&student.name)
        ));
    }
    let skipped = incoming.skipped.iter();
    text.extend(skipped.map(|s| format!("Not added: {}: {}", line(&s.resource), s.reason)));
    text.join("\n")
}
