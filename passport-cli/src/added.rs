//! What `add` and `import` answer, and the notice that a discharge brings with it.

use std::fmt::Write as _;

use passport_core::holder::NewEntry;
use passport_core::id::EntryId;
use passport_core::section::SectionName;
use serde::Serialize;

use crate::names::short;

/// What was added, and what was not.
#[derive(Serialize)]
pub(crate) struct Added {
    /// New entries.
    pub(crate) entries: Vec<Placed>,
    /// Entries that were there, and say something new now.
    pub(crate) updated: Vec<Placed>,
    /// Entries that were there, and stay as they are.
    pub(crate) kept: Vec<Placed>,
    /// What could not be placed.
    pub(crate) skipped: Vec<Skipped>,
}

/// An entry and where it is.
#[derive(Serialize)]
pub(crate) struct Placed {
    /// Its id; none while nothing was written yet.
    pub(crate) id: Option<EntryId>,
    /// Its section.
    pub(crate) section: SectionName,
}

/// Something that could not be placed.
#[derive(Serialize)]
pub(crate) struct Skipped {
    /// Where it was.
    pub(crate) resource: String,
    /// Why.
    pub(crate) reason: String,
}

impl Added {
    /// Only new entries.
    pub(crate) fn new(entries: impl Iterator<Item = (EntryId, SectionName)>) -> Self {
        let placed = |(id, section)| Placed { id: Some(id), section };
        Self {
            entries: entries.map(placed).collect(),
            updated: Vec::new(),
            kept: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        let mut text = String::new();
        for (what, placed) in
            [("Added", &self.entries), ("Updated", &self.updated), ("Kept as it is", &self.kept)]
        {
            for one in placed {
                let id = one.id.map(|id| format!("  [{}]", short(&id.to_string())));
                let title = one.section.spec().title;
                let name = one.section.as_str();
                let _ = writeln!(text, "{what}: {title} ({name}){}", id.unwrap_or_default());
            }
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "Not placed: {}: {}", skipped.resource, skipped.reason);
        }
        if text.is_empty() { "Nothing to add.\n".to_owned() } else { text }
    }
}

/// The notice that goes with a discharge: nothing of why.
pub(crate) fn notice_of(entry: &NewEntry) -> Option<NewEntry> {
    if entry.kind != "discharge" {
        return None;
    }
    let section = "discharge-notice".parse().ok()?;
    let fields = passport_core::discharge::notice_of(&entry.fields);
    Some(NewEntry { section, kind: "notice".to_owned(), fields })
}
