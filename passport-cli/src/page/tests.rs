//! What a document says, in both of its forms.

use super::*;
use crate::render::{Claim, Conflict, Entry, Field, Said};

const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\" onload='x' & \u{1b}[2J 李 שלום محمد";

fn now() -> Timestamp {
    "2026-10-03T09:30:00Z".parse().unwrap()
}

fn entry() -> Entry {
    let claim = |value: &str, by: Option<&str>| Claim {
        value: Some(value.to_owned()),
        by: by.map(str::to_owned),
        at: now(),
    };
    let conflict = Conflict {
        field: "dose".to_owned(),
        title: "Dose".to_owned(),
        values: vec![claim("50 mg", Some("Elm Street Surgery")), claim("9 mg", None)],
    };
    Entry {
        id: "4f".repeat(16),
        kind: "medicine".to_owned(),
        along: false,
        label: "Sertraline".to_owned(),
        fields: vec![Field { title: "Instructions".to_owned(), value: HOSTILE.to_owned() }],
        author: Some("Elm Street Surgery".to_owned()),
        recorded_at: now(),
        attested: true,
        removal_disputed: true,
        changes: vec![crate::render::Change {
            title: "Dose".to_owned(),
            before: None,
            now: Some(Said { by: None, at: now() }),
        }],
        conflicts: vec![conflict],
        notes: Vec::new(),
        suggestions: Vec::new(),
    }
}

fn page(entries: Vec<Entry>) -> Page {
    let section = |title: &str, entries| Section {
        title: title.to_owned(),
        gloss: "What the student takes.".to_owned(),
        entries,
    };
    Page {
        title: format!("Student passport: {HOSTILE}"),
        facts: vec![Row::new("Name", HOSTILE)],
        foot: Foot { name: HOSTILE.to_owned(), told_by: HOSTILE.to_owned() },
        parts: vec![
            record::part(&section("Medicines", entries), &mut record::Glossed::default()),
            record::part(&section("Conditions", Vec::new()), &mut record::Glossed::default()),
        ],
    }
}

#[test]
fn an_entry_says_who_stands_behind_it_and_shows_both_sides_of_a_conflict() {
    let section = Section {
        title: "Medicines".to_owned(),
        gloss: "What the student takes.".to_owned(),
        entries: vec![entry()],
    };
    let part = record::part(&section, &mut record::Glossed::default());
    let said = |block: &Block| part.blocks.contains(block);
    assert!(said(&Block::Heading("Sertraline".to_owned())));
    let stands = "Recorded by Elm Street Surgery, changed since, 2026-10-03. \
                  Dose changed since by the student, 2026-10-03.";
    assert!(said(&Block::Aside(stands.to_owned())), "{part:#?}");
    let row = |value: &str, by: &str| vec![value.to_owned(), by.to_owned()];
    assert!(said(&Block::Table(Table {
        columns: vec!["Value", "Said by, on"],
        rows: vec![
            row("50 mg", "Elm Street Surgery, 2026-10-03"),
            row("9 mg", "the student, 2026-10-03"),
        ],
    })));
}

#[test]
fn a_page_runs_nothing_fetches_nothing_and_escapes_everything() {
    let html = html::write(&page(vec![entry()]));
    let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    let digest = <sha2::Sha256 as sha2::Digest>::digest(style);
    let digest = data_encoding::BASE64.encode(&digest);
    assert!(html.contains(&format!("default-src 'none'; style-src 'sha256-{digest}'")));
    for forbidden in
        ["<script", "onload='", "src=", "http:", "https:", "url(", "\u{202e}", "\u{1b}"]
    {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(
        html.contains(
            "&lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}&quot; onload=&#39;x&#39; &amp;"
        )
    );
    assert!(html.contains("Nothing recorded here."));
}

#[test]
fn a_page_has_its_landmarks_and_headings_in_order_and_closes_what_it_opens() {
    let html = html::write(&page(vec![entry()]));
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"));
    for landmark in ["<header>", "<nav aria-label=", "<main>", "<footer>", "<h1", "<title>"] {
        assert_eq!(html.matches(landmark).count(), 1, "{landmark}");
    }
    // Where there is no room for columns, each cell says which it is of.
    assert!(html.contains("<td role=\"cell\" dir=\"auto\" data-column=\"Said by, on\">"), "{html}");
    let (mut open, mut level) = (Vec::new(), 0);
    let body = html.split("</style>").nth(1).unwrap();
    for tag in body.split('<').skip(1).map(|t| t.split('>').next().unwrap()) {
        let name = tag.split(' ').next().unwrap();
        if let Some(closed) = name.strip_prefix('/') {
            // The page's own opening tags stand before its style.
            let opened = open.pop().or(match closed {
                "head" | "html" => Some(closed),
                _ => None,
            });
            assert_eq!(opened, Some(closed));
        } else {
            open.push(name);
        }
        if let Some(depth) = name.strip_prefix('h').and_then(|d| d.parse::<usize>().ok()) {
            assert!(depth <= level + 1, "{tag}");
            level = depth;
        }
        assert!(name != "th" || tag.contains("scope="), "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_paragraph_is_no_heading() {
    let mut long = entry();
    long.label = "When I look away I am listening. ".repeat(9);
    let part = record::part(
        &Section {
            title: "About me".to_owned(),
            gloss: "In the student's own words.".to_owned(),
            entries: vec![long.clone()],
        },
        &mut record::Glossed::default(),
    );
    assert!(part.blocks.contains(&Block::Heading("medicine".to_owned())), "{part:#?}");
    assert!(part.blocks.contains(&Block::Text(long.label)));
}

#[test]
fn a_pdf_is_accessible_and_the_same_for_the_same_page() {
    let page = page(vec![entry()]);
    // The writer refuses what PDF/UA-1 would: no title, untagged text, missing glyphs.
    let pdf = pdf::write(&page, now()).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7"));
    assert_eq!(pdf, pdf::write(&page, now()).unwrap());
}

#[test]
fn a_pdf_of_whatever_length_is_laid_out() {
    let mut long = entry();
    long.fields[0].value = "word ".repeat(4000) + &"x".repeat(4000) + &"\n".repeat(200);
    long.label = "Sertraline ".repeat(200);
    let many = vec![long; 3];
    let pdf = pdf::write(&page(many), now()).unwrap();
    assert!(pdf.len() > 10_000);
    pdf::write(&page(Vec::new()), now()).unwrap();
}

#[test]
fn a_card_holds_what_fits_and_says_where_there_is_more() {
    let card = card::Card {
        name: "Ada Example".to_owned(),
        front: vec![("Allergies", "Penicillin; ".repeat(200))],
        as_of: "as of 2026-10-03".to_owned(),
        back: vec![("Medicines", HOSTILE.to_owned())],
        code: "EMERGENCY Ada Example".to_owned(),
    };
    let pdf = pdf::write_card(&card, now()).unwrap();
    assert_eq!(pdf, pdf::write_card(&card, now()).unwrap());
    let who = Who::from([("name", "Ada Example".to_owned())]);
    let card = card::Card::of(&who, &[], now());
    assert!(card.code.contains("Allergies: not on this card; ask"), "{card:?}");
    assert!(card.code.contains("\nas of 2026-10-03"), "{card:?}");
    assert!(card.code.len() <= 280);
}

#[test]
fn where_there_is_little_room_a_long_text_ends_at_a_word() {
    let dose = "50 mg each morning";
    assert_eq!(glance::few(dose), dose);
    let long = "Take one tablet twice a day with food, and one more at night if needed";
    assert_eq!(glance::few(long), "Take one tablet twice a day with food, …");
    assert_eq!(glance::few(&"é".repeat(50)), format!("{} …", "é".repeat(40)));
}

#[test]
fn a_word_of_services_is_glossed_where_it_first_stands_and_only_there() {
    let mut first = entry();
    first.fields.push(Field { title: "Told to".to_owned(), value: "the crisis team".to_owned() });
    let html = html::write(&page(vec![first.clone(), first]));
    assert_eq!(html.matches("In plain words: crisis team: treats at home").count(), 1, "{html}");
}
