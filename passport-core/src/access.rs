//! What the relay is told of a channel: who may read and write it, and which epochs are gone.
//!
//! Both statements are signed by a control key of the passport and say nothing about people,
//! kinds of section or purposes: the relay sees a random channel, keys, rights and end dates.

use minicbor::{Decode, Encode};

use crate::domain::{self, Domain};
use crate::id::{ChannelId, EpochId, VerificationKey};
use crate::keys::{Signable, Signed, Verified, VerifyError};
use crate::time::Timestamp;

/// Format version of access lists and drop statements.
pub const VERSION: u8 = 1;
/// Most members of one channel.
pub const MEMBERS_MAX: usize = 512;
/// Most epochs and files named as live: with most members they fit a list.
pub const LIVE_MAX: usize = 1_000;

/// The identity of a channel: BLAKE3 of its control key and a random nonce, so that nobody
/// can claim a channel that another key made.
#[must_use]
pub fn channel_id(control: &VerificationKey, nonce: &[u8; 16]) -> ChannelId {
    ChannelId::from_bytes(domain::CHANNEL.hash(&[control.as_bytes(), nonce]))
}

/// What a member of a channel may do at the relay.
///
/// CBOR: an unsigned integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Rights {
    /// Fetch envelopes.
    #[n(0)]
    Read,
    /// Append envelopes, and fetch none (a depositor).
    #[n(1)]
    Write,
    /// Both.
    #[n(2)]
    ReadWrite,
}

impl Rights {
    /// Whether envelopes may be fetched.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether envelopes may be appended.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// One key's place in an access list.
///
/// CBOR: `[key: bstr .size 32, can: uint, until: int / null, history: bool]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Member {
    /// The member's signing key.
    #[n(0)]
    pub key: VerificationKey,
    /// What it may do.
    #[n(1)]
    pub can: Rights,
    /// The first second at which it may no longer; none for no end.
    #[n(2)]
    pub until: Option<Timestamp>,
    /// Whether epochs that are no longer live are handed to it as well.
    #[n(3)]
    pub history: bool,
}

impl Member {
    /// Whether the membership is in force.
    #[must_use]
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it may fetch envelopes now.
    #[must_use]
    pub fn may_read(&self, now: Timestamp) -> bool {
        self.can.reads() && self.is_current(now)
    }

    /// Whether it may append envelopes now.
    #[must_use]
    pub fn may_write(&self, now: Timestamp) -> bool {
        self.can.writes() && self.is_current(now)
    }
}

/// Who may read and write one channel.
///
/// A list takes the place of the one whose payload hash it names (compare and swap), so two
/// devices that change the members at once notice each other.
///
/// CBOR: `[version, channel, nonce, control, serial, replaces / null, live, members,
/// successor / null]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AccessList {
    /// Format version: [`VERSION`].
    #[n(0)]
    pub version: u8,
    /// The channel, [`channel_id`] of the next two.
    #[n(1)]
    pub channel: ChannelId,
    /// The random part of the channel's identity.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// The key that the channel began under, and that signs its lists until one names a successor.
    #[n(3)]
    pub control: VerificationKey,
    /// Counts the lists of the channel; greater than that of the list replaced.
    #[n(4)]
    pub serial: u64,
    /// Payload hash of the list replaced; none for the first.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub replaces: Option<[u8; 32]>,
    /// Epochs and streams of files handed to a new member, ascending and unique.
    #[n(6)]
    pub live: Vec<EpochId>,
    /// The members, ascending by key and unique.
    #[n(7)]
    pub members: Vec<Member>,
    /// The key that signs the next list, and every one until another is named; none for `control`.
    #[n(8)]
    pub successor: Option<VerificationKey>,
}

impl Signable for AccessList {
    const DOMAIN: Domain = domain::ACCESS_LIST;
    const LIMIT: usize = 64 * 1024;
}

/// Why an access list or drop statement was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// Signature or encoding are not acceptable.
    #[error("not acceptably signed")]
    Signature(#[source] VerifyError),
    /// Signed by another key than the control key it names, and it names no successor.
    #[error("not signed by the control key")]
    NotControl,
    /// A version this software does not know.
    #[error("version {version} is unknown")]
    Version {
        /// The version found.
        version: u8,
    },
    /// Channel, control key and nonce do not belong together.
    #[error("channel does not belong to the control key")]
    Channel,
    /// Members or epochs are out of order, repeated or too many.
    #[error("not in the required form")]
    Form,
}

impl AccessList {
    /// A list with members and epochs brought into order; of repeated ones the last stays.
    #[must_use]
    pub fn new(
        control: VerificationKey,
        nonce: [u8; 16],
        serial: u64,
        replaces: Option<[u8; 32]>,
        live: impl IntoIterator<Item = EpochId>,
        members: impl IntoIterator<Item = Member>,
    ) -> Self {
        use std::collections::{BTreeMap, BTreeSet};
        let members: BTreeMap<_, _> = members.into_iter().map(|m| (m.key, m)).collect();
        Self {
            version: VERSION,
            channel: channel_id(&control, &nonce),
            nonce,
            control,
            serial,
            replaces,
            live: live.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
            members: members.into_values().collect(),
            successor: None,
        }
    }

    /// The key that must sign the next list.
    #[must_use]
    pub fn controller(&self) -> VerificationKey {
        self.successor.unwrap_or(self.control)
    }

    /// Checks signature, signer and form: all that can be known of a list by itself. Whether its
    /// signer is the [`Self::controller`] of the list it replaces is for whoever has that one.
    ///
    /// # Errors
    /// Returns [`AccessError`] saying what is wrong.
    pub fn check(signed: &Signed<Self>) -> Result<Verified<Self>, AccessError> {
        let list = signed.verify().map_err(AccessError::Signature)?;
        if list.signer() != list.control && list.successor.is_none() {
            return Err(AccessError::NotControl);
        }
        if list.version != VERSION {
            return Err(AccessError::Version { version: list.version });
        }
        if list.channel != channel_id(&list.control, &list.nonce) {
            return Err(AccessError::Channel);
        }
        let ordered =
            list.members.is_sorted_by(|a, b| a.key < b.key) && list.live.is_sorted_by(|a, b| a < b);
        let bounded = list.members.len() <= MEMBERS_MAX && list.live.len() <= LIVE_MAX;
        if !ordered || !bounded {
            return Err(AccessError::Form);
        }
        Ok(list)
    }

    /// The member with this key.
    #[must_use]
    pub fn member(&self, key: &VerificationKey) -> Option<&Member> {
        let at = self.members.binary_search_by(|m| m.key.cmp(key)).ok()?;
        self.members.get(at)
    }
}

/// Tells a relay to forget an epoch that everybody has left.
///
/// CBOR: `[version, channel, nonce, control, epoch]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct DropEpoch {
    /// Format version: [`VERSION`].
    #[n(0)]
    pub version: u8,
    /// The channel, [`channel_id`] of the next two.
    #[n(1)]
    pub channel: ChannelId,
    /// The random part of the channel's identity.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// The key that the channel began under.
    #[n(3)]
    pub control: VerificationKey,
    /// The epoch to forget.
    #[n(4)]
    pub epoch: EpochId,
}

impl Signable for DropEpoch {
    const DOMAIN: Domain = domain::DROP_EPOCH;
    const LIMIT: usize = 256;
}

impl DropEpoch {
    /// A statement about one epoch of the channel of `control` and `nonce`.
    #[must_use]
    pub fn new(control: VerificationKey, nonce: [u8; 16], epoch: EpochId) -> Self {
        Self { version: VERSION, channel: channel_id(&control, &nonce), nonce, control, epoch }
    }

    /// Checks signature and form. Whether its signer is the [`AccessList::controller`] of the
    /// channel is for whoever has its list.
    ///
    /// # Errors
    /// Returns [`AccessError`] saying what is wrong.
    pub fn check(signed: &Signed<Self>) -> Result<Verified<Self>, AccessError> {
        let drop = signed.verify().map_err(AccessError::Signature)?;
        if drop.version != VERSION {
            return Err(AccessError::Version { version: drop.version });
        }
        if drop.channel != channel_id(&drop.control, &drop.nonce) {
            return Err(AccessError::Channel);
        }
        Ok(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    fn member(n: u8) -> Member {
        Member {
            key: VerificationKey::from_bytes([n; 32]),
            can: Rights::ReadWrite,
            until: Some(Timestamp::from_seconds(10)),
            history: false,
        }
    }

    fn list(control: &SigningKey) -> AccessList {
        let epochs = [EpochId::from_bytes([2; 32]), EpochId::from_bytes([1; 32])];
        let members = [member(9), member(3), member(9)];
        AccessList::new(control.verification_key(), [5; 16], 1, None, epochs, members)
    }

    #[test]
    fn a_list_in_order_and_signed_by_its_control_key_is_accepted() {
        let key = SigningKey::from_seed(&[1; 32]);
        let list = list(&key);
        let checked = AccessList::check(&Signed::new(&list, &key)).unwrap();
        assert_eq!(checked.members.len(), 2);
        assert_eq!(checked.member(&member(3).key), Some(&member(3)));
        assert_eq!(checked.member(&member(4).key), None);
    }

    #[test]
    fn another_key_cannot_claim_or_change_the_channel() {
        let (key, thief) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
        let mine = list(&key);
        assert_eq!(AccessList::check(&Signed::new(&mine, &thief)), Err(AccessError::NotControl));
        let claimed = AccessList { control: thief.verification_key(), ..mine.clone() };
        assert_eq!(AccessList::check(&Signed::new(&claimed, &thief)), Err(AccessError::Channel));
        let drop = DropEpoch::new(key.verification_key(), [5; 16], EpochId::from_bytes([1; 32]));
        assert!(DropEpoch::check(&Signed::new(&drop, &key)).is_ok());
        let claimed = DropEpoch { control: thief.verification_key(), ..drop };
        assert_eq!(DropEpoch::check(&Signed::new(&claimed, &thief)), Err(AccessError::Channel));
    }

    fn epochs(count: usize) -> Vec<EpochId> {
        let numbered = |n: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            EpochId::from_bytes(id)
        };
        (0..count).map(numbered).collect()
    }

    #[test]
    fn the_longest_list_is_one_that_can_be_read() {
        let key = SigningKey::from_seed(&[1; 32]);
        let numbered = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&n.to_be_bytes());
            Member {
                key: VerificationKey::from_bytes(key),
                until: Some(Timestamp::from_seconds(i64::MAX)),
                history: true,
                ..member(0)
            }
        };
        let mut longest = list(&key);
        longest.serial = u64::MAX;
        longest.replaces = Some([1; 32]);
        longest.live = epochs(LIVE_MAX);
        longest.members = (0..MEMBERS_MAX).map(numbered).collect();
        longest.successor = Some(member(1).key);
        assert!(AccessList::check(&Signed::new(&longest, &key)).is_ok());
    }

    #[test]
    fn disorder_repetition_excess_and_unknown_versions_are_refused() {
        let key = SigningKey::from_seed(&[1; 32]);
        let good = list(&key);
        let mut repeated = good.clone();
        repeated.members.push(member(9));
        let mut reversed = good.clone();
        reversed.live.reverse();
        let many = AccessList { live: epochs(LIVE_MAX + 1), ..good.clone() };
        for bad in [repeated, reversed, many] {
            assert_eq!(AccessList::check(&Signed::new(&bad, &key)), Err(AccessError::Form));
        }
        let newer = AccessList { version: 2, ..good };
        assert_eq!(
            AccessList::check(&Signed::new(&newer, &key)),
            Err(AccessError::Version { version: 2 })
        );
    }

    #[test]
    fn rights_end_at_their_end() {
        let m = member(1);
        assert!(m.may_read(Timestamp::from_seconds(9)) && m.may_write(Timestamp::from_seconds(9)));
        assert!(!m.may_read(Timestamp::from_seconds(10)));
        assert!(
            !Member { can: Rights::Write, until: None, ..m }.may_read(Timestamp::from_seconds(0))
        );
    }
}
