//! What is said of an entry, in the same words on a screen and on paper.

use passport_core::glossary::Term;
use passport_core::section::display::neutralise_line as one_line;
use passport_core::time::Timestamp;

use super::{Change, Claim, Conflict, Entry, Reader};

/// Said of a section without entries: never that there is nothing.
pub(crate) const NOTHING_RECORDED: &str =
    "Nothing recorded here. That does not mean that there is nothing.";

/// Said of an entry that one removed while another changed it.
pub(crate) const REMOVAL_DISPUTED: &str =
    "Someone removed this while someone else changed it; it stays until one decides.";

/// Said of a conflict to whom it is not for to settle.
pub(crate) const UNSETTLED: &str = "both stay until the student chooses";

/// Who recorded the entry, and what can be said for it.
pub(crate) fn provenance(entry: &Entry, reader: Reader) -> String {
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

/// Who said something, and on which day.
pub(crate) fn said(by: Option<&str>, at: Timestamp, reader: Reader) -> String {
    let who = match (by, reader) {
        (Some(name), _) => one_line(name),
        (None, Reader::Holder) => "you".to_owned(),
        (None, Reader::Organisation) => "the student".to_owned(),
    };
    format!("{who}, {}", at.date())
}

/// That a field no longer says what its author signed, and who changed it.
pub(crate) fn change(change: &Change, reader: Reader) -> String {
    let title = one_line(&change.title);
    let how = match &change.now {
        Some(now) => {
            format!("{title} changed since by {}", said(now.by.as_deref(), now.at, reader))
        }
        None => format!("{title} was emptied since"),
    };
    match &change.before {
        Some(before) => format!("{how}; signed as `{}`", one_line(before)),
        None => how,
    }
}

/// That a field has several values.
pub(crate) fn conflict(conflict: &Conflict) -> String {
    let values = conflict.values.len();
    format!("{} has {values} values, set at the same time", one_line(&conflict.title))
}

/// The words in an entry that somebody wrote or that name what they wrote, to be glossed.
pub(crate) fn spoken(entry: &Entry) -> String {
    let fields = entry.fields.iter().flat_map(|f| [f.title.as_str(), f.value.as_str()]);
    let notes = entry.notes.iter().map(|n| n.text.as_str());
    let all = [entry.label.as_str(), entry.kind.as_str()].into_iter().chain(fields).chain(notes);
    all.collect::<Vec<_>>().join("\n")
}

/// A word of services, in plain words.
pub(crate) fn gloss(term: &Term) -> String {
    format!("{}: {}. It does not mean: {}.", term.name, term.plain, term.not)
}

/// One of a conflict's values.
pub(crate) fn claimed(claim: &Claim) -> String {
    claim.value.as_deref().map_or("(cleared)".to_owned(), one_line)
}
