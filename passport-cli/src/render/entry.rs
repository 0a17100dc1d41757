//! One entry on the screen.

use std::fmt::Write as _;

use passport_core::section::display::{neutralise, neutralise_line as one_line};
use passport_core::time::Timestamp;

use super::{Change, Claim, Entry, Reader};
use crate::names::short;

/// The entry's name and id on one line.
pub(super) fn heading(entry: &Entry) -> String {
    let named = if entry.label.trim().is_empty() { &entry.kind } else { &entry.label };
    format!("{}  [{}]", one_line(named), short(&entry.id))
}

/// Writes the entry, indented, with all that was said about it.
pub(super) fn write(text: &mut String, entry: &Entry, reader: Reader) {
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(text, "  {}", heading(entry));
    let conflicting = |title: &str| entry.conflicts.iter().any(|c| c.title == title);
    for field in entry.fields.iter().filter(|f| !conflicting(&f.title)) {
        line(text, 4, &format!("{}: ", one_line(&field.title)), &field.value);
    }
    let _ = writeln!(text, "    {}", provenance(entry, reader));
    for change in &entry.changes {
        write_change(text, change, reader);
    }
    if entry.removal_disputed {
        text.push_str("    ! Someone removed this while someone else changed it; it stays until one decides.\n");
    }
    write_conflicts(text, entry, reader);
    for note in &entry.notes {
        let by = said(note.by.as_deref(), note.at, reader);
        line(text, 4, &format!("Note by {by}: "), &note.text);
    }
    for suggestion in &entry.suggestions {
        let by = said(suggestion.by.as_deref(), suggestion.at, reader);
        let _ = writeln!(text, "    Suggested by {by}:");
        for field in &suggestion.fields {
            let value = if field.value.is_empty() { "(clear it)" } else { &field.value };
            line(text, 6, &format!("{}: ", one_line(&field.title)), value);
        }
        if reader == Reader::Holder {
            let id = short(&suggestion.id);
            let _ =
                writeln!(text, "      settle it: passport accept {id}   or: passport decline {id}");
        }
    }
}

fn write_change(text: &mut String, change: &Change, reader: Reader) {
    let title = one_line(&change.title);
    let _ = match &change.now {
        Some(now) => {
            write!(
                text,
                "      {title} changed since by {}",
                said(now.by.as_deref(), now.at, reader)
            )
        }
        None => write!(text, "      {title} was emptied since"),
    };
    if let Some(before) = &change.before {
        let _ = write!(text, "; signed as `{}`", one_line(before));
    }
    text.push('\n');
}

/// Writes every value of every field that several people set at once.
pub(super) fn write_conflicts(text: &mut String, entry: &Entry, reader: Reader) {
    for conflict in &entry.conflicts {
        let title = one_line(&conflict.title);
        let _ = writeln!(
            text,
            "    ! {title} has {} values, set at the same time:",
            conflict.values.len()
        );
        for (place, claim) in conflict.values.iter().enumerate() {
            write_claim(text, place.saturating_add(1), claim, reader);
        }
        let _ = match reader {
            Reader::Holder => writeln!(
                text,
                "      choose one: passport resolve {} {} --choose N",
                short(&entry.id),
                conflict.field,
            ),
            Reader::Organisation => writeln!(text, "      both stay until the student chooses"),
        };
    }
}

fn write_claim(text: &mut String, number: usize, claim: &Claim, reader: Reader) {
    let value = claim.value.as_deref().map_or("(cleared)".to_owned(), one_line);
    let by = said(claim.by.as_deref(), claim.at, reader);
    let _ = writeln!(text, "      {number}. {value}   ({by})");
}

/// Who recorded the entry, and what can be said for it.
fn provenance(entry: &Entry, reader: Reader) -> String {
    let day = entry.recorded_at.date();
    match (&entry.author, entry.attested, entry.changes.is_empty()) {
        (None, _, _) if reader == Reader::Holder => format!("recorded by you, {day}"),
        (None, _, _) => format!("as recorded by the student, {day}"),
        (Some(author), true, true) => {
            format!("recorded by {}, unaltered, {day}", one_line(author))
        }
        (Some(author), true, false) => {
            format!("recorded by {}, changed since, {day}", one_line(author))
        }
        // Without the author's signature only the holder's word stands behind it.
        (Some(author), false, _) => format!(
            "as recorded by {}, who names {} without their signature, {day}",
            if reader == Reader::Holder { "you" } else { "the student" },
            one_line(author),
        ),
    }
}

fn said(by: Option<&str>, at: Timestamp, reader: Reader) -> String {
    let who = match (by, reader) {
        (Some(name), _) => one_line(name),
        (None, Reader::Holder) => "you".to_owned(),
        (None, Reader::Organisation) => "the student".to_owned(),
    };
    format!("{who}, {}", at.date())
}

/// Writes a label and a value; further lines of the value stand under its first, behind a bar,
/// so that no value can pass for a line of ours.
fn line(text: &mut String, indent: usize, label: &str, value: &str) {
    let value = neutralise(value);
    let mut lines = value.trim_end().lines();
    let _ = writeln!(text, "{:indent$}{label}{}", "", lines.next().unwrap_or_default());
    for further in lines {
        let _ = writeln!(text, "{:width$}| {further}", "", width = indent.saturating_add(2));
    }
}
