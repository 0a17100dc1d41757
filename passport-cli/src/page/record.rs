//! A section as a part of the document: every entry with all that is said of it.

use std::collections::BTreeSet;

use passport_core::glossary;

use super::{Block, Part, Row, Table};
use crate::render::words;
use crate::render::{Conflict, Entry, Reader, Section, Suggestion};

/// Whoever reads the document is not the student's own program.
const READER: Reader = Reader::Organisation;

/// Most characters of a heading. What is longer stands below a short one: nobody finds their way
/// by headings of paragraphs.
const HEADING_MAX: usize = 160;

/// The words of services that a document has glossed already.
#[derive(Default)]
pub(super) struct Glossed(BTreeSet<&'static str>);

/// A section, in the view's order; a word of services is glossed where it first stands.
pub(super) fn part(section: &Section, glossed: &mut Glossed) -> Part {
    let mut blocks = vec![Block::Aside(section.gloss.clone())];
    if section.entries.is_empty() {
        blocks.push(Block::Text(words::NOTHING_RECORDED.to_owned()));
    }
    for entry in &section.entries {
        write(&mut blocks, entry);
        blocks.extend(glossed.first_in(entry));
    }
    Part { title: section.title.clone(), blocks, ends_sheet: false }
}

impl Glossed {
    /// The words that stand in an entry and stood in none before.
    fn first_in(&mut self, entry: &Entry) -> Option<Block> {
        let mut terms = glossary::in_text(&words::spoken(entry));
        terms.retain(|term| self.0.insert(term.name));
        let glosses: Vec<String> = terms.into_iter().map(words::gloss).collect();
        let said = || Block::Aside(format!("In plain words: {}", glosses.join(" ")));
        (!glosses.is_empty()).then(said)
    }
}

fn write(blocks: &mut Vec<Block>, entry: &Entry) {
    let named = if entry.label.trim().is_empty() { &entry.kind } else { &entry.label };
    if named.chars().count() > HEADING_MAX || named.contains('\n') {
        blocks.push(Block::Heading(entry.kind.clone()));
        blocks.push(Block::Text(named.clone()));
    } else {
        blocks.push(Block::Heading(named.clone()));
    }
    // A field in conflict stands in its table alone, with all its values.
    let contested = |title: &str| entry.conflicts.iter().any(|c| c.title == title);
    let rows: Vec<Row> = entry
        .fields
        .iter()
        .filter(|f| !contested(&f.title))
        .map(|f| Row::new(&f.title, f.value.clone()))
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::Rows(rows));
    }
    for conflict in &entry.conflicts {
        write_conflict(blocks, conflict);
    }
    if entry.removal_disputed {
        blocks.push(Block::Notice(words::REMOVAL_DISPUTED.to_owned()));
    }
    let mut stands: Vec<String> = vec![capital(&words::provenance(entry, READER))];
    stands.extend(entry.changes.iter().map(|change| words::change(change, READER)));
    blocks.push(Block::Aside(format!("{}.", stands.join(". "))));
    for note in &entry.notes {
        let by = words::said(note.by.as_deref(), note.at, READER);
        blocks.push(Block::Text(format!("Note by {by}: {}", note.text)));
    }
    blocks.extend(entry.suggestions.iter().map(suggested));
}

fn write_conflict(blocks: &mut Vec<Block>, conflict: &Conflict) {
    blocks.push(Block::Notice(format!("{}; {}.", words::conflict(conflict), words::UNSETTLED)));
    let row = |claim: &crate::render::Claim| {
        let by = words::said(claim.by.as_deref(), claim.at, READER);
        vec![words::claimed(claim), by]
    };
    blocks.push(Block::Table(Table {
        columns: vec!["Value", "Said by, on"],
        rows: conflict.values.iter().map(row).collect(),
    }));
}

fn suggested(suggestion: &Suggestion) -> Block {
    let by = words::said(suggestion.by.as_deref(), suggestion.at, READER);
    let change = |field: &crate::render::Field| {
        let value = if field.value.is_empty() { "(clear it)" } else { &field.value };
        format!("{}: {value}", field.title)
    };
    let changes: Vec<String> = suggestion.fields.iter().map(change).collect();
    Block::Text(format!("Suggested by {by}, and not accepted: {}", changes.join("; ")))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
