//! `passport org show`.

use std::collections::BTreeMap;

use clap::Args;
use passport_core::id::PassportId;
use passport_core::organisation::{ConfirmedNumber, HeldState, StudentName};
use passport_core::receipt::Access;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_core::time::Timestamp;
use passport_core::view::{SectionView, View};
use serde::Serialize;

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::attached::{self, Listed};
use crate::error::CliError;
use crate::names::short;
use crate::render::{Reader, Section, screen};

/// Shows what a student shares
///
/// Opening a record is noted with your staff name in your own log.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org --actor j.smith show \"Ada Example\"\n\
\x20 passport org --actor j.smith show \"Ada Example\" medications")]
pub(crate) struct Show {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// Only this section
    #[arg(value_name = "SECTION")]
    section: Option<SectionName>,
}

impl Show {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, section } = self;
        app.actor()?;
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let views = match &section {
            Some(section) => vec![one(&mut party, &student, section)?],
            None => desk::views(&mut party, &student)?,
        };
        // Written before anything is shown: nobody reads a record unnoticed.
        desk::audit(&mut party, app, student.id, views.iter().map(|v| &v.section), Access::Opened)?;
        let ended = endings(&party, &student, &views, app.now());
        let answer = Shown {
            passport: student.id,
            holder: holder(&party, &student, app.now()),
            nhs_number_confirmed: party.confirmed_nhs_number(student.id).map_err(fault::refused)?,
            sections: views.iter().map(View::to_json).collect(),
            files: attached::listed(&views, |file| party.file_state(student.id, file)),
            consent_ended: ended,
        };
        app.output().answer(&answer, |answer| words(&party, &student, &views, answer, app.now()))
    }
}

fn one(party: &mut Party, student: &StudentName, section: &SectionName) -> Result<View, CliError> {
    use passport_core::party::PartyError;
    match party.view(student.id, section) {
        Ok(view) => Ok(view),
        Err(PartyError::NoGrant) if party.sections(student.id).contains(section) => {
            Err(CliError::user("this section is shared with you, and its content is not here yet")
                .hint("run `passport org sync` again later"))
        }
        Err(PartyError::NoGrant) => Err(fault::never_shared(&student.name, section)),
        Err(error) => Err(fault::refused(error)),
    }
}

/// What `--json` prints: of a section, byte for byte what the student's own `show` prints.
#[derive(Serialize)]
struct Shown {
    passport: PassportId,
    holder: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nhs_number_confirmed: Option<ConfirmedNumber>,
    sections: Vec<SectionView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<Listed>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consent_ended: Vec<Ending>,
}

/// The student, as far as the consents say.
pub(super) fn holder(
    party: &Party,
    student: &StudentName,
    now: Timestamp,
) -> BTreeMap<&'static str, String> {
    let mut holder = BTreeMap::from([("name", student.name.clone())]);
    holder.extend(given_number(party, student, now).map(|number| ("nhs_number", number)));
    holder
}

/// The NHS number that the student gave along with a consent.
pub(super) fn given_number(party: &Party, student: &StudentName, now: Timestamp) -> Option<String> {
    let grants = party.grants();
    let given = grants.iter().filter(|g| g.grant.passport == student.id);
    let latest = given
        .filter(|g| g.grant.nhs_number.is_some())
        .max_by_key(|g| (g.grant.covers(now), g.grant.from, g.grant.id))?;
    latest.grant.nhs_number.clone()
}

/// A section that is shown although the consent for it has ended.
#[derive(Serialize)]
struct Ending {
    section: SectionName,
    state: HeldState,
    at: Timestamp,
}

fn endings(party: &Party, student: &StudentName, views: &[View], now: Timestamp) -> Vec<Ending> {
    let of = |view: &View| {
        let ended = desk::ended(party, student.id, &view.section, now)?;
        let state = if ended.withdrawn { HeldState::Revoked } else { HeldState::Expired };
        Some(Ending { section: view.section.clone(), state, at: ended.at })
    };
    views.iter().filter_map(of).collect()
}

fn words(
    party: &Party,
    student: &StudentName,
    views: &[View],
    shown: &Shown,
    now: Timestamp,
) -> String {
    use std::fmt::Write as _;
    let id = student.id.to_string();
    let mut text = format!("{}  [{}]\n", neutralise_line(&student.name), short(&id));
    // Writing to a String cannot fail, here and below.
    if let Some(confirmed) = &shown.nhs_number_confirmed {
        let (number, on) = (neutralise_line(&confirmed.number), confirmed.at.date());
        let _ = writeln!(text, "NHS number, confirmed by you on {on}: {number}");
    } else if let Some(number) = given_number(party, student, now) {
        let number = neutralise_line(&number);
        let _ = writeln!(text, "NHS number, as the student gave it: {number}");
    }
    for Ending { section, state, at } in &shown.consent_ended {
        let withdrawn = *state == HeldState::Revoked;
        let how = if withdrawn { "was withdrawn by the student" } else { "ended" };
        let title = neutralise_line(section.spec().title);
        let _ = writeln!(
            text,
            "! {title}: the consent {how} on {}. What is shown was received before; nothing newer comes.",
            at.date(),
        );
    }
    text.push('\n');
    let sections: Vec<Section> = views.iter().map(Section::of).collect();
    text.push_str(&screen(&sections, Reader::Organisation));
    text.push_str(&attached::words(&shown.files, &format!("passport org save {}", short(&id))));
    text
}
