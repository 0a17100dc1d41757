//! The current state of entries, with who stands behind each value.

use core::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::document::{EntryState, FieldState};
use super::{Origin, Replica};
use crate::attestation::Attestation;
use crate::author::Author;
use crate::edit::{Edit, EntryRecord, FieldVersion, RecordedField, Remark, RemarkContent};
use crate::id::{EntryId, EnvelopeId, RemarkId};
use crate::section::Value;
use crate::time::Timestamp;

/// An entry as it stands now.
#[derive(Clone, Debug)]
pub struct EntryNow {
    /// Its id.
    pub id: EntryId,
    /// Its kind.
    pub kind: String,
    /// Who recorded it.
    pub author: Author,
    /// When, by the author's clock.
    pub recorded_at: Timestamp,
    /// Its fields by name, none empty.
    pub fields: BTreeMap<String, FieldNow>,
    /// What organisations signed of it.
    pub attestations: Vec<Attestation>,
    /// Notes and suggestions, ascending by time.
    pub remarks: Vec<Remark>,
    /// Suggestions settled, and whether they were accepted.
    pub settled: BTreeMap<RemarkId, bool>,
    /// Whether it is there, gone, or both.
    pub stance: Stance,
}

/// The values that stand in one field: one, or several set at once that nobody chose between.
#[derive(Clone, Debug)]
pub struct FieldNow {
    /// Distinct values, ascending; the field is in conflict when there are several.
    pub versions: Vec<FieldVersion>,
}

/// Whether an entry is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It is there.
    Present,
    /// Somebody removed it while somebody else changed it; both are shown until one decides.
    Disputed,
    /// It was removed.
    Removed,
}

impl FieldNow {
    /// The value, unless several stand against each other.
    #[must_use]
    pub fn settled(&self) -> Option<&FieldVersion> {
        match self.versions.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl EntryNow {
    /// The attestation under which its author recorded it as a whole, if there is one: the one
    /// that covers most of what stands now, the latest of those.
    #[must_use]
    pub fn own_attestation(&self) -> Option<&Attestation> {
        let author = self.author.organisation()?;
        self.attestations
            .iter()
            .filter(|a| a.whole && a.organisation == author)
            .max_by_key(|a| (self.covered_by(a), a.at, a.signature))
    }

    fn covered_by(&self, attestation: &Attestation) -> usize {
        let covered = |(name, field): &(&String, &FieldNow)| {
            field.versions.iter().any(|v| attestation.covers(name, &v.value))
        };
        self.fields.iter().filter(covered).count()
    }

    /// Fields that differ from what the entry's author signed: changed, added, cleared or in
    /// conflict since. Empty for an unaltered entry, and for the holder's own.
    #[must_use]
    pub fn changed_since_signed(&self) -> Vec<String> {
        let Some(attestation) = self.own_attestation() else { return Vec::new() };
        let unaltered = |name: &str, field: &FieldNow| {
            field.settled().is_some_and(|v| attestation.covers(name, &v.value))
        };
        let mut changed: Vec<String> = self
            .fields
            .iter()
            .filter(|(name, field)| !unaltered(name, field))
            .map(|(name, _)| name.clone())
            .collect();
        let gone = attestation.fields.iter().filter(|f| !self.fields.contains_key(&f.name));
        changed.extend(gone.map(|f| f.name.clone()));
        changed.sort_unstable();
        changed
    }

    /// The entry as a record for a snapshot or a move: today's state alone, and nobody's name on
    /// what they did not sign.
    #[must_use]
    pub fn to_record(&self) -> EntryRecord {
        let covered = |organisation, name: &str, value: &Value| {
            self.attestations
                .iter()
                .any(|a| a.organisation == organisation && a.covers(name, value))
        };
        let fields: Vec<RecordedField> = self
            .fields
            .iter()
            .map(|(name, field)| {
                let mut versions = field.versions.clone();
                for version in &mut versions {
                    let signed = version
                        .author
                        .organisation()
                        .is_none_or(|o| covered(o, name, &version.value));
                    if !signed {
                        version.author = Author::Holder;
                        credit(version, name, &self.attestations);
                    }
                }
                versions.sort_unstable();
                RecordedField { name: name.clone(), versions }
            })
            .collect();
        let stands = |a: &Attestation, name: &str| {
            self.fields
                .get(name)
                .is_some_and(|f| f.versions.iter().any(|v| a.covers(name, &v.value)))
        };
        let mut attestations = self.attestations.clone();
        attestations.retain_mut(|a| {
            let copy = a.clone();
            a.withhold(|name| stands(&copy, name));
            let own = a.whole && self.own_attestation() == Some(&copy);
            own || a.fields.iter().any(|f| f.salt.is_some())
        });
        let signed_whole = |o| attestations.iter().any(|a| a.whole && a.organisation == o);
        let author = match self.author {
            Author::Organisation(o) if signed_whole(o) => self.author,
            Author::Organisation(_) | Author::Holder => Author::Holder,
        };
        let open = |r: &&Remark| {
            matches!(r.content, RemarkContent::Note(_)) || !self.settled.contains_key(&r.id)
        };
        let mut remarks: Vec<Remark> = self.remarks.iter().filter(open).cloned().collect();
        remarks.sort_unstable_by_key(|r| r.id);
        EntryRecord {
            id: self.id,
            kind: self.kind.clone(),
            author,
            recorded_at: self.recorded_at,
            fields,
            attestations,
            remarks,
            contested_removal: self.stance == Stance::Disputed,
        }
    }
}

impl Replica {
    /// Every entry as it stands now, removed ones included, ascending by id.
    #[must_use]
    pub fn entries(&self) -> Vec<EntryNow> {
        let touches = OnceCell::new();
        let ids = self.entries.ids();
        ids.into_iter().filter_map(|id| self.entry_with(id, &touches)).collect()
    }

    /// One entry as it stands now.
    #[must_use]
    pub fn entry(&self, id: EntryId) -> Option<EntryNow> {
        self.entry_with(id, &OnceCell::new())
    }

    /// The records of a founding snapshot: what is there now, ascending by id.
    #[must_use]
    pub fn records(&self) -> Vec<EntryRecord> {
        self.entries()
            .iter()
            .filter(|e| e.stance != Stance::Removed)
            .map(EntryNow::to_record)
            .collect()
    }

    /// The values of a field as the author of an envelope saw them before it.
    #[must_use]
    pub fn values_before(&self, envelope: &EnvelopeId, entry: EntryId, field: &str) -> Vec<Value> {
        self.entries.values_before(envelope, entry, field)
    }

    /// The values of a field as the author of an envelope that changed it left them.
    #[must_use]
    pub fn values_after(&self, envelope: &EnvelopeId, entry: EntryId, field: &str) -> Vec<Value> {
        self.entries.values_after(envelope, entry, field)
    }

    fn entry_with(&self, id: EntryId, touches: &OnceCell<Touches>) -> Option<EntryNow> {
        let state = self.entries.read(id, &self.nodes)?;
        let fields = state
            .fields
            .iter()
            .map(|field| (field.name.clone(), self.field_now(&state, field)))
            .filter(|(_, field)| !field.versions.is_empty())
            .collect();
        let stance = self.stance(&state, touches);
        let mut remarks = state.remarks;
        remarks.sort_by_key(|r| (r.at, r.id));
        Some(EntryNow {
            id,
            kind: state.kind,
            author: state.author,
            recorded_at: state.recorded_at,
            fields,
            attestations: state.attestations,
            remarks,
            settled: state.settled.into_iter().collect(),
            stance,
        })
    }

    fn field_now(&self, state: &EntryState, field: &FieldState) -> FieldNow {
        let mut versions: Vec<FieldVersion> = field.contested.clone();
        for (value, origins) in &field.values {
            let recorded = field.recorded.iter().find(|r| r.value == *value);
            let by = recorded.map(|r| (r.at, r.author));
            // Of several who wrote in one text at once, the last by their clocks.
            let wrote = || origins.iter().filter_map(|origin| self.origin_of(*origin)).max();
            let (at, author) = by.or_else(wrote).unwrap_or((state.recorded_at, Author::Holder));
            versions.push(FieldVersion { value: value.clone(), author, at });
        }
        for version in &mut versions {
            credit(version, &field.name, &state.attestations);
        }
        versions.sort_unstable();
        versions.dedup_by(|a, b| a.value == b.value);
        FieldNow { versions }
    }

    fn origin_of(&self, origin: Origin) -> Option<(Timestamp, Author)> {
        let Origin::Envelope(id) = origin else { return None };
        let node = self.nodes.get(&id)?;
        Some((node.at, node.standing()?.author()))
    }

    /// Which envelopes changed each entry, or said something of it.
    fn touches(&self) -> Touches {
        let mut touches = Touches::new();
        for (id, node) in self.history().filter(|(_, node)| node.is_applied()) {
            for edit in &node.edits {
                match edit {
                    Edit::Splice { entry, .. }
                    | Edit::Set { entry, .. }
                    | Edit::Resolve { entry, .. }
                    | Edit::Contest { entry, .. }
                    | Edit::Remark(Remark { entry, .. }) => {
                        touches.entry(*entry).or_default().insert(*id);
                    }
                    Edit::Add { .. }
                    | Edit::Remove { .. }
                    | Edit::Settle { .. }
                    | Edit::Restore { .. }
                    | Edit::Move(_)
                    | Edit::Attest { .. } => {}
                }
            }
        }
        touches
    }

    fn stance(&self, state: &EntryState, touches: &OnceCell<Touches>) -> Stance {
        let removals: Vec<Origin> =
            state.removed.iter().filter(|(removed, _)| *removed).map(|(_, o)| *o).collect();
        if state.disputed || (!removals.is_empty() && removals.len() < state.removed.len()) {
            return Stance::Disputed;
        }
        if removals.is_empty() {
            return Stance::Present;
        }
        let unseen = |change: &EnvelopeId| {
            removals.iter().all(|removal| match removal {
                Origin::Envelope(removal) => removal != change && !self.precedes(change, removal),
                Origin::Snapshot => false,
            })
        };
        let touches = touches.get_or_init(|| self.touches());
        let changed_unseen = touches.get(&state.id).is_some_and(|c| c.iter().any(unseen));
        if changed_unseen { Stance::Disputed } else { Stance::Removed }
    }
}

/// A value that an organisation signed is its own, whoever carried it here.
fn credit(version: &mut FieldVersion, field: &str, attestations: &[Attestation]) {
    let signed = |a: &&Attestation| a.covers(field, &version.value);
    if version.author == Author::Holder
        && let Some(a) = attestations.iter().find(signed)
    {
        (version.author, version.at) = (Author::Organisation(a.organisation), a.at);
    }
}

/// Which envelopes changed each entry.
type Touches = BTreeMap<EntryId, BTreeSet<EnvelopeId>>;
