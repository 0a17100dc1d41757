//! Keys, signatures and wraps.
//!
//! Signing is Ed25519 (RFC 8032) with strict verification; keys are wrapped with HPKE
//! (RFC 9180) over X-Wing. Unverified and verified things are different types: a [`Signed`]
//! becomes a [`Verified`] only through [`Signed::verify`].
//!
//! ```text
//!  RecoveryPhrase ──► RootKeys ──Succession──► RootKeys of the next phrase
//!                        └──certifies──► device ──certifies──► device …
//!  card key ──signs──► Card ──certifies──► instances of the organisation
//! ```

mod device;
mod enrolment;
mod organisation;
mod phase;
mod phrase;
mod signing;
mod succession;
mod words;
mod wrap;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use device::{CHAIN_LIMIT, CertificateChain, ChainError, DeviceCertificate, VerifiedDevice};
pub use enrolment::{EnrolmentCode, EnrolmentRequest, ParseCodeError};
pub use organisation::{
    Card, CardError, CardText, Endorsement, EndorsementKind, InstanceCertificate, OrganisationKind,
    ParseCardError, ParseEndorsementError, ParseKindError, VerifiedCard, VerifiedEndorsement,
    VerifiedInstance,
};
pub use phase::PhaseKey;
pub use phrase::{PHRASE_WORDS, PhraseError, RecoveryPhrase, RootKeys};
pub use signing::{Signable, Signature, Signed, SigningKey, Verified, VerifyError, verify};
pub use succession::{ROOTS_LIMIT, Succession, roots};
pub use words::{ComparisonWords, WordsError, enrolment_words, verification_phrase};
pub use wrap::{INFO_LIMIT, ReceivingKey, ReceivingPublicKey, Sealed, WrapError, unwrap, wrap};

/// 32 secret bytes that nobody can guess, for a key or a seed.
pub(crate) fn random_secret(rng: &mut dyn CryptoRng) -> Zeroizing<[u8; 32]> {
    let mut secret = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *secret);
    secret
}
