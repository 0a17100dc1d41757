//! Envelopes: sealed, signed batches of edits.
//!
//! A body is padded (Padmé), sealed with XChaCha20-Poly1305 under a key derived from the phase
//! key with the header as associated data, and committed to by a keyed BLAKE3 `body_tag` in the
//! clear. The identity is BLAKE3 of header and tag, and the Ed25519 signature is over the
//! identity: anyone can check who wrote an envelope, only members can open it, and nobody can
//! make one ciphertext that opens under two keys.
//!
//! ```text
//! SealedEnvelope --verify--> VerifiedEnvelope --open(phase key)--> OpenedEnvelope
//!                                    pack --unpack(phase keys)-------^
//! ```

mod header;
mod line;
mod pack;
mod padding;
mod seal;

pub use header::{Header, HeaderError, Kind, MAX_DEPENDENCIES};
pub use line::{Following, Line};
pub use pack::{PackError, Packed, Stretch, pack, parts, unpack, unpack_in_place};
pub use padding::{padded, padme};
pub(crate) use seal::seal_and_keep;
pub use seal::{
    EnvelopeError, OpenError, OpenedEnvelope, SealedEnvelope, VerifiedEnvelope, seal, seal_alike,
};

/// Largest envelope on the wire, in bytes.
pub const MAX_ENVELOPE: usize = 256 * 1024;

/// Largest body before padding, in bytes: what is left of [`MAX_ENVELOPE`] beside the header,
/// the tag and Padmé's overhead (at most 12%).
pub const MAX_BODY: usize = 220 * 1024;

/// Largest body of a pack before padding, in bytes: one that holds the largest body, and what is
/// said beside it, still fits [`MAX_ENVELOPE`].
pub const MAX_PACK: usize = 240 * 1024;
