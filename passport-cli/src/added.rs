//! What `add` and `import` answer, and the notice that a discharge brings with it.

use passport_core::holder::NewEntry;
use passport_core::id::EntryId;
use passport_core::section::{PartialDate, SectionName, Value};
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
                text.push_str(&format!("{what}: {title} ({name}){}\n", id.unwrap_or_default()));
            }
        }
        for skipped in &self.skipped {
            text.push_str(&format!("Not placed: {}: {}\n", skipped.resource, skipped.reason));
        }
        if text.is_empty() { "Nothing to add.\n".to_owned() } else { text }
    }
}

/// The notice that goes with a discharge: that, when and from what kind of setting, and what
/// follow-up is due; nothing of why.
pub(crate) fn notice_of(entry: &NewEntry) -> Option<NewEntry> {
    if entry.kind != "discharge" {
        return None;
    }
    let section = "discharge-notice".parse().ok()?;
    let field = |name: &str| entry.fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let mut fields: Vec<(String, Value)> = Vec::new();
    if let Some(Value::Date(moment)) = field("discharged_on") {
        // The day is enough, and the hour may say more.
        let day = moment.as_str().get(..10).unwrap_or(moment.as_str());
        let day: Option<PartialDate> = day.parse().ok();
        fields.extend(day.map(|day| ("discharged_on".to_owned(), Value::Date(day))));
    }
    for name in ["setting", "follow_up_due", "follow_up_with"] {
        fields.extend(field(name).map(|value| (name.to_owned(), value)));
    }
    let due = field("follow_up_due").is_some() || field("follow_up_with").is_some();
    let state = if due { "follow-up-due" } else { "unknown" };
    fields.push(("state".to_owned(), Value::Choice(state.to_owned())));
    Some(NewEntry { section, kind: "notice".to_owned(), fields })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_nothing_of_why() {
        let text = |t: &str| Value::Text(t.to_owned());
        let discharge = NewEntry {
            section: "discharges".parse().unwrap(),
            kind: "discharge".to_owned(),
            fields: vec![
                ("discharged_on".to_owned(), Value::Date("2026-10-03T09:30:00Z".parse().unwrap())),
                ("setting".to_owned(), Value::Choice("mental-health".to_owned())),
                ("diagnoses".to_owned(), Value::Prose("private".to_owned())),
                ("hospital".to_owned(), text("Ward 7")),
                ("follow_up_with".to_owned(), text("Crisis team")),
            ],
        };
        let notice = notice_of(&discharge).unwrap();
        let names: Vec<&str> = notice.fields.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["discharged_on", "setting", "follow_up_with", "state"]);
        assert_eq!(notice.fields[0].1, Value::Date("2026-10-03".parse().unwrap()));
        assert!(notice_of(&notice).is_none());
    }
}
