//! The answer of the discharge check, for people and for spreadsheets.

use std::fmt::Write as _;

use passport_core::organisation::{DischargeCheck, FoundDischarge};
use passport_core::section::PartialDate;
use passport_core::section::display::neutralise_line as line;
use passport_core::time::Timestamp;

use crate::names::short;

/// What an answer never lets forget.
pub(super) const CAUTION: &str = "No entry does not mean no discharge.";

/// How soon after a discharge somebody should have seen the student: 72 hours, and 7 days.
const WINDOWS_DAYS: [i64; 2] = [3, 7];

/// As of when, and among how many.
pub(super) fn sentence(check: &DischargeCheck) -> String {
    let sharing = match check.students_sharing {
        0 => "No student shares discharges with you".to_owned(),
        1 => "1 student shares discharges with you".to_owned(),
        n => format!("{n} students share discharges with you"),
    };
    format!("As of {}. {sharing}.", check.as_of)
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
            check.discharges.iter().filter(|d| Window::of(d, check.as_of) == window).collect();
        if within.is_empty() {
            continue;
        }
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "\n{title}: {}", within.len());
        for discharge in within {
            write(&mut text, discharge, window);
        }
    }
    if check.discharges.is_empty() {
        text.push_str("\nNo discharge was found in what is shared.\n");
    }
    if !check.sources.is_empty() {
        text.push_str("\nLast heard\n");
    }
    for source in &check.sources {
        let _ = writeln!(
            text,
            "  {}, on {}: {}",
            line(writer(&source.organisation)),
            line(&source.student.name),
            source.last_heard,
        );
    }
    let _ = writeln!(text, "\n{CAUTION}");
    text
}

/// In which follow-up window a discharge is now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Window {
    Hours72,
    Days7,
    Earlier,
}

impl Window {
    fn of(discharge: &FoundDischarge, now: Timestamp) -> Self {
        let [first, second] = WINDOWS_DAYS;
        match last_day(discharge, first).zip(last_day(discharge, second)) {
            Some((first, _)) if now < first.plus_days(1) => Self::Hours72,
            Some((_, second)) if now < second.plus_days(1) => Self::Days7,
            _ => Self::Earlier,
        }
    }
}

/// The day on which a window closes; none where the day of the discharge is not known.
fn last_day(discharge: &FoundDischarge, days: i64) -> Option<Timestamp> {
    let day = discharge.discharged_on.get(..10)?;
    Some(day.parse::<PartialDate>().ok()?.earliest()?.plus_days(days))
}

fn write(text: &mut String, discharge: &FoundDischarge, window: Window) {
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
    let closes = |days| last_day(discharge, days).map(Timestamp::date).unwrap_or_default();
    let [first, second] = WINDOWS_DAYS;
    let _ = match window {
        Window::Hours72 => writeln!(text, "    ! the 72-hour window closes on {}", closes(first)),
        Window::Days7 => writeln!(text, "    ! the 7-day window closes on {}", closes(second)),
        Window::Earlier => Ok(()),
    };
    let _ = writeln!(text, "    follow-up: {}", follow_up(discharge));
    let _ = match &discharge.attested_by {
        Some(by) => writeln!(text, "    recorded by {}, unaltered", line(by)),
        None => writeln!(text, "    not signed as it stands by any service"),
    };
}

fn follow_up(discharge: &FoundDischarge) -> String {
    let mut words = discharge.state.replace('-', " ");
    if let Some(follow_up) = &discharge.follow_up {
        if let Some(due) = &follow_up.due {
            let _ = write!(words, ", by {}", line(due));
        }
        if let Some(with) = &follow_up.with {
            let _ = write!(words, ", with {}", line(with));
        }
        if follow_up.overdue && !matches!(discharge.state.as_str(), DONE | NOT_NEEDED) {
            words.push_str(" (that day has passed)");
        }
    }
    line(&words)
}

const DONE: &str = "followed-up";
const NOT_NEEDED: &str = "no-follow-up-needed";

fn writer(name: &str) -> &str {
    if name == "Holder" { "the student" } else { name }
}

/// The discharges as a table for a spreadsheet (RFC 4180).
pub(super) fn csv(check: &DischargeCheck) -> String {
    let mut text = String::from(
        "student_id,student,entry,discharged_on,setting,from,reason,follow_up_due,\
         follow_up_with,overdue,state,attested_by\r\n",
    );
    for d in &check.discharges {
        let due = d.follow_up.as_ref();
        let cells = [
            d.student.id.to_string(),
            d.student.name.clone(),
            d.entry.to_string(),
            d.discharged_on.clone(),
            d.setting.clone().unwrap_or_default(),
            d.from.clone().unwrap_or_default(),
            d.reason.clone().unwrap_or_default(),
            due.and_then(|f| f.due.clone()).unwrap_or_default(),
            due.and_then(|f| f.with.clone()).unwrap_or_default(),
            due.map(|f| f.overdue.to_string()).unwrap_or_default(),
            d.state.clone(),
            d.attested_by.clone().unwrap_or_default(),
        ];
        let row: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let cell = line(cell);
    let formula = cell.starts_with(['=', '+', '-', '@']);
    let cell = if formula { format!("'{cell}") } else { cell };
    if cell.contains([',', '"', '\'']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use passport_core::id::{EntryId, PassportId};
    use passport_core::organisation::StudentName;

    use super::*;

    fn discharge(on: &str, name: &str) -> FoundDischarge {
        FoundDischarge {
            student: StudentName { id: PassportId::from_bytes([7; 32]), name: name.to_owned() },
            entry: EntryId::from_bytes([9; 16]),
            discharged_on: on.to_owned(),
            from: None,
            setting: Some("mental-health".to_owned()),
            reason: None,
            follow_up: None,
            state: "unknown".to_owned(),
            attested_by: None,
        }
    }

    fn check(discharges: Vec<FoundDischarge>) -> DischargeCheck {
        let as_of = "2026-11-22T10:00:00Z".parse().unwrap();
        DischargeCheck { as_of, students_sharing: 3, sources: Vec::new(), discharges }
    }

    #[test]
    fn each_discharge_stands_in_its_window() {
        let on = |day: &str| Window::of(&discharge(day, "A"), check(Vec::new()).as_of);
        assert!(on("2026-11-22") == Window::Hours72 && on("2026-11-19") == Window::Hours72);
        assert!(on("2026-11-18") == Window::Days7 && on("2026-11-15") == Window::Days7);
        assert!(on("2026-11-14") == Window::Earlier && on("2026-11") == Window::Earlier);
    }

    #[test]
    fn an_answer_always_ends_with_the_caution() {
        let since = "2026-10-22T00:00:00Z".parse().unwrap();
        for answer in [check(Vec::new()), check(vec![discharge("2026-11-20", "Amina Yusuf")])] {
            let text = words(&answer, since);
            assert!(text.trim_end().ends_with(CAUTION), "{text}");
            assert!(text.contains("3 students share"), "{text}");
        }
    }

    #[test]
    fn a_name_is_no_formula() {
        let text = csv(&check(vec![discharge("2026-11-20", "=HYPERLINK(\"x\",\"y\")")]));
        assert!(text.contains("\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""), "{text}");
    }
}
