//! `passport org confirm`.

use clap::Args;
use passport_core::nhs_number::NhsNumber;
use passport_core::organisation::StudentName;
use passport_core::party::PartyError;
use passport_core::receipt::Access;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line as line;
use serde_json::json;

use super::desk::{self, Party};
use super::{fault, show};
use crate::app::App;
use crate::error::CliError;
use crate::fields;
use crate::names::short;
use crate::rng::os_rng;

/// Confirms an NHS number that you checked, or that a stay ended in a discharge
///
/// A number is noted here, and told in the student's record where the student lets you write
/// there. A discharge is recorded with its notice, or the notice alone where the student allows
/// no more.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org --actor j.smith confirm \"Ada Example\" --nhs-number \"943 476 5919\"\n\
\x20 passport org --actor j.smith confirm \"Ada Example\" --discharge 4f2a --setting acute")]
pub(crate) struct Confirm {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// The NHS number that you found in the national register for this person
    #[arg(
        long,
        value_name = "NUMBER",
        required_unless_present = "discharge",
        conflicts_with = "discharge"
    )]
    nhs_number: Option<NhsNumber>,
    /// The stay that ended in a discharge: the first letters of its id, or its name
    #[arg(long, value_name = "ENTRY")]
    discharge: Option<String>,
    /// From what kind of setting
    #[arg(long, value_name = "SETTING", requires = "discharge", value_parser = fields::setting)]
    setting: Option<String>,
}

impl Confirm {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, nhs_number, discharge, setting } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        if let Some(number) = nhs_number {
            return confirm_number(app, &mut party, &student, &number);
        }
        let stay = discharge.unwrap_or_default();
        confirm_discharge(app, &mut party, &student, &stay, setting.as_deref())
    }
}

fn confirm_number(
    app: &App,
    party: &mut Party,
    student: &StudentName,
    number: &NhsNumber,
) -> Result<(), CliError> {
    let given = show::given_number(party, student, app.now());
    let given = given.and_then(|text| text.parse::<NhsNumber>().ok());
    if given.is_some_and(|given| given != *number) {
        app.output().say("The student gave another NHS number: is this the right person?");
        app.confirm().ask("Confirm this one?")?;
    }
    let told = party.confirm_nhs_number(student.id, number, app.now(), &mut os_rng()?);
    let told = told.map_err(fault::refused)?;
    let identity: Option<SectionName> = "identity".parse().ok();
    let written = told.changed.is_some() || !told.suggested.is_empty();
    let opened = identity.filter(|_| written);
    desk::audit(party, app, student.id, opened.as_ref(), Access::Recorded)?;
    let answer = json!({
        "student": student,
        "nhs_number": number.to_string(),
        "changed": told.changed,
        "suggestions": told.suggested,
    });
    app.output().answer(&answer, |_| {
        let noted = format!("Noted: {number} is the NHS number of {}.", line(&student.name));
        let told = match (told.changed, told.suggested.len()) {
            (Some(_), _) => "Your entry in their record says so.",
            (None, 0) => "It is noted here alone: they do not let you write in `identity`.",
            (None, _) => "Suggested for their record; they accept it or not.",
        };
        format!("{noted} {told}")
    })
}

fn confirm_discharge(
    app: &App,
    party: &mut Party,
    student: &StudentName,
    stay: &str,
    setting: Option<&str>,
) -> Result<(), CliError> {
    let found = desk::entry(party, Some(student), stay)?;
    let id = found.entry.id;
    let added = party.confirm_discharge(student.id, id, setting, app.now(), &mut os_rng()?);
    let added = added.map_err(|error| {
        if error != PartyError::NoEntry {
            return fault::refused(error);
        }
        CliError::user("this is no stay whose last day is known")
            .hint("`passport org discharges` lists possible discharges")
            .hint("record it yourself: passport org contribute STUDENT discharges --set …")
    })?;
    desk::audit(party, app, student.id, added.iter().map(|(s, _)| s), Access::Recorded)?;
    let entries: Vec<_> =
        added.iter().map(|(section, id)| json!({ "id": id, "section": section })).collect();
    app.output().answer(&json!({ "student": student, "entries": entries }), |_| {
        let recorded = added
            .iter()
            .map(|(section, id)| format!("Recorded in {section}  [{}]", short(&id.to_string())));
        let told = "Signed by your organisation; `passport org sync` sends it.".to_owned();
        recorded.chain([told]).collect::<Vec<_>>().join("\n")
    })
}
