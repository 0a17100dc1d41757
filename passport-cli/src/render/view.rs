//! From the domain's view to the screen.

use passport_core::author::Author;
use passport_core::edit::{FieldVersion, RemarkContent};
use passport_core::replica::{EntryNow, Stance};
use passport_core::section::display::display_value;
use passport_core::section::{KindSpec, Value};
use passport_core::view::View;

use super::{Change, Claim, Conflict, Entry, Field, Note, Said, Section, Suggestion};

impl Section {
    /// Words for a section as it stands.
    pub(crate) fn of(view: &View) -> Self {
        let spec = view.section.spec();
        // All sections of the holder's own share one line of the table.
        let own = view.section.as_str().starts_with("x-");
        let title = if own { view.section.as_str() } else { spec.title };
        Self {
            title: title.to_owned(),
            gloss: spec.gloss.to_owned(),
            entries: view.entries.iter().map(|e| entry(view, spec.kind(&e.kind), e)).collect(),
        }
    }
}

fn entry(view: &View, kind: Option<&KindSpec>, entry: &EntryNow) -> Entry {
    let label = kind.and_then(|k| settled(entry, k.label));
    let named = label.is_some().then_some(kind).flatten().map(|k| k.label);
    let mut suggestions = Vec::new();
    let mut notes = Vec::new();
    for remark in &entry.remarks {
        let (by, at) = (name(view, remark.author), remark.at);
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
        label: label.unwrap_or_default(),
        fields: fields(kind, entry, named),
        author: name(view, entry.author),
        recorded_at: entry.recorded_at,
        attested: entry.own_attestation().is_some(),
        removal_disputed: entry.stance == Stance::Disputed,
        changes: entry
            .changed_since_signed()
            .iter()
            .map(|f| change(view, kind, entry, f))
            .collect(),
        conflicts: conflicts(view, kind, entry),
        notes,
        suggestions,
    }
}

/// The settled fields in the table's order, then those that the table does not know.
fn fields(kind: Option<&KindSpec>, entry: &EntryNow, named: Option<&str>) -> Vec<Field> {
    let known: Vec<&str> =
        kind.map(|k| k.fields.iter().map(|f| f.name).collect()).unwrap_or_default();
    let unknown = entry.fields.keys().map(String::as_str).filter(|f| !known.contains(f));
    known
        .iter()
        .copied()
        .chain(unknown)
        .filter(|field| Some(*field) != named)
        .filter_map(|field| {
            Some(Field { title: title(kind, field), value: settled(entry, field)? })
        })
        .collect()
}

fn conflicts(view: &View, kind: Option<&KindSpec>, entry: &EntryNow) -> Vec<Conflict> {
    let claim = |v: &FieldVersion| Claim {
        value: Some(display_value(&v.value)),
        by: name(view, v.author),
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

fn change(view: &View, kind: Option<&KindSpec>, entry: &EntryNow, field: &str) -> Change {
    let version = entry.fields.get(field).and_then(|now| now.versions.last());
    // What was signed is a commitment: it can be checked, not read.
    let now = version.map(|v| Said { by: name(view, v.author), at: v.at });
    Change { title: title(kind, field), before: None, now }
}

fn settled(entry: &EntryNow, field: &str) -> Option<String> {
    let value: &Value = &entry.fields.get(field)?.settled()?.value;
    Some(display_value(value))
}

fn title(kind: Option<&KindSpec>, field: &str) -> String {
    kind.and_then(|k| k.field(field)).map_or(field, |f| f.title).to_owned()
}

fn name(view: &View, author: Author) -> Option<String> {
    match author {
        Author::Holder => None,
        Author::Organisation(_) => Some(view.name(author).to_owned()),
    }
}
