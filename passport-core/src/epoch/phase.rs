//! Phases: parts of an epoch between two end dates, each with its own key.

use minicbor::{Decode, Encode};

use crate::time::Timestamp;

/// One phase of an epoch. It lasts until the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Phase {
    /// When it begins.
    #[n(0)]
    pub from: Timestamp,
    /// Commitment to its key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub commitment: [u8; 32],
}

/// When the phases of an epoch begin: at its founding, and at each later end of a grant or of a
/// device.
#[must_use]
pub fn plan_phases(
    founded_at: Timestamp,
    ends: impl IntoIterator<Item = Timestamp>,
) -> Vec<Timestamp> {
    let mut starts: Vec<_> = ends.into_iter().filter(|end| *end > founded_at).collect();
    starts.push(founded_at);
    starts.sort_unstable();
    starts.dedup();
    starts
}
