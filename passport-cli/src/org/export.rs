//! `passport org export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use passport_core::fhir::export::{
    ExportConsent, ExportOrganisation, ExportSubject, Summary, bundle, summary,
};
use passport_core::organisation::{HeldState, StudentName};
use passport_core::receipt::Access;
use passport_core::section::SectionName;
use passport_core::section::display::display_value;
use passport_core::view::View;
use serde_json::json;

use super::desk::{self, Party};
use super::show::holder;
use crate::app::App;
use crate::choice::OrgFormat;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::exporting;
use crate::files;
use crate::page::{self, Page};

/// Writes what a student shares to a file for another system
///
/// The file is not encrypted. The export is noted with your staff name in your own log.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format ips -o ada.json\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format pdf -o ada.pdf")]
pub(crate) struct Export {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The form
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: OrgFormat,
    /// The file to write; standard output when left out
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Sends it to a FHIR server instead
    #[arg(long, value_name = "FHIR-BASE-URL", conflicts_with = "output")]
    to: Option<String>,
}

impl Export {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, format, output, to } = self;
        app.actor()?;
        let unwritten = matches!(format, OrgFormat::Csv | OrgFormat::PracticePack);
        if unwritten || to.is_some() {
            return Err(CliError::usage("this form of export is not in this version yet")
                .hint("`-o FILE` with `--format ips`, `fhir`, `html` or `pdf` writes a file"));
        }
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let views = desk::views(&mut party, &student)?;
        // What was received under a consent that has ended is not handed on, and that is said.
        let in_force = |v: &View| desk::ended(&party, student.id, &v.section, app.now()).is_none();
        let (views, ended): (Vec<View>, Vec<View>) = views.into_iter().partition(in_force);
        for view in &ended {
            let title = view.section.spec().title;
            app.output().say(&format!("{title} is left out: the consent for it has ended."));
        }
        if views.is_empty() {
            return Err(CliError::new(ExitCode::NoGrant, "no consent in force to export under")
                .hint("`passport org students` lists what is shared with you, and until when"));
        }
        let content = match format {
            OrgFormat::Html | OrgFormat::Pdf => document(&party, app, &student, &views, format)?,
            OrgFormat::Fhir | OrgFormat::Ips | OrgFormat::Csv | OrgFormat::PracticePack => {
                fhir(&party, app, &student, &views, format)
            }
        };
        let handed_on = views.iter().map(|v| &v.section);
        desk::audit(&mut party, app, student.id, handed_on, Access::Exported)?;
        let file = output.unwrap_or_else(|| "-".into());
        files::write(&file, &content)?;
        if file == Path::new("-") {
            return Ok(());
        }
        let conflicts = exporting::conflicts(&views);
        let sections: Vec<SectionName> = views.into_iter().map(|v| v.section).collect();
        let place = file.display().to_string();
        let form = format.to_possible_value().map(|v| v.get_name().to_owned());
        let answer =
            json!({ "file": place, "format": form, "sections": sections, "conflicts": conflicts });
        app.output().answer(&answer, |_| {
            format!("Exported to {place}. The file is not encrypted: it now is yours to protect.")
        })
    }
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
) -> Vec<u8> {
    let grants = party.grants();
    let held = || grants.iter().filter(|g| g.grant.passport == student.id);
    let subject = ExportSubject {
        name: Some(student.name.clone()),
        date_of_birth: None,
        nhs_number: held().find_map(|g| g.grant.nhs_number.clone()),
    };
    let entries = exporting::entries(views, student.id);
    let open = exporting::conflicts(views).len();
    if open > 0 {
        app.output().say(&format!(
            "{open} fields have several values, which stand in the narrative alone; `passport org conflicts` lists them."
        ));
    }
    if format != OrgFormat::Ips {
        return format!("{:#}\n", bundle(&subject, &entries, app.now())).into_bytes();
    }
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
    format!("{document:#}\n").into_bytes()
}
