//! `passport org export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use passport_core::fhir::export::{
    ExportConsent, ExportEntry, ExportOrganisation, ExportSubject, Present, Summary, bundle,
    summary,
};
use passport_core::organisation::{HeldState, StudentName};
use passport_core::receipt::Access;
use passport_core::section::display::display_value;
use passport_core::section::{Attachment, SectionName};
use passport_core::view::View;
use serde_json::json;

use super::desk::{self, Party};
use super::send::Sending;
use super::show::holder;
use crate::app::App;
use crate::choice::OrgFormat;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::exporting;
use crate::files;
use crate::pack::{self, Pack};
use crate::page::{self, Page};

/// Writes what a student shares to a file for another system, or sends it to a FHIR server
///
/// A file is not encrypted. The export is noted with your staff name in your own log; what a
/// server did not take is noted there as attempted, and students are not told of it.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format ips -o ada.json\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format practice-pack -o ada\n\
\x20 passport org --actor j.smith export Ada --format fhir --to https://fhir.example/r4")]
pub(crate) struct Export {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: OrgFormat,
    /// The file to write, or the new folder for `practice-pack`; standard output when left out
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sends it to a FHIR server instead, where sending it again creates nothing twice
    #[arg(long, value_name = "FHIR-BASE-URL", conflicts_with = "output")]
    to: Option<String>,
    /// Writes over what was sent there before, also what somebody changed there since
    #[arg(long, requires = "to")]
    update: bool,
    /// A file that holds the token for that server
    #[arg(long, value_name = "FILE", requires = "to")]
    token_file: Option<PathBuf>,
}

impl Export {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, format, output, to, update, token_file } = self;
        app.actor()?;
        if to.is_some() && format != OrgFormat::Fhir {
            return Err(CliError::usage("a FHIR server takes `--format fhir` alone"));
        }
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let views = in_force(&mut party, app, &student)?;
        let conflicts = exporting::conflicts(&views);
        let form = format.to_possible_value().map(|v| v.get_name().to_owned());
        let sections: Vec<SectionName> = views.iter().map(|v| v.section.clone()).collect();
        let mut answer = json!({ "format": form, "sections": sections, "conflicts": conflicts });
        let mut tell = |name: &str, value: serde_json::Value| {
            if let Some(members) = answer.as_object_mut() {
                members.insert(name.to_owned(), value);
            }
        };
        let note = |party: &mut Party, what| desk::audit(party, app, student.id, &sections, what);
        let said = if let Some(base) = to {
            let collection = collection(&party, app, &student, &views)?;
            let present = if update { Present::Replaced } else { Present::Kept };
            let token = token_file.as_deref();
            let sending = Sending::new(app, &party, &student, &collection, present, token)?;
            let sent = sending.to(app, &base, |what| note(&mut party, what))?;
            tell("server", json!(base));
            tell("created", json!(sent.taken.created));
            tell("updated", json!(sent.taken.replaced));
            tell("there", json!(sent.taken.kept));
            tell("left_out", json!(sent.left_out));
            sent.words()
        } else if format == OrgFormat::PracticePack {
            let pack = packed(&party, app, &student, &views)?;
            let folder = output.unwrap_or_else(|| "-".into());
            note(&mut party, Access::Exported)?;
            let files = pack.write(&folder)?;
            tell("file", json!(folder));
            tell("files", json!(files));
            let place = folder.display();
            format!(
                "Exported to {place}. Its files are not encrypted: they now are yours to protect."
            )
        } else {
            let content = match format {
                OrgFormat::Html | OrgFormat::Pdf => {
                    document(&party, app, &student, &views, format)?
                }
                OrgFormat::Csv => pack::table(&views)?,
                OrgFormat::Fhir | OrgFormat::Ips | OrgFormat::PracticePack => {
                    fhir(&party, app, &student, &views, format)?
                }
            };
            note(&mut party, Access::Exported)?;
            let file = output.unwrap_or_else(|| "-".into());
            files::write(&file, &content)?;
            if file == Path::new("-") {
                return Ok(());
            }
            tell("file", json!(file));
            let place = file.display();
            format!("Exported to {place}. The file is not encrypted: it now is yours to protect.")
        };
        app.output().answer(&answer, |_| said)
    }
}

/// What was received under a consent in force; what was not is not handed on, and that is said.
fn in_force(party: &mut Party, app: &App, student: &StudentName) -> Result<Vec<View>, CliError> {
    let views = desk::views(party, student)?;
    let in_force = |v: &View| desk::ended(party, student.id, &v.section, app.now()).is_none();
    let (views, ended): (Vec<View>, Vec<View>) = views.into_iter().partition(in_force);
    for view in &ended {
        let title = view.section.spec().title;
        app.output().say(&format!("{title} is left out: the consent for it has ended."));
    }
    if views.is_empty() {
        return Err(CliError::new(ExitCode::NoGrant, "no consent in force to export under")
            .hint("`passport org students` lists what is shared with you, and until when"));
    }
    Ok(views)
}

/// What goes into a folder for a practice's inbox.
fn packed(
    party: &Party,
    app: &App,
    student: &StudentName,
    views: &[View],
) -> Result<Pack, CliError> {
    Ok(Pack {
        name: student.name.clone(),
        pdf: document(party, app, student, views, OrgFormat::Pdf)?,
        html: document(party, app, student, views, OrgFormat::Html)?,
        ips: fhir(party, app, student, views, OrgFormat::Ips)?,
        fhir: fhir(party, app, student, views, OrgFormat::Fhir)?,
        codes: pack::codes(views)?,
        at: app.now(),
    })
}

/// What is shared as a document for people.
fn document(
    party: &Party,
    app: &App,
    student: &StudentName,
    views: &[View],
    format: OrgFormat,
) -> Result<Vec<u8>, CliError> {
    let mut who = holder(party, student, app.now());
    let identity = views.iter().filter(|v| v.section.as_str() == "identity");
    let born = identity.flat_map(|v| &v.entries).find_map(|e| {
        e.fields.get("date_of_birth")?.settled().map(|version| display_value(&version.value))
    });
    who.extend(born.map(|date| ("date_of_birth", date)));
    let page = Page::of(&who, views, app.now());
    if format == OrgFormat::Html {
        return Ok(page::html::write(&page).into_bytes());
    }
    Ok(page::pdf::write(&page, app.now())?)
}

/// What is shared as a FHIR bundle or as a patient summary. Every value of a field in conflict is
/// in its narrative, and that is told.
fn fhir(
    party: &Party,
    app: &App,
    student: &StudentName,
    views: &[View],
    format: OrgFormat,
) -> Result<Vec<u8>, CliError> {
    let subject = subject(party, student);
    let entries = entries(party, app, student, views)?;
    let open = exporting::conflicts(views).len();
    if open > 0 {
        app.output().say(&format!(
            "{open} fields have several values, which stand in the narrative alone; `passport org conflicts` lists them."
        ));
    }
    if format != OrgFormat::Ips {
        return Ok(format!("{:#}\n", bundle(&subject, &entries, app.now())).into_bytes());
    }
    let grants = party.grants();
    let held = || grants.iter().filter(|g| g.grant.passport == student.id);
    let sections: Vec<SectionName> = views.iter().map(|v| v.section.clone()).collect();
    let card = party.card();
    let organisation = ExportOrganisation {
        id: card.id().to_string(),
        name: card.name.clone(),
        ods: card.ods.clone(),
    };
    let consents: Vec<ExportConsent> = held()
        .filter(|g| sections.contains(&g.grant.section))
        .filter(|g| g.state(app.now()) == HeldState::Active)
        .map(|g| ExportConsent {
            id: g.grant.id.to_string(),
            section: g.grant.section.clone(),
            purpose: g.grant.purpose.clone(),
            from: g.grant.from,
            until: g.grant.until,
        })
        .collect();
    let document = summary(&Summary {
        subject: &subject,
        entries: &entries,
        sections: &sections,
        organisation: Some(&organisation),
        consents: &consents,
        at: app.now(),
    });
    Ok(format!("{document:#}\n").into_bytes())
}

/// The entries of what is shared, with the content of their files.
fn entries(
    party: &Party,
    app: &App,
    student: &StudentName,
    views: &[View],
) -> Result<Vec<ExportEntry>, CliError> {
    let mut entries = exporting::entries(views, student.id);
    let read = |file: &Attachment| exporting::content(party.file(student.id, file));
    let out = exporting::enclose(&mut entries, exporting::FILES_BYTES, read)?;
    exporting::tell_left_out(app, out, "passport org save");
    Ok(entries)
}

/// Whose record it is, as far as the consents say.
fn subject(party: &Party, student: &StudentName) -> ExportSubject {
    let grants = party.grants();
    let mut given = grants.iter().filter(|g| g.grant.passport == student.id);
    ExportSubject {
        name: Some(student.name.clone()),
        date_of_birth: None,
        nhs_number: given.find_map(|g| g.grant.nhs_number.clone()),
    }
}

/// What is shared as a FHIR bundle.
fn collection(
    party: &Party,
    app: &App,
    student: &StudentName,
    views: &[View],
) -> Result<serde_json::Value, CliError> {
    Ok(bundle(&subject(party, student), &entries(party, app, student, views)?, app.now()))
}
