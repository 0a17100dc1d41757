//! `passport org students`.

use clap::Args;
use passport_core::organisation::{HeldGrant, HeldState, StudentName};
use passport_core::section::SectionName;
use passport_core::time::Timestamp;
use serde_json::{Value, json};

use super::desk::{self, Party};
use super::fault;
use crate::app::App;
use crate::consent::can;
use crate::error::CliError;
use crate::names::short;
use crate::table::table;

/// Lists which students share what, for what, and until when
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org students\n\
\x20 passport org students --section discharge-notice")]
pub(crate) struct Students {
    /// Only those who share this section
    #[arg(long, value_name = "SECTION")]
    section: Option<SectionName>,
}

impl Students {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { section } = self;
        let party = desk::open(app)?;
        let grants = party.grants();
        let wanted: Vec<&HeldGrant> = grants
            .into_iter()
            .filter(|g| section.as_ref().is_none_or(|s| g.grant.section == *s))
            .collect();
        let mut lines: Vec<(&HeldGrant, Option<Timestamp>)> = Vec::new();
        for held in wanted {
            let asked = party.deletion_asked(held.grant.passport).map_err(fault::refused)?;
            lines.push((held, asked));
        }
        let answer: Vec<Value> =
            lines.iter().map(|(held, asked)| json(&party, held, *asked, app)).collect();
        app.output().answer(&answer, |_| {
            if lines.is_empty() {
                return "Nobody shares this with you. That is all it means.".to_owned();
            }
            let rows: Vec<[String; 6]> =
                lines.iter().map(|(held, asked)| row(&party, held, *asked, app)).collect();
            table(["student", "section", "may", "until", "state", "for"], &rows)
        })
    }
}

fn json(party: &Party, held: &HeldGrant, asked: Option<Timestamp>, app: &App) -> Value {
    let grant = &held.grant;
    let student = StudentName { id: grant.passport, name: party.student_name(grant.passport) };
    let mut line = json!({
        "id": grant.id,
        "student": student,
        "section": grant.section,
        "can": can(grant.can),
        "from": grant.from,
        "until": grant.until,
        "purpose": grant.purpose,
        "state": held.state(app.now()),
    });
    if let (Some(asked), Some(members)) = (asked, line.as_object_mut()) {
        members.insert("deletion_asked".to_owned(), json!(asked));
    }
    line
}

fn row(party: &Party, held: &HeldGrant, asked: Option<Timestamp>, app: &App) -> [String; 6] {
    let grant = &held.grant;
    let id = grant.passport.to_string();
    let mut state = match held.state(app.now()) {
        HeldState::Active => "active".to_owned(),
        HeldState::Expired => "ended".to_owned(),
        HeldState::Revoked => {
            held.withdrawn_at.map_or_else(String::new, |at| format!("withdrawn {}", at.date()))
        }
    };
    if let Some(asked) = asked {
        state = format!("{state}; deletion asked {}", asked.date());
    }
    [
        format!("{}  [{}]", party.student_name(grant.passport), short(&id)),
        grant.section.to_string(),
        can(grant.can).to_owned(),
        grant.until.map_or_else(|| "no end".to_owned(), Timestamp::date),
        state,
        grant.purpose.clone(),
    ]
}
