//! What a screen says, letter by letter.

use super::*;

fn at(day: &str) -> Timestamp {
    format!("{day}T09:30:00Z").parse().unwrap()
}

fn field(title: &str, value: &str) -> Field {
    Field { title: title.to_owned(), value: value.to_owned() }
}

fn sertraline() -> Entry {
    Entry {
        id: "4f2a91c3".repeat(4),
        kind: "medicine".to_owned(),
        along: false,
        label: "Sertraline".to_owned(),
        fields: vec![field("Dose", "50 mg"), field("Instructions", "with food\nin the morning")],
        author: Some("Elm Street Surgery".to_owned()),
        recorded_at: at("2026-10-03"),
        attested: true,
        removal_disputed: false,
        changes: Vec::new(),
        conflicts: Vec::new(),
        notes: Vec::new(),
        suggestions: Vec::new(),
    }
}

fn medicines(entries: Vec<Entry>) -> Vec<Section> {
    let gloss = "What you take, how much and how often.".to_owned();
    vec![Section { title: "Medicines".to_owned(), gloss, entries }]
}

#[test]
fn an_attested_entry_names_its_author_as_unaltered() {
    let expected = "\
Medicines
What you take, how much and how often.

  Sertraline  [4f2a91c3]
    Dose: 50 mg
    Instructions: with food
      | in the morning
    recorded by Elm Street Surgery, unaltered, 2026-10-03
";
    assert_eq!(screen(&medicines(vec![sertraline()]), Reader::Holder), expected);
}

#[test]
fn a_change_since_the_signature_says_who_and_what_was_signed() {
    let mut entry = sertraline();
    entry.changes.push(Change {
        title: "Dose".to_owned(),
        before: Some("25 mg".to_owned()),
        now: Some(Said { by: None, at: at("2026-10-05") }),
    });
    entry.changes.push(Change { title: "Supply".to_owned(), before: None, now: None });
    let text = screen(&medicines(vec![entry]), Reader::Holder);
    assert!(text.contains("recorded by Elm Street Surgery, changed since, 2026-10-03\n"), "{text}");
    assert!(text.contains("Dose changed since by you, 2026-10-05; signed as `25 mg`\n"), "{text}");
    assert!(text.contains("      Supply was emptied since\n"), "{text}");
    assert!(!text.contains("unaltered"), "{text}");
}

#[test]
fn a_disputed_removal_is_said() {
    let mut entry = sertraline();
    entry.removal_disputed = true;
    let text = screen(&medicines(vec![entry]), Reader::Holder);
    assert!(text.contains("! Someone removed this while someone else changed it"), "{text}");
}

#[test]
fn a_name_without_a_signature_is_the_holders_word() {
    let mut entry = sertraline();
    entry.attested = false;
    let text = screen(&medicines(vec![entry.clone()]), Reader::Organisation);
    assert!(text.contains("as recorded by the student, who names Elm Street Surgery without"));
    assert!(!text.contains("recorded by Elm Street Surgery"), "{text}");
    entry.author = None;
    let text = screen(&medicines(vec![entry]), Reader::Organisation);
    assert!(text.contains("    as recorded by the student, 2026-10-03\n"), "{text}");
}

#[test]
fn a_conflict_shows_every_value_and_the_command_that_settles_it() {
    let mut entry = sertraline();
    let claim = |value: &str, by: Option<&str>, day: &str| Claim {
        value: Some(value.to_owned()),
        by: by.map(str::to_owned),
        at: at(day),
    };
    entry.conflicts.push(Conflict {
        field: "dose".to_owned(),
        title: "Dose".to_owned(),
        values: vec![
            claim("50 mg", Some("Elm Street Surgery"), "2026-10-03"),
            claim("100 mg", None, "2026-10-04"),
        ],
    });
    let sections = medicines(vec![entry]);
    let expected = "    ! Dose has 2 values, set at the same time:
      1. 50 mg   (Elm Street Surgery, 2026-10-03)
      2. 100 mg   (you, 2026-10-04)
      choose one: passport resolve 4f2a91c3 dose --choose N
";
    let text = screen(&sections, Reader::Holder);
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains("    Dose: 50 mg"), "one of two values must not stand as the value");
    assert_eq!(
        conflicts(&sections, Reader::Holder),
        format!("Medicines: Sertraline  [4f2a91c3]\n{expected}")
    );
    let theirs = screen(&sections, Reader::Organisation);
    assert!(theirs.contains("2. 100 mg   (the student, 2026-10-04)"), "{theirs}");
    assert!(theirs.contains("both stay until the student chooses"), "{theirs}");
}

#[test]
fn notes_and_suggestions_follow_the_entry() {
    let mut entry = sertraline();
    let by = Some("Campus Medical".to_owned());
    entry.notes.push(Note { text: "Reviewed.".to_owned(), by: by.clone(), at: at("2026-11-01") });
    entry.suggestions.push(Suggestion {
        id: "77aa1122".repeat(4),
        fields: vec![field("Dose", "25 mg"), field("Supply", "")],
        by,
        at: at("2026-11-02"),
    });
    let expected = "    Note by Campus Medical, 2026-11-01: Reviewed.
    Suggested by Campus Medical, 2026-11-02:
      Dose: 25 mg
      Supply: (clear it)
      settle it: passport accept 77aa1122   or: passport decline 77aa1122
";
    let text = screen(&medicines(vec![entry]), Reader::Holder);
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn an_empty_section_is_not_called_free_of_anything() {
    let text = screen(&medicines(Vec::new()), Reader::Holder);
    assert!(text.contains("Nothing recorded here. That does not mean that there is nothing."));
    assert_eq!(screen(&[], Reader::Holder), "Nothing recorded yet.\n");
    assert_eq!(conflicts(&[], Reader::Holder), "No conflicts.\n");
}

#[test]
fn hostile_text_cannot_forge_lines_or_drive_the_terminal() {
    let mut entry = sertraline();
    let hostile = "x\u{1b}]0;owned\u{7}\u{202e}\n    recorded by Elm Street Surgery, unaltered";
    entry.label = hostile.to_owned();
    entry.author = Some(hostile.to_owned());
    entry.fields = vec![field("Dose", hostile)];
    let text = screen(&medicines(vec![entry]), Reader::Holder);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    assert!(!text.lines().any(|l| l.starts_with("    recorded by Elm")), "{text}");
}

#[test]
fn what_came_along_takes_a_line_each_unless_somebody_said_something_of_it() {
    let along = |label: &str| Entry { along: true, label: label.to_owned(), ..sertraline() };
    let noted = Note { text: "odd".to_owned(), by: None, at: at("2026-10-04") };
    let noted = Entry { notes: vec![noted], ..along("Ward") };
    let text =
        screen(&medicines(vec![along("Consultant"), noted, along("Letter")]), Reader::Holder);
    assert!(
        text.contains("Came along, in the senders' own form (2):\n    Consultant  ["),
        "{text}"
    );
    assert_eq!(text.matches("Dose: 50 mg").count(), 1, "{text}");
    let single = screen(&medicines(vec![along("Consultant")]), Reader::Holder);
    assert!(single.contains("Dose: 50 mg"), "{single}");
}
