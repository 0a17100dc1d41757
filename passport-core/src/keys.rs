//! Keys, signatures and wraps.
//!
//! Signing is Ed25519 (RFC 8032) with strict verification; keys are wrapped with HPKE
//! (RFC 9180) over X-Wing. Unverified and verified things are different types: a [`Signed`]
//! becomes a [`Verified`] only through [`Signed::verify`].

mod phase;
mod signing;

pub use phase::PhaseKey;
pub use signing::{Signable, Signature, Signed, SigningKey, Verified, VerifyError, verify};
