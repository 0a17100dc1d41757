//! The glossary: one table of words, and with it the sections' own.
//!
//! The program explains them, documents for people gloss them where they first stand, and
//! `docs/GLOSSARY.md` is written from them. Words of sections, fields and their choices come from
//! [`crate::section::table`]: nothing is explained twice.

mod services;
mod words;

use serde::Serialize;

use crate::section::table::SECTIONS;
use crate::section::{FieldKind, SectionSpec};

/// For whom something is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// The student.
    Student,
    /// A practice or hospital.
    Gp,
    /// A university's staff.
    University,
}

/// What sort of word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// An idea of the passport itself.
    Passport,
    /// A word of health services and universities.
    Service,
    /// A section.
    Section,
    /// A field of an entry.
    Field,
    /// A value that a field may have.
    Choice,
}

/// A word of the table.
#[derive(Debug)]
pub struct Term {
    /// The word.
    pub name: &'static str,
    /// Other words for it.
    pub also: &'static [&'static str],
    /// What it means, in plain words, for everybody.
    pub plain: &'static str,
    /// Of a service's word: what it does not mean. Of one of ours: what it is not to be called.
    pub not: &'static str,
    /// What else matters to whom.
    pub said: &'static [(Audience, &'static str)],
    /// Where that comes from.
    pub source: &'static str,
    /// What sort of word it is.
    pub sort: Sort,
}

const fn term(
    name: &'static str,
    plain: &'static str,
    not: &'static str,
    source: &'static str,
) -> Term {
    Term { name, also: &[], plain, not, said: &[], source, sort: Sort::Service }
}

const fn own(name: &'static str, plain: &'static str, not: &'static str) -> Term {
    let source = "this project, docs/ARCHITECTURE.md";
    Term { name, also: &[], plain, not, said: &[], source, sort: Sort::Passport }
}

/// The words of the passport itself.
pub fn words() -> impl Iterator<Item = &'static Term> {
    words::WORDS.iter()
}

/// The words of health services and universities.
pub fn services() -> impl Iterator<Item = &'static Term> {
    services::SERVICES.iter()
}

impl Term {
    /// What else matters to somebody.
    #[must_use]
    pub fn said_to(&self, audience: Audience) -> Option<&'static str> {
        self.said.iter().find(|(to, _)| *to == audience).map(|(_, said)| *said)
    }
}

/// An explanation, of the table or of the sections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The word; of a field with its section, of a choice with both.
    pub term: String,
    /// What sort of word it is.
    pub sort: Sort,
    /// What it means, in plain words.
    pub plain: String,
    /// What it does not mean, or is not to be called.
    pub not: Option<&'static str>,
    /// What else matters to whom.
    pub said: Vec<Said>,
    /// Where that comes from.
    pub source: String,
    #[serde(skip)]
    names: Vec<String>,
}

/// What else matters to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// To whom.
    pub to: Audience,
    /// What.
    pub words: &'static str,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// These, which are called exactly that, or begin so alone.
    Named(Vec<Explanation>),
    /// Nothing, or too much: names that are near.
    Near(Vec<String>),
}

/// Names told when nothing fits.
const NEAR: usize = 6;

/// Explains a word: by its name, another name or a code, letters' case aside, or by the beginning
/// of one name alone.
#[must_use]
pub fn explain(name: &str) -> Found {
    let wanted = folded(name);
    let all = explanations();
    let called = |test: &dyn Fn(&str) -> bool| -> Vec<Explanation> {
        all.iter().filter(|e| e.names.iter().any(|n| test(n))).cloned().collect()
    };
    let exact = without_parts(called(&|n| n == wanted));
    if !exact.is_empty() {
        return Found::Named(exact);
    }
    let begins = without_parts(called(&|n| !wanted.is_empty() && n.starts_with(&wanted)));
    if begins.len() == 1 {
        return Found::Named(begins);
    }
    let mut near: Vec<(usize, String)> = all
        .iter()
        .map(|e| {
            let begins = e.names.iter().any(|n| !wanted.is_empty() && n.starts_with(&wanted));
            let distance = e.names.iter().map(|n| distance(n, &wanted)).min().unwrap_or(usize::MAX);
            (if begins { 0 } else { distance }, e.term.clone())
        })
        .collect();
    near.sort();
    near.dedup();
    Found::Near(near.into_iter().take(NEAR).map(|(_, term)| term).collect())
}

/// A word of the table explains more than a field that is called the same.
fn without_parts(mut found: Vec<Explanation>) -> Vec<Explanation> {
    let is_part = |e: &Explanation| matches!(e.sort, Sort::Field | Sort::Choice);
    if found.iter().any(|e| !is_part(e)) {
        found.retain(|e| !is_part(e));
    }
    found
}

/// The services' words that stand in a text, in the table's order.
#[must_use]
pub fn in_text(text: &str) -> Vec<&'static Term> {
    let text = text.to_lowercase();
    let stands = |word: &str| {
        let word = word.to_lowercase();
        text.match_indices(&word).any(|(at, found)| {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
            let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
            !joined(before) && !joined(after)
        })
    };
    services().filter(|t| stands(t.name) || t.also.iter().any(|word| stands(word))).collect()
}

/// Everything that can be explained.
fn explanations() -> Vec<Explanation> {
    let mut all: Vec<Explanation> = words().chain(services()).map(of_term).collect();
    for section in SECTIONS {
        of_section(&mut all, section);
    }
    all
}

fn of_term(term: &'static Term) -> Explanation {
    Explanation {
        term: term.name.to_owned(),
        sort: term.sort,
        plain: term.plain.to_owned(),
        not: Some(term.not).filter(|not| !not.is_empty()),
        said: term.said.iter().map(|(to, words)| Said { to: *to, words }).collect(),
        source: term.source.to_owned(),
        names: core::iter::once(&term.name).chain(term.also).map(|name| folded(name)).collect(),
    }
}

fn of_section(all: &mut Vec<Explanation>, section: &SectionSpec) {
    let of = |term: String, sort: Sort, plain: String, names: &[&str]| Explanation {
        names: names.iter().map(|n| folded(n)).chain([folded(&term)]).collect(),
        term,
        sort,
        plain,
        not: None,
        said: Vec::new(),
        source: format!("this project, section `{}`", section.name),
    };
    let plain = format!("{}: {}", section.title, section.gloss);
    let mut heading = of(section.name.to_owned(), Sort::Section, plain, &[section.title]);
    if let Some(code) = section.heading {
        heading.names.push(folded(code.code));
        heading.source = format!("{} {} ({})", code.system, code.code, code.display);
    }
    all.push(heading);
    for field in section.kinds.iter().flat_map(|kind| kind.fields) {
        let name = format!("{} {}", section.name, field.name);
        if all.iter().any(|e| e.term == name) {
            continue;
        }
        let plain = format!("{}: {}", field.title, field.gloss);
        all.push(of(name.clone(), Sort::Field, plain, &[field.name, field.title]));
        let FieldKind::Choice(choices) = field.kind else { continue };
        for choice in choices {
            let name = format!("{name} {}", choice.name);
            all.push(of(name, Sort::Choice, choice.gloss.to_owned(), &[choice.name]));
        }
    }
}

/// Names are compared without case, and with one sign between words.
fn folded(name: &str) -> String {
    let words: Vec<String> = name
        .split(|c: char| c.is_whitespace() || matches!(c, '-' | '_' | '\''))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

/// How many letters differ (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            left = (above + 1).min(left + 1).min(corner + usize::from(from != *to));
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(found: &Found) -> Vec<String> {
        match found {
            Found::Named(named) => named.iter().map(|e| e.term.clone()).collect(),
            Found::Near(_) => Vec::new(),
        }
    }

    #[test]
    fn a_word_is_found_by_its_names_its_code_and_its_beginning() {
        for (name, term) in [
            ("risk", "risk"),
            ("Section-3", "section 2"),
            ("crisis", "crisis team"),
            ("home treatment team", "crisis team"),
            ("discharge-notice", "discharge-notice"),
            ("legal_status", "legal status"),
            ("safeguard", "safeguarding"),
            ("11450-4", "problems"),
            ("discharges setting acute", "discharges setting acute"),
        ] {
            assert!(terms(&explain(name)).contains(&term.to_owned()), "{name}");
        }
    }

    #[test]
    fn what_is_no_word_names_those_that_are_near() {
        let Found::Near(near) = explain("dishcarge") else { panic!("found") };
        assert!(near.contains(&"discharge".to_owned()), "{near:?}");
        assert!(matches!(explain(""), Found::Near(_)));
        assert!(matches!(explain("s"), Found::Near(near) if near.len() == NEAR));
        assert_eq!(
            (distance("risk", "risk"), distance("risk", "risc"), distance("", "ab")),
            (0, 1, 2)
        );
    }

    #[test]
    fn the_table_says_each_thing_once_and_says_where_from() {
        let mut names: Vec<String> = Vec::new();
        for term in words().chain(services()) {
            assert!(!term.plain.is_empty() && !term.source.is_empty(), "{}", term.name);
            assert!(!term.plain.ends_with('.') && !term.not.ends_with('.'), "{}", term.name);
            let cell = |t: &str| !t.contains(['|', '\n']);
            assert!(cell(term.plain) && cell(term.not) && cell(term.source), "{}", term.name);
            names.push(folded(term.name));
            let also = term.also.iter().map(|n| folded(n)).filter(|n| *n != folded(term.name));
            names.extend(also);
        }
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "a name stands twice");
    }

    #[test]
    fn words_are_found_whole_in_a_text() {
        let names = |text| in_text(text).iter().map(|t| t.name).collect::<Vec<_>>();
        assert_eq!(names("The Crisis Team was asked."), ["crisis team"]);
        assert_eq!(names("asterisk, brisk"), [""; 0]);
        assert_eq!(names("Risks: see (section 3)"), ["risk", "section 2"]);
    }
}
