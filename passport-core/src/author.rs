//! Who recorded something, as a passport shows it.

use minicbor::{Decode, Encode};

use crate::id::OrganisationId;

/// Who stands behind an entry, a value, a note or a suggestion.
///
/// The holder's devices are one author to everybody else; an organisation's installations
/// likewise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(flat)]
pub enum Author {
    /// The student.
    #[n(0)]
    Holder,
    /// A practice, university service or hospital.
    #[n(1)]
    Organisation(#[n(0)] OrganisationId),
}

impl Author {
    /// The organisation, if it is one.
    #[must_use]
    pub fn organisation(self) -> Option<OrganisationId> {
        match self {
            Self::Holder => None,
            Self::Organisation(id) => Some(id),
        }
    }
}
