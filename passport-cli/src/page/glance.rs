//! What matters first, on one sheet: allergies, current medicines, conditions, contacts, and what
//! to do in a crisis.
//!
//! A field in conflict shows every value: a dose that two people set differently is the last
//! thing to leave out here.

use passport_core::replica::{EntryNow, Stance};
use passport_core::section::display::display_value;
use passport_core::view::View;

use super::{Block, Part, Row, Table};
use crate::render::{Entry, Reader, Section, words};

/// Ways to help in England that need no record (NHS England, Samaritans).
const HELP: &str = "Life in danger: call 999 or go to A&E. Urgent mental health help at any hour: \
call 111 and choose the mental health option. To talk to someone: Samaritans, 116 123.";

/// Most characters of what is said of something where there is little room.
const WORDS_MAX: usize = 40;

/// A table of one section's entries of one kind.
struct Listed {
    section: &'static str,
    title: &'static str,
    kind: &'static str,
    /// Heading of a column, and the fields that its cells join.
    columns: &'static [(&'static str, &'static [&'static str])],
    /// Values of fields that say an entry is past or was never so.
    past: &'static [(&'static str, &'static [&'static str])],
    /// What those are called that are left to the section itself.
    left: &'static str,
}

const LISTED: &[Listed] = &[
    Listed {
        section: "allergies",
        title: "Allergies and intolerances",
        kind: "allergy",
        columns: &[
            ("What to avoid", &["agent"]),
            ("Reaction", &["reaction", "severity"]),
            ("How dangerous", &["criticality"]),
        ],
        past: &[("status", &["resolved"]), ("certainty", &["refuted", "entered-in-error"])],
        left: "resolved or ruled out",
    },
    Listed {
        section: "medications",
        title: "Current medicines",
        kind: "medication",
        columns: &[
            ("Medicine", &["item"]),
            ("Dose", &["dose", "route"]),
            ("When", &["timing", "instructions"]),
            ("Status", &["status"]),
        ],
        past: &[("status", &["completed", "stopped", "intended", "not-taken", "entered-in-error"])],
        left: "not taken now",
    },
    Listed {
        section: "problems",
        title: "Conditions",
        kind: "problem",
        columns: &[("Condition", &["condition"]), ("Status", &["status"]), ("Since", &["onset"])],
        past: &[
            ("status", &["inactive", "remission", "resolved"]),
            ("certainty", &["refuted", "entered-in-error"]),
        ],
        left: "past or ruled out",
    },
    Listed {
        section: "contacts",
        title: "Emergency contacts",
        kind: "contact",
        columns: &[
            ("Name", &["name"]),
            ("Who it is", &["relationship"]),
            ("Telephone", &["phone"]),
            ("May be told", &["may_be_told"]),
        ],
        past: &[("emergency", &["no"])],
        left: "not for emergencies",
    },
];

/// The first part of every document.
pub(super) fn part(views: &[View]) -> Part {
    let mut blocks = Vec::new();
    for listed in LISTED {
        blocks.push(Block::Heading(listed.title.to_owned()));
        let view = views.iter().find(|v| v.section.as_str() == listed.section);
        list(&mut blocks, listed, view);
    }
    blocks.push(Block::Heading("In a crisis".to_owned()));
    crisis(&mut blocks, views);
    Part { title: "At a glance".to_owned(), blocks, ends_sheet: true }
}

/// One of the lists in few words, for where there is little room.
pub(super) fn brief(views: &[View], section: &str) -> String {
    let listed = LISTED.iter().find(|l| l.section == section);
    let view = views.iter().find(|v| v.section.as_str() == section);
    let (Some(listed), Some(view)) = (listed, view) else {
        return "not on this card; ask".to_owned();
    };
    let mut said = Vec::new();
    for entry in &view.entries {
        match entry.kind.as_str() {
            "none-known" | "no-information" => {
                let kind = view.section.spec().kind(&entry.kind).map_or("", |k| k.title);
                said.push(kind.to_owned());
            }
            kind if kind != listed.kind || is_past(listed, entry) => {}
            _ => {
                let cells = listed.columns.iter().flat_map(|(_, fields)| *fields);
                // Who may be told what is for whoever has the whole record.
                let cells = cells.filter(|f| !matches!(**f, "status" | "may_be_told"));
                let mut cells: Vec<&&str> = cells.collect();
                // Whatever is cut, the number to call is not.
                cells.sort_by_key(|f| **f != "phone");
                let cells = cells.into_iter().filter_map(|f| self::said(entry, f)).enumerate();
                // What it is called stands there whole, what is said of it in few words.
                let cells = cells.map(|(place, words)| match place {
                    0 => words,
                    _ => few(&words),
                });
                said.push(cells.collect::<Vec<_>>().join(", "));
            }
        }
    }
    if said.is_empty() { "nothing recorded; ask".to_owned() } else { said.join("; ") }
}

/// The beginning of a text that is long.
pub(super) fn few(words: &str) -> String {
    match words.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => {
            let start = words.get(..end).unwrap_or_default();
            let whole = start.rsplit_once(' ').map_or(start, |(whole, _)| whole);
            format!("{whole} …")
        }
        None => words.to_owned(),
    }
}

/// Whom the student's own plan says to call, in few words.
pub(super) fn crisis_words(views: &[View]) -> Option<String> {
    let plan = views.iter().filter(|v| v.section.as_str() == "safety-plan");
    plan.flat_map(|v| &v.entries).find_map(|entry| said(entry, "who_to_call"))
}

fn list(blocks: &mut Vec<Block>, listed: &Listed, view: Option<&View>) {
    let Some(view) = view else {
        let words = "Not part of this document. That does not mean that there is nothing.";
        return blocks.push(Block::Text(words.to_owned()));
    };
    if view.entries.is_empty() {
        return blocks.push(Block::Text(words::NOTHING_RECORDED.to_owned()));
    }
    let section = Section::of(view);
    let (mut past, mut rows) = (0_usize, Vec::new());
    for (entry, words) in view.entries.iter().zip(&section.entries) {
        match entry.kind.as_str() {
            // "None known" is somebody's word on a day, and so is "not known".
            "none-known" | "no-information" => {
                let by = words::provenance(words, Reader::Organisation);
                blocks.push(Block::Text(format!("{}: {by}.", words.kind)));
            }
            kind if kind != listed.kind => {}
            _ if is_past(listed, entry) => past = past.saturating_add(1),
            _ => rows.push(row(listed, entry, words)),
        }
    }
    if !rows.is_empty() {
        let columns = listed.columns.iter().map(|(title, _)| *title).chain(["Who says so"]);
        blocks.push(Block::Table(Table { columns: columns.collect(), rows }));
    }
    if past > 0 {
        let (left, title) = (listed.left, section.title);
        blocks.push(Block::Aside(format!("{past} more, {left}: see {title}.")));
    }
}

fn row(listed: &Listed, entry: &EntryNow, words: &Entry) -> Vec<String> {
    let cell = |fields: &[&str]| {
        let said: Vec<String> = fields.iter().filter_map(|f| said(entry, f)).collect();
        said.join("; ")
    };
    let mut cells: Vec<String> = listed.columns.iter().map(|(_, fields)| cell(fields)).collect();
    if entry.stance == Stance::Disputed
        && let Some(first) = cells.first_mut()
    {
        first.push_str(" (one removed it, one changed it: not settled)");
    }
    cells.push(words::provenance(words, Reader::Organisation));
    cells
}

/// Whether one settled field says that the entry is of the past. A conflict says nothing.
fn is_past(listed: &Listed, entry: &EntryNow) -> bool {
    let settled = |field: &str| entry.fields.get(field)?.settled().map(|v| display_value(&v.value));
    let ended = |(field, values): &(&str, &[&str])| {
        settled(field).is_some_and(|said| values.contains(&said.as_str()))
    };
    let unsaid = settled("status").is_none() && !entry.fields.contains_key("status");
    listed.past.iter().any(ended) || (unsaid && entry.fields.contains_key("stopped"))
}

/// What a field says, or everything that it says while nobody chose.
pub(super) fn said(entry: &EntryNow, field: &str) -> Option<String> {
    let versions = &entry.fields.get(field)?.versions;
    let each: Vec<String> = versions.iter().map(|v| display_value(&v.value)).collect();
    match each.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("NOT SETTLED: {}", several.join(" or "))),
    }
}

/// What the student's own safety plan says to do, then what helps anybody.
fn crisis(blocks: &mut Vec<Block>, views: &[View]) {
    let plan = views.iter().filter(|v| v.section.as_str() == "safety-plan");
    let mut rows = Vec::new();
    for entry in plan.flat_map(|v| &v.entries) {
        let fields = [
            ("Who to call", "who_to_call"),
            ("What helps", "what_helps"),
            ("What to avoid", "what_to_avoid"),
            ("Keeping safe", "keeping_safe"),
        ];
        rows.extend(fields.iter().filter_map(|(label, f)| Some(Row::new(label, said(entry, f)?))));
        if entry.kind == "call" {
            let parts = ["name", "phone", "when", "hours"].iter().filter_map(|f| said(entry, f));
            rows.push(Row::new("Call", parts.collect::<Vec<_>>().join(", ")));
        }
    }
    if rows.is_empty() {
        blocks.push(Block::Text("No safety plan in this document.".to_owned()));
    } else {
        blocks.push(Block::Rows(rows));
    }
    blocks.push(Block::Text(HELP.to_owned()));
}
