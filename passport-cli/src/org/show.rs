//! `passport org show`.

use clap::Args;
use passport_core::organisation::StudentName;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_core::time::Timestamp;
use passport_core::view::View;
use serde_json::{Value, json};

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::render::{Reader, Section, screen};

/// Shows what a student shares
///
/// Opening a record is noted with your staff name, and the student is told that it was opened.
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
        desk::audit(&mut party, app, student.id, section.as_ref(), "opened")?;
        let ended = endings(&party, &student, &views, app.now());
        let mut answer = json!({
            "passport": student.id,
            "holder": holder(&party, &student, app.now()),
            "sections": views.iter().map(View::to_json).collect::<Vec<_>>(),
        });
        if let (false, Some(members)) = (ended.is_empty(), answer.as_object_mut()) {
            members.insert("consent_ended".to_owned(), ended.iter().map(Ending::json).collect());
        }
        app.output().answer(&answer, |_| words(&party, &student, &views, &ended, app.now()))
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

/// The student as the consents in force name them; else as the last one did.
fn holder(party: &Party, student: &StudentName, now: Timestamp) -> Value {
    let mut holder = json!({ "name": student.name });
    if let (Some(number), Some(members)) = (nhs_number(party, student, now), holder.as_object_mut())
    {
        members.insert("nhs_number".to_owned(), number.into());
    }
    holder
}

/// The NHS number that the student gave along with a consent.
fn nhs_number(party: &Party, student: &StudentName, now: Timestamp) -> Option<String> {
    let grants = party.grants();
    let given = grants.iter().filter(|g| g.grant.passport == student.id);
    let latest = given
        .filter(|g| g.grant.nhs_number.is_some())
        .max_by_key(|g| (g.grant.covers(now), g.grant.from, g.grant.id))?;
    latest.grant.nhs_number.clone()
}

/// A section that is shown although the consent for it has ended.
struct Ending {
    section: SectionName,
    ended: desk::Ended,
}

impl Ending {
    fn json(&self) -> Value {
        let how = if self.ended.withdrawn { "revoked" } else { "expired" };
        json!({ "section": self.section, "state": how, "at": self.ended.at })
    }
}

fn endings(party: &Party, student: &StudentName, views: &[View], now: Timestamp) -> Vec<Ending> {
    let of = |view: &View| {
        let ended = desk::ended(party, student.id, &view.section, now)?;
        Some(Ending { section: view.section.clone(), ended })
    };
    views.iter().filter_map(of).collect()
}

fn words(
    party: &Party,
    student: &StudentName,
    views: &[View],
    ended: &[Ending],
    now: Timestamp,
) -> String {
    use std::fmt::Write as _;
    let id = student.id.to_string();
    let mut text = format!("{}  [{}]\n", neutralise_line(&student.name), short(&id));
    // Writing to a String cannot fail, here and below.
    if let Some(number) = nhs_number(party, student, now) {
        let number = neutralise_line(&number);
        let _ = writeln!(text, "NHS number, as the student gave it: {number}");
    }
    for Ending { section, ended } in ended {
        let how = if ended.withdrawn { "was withdrawn by the student" } else { "ended" };
        let title = neutralise_line(section.spec().title);
        let _ = writeln!(
            text,
            "! {title}: the consent {how} on {}. What is shown was received before; nothing newer comes.",
            ended.at.date(),
        );
    }
    text.push('\n');
    let sections: Vec<Section> = views.iter().map(Section::of).collect();
    text.push_str(&screen(&sections, Reader::Organisation));
    text
}
