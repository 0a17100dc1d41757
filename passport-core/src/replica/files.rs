//! The files that an epoch's entries name.

use std::collections::BTreeSet;

use super::{EntryNow, Replica, Stance};
use crate::edit::{Edit, EntryRecord, RemarkContent};
use crate::section::{Attachment, Value};

impl EntryNow {
    /// The files that it names, every one where several stand against each other.
    pub fn files(&self) -> impl Iterator<Item = &Attachment> {
        let versions = self.fields.values().flat_map(|field| &field.versions);
        versions.filter_map(|version| file(&version.value))
    }
}

impl Replica {
    /// The files that what stands names, once each, those of the latest entries first.
    #[must_use]
    pub fn files(&self) -> Vec<Attachment> {
        if !self.names_files {
            return Vec::new();
        }
        let mut entries = self.entries();
        entries.retain(|e| e.stance != Stance::Removed);
        entries.sort_by_key(|e| core::cmp::Reverse((e.recorded_at, e.id)));
        let mut seen = BTreeSet::new();
        let files = entries.iter().flat_map(EntryNow::files);
        files.filter(|file| seen.insert(&file.key)).cloned().collect()
    }

    /// The files that anything in the epoch ever named: what was removed, replaced or refused too.
    #[must_use]
    pub fn files_ever(&self) -> BTreeSet<Attachment> {
        if !self.names_files {
            return BTreeSet::new();
        }
        let founded = self.entries.founded().flat_map(recorded);
        let edits = self.nodes.values().flat_map(|node| &node.edits).flat_map(values);
        founded.chain(edits).filter_map(file).cloned().collect()
    }
}

/// Whether a record carries a value that names a file.
pub(super) fn record_names_file(record: &EntryRecord) -> bool {
    recorded(record).any(|value| file(value).is_some())
}

/// The same of an edit.
pub(super) fn edit_names_file(edit: &Edit) -> bool {
    values(edit).into_iter().any(|value| file(value).is_some())
}

fn file(value: &Value) -> Option<&Attachment> {
    if let Value::Attachment(file) = value { Some(file) } else { None }
}

fn recorded(record: &EntryRecord) -> impl Iterator<Item = &Value> {
    record.fields.iter().flat_map(|field| &field.versions).map(|version| &version.value)
}

/// The values that an edit carries.
fn values(edit: &Edit) -> Vec<&Value> {
    match edit {
        Edit::Add { fields, .. } => fields.iter().map(|field| &field.value).collect(),
        Edit::Set { value, .. } | Edit::Resolve { value, .. } => value.iter().collect(),
        Edit::Move(record) => recorded(record).collect(),
        Edit::Contest { version, .. } => vec![&version.value],
        Edit::Remark(remark) => match &remark.content {
            RemarkContent::Suggestion { value, .. } => value.iter().collect(),
            RemarkContent::Note(_) => Vec::new(),
        },
        Edit::Splice { .. }
        | Edit::Remove { .. }
        | Edit::Settle { .. }
        | Edit::Restore { .. }
        | Edit::Attest { .. } => Vec::new(),
    }
}
