//! A new recovery phrase in the place of another: the old root's word that a new one follows it.
//!
//! ```text
//!  passport = hash of root 1 ──succession──► root 2 ──succession──► root 3 ──certifies──► devices
//! ```
//!
//! A chain of certificates carries the successions that lead to its root, so that whoever knows
//! the passport's id alone can check it. That an older root has no more say is for whoever has
//! seen a later one to hold against it: roots that are known must be the first of a chain's.

use minicbor::{Decode, Encode};

use super::{ChainError, Signable, Signed};
use crate::domain::{self, Domain};
use crate::id::{PassportId, VerificationKey};
use crate::time::Timestamp;

/// Most roots that may follow one another.
pub const ROOTS_LIMIT: usize = 64;

/// That a root takes the place of the one that signs this.
///
/// CBOR: `[version, passport, root, at]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Succession {
    #[n(0)]
    version: u8,
    /// The passport.
    #[n(1)]
    pub passport: PassportId,
    /// The new root.
    #[n(2)]
    pub root: VerificationKey,
    /// When, by the clock of who replaced it.
    #[n(3)]
    pub at: Timestamp,
}

impl Succession {
    const VERSION: u8 = 1;

    /// A succession of the current version.
    #[must_use]
    pub fn new(passport: PassportId, root: VerificationKey, at: Timestamp) -> Self {
        Self { version: Self::VERSION, passport, root, at }
    }

    /// Whether it is of this passport, and of a version that this software knows.
    pub(crate) fn is_of(&self, passport: &PassportId) -> bool {
        self.version == Self::VERSION && self.passport == *passport
    }
}

impl Signable for Succession {
    const DOMAIN: Domain = domain::SUCCESSION;
    const LIMIT: usize = 128;
}

/// The roots of a passport, from the first on, that successions lead through.
///
/// # Errors
/// Returns [`ChainError`] when `first` is not the passport's root, or a succession does not hold.
pub fn roots(
    passport: &PassportId,
    first: VerificationKey,
    successions: &[Signed<Succession>],
) -> Result<Vec<VerificationKey>, ChainError> {
    if PassportId::of_root(&first) != *passport || successions.len() >= ROOTS_LIMIT {
        return Err(ChainError::Root);
    }
    let mut roots = vec![first];
    let mut root = first;
    for signed in successions {
        let next = signed.verify_by(&root).map_err(|_| ChainError::Root)?;
        if !next.is_of(passport) || roots.contains(&next.root) {
            return Err(ChainError::Root);
        }
        root = next.root;
        roots.push(root);
    }
    Ok(roots)
}
