//! One entry on the screen.

use std::fmt::Write as _;

use passport_core::section::display::{neutralise, neutralise_line as one_line};

use super::{Claim, Entry, Reader, words};
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
    let _ = writeln!(text, "    {}", words::provenance(entry, reader));
    for change in &entry.changes {
        let _ = writeln!(text, "      {}", words::change(change, reader));
    }
    if entry.removal_disputed {
        let _ = writeln!(text, "    ! {}", words::REMOVAL_DISPUTED);
    }
    write_conflicts(text, entry, reader);
    for note in &entry.notes {
        let by = words::said(note.by.as_deref(), note.at, reader);
        line(text, 4, &format!("Note by {by}: "), &note.text);
    }
    for suggestion in &entry.suggestions {
        let by = words::said(suggestion.by.as_deref(), suggestion.at, reader);
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

/// Writes every value of every field that several people set at once.
pub(super) fn write_conflicts(text: &mut String, entry: &Entry, reader: Reader) {
    for conflict in &entry.conflicts {
        let _ = writeln!(text, "    ! {}:", words::conflict(conflict));
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
            Reader::Organisation => writeln!(text, "      {}", words::UNSETTLED),
        };
    }
}

fn write_claim(text: &mut String, number: usize, claim: &Claim, reader: Reader) {
    let value = words::claimed(claim);
    let by = words::said(claim.by.as_deref(), claim.at, reader);
    let _ = writeln!(text, "      {number}. {value}   ({by})");
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
