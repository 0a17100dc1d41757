//! Who did what, and when.

use serde::Serialize;

use super::{AuthorView, names};
use crate::edit::{Edit, RemarkContent};
use crate::id::{EntryId, EnvelopeId, EpochId};
use crate::replica::Replica;
use crate::section::{SectionName, Value, display};
use crate::time::Timestamp;

/// One edit, as history tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEvent {
    /// When, as its author claims.
    pub at: Timestamp,
    /// Who.
    pub author: AuthorView,
    /// What kind of edit.
    pub what: &'static str,
    /// The section.
    pub section: SectionName,
    /// The entry.
    pub entry: EntryId,
    /// The field, where the edit is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value or text, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The epoch.
    pub epoch: EpochId,
    /// The envelope.
    pub envelope: EnvelopeId,
}

/// The admitted edits of an epoch, by claimed time. Signatures are not told apart, and what was
/// carried over from an older epoch is told there.
#[must_use]
pub fn history(replica: &Replica) -> Vec<HistoryEvent> {
    let charter = replica.charter();
    let names = names(charter);
    let mut events = Vec::new();
    for (id, node) in replica.history() {
        let Some(standing) = node.standing().filter(|_| node.carries.is_none()) else { continue };
        let name = names.get(&standing.author()).map_or("", String::as_str);
        let author = AuthorView::named(standing.author(), name);
        for edit in &node.edits {
            let Some((entry, field, value)) = told(edit, &node.header.author) else { continue };
            events.push(HistoryEvent {
                at: node.at,
                author: author.clone(),
                what: edit.name(),
                section: charter.section.clone(),
                entry,
                field,
                value,
                epoch: charter.id(),
                envelope: *id,
            });
        }
    }
    events.sort_by_key(|e| (e.at, e.envelope));
    events
}

/// What an edit says: the field, where it is about one, and the value or text in words.
pub(crate) fn said(
    edit: &Edit,
    author: &crate::id::VerificationKey,
) -> (Option<String>, Option<String>) {
    told(edit, author).map_or((None, None), |(_, field, value)| (field, value))
}

type Told = (EntryId, Option<String>, Option<String>);

fn told(edit: &Edit, author: &crate::id::VerificationKey) -> Option<Told> {
    let words = |v: &Value| display::display_value(v);
    Some(match edit {
        Edit::Add { nonce, kind, fields } => {
            let shown = |v: &Value| !matches!(v, Value::Source { .. });
            let all: Vec<String> = fields
                .iter()
                .filter(|f| shown(&f.value))
                .map(|f| format!("{}: {}", f.name, words(&f.value)))
                .collect();
            let id = crate::edit::entry_id(author, nonce);
            (id, None, Some(format!("{kind} ({})", all.join("; "))))
        }
        Edit::Set { entry, field, value } | Edit::Resolve { entry, field, value } => {
            (*entry, Some(field.clone()), value.as_ref().map(words))
        }
        Edit::Splice { entry, field, insert, .. } => {
            (*entry, Some(field.clone()), Some(display::neutralise(insert)))
        }
        Edit::Remove { entry } | Edit::Restore { entry } => (*entry, None, None),
        Edit::Settle { entry, accepted, .. } => {
            let answer = if *accepted { "accepted" } else { "declined" };
            (*entry, None, Some(answer.to_owned()))
        }
        Edit::Remark(remark) => match &remark.content {
            RemarkContent::Note(text) => (remark.entry, None, Some(display::neutralise(text))),
            RemarkContent::Suggestion { field, value } => {
                (remark.entry, Some(field.clone()), value.as_ref().map(words))
            }
        },
        Edit::Move(record) => (record.id, None, Some(record.kind.clone())),
        Edit::Contest { entry, field, version } => {
            (*entry, Some(field.clone()), Some(words(&version.value)))
        }
        Edit::Attest { .. } => return None,
    })
}
