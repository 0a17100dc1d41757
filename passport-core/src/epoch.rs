//! Epochs: spans of a section with one fixed set of members.
//!
//! A charter opens an epoch. It fixes who writes and until when, the phases and the commitments
//! to their keys, and the digest of the founding snapshot: the current state, without anything
//! that was deleted or overwritten before. One mechanism serves a new reader, a revocation, an
//! erasure and compaction.

mod charter;
mod phase;
mod snapshot;
mod wrap;

pub use charter::{Charter, CharterError, PhaseKeys, Right, VerifiedCharter, Writer};
pub use phase::{Phase, plan_phases};
pub use snapshot::{SnapshotBody, SnapshotDigest, join, split};
pub use wrap::{PhaseWrap, WrapContext};
