//! What must hold of every row.

use std::collections::BTreeSet;

use super::{OWN, SECTIONS, find};
use crate::section::{FieldKind, SectionName, SectionSpec};

fn all() -> impl Iterator<Item = &'static SectionSpec> {
    SECTIONS.iter().chain([&OWN])
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

#[test]
fn names_are_unique_at_every_level() {
    let mut sections = BTreeSet::new();
    for section in all() {
        assert!(is_name(section.name) && sections.insert(section.name), "{}", section.name);
        let mut kinds = BTreeSet::new();
        for kind in section.kinds {
            assert!(is_name(kind.name) && kinds.insert(kind.name), "{}", kind.name);
            let mut fields = BTreeSet::new();
            for field in kind.fields {
                assert!(is_name(field.name) && fields.insert(field.name), "{}", field.name);
                if let FieldKind::Choice(choices) = field.kind {
                    let names: BTreeSet<_> = choices.iter().map(|c| c.name).collect();
                    assert_eq!(names.len(), choices.len(), "{}", field.name);
                }
            }
        }
    }
}

#[test]
fn every_section_has_a_kind_and_every_kind_names_its_entries() {
    for section in all() {
        assert!(!section.kinds.is_empty(), "{}", section.name);
        for kind in section.kinds {
            assert!(kind.field(kind.label).is_some(), "{} {}", section.name, kind.name);
            // Many fields, but few enough for one form and one envelope.
            assert!((1..=32).contains(&kind.fields.len()), "{} {}", section.name, kind.name);
        }
    }
}

#[test]
fn every_word_has_a_gloss() {
    let plain = |gloss: &str| gloss.len() > 3 && gloss.ends_with('.');
    for section in all() {
        assert!(!section.title.is_empty() && plain(section.gloss), "{}", section.name);
        for kind in section.kinds {
            assert!(!kind.title.is_empty());
            for field in kind.fields {
                assert!(!field.title.is_empty() && plain(field.gloss), "{}", field.name);
                if let FieldKind::Choice(choices) = field.kind {
                    assert!(!choices.is_empty(), "{}", field.name);
                    assert!(choices.iter().all(|c| plain(c.gloss)), "{}", field.name);
                }
            }
        }
    }
}

#[test]
fn a_notice_of_discharge_cannot_say_why() {
    let notice = find("discharge-notice").unwrap();
    for kind in notice.kinds {
        for field in kind.fields {
            for word in ["diagnos", "reason", "legal", "condition", "note", "source", "destination"]
            {
                assert!(!field.name.contains(word), "{}", field.name);
            }
            // A long text, a code or verbatim content could carry one all the same.
            assert!(
                !matches!(field.kind, FieldKind::Prose | FieldKind::Code | FieldKind::Source),
                "{}",
                field.name
            );
        }
    }
}

#[test]
fn what_must_stay_apart_stays_apart() {
    let withheld: Vec<_> = SECTIONS.iter().filter(|s| !s.in_share_all).map(|s| s.name).collect();
    assert_eq!(withheld, ["risks", "private"]);
    let closed: Vec<_> = SECTIONS.iter().filter(|s| !s.shareable).map(|s| s.name).collect();
    assert_eq!(closed, ["private"]);
    let shared: Vec<_> = SECTIONS.iter().filter(|s| s.collaborative).map(|s| s.name).collect();
    assert_eq!(shared, ["plan"]);
}

#[test]
fn own_sections_use_the_own_row() {
    let own: SectionName = "x-running-club".parse().unwrap();
    assert_eq!(own.spec().name, OWN.name);
    let medications: SectionName = "medications".parse().unwrap();
    assert_eq!(medications.spec().kinds.first().unwrap().name, "medication");
    assert!("x-".parse::<SectionName>().is_err());
}

#[test]
fn anything_can_be_kept_back_under_its_own_kind() {
    let private = find("private").unwrap();
    for section in SECTIONS {
        for kind in section.kinds {
            let kept = private.kind(kind.name).unwrap();
            for field in kind.fields {
                let there = kept.field(field.name).map(|f| f.kind);
                assert_eq!(there, Some(field.kind), "{}: {}", kind.name, field.name);
            }
        }
    }
    assert!(find("allergies").unwrap().kind("medication").is_none());
}
