//! From the domain's view to the screen.

use passport_core::author::Author;
use passport_core::edit::{FieldVersion, RemarkContent};
use passport_core::replica::{EntryNow, FieldNow, Stance};
use passport_core::section::display::display_value;
use passport_core::section::{KindSpec, SectionName, Value};
use passport_core::view::View;

use super::{Change, Claim, Conflict, Entry, Field, Note, Said, Section, Suggestion};

/// What an author is called; `None` is the holder.
type Names<'a> = &'a dyn Fn(Author) -> Option<String>;

impl Section {
    /// Words for a section as it stands.
    pub(crate) fn of(view: &View) -> Self {
        let names = |author| match author {
            Author::Holder => None,
            Author::Organisation(_) => Some(view.name(author).to_owned()),
        };
        section(&view.section, &view.entries, &names)
    }
}

fn section(name: &SectionName, entries: &[EntryNow], names: Names<'_>) -> Section {
    let spec = name.spec();
    // All sections of the holder's own share one line of the table.
    let own = name.as_str().starts_with("x-");
    let title = if own { name.as_str() } else { spec.title };
    Section {
        title: title.to_owned(),
        gloss: spec.gloss.to_owned(),
        entries: entries.iter().map(|e| entry(names, spec.kind(&e.kind), e)).collect(),
    }
}

fn entry(names: Names<'_>, kind: Option<&KindSpec>, entry: &EntryNow) -> Entry {
    // A statement about a whole list is named by what it states, not by its day.
    let states = kind.filter(|k| ["none-known", "no-information"].contains(&k.name));
    let label = kind.filter(|_| states.is_none()).and_then(|k| settled(entry, k.label));
    let shown = label.is_some().then_some(kind).flatten().map(|k| k.label);
    let label = states.map(|k| k.title.to_owned()).or(label);
    let mut suggestions = Vec::new();
    let mut notes = Vec::new();
    for remark in &entry.remarks {
        let (by, at) = (names(remark.author), remark.at);
        match &remark.content {
            RemarkContent::Note(text) => notes.push(Note { text: text.clone(), by, at }),
            RemarkContent::Suggestion { field, value }
                if !entry.settled.contains_key(&remark.id) =>
            {
                let value = value.as_ref().map(display_value).unwrap_or_default();
                let fields = vec![Field { title: title(kind, field), value }];
                suggestions.push(Suggestion { id: remark.id.to_string(), fields, by, at });
            }
            RemarkContent::Suggestion { .. } => {}
        }
    }
    Entry {
        id: entry.id.to_string(),
        kind: kind.map_or(entry.kind.as_str(), |k| k.title).to_owned(),
        label: if is_mistake(entry) {
            format!("Entered in error, to be disregarded: {}", label.unwrap_or_default())
        } else {
            label.unwrap_or_default()
        },
        along: entry.kind == "received",
        fields: fields(kind, entry, shown),
        author: names(entry.author),
        recorded_at: entry.recorded_at,
        attested: entry.own_attestation().is_some(),
        removal_disputed: entry.stance == Stance::Disputed,
        changes: entry
            .changed_since_signed()
            .iter()
            .map(|f| change(names, kind, entry, f))
            .collect(),
        conflicts: conflicts(names, kind, entry),
        notes,
        suggestions,
    }
}

/// Whether whoever recorded it has said that it was a mistake.
fn is_mistake(entry: &EntryNow) -> bool {
    let says = |v: &Value| matches!(v, Value::Choice(choice) if choice == "entered-in-error");
    entry.fields.values().filter_map(FieldNow::settled).any(|v| says(&v.value))
}

/// The settled fields in the table's order, then those that the table does not know.
fn fields(kind: Option<&KindSpec>, entry: &EntryNow, shown: Option<&str>) -> Vec<Field> {
    let known: Vec<&str> =
        kind.map(|k| k.fields.iter().map(|f| f.name).collect()).unwrap_or_default();
    let unknown = entry.fields.keys().map(String::as_str).filter(|f| !known.contains(f));
    known
        .iter()
        .copied()
        .chain(unknown)
        .filter(|field| Some(*field) != shown)
        .filter_map(|field| {
            Some(Field { title: title(kind, field), value: settled(entry, field)? })
        })
        .collect()
}

fn conflicts(names: Names<'_>, kind: Option<&KindSpec>, entry: &EntryNow) -> Vec<Conflict> {
    let claim = |v: &FieldVersion| Claim {
        value: Some(display_value(&v.value)),
        by: names(v.author),
        at: v.at,
    };
    let several = entry.fields.iter().filter(|(_, now)| now.settled().is_none());
    several
        .map(|(field, now)| Conflict {
            field: field.clone(),
            title: title(kind, field),
            values: now.versions.iter().map(claim).collect(),
        })
        .collect()
}

fn change(names: Names<'_>, kind: Option<&KindSpec>, entry: &EntryNow, field: &str) -> Change {
    let version = entry.fields.get(field).and_then(|now| now.versions.last());
    // What was signed is a commitment: it can be checked, not read.
    let now = version.map(|v| Said { by: names(v.author), at: v.at });
    Change { title: title(kind, field), before: None, now }
}

fn settled(entry: &EntryNow, field: &str) -> Option<String> {
    let value: &Value = &entry.fields.get(field)?.settled()?.value;
    Some(display_value(value))
}

fn title(kind: Option<&KindSpec>, field: &str) -> String {
    kind.and_then(|k| k.field(field)).map_or(field, |f| f.title).to_owned()
}

#[cfg(test)]
mod tests {
    use passport_core::id::{EntryId, OrganisationId, RemarkId};
    use passport_core::time::Timestamp;

    use super::super::{Reader, screen};
    use super::*;

    fn version(value: &str, author: Author) -> FieldVersion {
        FieldVersion {
            value: Value::Text(value.to_owned()),
            author,
            at: Timestamp::from_seconds(0),
        }
    }

    fn elm() -> Author {
        Author::Organisation(OrganisationId::from_bytes([7; 32]))
    }

    fn names(author: Author) -> Option<String> {
        author.organisation().map(|_| "Elm Street Surgery".to_owned())
    }

    fn medicine() -> EntryNow {
        let one = |v| FieldNow { versions: vec![v] };
        let dose =
            FieldNow { versions: vec![version("50 mg", elm()), version("9 mg", Author::Holder)] };
        EntryNow {
            id: EntryId::from_bytes([0x4f; 16]),
            kind: "medication".to_owned(),
            author: Author::Holder,
            recorded_at: Timestamp::from_seconds(0),
            fields: [
                ("brand_new".to_owned(), one(version("kept", Author::Holder))),
                ("dose".to_owned(), dose),
                ("item".to_owned(), one(version("Sertraline", Author::Holder))),
                ("timing".to_owned(), one(version("mornings", Author::Holder))),
            ]
            .into(),
            attestations: Vec::new(),
            remarks: Vec::new(),
            settled: [(RemarkId::from_bytes([1; 16]), true)].into(),
            stance: Stance::Disputed,
        }
    }

    #[test]
    fn an_entry_is_named_by_its_label_and_nothing_is_left_out() {
        let medications = "medications".parse().unwrap();
        let text = screen(&[section(&medications, &[medicine()], &names)], Reader::Holder);
        for expected in [
            "Medicines\n",
            "  Sertraline  [4f4f4f4f]\n    When: mornings\n    brand_new: kept\n",
            "    recorded by you, 1970-01-01\n",
            "    ! Dose has 2 values",
            "      1. 50 mg   (Elm Street Surgery, 1970-01-01)\n",
            "      2. 9 mg   (you, 1970-01-01)\n",
            "resolve 4f4f4f4f dose",
            "Someone removed this",
        ] {
            assert!(text.contains(expected), "{expected}\n{text}");
        }
    }

    #[test]
    fn what_was_entered_in_error_does_not_read_as_real() {
        let mut mistake = medicine();
        let value = Value::Choice("entered-in-error".to_owned());
        let version =
            FieldVersion { value, author: Author::Holder, at: Timestamp::from_seconds(0) };
        mistake.fields.insert("status".to_owned(), FieldNow { versions: vec![version] });
        let medications = "medications".parse().unwrap();
        let text = screen(&[section(&medications, &[mistake], &names)], Reader::Holder);
        assert!(text.contains("  Entered in error, to be disregarded: Sertraline  ["), "{text}");
    }
}
