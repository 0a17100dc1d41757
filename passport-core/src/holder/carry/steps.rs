//! What a late envelope did, entry by entry, and which edits bring that into an epoch as it stands.

use std::collections::{BTreeMap, BTreeSet};

use crate::attestation::Attestation;
use crate::edit::{
    Edit, EntryRecord, FieldVersion, NamedValue, RecordedField, RemarkContent, entry_id,
};
use crate::id::{EntryId, EnvelopeId};
use crate::replica::{EntryNow, Node, Replica, Stance};
use crate::section::Value;

/// Values by field.
pub(super) type Fields = BTreeMap<String, Vec<Value>>;

/// What is done with entries that late envelopes are about.
#[derive(Default)]
pub(super) struct Fate {
    /// Those that are carried nowhere, as they were taken away; with the values that fields had
    /// which were changed before that.
    pub(super) gone: BTreeMap<EntryId, Fields>,
    /// Those that are not brought in yet.
    pub(super) waiting: BTreeSet<EntryId>,
}

/// One late edit, with what its author saw and what came of it there.
pub(super) struct Step {
    pub(super) entry: EntryId,
    pub(super) what: What,
    /// Whether the entry is brought back with it where it was removed: whoever said this had not
    /// heard of that, and the holder decides.
    pub(super) back: Option<Back>,
}

/// How an entry is brought back: as it stands where it was removed, if it is there.
pub(super) enum Back {
    /// Else as this, which has what was said in it.
    Whole(Box<EntryRecord>),
    /// Else as it stood where nobody had said this, if anywhere.
    Before(Option<Box<EntryNow>>),
}

pub(super) enum What {
    Whole(Box<EntryRecord>),
    Field { name: String, seen: Vec<Value>, came: Option<FieldVersion> },
    Gone { seen: Option<EntryNow>, before: Fields },
    As(Edit),
}

/// What a late edit of an older epoch did.
pub(super) fn step(old: &Replica, late: &EnvelopeId, node: &Node, edit: &Edit) -> Option<Step> {
    let (entry, what) = match edit {
        Edit::Add { nonce, .. } => {
            let entry = entry_id(&node.header.author, nonce);
            (entry, What::Whole(Box::new(old.entry(entry)?.to_record())))
        }
        Edit::Move(record) => (record.id, What::Whole(Box::new(old.entry(record.id)?.to_record()))),
        Edit::Set { entry, field, .. }
        | Edit::Resolve { entry, field, .. }
        | Edit::Splice { entry, field, .. } => {
            let came = old.entry(*entry)?.fields.get(field).and_then(|f| {
                let own = f.versions.iter().find(|v| v.at == node.at);
                own.or_else(|| f.versions.last()).cloned()
            });
            let seen = old.values_before(late, *entry, field);
            (*entry, What::Field { name: field.clone(), seen, came })
        }
        Edit::Remove { entry } => {
            let seen = old.entry(*entry).filter(|now| match now.stance {
                Stance::Present => false,
                // Of two copies that were carried there at once it may have seen one.
                Stance::Disputed => !is_changed_beside(old, late, *entry),
                Stance::Removed => true,
            });
            (*entry, What::Gone { seen, before: Fields::new() })
        }
        Edit::Remark(remark) => (remark.entry, What::As(edit.clone())),
        Edit::Settle { entry, .. }
        | Edit::Restore { entry }
        | Edit::Attest { entry, .. }
        | Edit::Contest { entry, .. } => (*entry, What::As(edit.clone())),
    };
    let stands = brings_back(edit).then(|| old.entry(entry)).flatten().filter(is_there);
    let back = stands.map(|stands| Back::Whole(Box::new(disputed(&stands))));
    Some(Step { entry, what, back })
}

/// As [`step`], of a void epoch: what its author wrote, and nothing that stands beside it there.
/// What it carried is late where it came from.
pub(super) fn written(void: &Replica, late: &EnvelopeId, node: &Node, edit: &Edit) -> Option<Step> {
    let author = node.standing()?.author();
    let version = |value: &Value| FieldVersion { value: value.clone(), author, at: node.at };
    let field = |entry, name: &str, came| {
        let seen = void.values_before(late, entry, name);
        (entry, What::Field { name: name.to_owned(), seen, came })
    };
    let (entry, what) = match edit {
        Edit::Add { nonce, kind, fields } => {
            let id = entry_id(&node.header.author, nonce);
            let signed = |edit: &Edit| {
                let Edit::Attest { entry, attestation } = edit else { return None };
                (*entry == id).then(|| attestation.clone())
            };
            let recorded = |field: &NamedValue| RecordedField {
                name: field.name.clone(),
                versions: vec![version(&field.value)],
            };
            let attestations: Vec<Attestation> = node.edits.iter().filter_map(signed).collect();
            let record = EntryRecord {
                id,
                kind: kind.clone(),
                author,
                recorded_at: node.at,
                fields: fields.iter().map(recorded).collect(),
                attestations,
                remarks: Vec::new(),
                contested_removal: false,
            };
            (id, What::Whole(Box::new(record)))
        }
        Edit::Move(_) => return None,
        Edit::Set { entry, field: name, value } | Edit::Resolve { entry, field: name, value } => {
            field(*entry, name, value.as_ref().map(version))
        }
        Edit::Splice { entry, field: name, .. } => {
            let after = void.values_after(late, *entry, name);
            field(*entry, name, after.first().map(version))
        }
        Edit::Remove { .. }
        | Edit::Remark(_)
        | Edit::Settle { .. }
        | Edit::Restore { .. }
        | Edit::Attest { .. }
        | Edit::Contest { .. } => {
            let Step { entry, what, .. } = step(void, late, node, edit)?;
            (entry, what)
        }
    };
    Some(Step { entry, what, back: brings_back(edit).then_some(Back::Before(None)) })
}

/// Whether an edit says that its entry should be there.
fn brings_back(edit: &Edit) -> bool {
    is_change(edit) && !matches!(edit, Edit::Settle { .. })
}

fn is_there(entry: &EntryNow) -> bool {
    entry.stance != Stance::Removed
}

/// An entry as a record of which it is open whether it is to stand.
fn disputed(entry: &EntryNow) -> EntryRecord {
    EntryRecord { contested_removal: true, ..entry.to_record() }
}

/// Whether an edit says something about an entry that is there: it neither brings nor removes it.
pub(super) fn is_change(edit: &Edit) -> bool {
    !matches!(edit, Edit::Add { .. } | Edit::Move(_) | Edit::Attest { .. } | Edit::Remove { .. })
}

/// Whether somebody changed an entry, or wrote beside it, without having heard of its removal.
fn is_changed_beside(old: &Replica, removal: &EnvelopeId, entry: EntryId) -> bool {
    old.history().any(|(id, node)| {
        let changes = |edit: &Edit| is_change(edit) && edit.entry(&node.header.author) == entry;
        id != removal
            && node.is_applied()
            && node.edits.iter().any(changes)
            && !old.precedes(id, removal)
    })
}

/// The edits that bring late steps into an epoch as it stands there.
pub(super) fn reapplied(there: &Replica, steps: &[Step]) -> Vec<Edit> {
    let touched: BTreeSet<EntryId> = steps.iter().map(|step| step.entry).collect();
    let of = |entry| steps.iter().filter(move |step| step.entry == entry);
    let mut edits = Vec::new();
    for entry in touched {
        let present = there.entry(entry);
        let back = of(entry).find_map(|step| step.back.as_ref());
        match (&present, back) {
            (None, Some(Back::Whole(back))) if !of(entry).any(is_whole) => {
                edits.push(Edit::Move((**back).clone()));
                continue;
            }
            (None, Some(Back::Before(Some(before)))) if !of(entry).any(is_whole) => {
                edits.push(Edit::Move(disputed(before)));
                edits.append(&mut reapply(Some(&**before), of(entry)));
                continue;
            }
            (Some(removed), Some(_)) if !is_there(removed) => {
                edits.push(Edit::Move(disputed(removed)));
            }
            _ => {}
        }
        edits.append(&mut reapply(present.as_ref(), of(entry)));
    }
    edits
}

/// Whether late steps are about entries that are there, and would change nothing of them.
pub(super) fn stands(there: &Replica, steps: &[Step]) -> bool {
    steps.iter().all(|step| there.entry(step.entry).is_some()) && reapplied(there, steps).is_empty()
}

fn is_whole(step: &Step) -> bool {
    matches!(step.what, What::Whole(_))
}

/// The edits that bring late steps about one entry into an epoch where it stands as `present`.
fn reapply<'a>(present: Option<&EntryNow>, steps: impl Iterator<Item = &'a Step>) -> Vec<Edit> {
    let (mut first, mut rest, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        let entry = step.entry;
        match (&step.what, present) {
            (What::Whole(record), None) => {
                // The record brings everything along that stands in the old epoch.
                return vec![Edit::Move((**record).clone())];
            }
            (What::Whole(_), Some(_)) | (_, None) => {}
            (What::As(edit), Some(present)) => match edit {
                Edit::Attest { .. } => first.push(edit.clone()),
                Edit::Remark(remark) if present.remarks.iter().any(|r| r.id == remark.id) => {}
                Edit::Settle { suggestion, .. } if !is_open(present, *suggestion) => {}
                Edit::Remark(_)
                | Edit::Settle { .. }
                | Edit::Restore { .. }
                | Edit::Contest { .. }
                | Edit::Add { .. }
                | Edit::Set { .. }
                | Edit::Splice { .. }
                | Edit::Resolve { .. }
                | Edit::Remove { .. }
                | Edit::Move(_) => rest.push(edit.clone()),
            },
            (What::Field { name, seen, came }, Some(present)) => {
                let stands: Vec<&Value> = present
                    .fields
                    .get(name)
                    .iter()
                    .flat_map(|f| &f.versions)
                    .map(|v| &v.value)
                    .collect();
                let value = came.as_ref().map(|v| v.value.clone());
                let done = value.as_ref().is_some_and(|v| stands.contains(&v))
                    || (value.is_none() && stands.is_empty());
                let untouched =
                    stands.iter().all(|v| seen.contains(v)) && stands.len() == seen.len();
                if done {
                    continue;
                }
                match came {
                    Some(version) if !untouched => rest.push(Edit::Contest {
                        entry,
                        field: name.clone(),
                        version: version.clone(),
                    }),
                    _ if untouched => {
                        rest.push(Edit::Set { entry, field: name.clone(), value });
                    }
                    _ => {}
                }
            }
            (What::Gone { seen, before }, Some(present)) => {
                let as_seen = seen.as_ref().is_some_and(|seen| {
                    let mut names = seen.fields.keys().chain(present.fields.keys());
                    names.all(|name| {
                        let now = values(present, name);
                        now == values(seen, name)
                            || before.get(name).is_some_and(|before| now.iter().eq(before))
                    })
                });
                if as_seen {
                    last.push(Edit::Remove { entry });
                }
            }
        }
    }
    first.append(&mut rest);
    first.append(&mut last);
    first
}

/// The values that stand in a field.
fn values(entry: &EntryNow, field: &str) -> Vec<Value> {
    let versions = entry.fields.get(field).into_iter().flat_map(|f| &f.versions);
    versions.map(|version| version.value.clone()).collect()
}

fn is_open(entry: &EntryNow, suggestion: crate::id::RemarkId) -> bool {
    !entry.settled.contains_key(&suggestion)
        && entry
            .remarks
            .iter()
            .any(|r| r.id == suggestion && matches!(r.content, RemarkContent::Suggestion { .. }))
}
