//! A view of the record, written out for people.
//!
//! Commands fill [`Section`]s from the domain's view; nothing here knows where they come from.
//! Whatever a person wrote goes through `neutralise` on its way to the terminal.

mod entry;
mod view;
pub(crate) mod words;

use std::fmt::Write as _;

use passport_core::glossary;
use passport_core::section::display::neutralise_line as one_line;
use passport_core::time::Timestamp;

/// For whom the screen is, which decides what can be done about a conflict or suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// The student, who settles conflicts and suggestions.
    Holder,
    /// An organisation, or the student looking through its eyes.
    Organisation,
}

/// A section on the screen.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its heading, such as `Medicines`.
    pub(crate) title: String,
    /// One plain sentence on what it holds.
    pub(crate) gloss: String,
    /// Its entries, in the view's order.
    pub(crate) entries: Vec<Entry>,
}

/// An entry on the screen.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Its id in full.
    pub(crate) id: String,
    /// What people call one, such as `medicine`.
    pub(crate) kind: String,
    /// Whether it is the sender's own bookkeeping, which came along with something else.
    pub(crate) along: bool,
    /// What names it, such as the medicine; may be empty.
    pub(crate) label: String,
    /// Its filled fields, in the table's order, without the one that is the label.
    pub(crate) fields: Vec<Field>,
    /// Who recorded it; `None` is the holder.
    pub(crate) author: Option<String>,
    /// When, as the author says.
    pub(crate) recorded_at: Timestamp,
    /// Whether the author's signature on it was verified.
    pub(crate) attested: bool,
    /// Whether someone removed it while someone else changed it.
    pub(crate) removal_disputed: bool,
    /// What was changed since it was signed.
    pub(crate) changes: Vec<Change>,
    /// Fields that several people set at the same time.
    pub(crate) conflicts: Vec<Conflict>,
    /// Notes, oldest first.
    pub(crate) notes: Vec<Note>,
    /// Suggested changes that nobody has settled.
    pub(crate) suggestions: Vec<Suggestion>,
}

impl Entry {
    /// Whether somebody said something about it that must be seen.
    fn has_more(&self) -> bool {
        let said = !self.notes.is_empty() || !self.suggestions.is_empty();
        said || !self.conflicts.is_empty() || self.removal_disputed
    }
}

/// A field and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Its label for people.
    pub(crate) title: String,
    /// Its value in words.
    pub(crate) value: String,
}

/// A field that no longer says what its author signed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The field's label for people.
    pub(crate) title: String,
    /// What it said, where that is known.
    pub(crate) before: Option<String>,
    /// Who set what it says now, and when; `None` when the field is empty now.
    pub(crate) now: Option<Said>,
}

/// Who said something, and when.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// Who; `None` is the holder.
    pub(crate) by: Option<String>,
    /// When, as they say.
    pub(crate) at: Timestamp,
}

/// A field with several values, none of which is lost.
#[derive(Clone, Debug)]
pub(crate) struct Conflict {
    /// The field's name, for the command that settles it.
    pub(crate) field: String,
    /// The field's label for people.
    pub(crate) title: String,
    /// The values, in the order in which `--choose` counts them.
    pub(crate) values: Vec<Claim>,
}

/// A value, who set it, and when.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The value in words; `None` when the field was cleared.
    pub(crate) value: Option<String>,
    /// Who set it; `None` is the holder.
    pub(crate) by: Option<String>,
    /// When, as they say.
    pub(crate) at: Timestamp,
}

/// A note on an entry.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// What it says.
    pub(crate) text: String,
    /// Who wrote it; `None` is the holder.
    pub(crate) by: Option<String>,
    /// When, as they say.
    pub(crate) at: Timestamp,
}

/// A suggested change.
#[derive(Clone, Debug)]
pub(crate) struct Suggestion {
    /// Its id in full.
    pub(crate) id: String,
    /// The fields it would change, and to what; an empty value clears the field.
    pub(crate) fields: Vec<Field>,
    /// Who suggests it; `None` is the holder.
    pub(crate) by: Option<String>,
    /// When, as they say.
    pub(crate) at: Timestamp,
}

/// Writes sections out as one screen.
///
/// An empty section says that nothing is recorded, never that there is nothing.
pub(crate) fn screen(sections: &[Section], reader: Reader) -> String {
    let mut text = String::new();
    for (place, section) in sections.iter().enumerate() {
        if place > 0 {
            text.push('\n');
        }
        let title = one_line(&section.title);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{title}\n{}", one_line(&section.gloss));
        if section.entries.is_empty() {
            let _ = writeln!(text, "\n  {}", words::NOTHING_RECORDED);
        }
        // One of them is shown whole; of many, which one letter brings, a line each.
        let brief = section.entries.len() > 1;
        let (along, own): (Vec<&Entry>, Vec<&Entry>) =
            section.entries.iter().partition(|e| brief && e.along && !e.has_more());
        for entry in own {
            text.push('\n');
            entry::write(&mut text, entry, reader);
        }
        if !along.is_empty() {
            let _ = writeln!(text, "\n  Came along, in the senders' own form ({}):", along.len());
        }
        for entry in along {
            let _ = writeln!(text, "    {}", entry::heading(entry));
        }
    }
    if sections.is_empty() {
        text.push_str("Nothing recorded yet.\n");
    }
    let entries = sections.iter().flat_map(|s| &s.entries);
    let spoken: Vec<String> = entries.map(words::spoken).collect();
    let terms = glossary::in_text(&spoken.join("\n"));
    if !terms.is_empty() {
        text.push_str("\nIn plain words\n");
    }
    for term in terms {
        let _ = writeln!(text, "  {}", words::gloss(term));
    }
    text
}

/// Writes only what needs settling: entries with conflicts, each under its section's heading.
pub(crate) fn conflicts(sections: &[Section], reader: Reader) -> String {
    let mut text = String::new();
    for section in sections {
        for entry in section.entries.iter().filter(|e| !e.conflicts.is_empty()) {
            let _ = writeln!(text, "{}: {}", one_line(&section.title), entry::heading(entry));
            entry::write_conflicts(&mut text, entry, reader);
        }
    }
    if text.is_empty() {
        text.push_str("No conflicts.\n");
    }
    text
}

#[cfg(test)]
mod tests;
