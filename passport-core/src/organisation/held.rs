//! Consents and epochs that an organisation was given.

use minicbor::{Decode, Encode};
use serde::Serialize;

use crate::codec;
use crate::epoch::{Charter, PhaseKeys, Right, VerifiedCharter};
use crate::grant::Grant;
use crate::keys::Signed;
use crate::ledger::KeyOfPhase;
use crate::party::PartyError;
use crate::time::Timestamp;

/// A consent that was given to this organisation.
#[derive(Clone, Debug)]
pub struct HeldGrant {
    /// The consent.
    pub grant: Grant,
    /// As the holder signed it.
    pub signed: Signed<Grant>,
    /// When it was withdrawn.
    pub withdrawn_at: Option<Timestamp>,
}

/// Whether a consent may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldState {
    /// It may.
    Active,
    /// It has ended by itself.
    Expired,
    /// The student took it back.
    Revoked,
}

/// An epoch and the keys that were wrapped to this organisation.
#[derive(Clone, Debug)]
pub struct HeldEpoch {
    /// Its charter.
    pub charter: VerifiedCharter,
    /// Keys of the phases that the consent reaches.
    pub keys: PhaseKeys,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredGrant {
    #[n(0)]
    signed: Signed<Grant>,
    #[n(1)]
    withdrawn_at: Option<Timestamp>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct StoredEpoch {
    #[n(0)]
    charter: Signed<Charter>,
    #[n(1)]
    keys: Vec<KeyOfPhase>,
}

impl HeldGrant {
    /// Whether it may be used at a moment.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> HeldState {
        match (self.withdrawn_at, self.grant.covers(now)) {
            (Some(_), _) => HeldState::Revoked,
            (None, true) => HeldState::Active,
            (None, false) => HeldState::Expired,
        }
    }

    /// Whether it allows writing at a moment.
    #[must_use]
    pub fn may_write(&self, now: Timestamp) -> bool {
        self.state(now) == HeldState::Active && self.grant.can == Right::Contribute
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        codec::encode(&StoredGrant { signed: self.signed.clone(), withdrawn_at: self.withdrawn_at })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, PartyError> {
        let stored: StoredGrant =
            codec::decode(bytes, 16 * 1024).map_err(|_| PartyError::Damaged)?;
        let grant = stored.signed.verify().map_err(|_| PartyError::Damaged)?.into_inner();
        Ok(Self { grant, signed: stored.signed, withdrawn_at: stored.withdrawn_at })
    }
}

impl HeldEpoch {
    pub(super) fn encode(&self) -> Vec<u8> {
        codec::encode(&StoredEpoch {
            charter: self.charter.signed().clone(),
            keys: KeyOfPhase::list(&self.keys),
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, PartyError> {
        let stored: StoredEpoch =
            codec::decode(bytes, 256 * 1024).map_err(|_| PartyError::Damaged)?;
        let charter = Charter::verify(stored.charter).map_err(|_| PartyError::Damaged)?;
        let keys = stored.keys.iter().map(|k| (k.phase, k.key())).collect();
        Ok(Self { charter, keys })
    }
}
