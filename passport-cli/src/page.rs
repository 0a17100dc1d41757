//! A record as a document for people without this program: one layout, written as HTML or PDF.
//!
//! [`Page::of`] lays out what a view shows; [`html`] and [`pdf`] only set it. Both neutralise
//! every text, so nobody who fills a [`Block`] has to.

pub(crate) mod card;
mod glance;
pub(crate) mod html;
mod order;
pub(crate) mod pdf;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use passport_core::nhs_number::NhsNumber;
use passport_core::time::Timestamp;
use passport_core::view::View;
use unicode_bidi::{BidiClass, bidi_class};

use crate::render::Section;

/// The language that the words of ours are in (BCP 47).
const LANGUAGE: &str = "en-GB";

/// What a [`Block::Notice`] begins with: not colour alone says that it matters (WCAG 2.2, 1.4.1).
const ATTENTION: &str = "Attention:";

/// Stands between the parts of a line that are no sentence.
const BETWEEN: &str = " · ";

/// Who the student is: `name`, and `date_of_birth`, `nhs_number` and `pronouns` as far as known.
pub(crate) type Who = BTreeMap<&'static str, String>;

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Its heading.
    title: String,
    /// Whose it is and from when.
    facts: Vec<Row>,
    /// What stands at the foot of each sheet: enough to put a lost sheet back.
    foot: Foot,
    /// Its parts, what matters first before all others.
    parts: Vec<Part>,
}

/// What stands at the foot of each sheet.
#[derive(Clone, Debug)]
struct Foot {
    /// Whose it is; the end of a long name may be left out.
    name: String,
    /// Numbers and days that tell two people of one name apart.
    told_by: String,
}

/// A part of a document under a heading of its own.
#[derive(Clone, Debug)]
struct Part {
    /// Its heading.
    title: String,
    /// What it says.
    blocks: Vec<Block>,
    /// Whether what follows begins on a new sheet.
    ends_sheet: bool,
}

/// What a part is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    /// A heading below the part's.
    Heading(String),
    /// Plain text, of one or more lines.
    Text(String),
    /// What is said about what stands above: who recorded it, and when.
    Aside(String),
    /// What must not be overlooked.
    Notice(String),
    /// Labels and values.
    Rows(Vec<Row>),
    /// A table with a heading for each column.
    Table(Table),
}

/// A label and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// What it is.
    label: String,
    /// What it says, on one or more lines.
    value: String,
}

/// A table whose first column names the row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    /// The heading of each column.
    columns: Vec<&'static str>,
    /// Cells, as many in each row as there are columns.
    rows: Vec<Vec<String>>,
}

impl Row {
    fn new(label: &str, value: impl Into<String>) -> Self {
        Self { label: label.to_owned(), value: value.into() }
    }
}

impl Page {
    /// Lays out views of a student's record as of `now`.
    ///
    /// The same views, words and time make the same document.
    pub(crate) fn of(who: &Who, views: &[View], now: Timestamp) -> Self {
        let name = who.get("name").map_or("unnamed", String::as_str);
        let views = &order::ordered(views);
        let mut parts = vec![glance::part(views)];
        let mut glossed = record::Glossed::default();
        parts.extend(views.iter().map(|view| record::part(&Section::of(view), &mut glossed)));
        Self {
            title: format!("Student passport: {name}"),
            facts: facts(who, views, now),
            foot: foot(who, name, now),
            parts,
        }
    }
}

fn facts(who: &Who, views: &[View], now: Timestamp) -> Vec<Row> {
    let mut facts = Vec::new();
    for (key, label) in [("name", "Name"), ("pronouns", "Pronouns")] {
        facts.extend(who.get(key).map(|value| Row::new(label, value)));
    }
    let born = who.get("date_of_birth").map_or("not given", String::as_str);
    facts.push(Row::new("Date of birth", born));
    let number = who.get("nhs_number").map(|number| nhs_number(number, views));
    facts.push(Row::new("NHS number", number.unwrap_or_else(|| "not given".to_owned())));
    let titles: Vec<String> = views.iter().map(|v| Section::of(v).title).collect();
    facts.push(Row::new("In this document", titles.join(", ")));
    facts.push(Row::new("As of", moment(now)));
    facts
}

/// The number in groups, and who vouches for it.
fn nhs_number(number: &str, views: &[View]) -> String {
    let Ok(valid) = number.parse::<NhsNumber>() else {
        return format!("{number} (not a valid NHS number)");
    };
    let identity = views.iter().filter(|v| v.section.as_str() == "identity");
    let checked = identity
        .flat_map(|v| &v.entries)
        .find_map(|entry| glance::said(entry, "nhs_number_verified_by"));
    match checked {
        Some(by) => format!("{valid} (checked by {by})"),
        None => format!("{valid} (as the student gave it)"),
    }
}

fn foot(who: &Who, name: &str, now: Timestamp) -> Foot {
    let mut told_by = Vec::new();
    for (key, label) in [("date_of_birth", "born"), ("nhs_number", "NHS")] {
        told_by.extend(who.get(key).map(|value| format!("{label} {value}")));
    }
    told_by.push(format!("as of {}", now.date()));
    Foot { name: name.to_owned(), told_by: told_by.join(BETWEEN) }
}

/// Keeps what follows a name written from right to left from running with it: without a mark
/// (U+200E) after the name, the parts of a telephone number or date behind a comma change places
/// (Unicode UAX #9, W2).
fn apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut backwards = false;
    for c in text.chars() {
        let class = bidi_class(c);
        if [BidiClass::R, BidiClass::AL].contains(&class) {
            backwards = true;
        } else if class == BidiClass::L {
            backwards = false;
        } else if backwards && matches!(c, ',' | ';' | ':' | '·' | '(') {
            out.push('\u{200e}');
            backwards = false;
        }
        out.push(c);
    }
    out
}

fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    let clock = text.get(11..16).unwrap_or_default();
    format!("{}, {clock} UTC", at.date())
}
