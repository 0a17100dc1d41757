//! `passport org follow-up`.

use clap::{Args, ValueEnum};
use passport_core::organisation::{FoundDischarge, Handled, Handling, StudentName};
use passport_core::receipt::Access;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line as line;
use serde_json::json;

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::error::CliError;
use crate::rng::os_rng;

/// How far back a discharge may lie that somebody follows up.
const DAYS: i64 = 400;

/// Notes how far you have got with a student's discharge
///
/// The note is your organisation's own. A follow-up that took place is told in the shared plan
/// too, where the student lets you write there: that you were in touch, and nothing else.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org follow-up \"Ada Example\" --state seen --actor j.moore\n\
\x20 passport org follow-up \"Ada Example\" --state followed-up --note \"Rang\" --actor j.moore")]
pub(crate) struct FollowUp {
    /// The student: their name, or the first letters of their id
    #[arg(value_name = "STUDENT")]
    student: String,
    /// How far you have got
    #[arg(long, value_enum, value_name = "STATE")]
    state: State,
    /// The day of the discharge, where the student has several
    #[arg(long, value_name = "DATE")]
    discharged: Option<String>,
    /// What happened; stays in your own note
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Tells nothing in the shared plan
    #[arg(long)]
    own: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// Somebody here knows of it
    Seen,
    /// Somebody here was in touch with the student
    FollowedUp,
}

impl FollowUp {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { student, state, discharged, note, own } = self;
        let by = app.actor()?.to_owned();
        let mut party = desk::open(app)?;
        let student = desk::student(&party, &student)?;
        let found = discharge(&mut party, app, &student, discharged.as_deref())?;
        let state = match state {
            State::Seen => Handling::Seen,
            State::FollowedUp => Handling::FollowedUp,
        };
        let handled = Handled { state, at: app.now(), by, note };
        let day = &found.discharged_on;
        let told = party.follow_up(student.id, day, &handled, !own, &mut os_rng()?);
        let told = told.map_err(fault::refused)?;
        let mut written: Vec<SectionName> = vec![found.section.clone()];
        written.extend(told.and_then(|_| "plan".parse().ok()));
        desk::audit(&mut party, app, student.id, &written, Access::Recorded)?;
        let answer =
            json!({ "student": student, "discharged_on": day, "state": state, "plan": told });
        app.output().answer(&answer, |_| {
            let noted = format!("Noted for {}, discharged on {}.", line(&student.name), line(day));
            let shared = "The shared plan says that you were in touch; \
                          `passport org sync` sends it.";
            if told.is_some() { format!("{noted} {shared}") } else { noted }
        })
    }
}

/// The discharge that is meant.
fn discharge(
    party: &mut Party,
    app: &App,
    student: &StudentName,
    day: Option<&str>,
) -> Result<FoundDischarge, CliError> {
    let since = app.now().plus_days(-DAYS);
    let mut found = party.discharges(since, None, app.now()).map_err(fault::refused)?.discharges;
    found.retain(|d| d.student.id == student.id);
    let days: Vec<String> = found.iter().map(|d| line(&d.discharged_on)).collect();
    found.retain(|d| day.is_none_or(|day| d.discharged_on.starts_with(day)));
    let one = if found.len() == 1 { found.pop() } else { None };
    one.ok_or_else(|| {
        let error = CliError::user("this names no discharge, or several");
        if days.is_empty() {
            return error.hint("`passport org discharges` lists those that are shared with you");
        }
        error.hint(format!("name the day with --discharged: {}", days.join(", ")))
    })
}
