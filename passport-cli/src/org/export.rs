//! `passport org export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use passport_core::fhir::export::{
    ExportConsent, ExportEntry, ExportOrganisation, ExportSubject, Summary, bundle, summary,
};
use passport_core::id::PassportId;
use passport_core::organisation::HeldState;
use passport_core::section::SectionName;
use passport_core::view::View;
use serde_json::json;

use super::desk::{self, Party};
use crate::app::App;
use crate::choice::OrgFormat;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::exporting;
use crate::files;

/// Writes what a student shares to a file for another system
///
/// The file is not encrypted. The export is noted with your staff name in your own log.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport org --actor j.smith export \"Ada Example\" --format ips -o ada.json")]
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
        if !matches!(format, OrgFormat::Fhir | OrgFormat::Ips) || to.is_some() {
            return Err(CliError::usage("this form of export is not in this version yet").hint(
                "`--format ips -o FILE` writes a patient summary, `--format fhir` a bundle",
            ));
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
        let grants = party.grants();
        let subject = ExportSubject {
            name: Some(student.name.clone()),
            date_of_birth: None,
            nhs_number: grants
                .iter()
                .filter(|g| g.grant.passport == student.id)
                .find_map(|g| g.grant.nhs_number.clone()),
        };
        let (entries, open) = exporting::entries(&views, student.id);
        if open > 0 {
            app.output().say(&format!(
                "{open} fields have several values and are left out; `passport org conflicts` lists them."
            ));
        }
        let document = if format == OrgFormat::Ips {
            summarised(app, &party, student.id, &subject, &views, &entries)
        } else {
            bundle(&subject, &entries, app.now())
        };
        for view in &views {
            desk::audit(&mut party, app, student.id, Some(&view.section), "exported")?;
        }
        let text = format!("{document:#}\n");
        let file = output.unwrap_or_else(|| "-".into());
        files::write(&file, text.as_bytes())?;
        if file == Path::new("-") {
            return Ok(());
        }
        let sections: Vec<SectionName> = views.into_iter().map(|v| v.section).collect();
        let place = file.display().to_string();
        let name = format.to_possible_value().map(|v| v.get_name().to_owned());
        let answer = json!({ "file": place, "format": name, "sections": sections });
        app.output().answer(&answer, |_| {
            format!("Exported to {place}. The file is not encrypted: it now is yours to protect.")
        })
    }
}

/// What is exported as a patient summary, with who puts it together and under which consents.
fn summarised(
    app: &App,
    party: &Party,
    student: PassportId,
    subject: &ExportSubject,
    views: &[View],
    entries: &[ExportEntry],
) -> serde_json::Value {
    let sections: Vec<SectionName> = views.iter().map(|v| v.section.clone()).collect();
    let card = party.card();
    let organisation = ExportOrganisation {
        id: card.id().to_string(),
        name: card.name.clone(),
        ods: card.ods.clone(),
    };
    let grants = party.grants();
    let consents: Vec<ExportConsent> = grants
        .iter()
        .filter(|g| g.grant.passport == student && sections.contains(&g.grant.section))
        .filter(|g| g.state(app.now()) == HeldState::Active)
        .map(|g| ExportConsent {
            id: g.grant.id.to_string(),
            section: g.grant.section.clone(),
            purpose: g.grant.purpose.clone(),
            from: g.grant.from,
            until: g.grant.until,
        })
        .collect();
    summary(&Summary {
        subject,
        entries,
        sections: &sections,
        organisation: Some(&organisation),
        consents: &consents,
        at: app.now(),
    })
}
