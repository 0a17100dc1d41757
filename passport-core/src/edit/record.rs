//! An entry as a whole: in snapshots and moves.

use core::fmt;

use minicbor::{Decode, Encode};

use super::Remark;
use crate::attestation::{Attestation, Subject};
use crate::author::Author;
use crate::id::{EntryId, OrganisationId, PassportId, VerificationKey};
use crate::section::Value;
use crate::time::Timestamp;

/// The current state of one entry, without anything that was removed or overwritten.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct EntryRecord {
    /// Its id.
    #[n(0)]
    pub id: EntryId,
    /// Its kind.
    #[n(1)]
    pub kind: String,
    /// Who recorded it. An organisation only with its attestation.
    #[n(2)]
    pub author: Author,
    /// When it was recorded.
    #[n(3)]
    pub recorded_at: Timestamp,
    /// Its fields, ascending by name; more than one version is an open conflict.
    #[n(4)]
    pub fields: Vec<RecordedField>,
    /// What organisations signed of it.
    #[n(5)]
    pub attestations: Vec<Attestation>,
    /// Notes and open suggestions, ascending by id.
    #[n(6)]
    pub remarks: Vec<Remark>,
    /// Whether it was removed by one and changed by another, and nobody has decided yet.
    #[n(7)]
    pub contested_removal: bool,
}

/// A field of a record.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RecordedField {
    /// Its name.
    #[n(0)]
    pub name: String,
    /// Its value, or the values that stand against each other, ascending.
    #[n(1)]
    pub versions: Vec<FieldVersion>,
}

/// One value of a field, with who set it and when.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct FieldVersion {
    /// The value.
    #[n(0)]
    pub value: Value,
    /// Who set it. An organisation only where one of its attestations covers it.
    #[n(1)]
    pub author: Author,
    /// When it was set.
    #[n(2)]
    pub at: Timestamp,
}

/// Why a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Fields, versions or remarks are not in order, or there are too many.
    #[error("record is not in canonical form")]
    Form,
    /// It carries a name that nothing signed by that organisation supports.
    #[error("record speaks for an organisation that did not sign it")]
    Unattested,
}

impl EntryRecord {
    /// Checks that the record puts nobody's name on what they did not sign.
    ///
    /// `instance_of` tells which organisation a key belongs to, by the charter's cards.
    ///
    /// # Errors
    /// Returns [`RecordError`].
    pub fn verify(
        &self,
        passport: PassportId,
        instance_of: impl Fn(&VerificationKey) -> Option<OrganisationId>,
    ) -> Result<(), RecordError> {
        self.check_form()?;
        let subject = Subject { passport, entry: self.id, kind: &self.kind };
        for attestation in &self.attestations {
            let known = instance_of(&attestation.signer) == Some(attestation.organisation);
            if !known || attestation.verify(subject).is_err() {
                return Err(RecordError::Unattested);
            }
        }
        if let Author::Organisation(o) = self.author
            && !self.attestations.iter().any(|a| a.organisation == o && a.whole)
        {
            return Err(RecordError::Unattested);
        }
        let versions = self.fields.iter().flat_map(|f| f.versions.iter().map(move |v| (f, v)));
        for (field, version) in versions {
            if let Author::Organisation(o) = version.author
                && !self
                    .attestations
                    .iter()
                    .any(|a| a.organisation == o && a.covers(&field.name, &version.value))
            {
                return Err(RecordError::Unattested);
            }
        }
        for remark in &self.remarks {
            let signer_known = match (remark.author, &remark.proof) {
                (Author::Organisation(o), Some(p)) => instance_of(&p.signer) == Some(o),
                (Author::Holder, _) => true,
                (Author::Organisation(_), None) => false,
            };
            if !signer_known || remark.entry != self.id || remark.verify(passport).is_err() {
                return Err(RecordError::Unattested);
            }
        }
        Ok(())
    }

    fn check_form(&self) -> Result<(), RecordError> {
        fn ascending<T: Ord>(items: impl Iterator<Item = T> + Clone) -> bool {
            items.clone().zip(items.skip(1)).all(|(a, b)| a < b)
        }
        // How many versions, remarks and signatures there are is not bounded here but by the size
        // of what carries them: people who write at once can pass any number, and an entry that
        // could not be recorded would keep the next epoch from being founded.
        let ok = self.fields.len() <= super::limits::FIELDS
            && ascending(self.fields.iter().map(|f| &f.name))
            && ascending(self.remarks.iter().map(|r| r.id))
            && self.fields.iter().all(|f| !f.versions.is_empty() && ascending(f.versions.iter()));
        if ok { Ok(()) } else { Err(RecordError::Form) }
    }
}

impl fmt::Debug for EntryRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for RecordedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedField").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for FieldVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldVersion").field("author", &self.author).finish_non_exhaustive()
    }
}
