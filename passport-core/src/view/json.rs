//! The canonical JSON form of a section.

use std::collections::BTreeMap;

use serde::Serialize;

use super::View;
use crate::author::Author;
use crate::edit::{FieldVersion, RemarkContent};
use crate::id::{EntryId, EpochId, RemarkId};
use crate::replica::{EntryNow, Stance};
use crate::section::{SectionName, Value, display};
use crate::time::Timestamp;

/// A section.
#[derive(Clone, Debug, Serialize)]
pub struct SectionView {
    /// The section.
    pub section: SectionName,
    /// Its epoch.
    pub epoch: EpochId,
    /// Its entries, by recorded time and id.
    pub entries: Vec<EntryView>,
}

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub struct EntryView {
    /// Its id.
    pub id: EntryId,
    /// Its kind.
    pub kind: String,
    /// Its fields; a field in conflict has no value here.
    pub fields: BTreeMap<String, ValueView>,
    /// Who recorded it.
    pub author: AuthorView,
    /// When, by the author's clock.
    pub recorded_at: Timestamp,
    /// Whether it stands exactly as an organisation signed it.
    pub attested: bool,
    /// What differs from what was signed.
    pub changed: Vec<ChangeView>,
    /// Fields with several values that nobody has chosen between.
    pub conflicts: BTreeMap<String, Vec<VersionView>>,
    /// Whether it was removed by one and changed by another at once.
    pub removal_disputed: bool,
    /// Open suggestions.
    pub suggestions: Vec<SuggestionView>,
    /// Notes.
    pub notes: Vec<NoteView>,
}

/// An author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuthorView {
    /// The organisation's id, or `holder`.
    pub id: String,
    /// The name on the organisation's card, or `Holder`.
    pub name: String,
}

/// A field's value: `{"value", "code"?}`; none while it is in conflict.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct ValueView(ValueOr);

#[derive(Clone, Debug)]
enum ValueOr {
    Value(Value),
    Conflict,
}

/// One of several values of a field.
#[derive(Clone, Debug, Serialize)]
pub struct VersionView {
    /// The value.
    #[serde(flatten)]
    pub value: ValueView,
    /// Who set it.
    pub author: AuthorView,
    /// When, by the author's clock.
    pub at: Timestamp,
}

/// A field that differs from what the entry's author signed.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeView {
    /// The field.
    pub field: String,
    /// Who changed it; none where it was cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<AuthorView>,
    /// When, by that author's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// An open suggestion.
#[derive(Clone, Debug, Serialize)]
pub struct SuggestionView {
    /// Its id.
    pub id: RemarkId,
    /// The field.
    pub field: String,
    /// The value suggested; null suggests clearing it.
    #[serde(flatten)]
    pub value: ValueView,
    /// Who suggests it.
    pub author: AuthorView,
    /// When, by the author's clock.
    pub at: Timestamp,
}

/// A note.
#[derive(Clone, Debug, Serialize)]
pub struct NoteView {
    /// Its id.
    pub id: RemarkId,
    /// What it says.
    pub text: String,
    /// Who says it.
    pub author: AuthorView,
    /// When, by the author's clock.
    pub at: Timestamp,
}

impl Serialize for ValueOr {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        match self {
            Self::Value(value) => display::json_value(value).serialize(s),
            Self::Conflict => {
                let mut map = s.serialize_map(Some(1))?;
                map.serialize_entry("value", &())?;
                map.end()
            }
        }
    }
}

impl ValueView {
    fn of(value: Option<&Value>) -> Self {
        Self(value.map_or(ValueOr::Conflict, |v| ValueOr::Value(v.clone())))
    }

    /// The value, if one stands alone.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match &self.0 {
            ValueOr::Value(value) => Some(value),
            ValueOr::Conflict => None,
        }
    }
}

impl SectionView {
    pub(super) fn of(view: &View) -> Self {
        Self {
            section: view.section.clone(),
            epoch: view.epoch,
            entries: view.entries.iter().map(|e| EntryView::of(view, e)).collect(),
        }
    }
}

impl EntryView {
    fn of(view: &View, entry: &EntryNow) -> Self {
        let author = |a: Author| AuthorView::of(view, a);
        let changed: Vec<ChangeView> = entry
            .changed_since_signed()
            .into_iter()
            .map(|field| {
                let version = entry.fields.get(&field).and_then(|f| f.versions.last());
                ChangeView {
                    author: version.map(|v| author(v.author)),
                    at: version.map(|v| v.at),
                    field,
                }
            })
            .collect();
        let mut notes = Vec::new();
        let mut suggestions = Vec::new();
        for remark in &entry.remarks {
            let (id, by, at) = (remark.id, author(remark.author), remark.at);
            match &remark.content {
                RemarkContent::Note(text) => {
                    notes.push(NoteView { id, text: text.clone(), author: by, at });
                }
                RemarkContent::Suggestion { field, value } => {
                    if !entry.settled.contains_key(&id) {
                        let (field, value) = (field.clone(), ValueView::of(value.as_ref()));
                        suggestions.push(SuggestionView { id, field, value, author: by, at });
                    }
                }
            }
        }
        Self {
            id: entry.id,
            kind: entry.kind.clone(),
            fields: entry
                .fields
                .iter()
                .map(|(name, f)| (name.clone(), ValueView::of(f.settled().map(|v| &v.value))))
                .collect(),
            author: author(entry.author),
            recorded_at: entry.recorded_at,
            attested: entry.own_attestation().is_some() && changed.is_empty(),
            changed,
            conflicts: entry
                .fields
                .iter()
                .filter(|(_, f)| f.settled().is_none())
                .map(|(name, f)| {
                    let versions = f.versions.iter().map(|v| VersionView::of(view, v)).collect();
                    (name.clone(), versions)
                })
                .collect(),
            removal_disputed: entry.stance == Stance::Disputed,
            suggestions,
            notes,
        }
    }
}

impl VersionView {
    fn of(view: &View, version: &FieldVersion) -> Self {
        Self {
            value: ValueView::of(Some(&version.value)),
            author: AuthorView::of(view, version.author),
            at: version.at,
        }
    }
}

impl AuthorView {
    fn of(view: &View, author: Author) -> Self {
        Self::named(author, view.name(author))
    }

    /// An author under the name that a charter's cards give it.
    pub(super) fn named(author: Author, name: &str) -> Self {
        let id = match author {
            Author::Holder => "holder".to_owned(),
            Author::Organisation(id) => id.to_string(),
        };
        Self { id, name: name.to_owned() }
    }
}
