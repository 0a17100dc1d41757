//! Phase keys wrapped to members.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use crate::codec;
use crate::domain::{self, Domain};
use crate::id::{EpochId, VerificationKey};
use crate::keys::{
    PhaseKey, ReceivingKey, ReceivingPublicKey, Sealed, Signable, WrapError, unwrap, wrap,
};

/// One phase key, wrapped to one member and signed by the founder.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PhaseWrap {
    /// Where the key belongs.
    #[n(0)]
    pub context: WrapContext,
    /// The wrapped key.
    #[n(1)]
    pub sealed: Sealed,
}

/// Epoch, phase and recipient of a wrap: the HPKE info, so that a wrap cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct WrapContext {
    /// The epoch: the hash of its charter.
    #[n(0)]
    pub epoch: EpochId,
    /// The phase.
    #[n(1)]
    pub phase: u32,
    /// Whose receiving key it is wrapped to.
    #[n(2)]
    pub recipient: VerificationKey,
}

impl Signable for PhaseWrap {
    const DOMAIN: Domain = domain::WRAP;
    const LIMIT: usize = 2048;
}

impl WrapContext {
    fn info(&self) -> Vec<u8> {
        domain::WRAP_INFO.message(&codec::encode(self))
    }

    /// Wraps a key to a member.
    ///
    /// # Errors
    /// Returns [`WrapError`] when the member's receiving key is unusable.
    pub fn wrap(
        self,
        to: &ReceivingPublicKey,
        key: &PhaseKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<PhaseWrap, WrapError> {
        let sealed = wrap(to, &self.info(), &[], key.as_bytes(), rng)?;
        Ok(PhaseWrap { context: self, sealed })
    }
}

impl PhaseWrap {
    /// Opens the wrap. Whether the charter commits to this key is
    /// [`super::VerifiedCharter::admits_key`].
    ///
    /// # Errors
    /// Returns [`WrapError`] when it was made for another key or place.
    pub fn open(&self, key: &ReceivingKey) -> Result<PhaseKey, WrapError> {
        PhaseKey::from_slice(&unwrap(key, &self.context.info(), &[], &self.sealed)?)
    }
}
