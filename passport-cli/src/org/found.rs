//! The answer of the discharge check, for people and for spreadsheets.

use std::fmt::Write as _;

use passport_core::organisation::{Basis, DischargeCheck, FoundDischarge, Handling, Window};
use passport_core::section::display::neutralise_line as line;
use passport_core::time::Timestamp;

use crate::error::CliError;
use crate::names::short;
use crate::spreadsheet;

/// What an answer never lets forget.
pub(super) const CAUTION: &str = "No entry does not mean no discharge.";

/// As of when, and among how many.
pub(super) fn sentence(check: &DischargeCheck) -> String {
    let sharing = match check.students_sharing {
        0 => "No student shares discharges with you".to_owned(),
        1 => "1 student shares discharges with you".to_owned(),
        n => format!("{n} students share discharges with you"),
    };
    let last = match check.last_exchange {
        Some(at) => format!("Last exchange with a relay: {at}; what came later is not here."),
        None => "There was no exchange with a relay yet.".to_owned(),
    };
    format!("As of {}. {sharing}. {last}", check.as_of)
}

/// The answer in words, the follow-up windows first.
pub(super) fn words(check: &DischargeCheck, since: Timestamp) -> String {
    let mut text = format!("Discharges since {}\n{}\n", since.date(), sentence(check));
    let windows = [
        ("Within 72 hours of discharge", Window::Hours72),
        ("Within 7 days of discharge", Window::Days7),
        ("Earlier", Window::Earlier),
    ];
    for (title, window) in windows {
        let within: Vec<&FoundDischarge> =
            check.discharges.iter().filter(|d| d.window == window).collect();
        if within.is_empty() {
            continue;
        }
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "\n{title}: {}", within.len());
        for discharge in within {
            write(&mut text, discharge);
        }
    }
    if check.discharges.is_empty() {
        text.push_str("\nNo discharge was found in what is shared.\n");
    }
    write_possible(&mut text, check);
    if !check.sources.is_empty() {
        text.push_str("\nLast heard\n");
    }
    for source in &check.sources {
        let _ = writeln!(
            text,
            "  {}, on {}: {} ({})",
            line(writer(&source.organisation)),
            line(&source.student.name),
            source.last_heard,
            days_ago(source.days_ago),
        );
    }
    let _ = writeln!(text, "\n{CAUTION}");
    text
}

fn write(text: &mut String, discharge: &FoundDischarge) {
    let id = discharge.student.id.to_string();
    let _ = writeln!(text, "  {}  [{}]", line(&discharge.student.name), short(&id));
    let mut left = format!("left on {}", line(&discharge.discharged_on));
    if let Some(setting) = &discharge.setting {
        let _ = write!(left, "; kind of setting: {}", line(setting));
    }
    if let Some(from) = &discharge.from {
        let _ = write!(left, "; from {}", line(from));
    }
    let _ = writeln!(text, "    {left}");
    if let Some(reason) = &discharge.reason {
        let _ = writeln!(text, "    reason: {}", line(reason));
    }
    let _ = writeln!(text, "    follow-up: {}", follow_up(discharge));
    let _ = writeln!(text, "    here: {}", handled(discharge));
    if !discharge.contested.is_empty() {
        let _ = writeln!(text, "    ! has several values in: {}", discharge.contested.join(", "));
    }
    let _ = match &discharge.attested_by {
        Some(by) => writeln!(text, "    recorded by {}, unaltered", line(by)),
        None => writeln!(text, "    not signed as it stands by any service"),
    };
}

fn write_possible(text: &mut String, check: &DischargeCheck) {
    if !check.possible.is_empty() {
        text.push_str("\nPossible discharges: a stay ended, and nobody has said how\n");
    }
    for stay in &check.possible {
        let from = stay.from.as_ref().map(|f| format!(", {}", line(f))).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}: a stay until {}{from}  [{}]",
            line(&stay.student.name),
            line(&stay.ended_on),
            short(&stay.entry.to_string()),
        );
    }
}

fn follow_up(discharge: &FoundDischarge) -> String {
    let Some(follow_up) = &discharge.follow_up else {
        return "nobody has said".to_owned();
    };
    let said = follow_up.said.as_deref().filter(|said| *said != "unknown");
    let mut words =
        said.map_or_else(|| "not said to have happened".to_owned(), |s| s.replace('-', " "));
    if let Some(due) = &follow_up.due {
        let _ = write!(words, ", by {}", line(due));
        if follow_up.basis == Basis::Hours72 {
            words.push_str(" (72 hours after a mental-health ward)");
        }
    }
    if let Some(with) = &follow_up.with {
        let _ = write!(words, ", with {}", line(with));
    }
    if follow_up.overdue {
        words.push_str("  ! OVERDUE: that day has passed");
        let second = Window::Days7.closes(&discharge.discharged_on);
        if let Some(day) = second.filter(|_| discharge.window == Window::Days7) {
            let _ = write!(words, "; 7 days end on {day}");
        }
    }
    line(&words)
}

/// What the organisation itself noted.
fn handled(discharge: &FoundDischarge) -> String {
    let state = state(discharge.state);
    let Some(handled) = &discharge.handled else { return state.to_owned() };
    let note = handled.note.as_ref().map(|n| format!(": {}", line(n))).unwrap_or_default();
    format!("{state}, {} on {}{note}", line(&handled.by), handled.at.date())
}

const fn state(state: Handling) -> &'static str {
    match state {
        Handling::New => "new",
        Handling::Seen => "seen",
        Handling::FollowedUp => "followed up",
    }
}

fn writer(name: &str) -> &str {
    if name == "Holder" { "the student" } else { name }
}

fn days_ago(days: i64) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "1 day ago".to_owned(),
        n => format!("{n} days ago"),
    }
}

/// The discharges as a table for a spreadsheet.
///
/// # Errors
/// Returns an error when it cannot be written.
pub(super) fn csv(check: &DischargeCheck) -> Result<Vec<u8>, CliError> {
    let headings = [
        "student_id",
        "student",
        "entry",
        "discharged_on",
        "setting",
        "from",
        "reason",
        "follow_up_due",
        "follow_up_with",
        "overdue",
        "follow_up_said",
        "state",
        "attested_by",
    ];
    let row = |d: &FoundDischarge| {
        let due = d.follow_up.as_ref();
        let said = |of: fn(&passport_core::organisation::FollowUp) -> Option<String>| {
            due.and_then(of).unwrap_or_default()
        };
        [
            d.student.id.to_string(),
            d.student.name.clone(),
            d.entry.to_string(),
            d.discharged_on.clone(),
            d.setting.clone().unwrap_or_default(),
            d.from.clone().unwrap_or_default(),
            d.reason.clone().unwrap_or_default(),
            said(|f| f.due.clone()),
            said(|f| f.with.clone()),
            said(|f| Some(f.overdue.to_string())),
            said(|f| f.said.clone()),
            state(d.state).to_owned(),
            d.attested_by.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<[String; 13]> = check.discharges.iter().map(row).collect();
    spreadsheet::csv(headings, &rows)
}

#[cfg(test)]
mod tests {
    use passport_core::id::{EntryId, PassportId};
    use passport_core::organisation::{FollowUp, StudentName};

    use super::*;

    fn discharge(on: &str, name: &str) -> FoundDischarge {
        let follow_up = FollowUp {
            due: Some("2026-11-21".to_owned()),
            basis: Basis::Hours72,
            with: None,
            said: None,
            overdue: true,
        };
        FoundDischarge {
            student: StudentName { id: PassportId::from_bytes([7; 32]), name: name.to_owned() },
            entry: EntryId::from_bytes([9; 16]),
            section: "discharge-notice".parse().unwrap(),
            discharged_on: on.to_owned(),
            from: None,
            setting: Some("mental-health".to_owned()),
            reason: None,
            window: Window::Days7,
            follow_up: Some(follow_up),
            state: Handling::New,
            handled: None,
            attested_by: None,
            contested: Vec::new(),
        }
    }

    fn check(discharges: Vec<FoundDischarge>) -> DischargeCheck {
        DischargeCheck {
            as_of: "2026-11-22T10:00:00Z".parse().unwrap(),
            last_exchange: None,
            students_sharing: 3,
            sources: Vec::new(),
            discharges,
            possible: Vec::new(),
        }
    }

    #[test]
    fn an_answer_always_ends_with_the_caution() {
        let since = "2026-10-22T00:00:00Z".parse().unwrap();
        for answer in [check(Vec::new()), check(vec![discharge("2026-11-18", "Amina Yusuf")])] {
            let text = words(&answer, since);
            assert!(text.trim_end().ends_with(CAUTION), "{text}");
            assert!(text.contains("3 students share"), "{text}");
        }
    }

    #[test]
    fn what_is_overdue_says_so_and_when_the_last_window_ends() {
        let text = follow_up(&discharge("2026-11-18", "Amina Yusuf"));
        assert!(text.contains("OVERDUE") && text.contains("7 days end on 2026-11-25"), "{text}");
    }

    #[test]
    fn a_name_is_no_formula() {
        let rows = csv(&check(vec![discharge("2026-11-20", "=HYPERLINK(\"x\",\"y\")")])).unwrap();
        let text = String::from_utf8(rows).unwrap();
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""), "{text}");
    }
}
