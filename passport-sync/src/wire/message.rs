//! Requests and responses.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use passport_core::access::{AccessList, DropEpoch};
use passport_core::codec::{self, DecodeError};
use passport_core::id::{ChannelId, VerificationKey};
use passport_core::keys::Signed;
use passport_core::time::Timestamp;

use super::{Generation, LETTER_MAX, OBJECTS_MAX, REQUEST_MAX, RESPONSE_MAX, Rejection, RelayId};

/// How far a key has read its feed at one relay.
///
/// CBOR: `[relay: bstr .size 16, generation: bstr .size 8, position: uint]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Cursor {
    /// The relay the position belongs to.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub relay: RelayId,
    /// The run of the relay that gave the cursor out.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub generation: Generation,
    /// Everything up to and including this position is safely stored by the client.
    #[n(2)]
    pub position: u64,
}

/// A sealed message for the mailbox of one key; opaque to the relay.
///
/// CBOR: `[to: bstr .size 32, body: bstr]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Letter {
    /// Whose mailbox.
    #[n(0)]
    pub to: VerificationKey,
    /// Sealed bytes, at most [`LETTER_MAX`].
    #[n(1)]
    pub body: ByteVec,
}

impl core::fmt::Debug for Letter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Letter({} bytes)", self.body.len())
    }
}

/// A letter as it arrives in its owner's feed.
///
/// CBOR: `[from: bstr .size 32, body: bstr]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct DeliveredLetter {
    /// The key that sent it, as the relay authenticated it; the body proves more.
    #[n(0)]
    pub from: VerificationKey,
    /// Sealed bytes.
    #[n(1)]
    pub body: ByteVec,
}

impl DeliveredLetter {
    /// Reads the bytes of an [`ItemKind::Letter`].
    ///
    /// # Errors
    /// Returns [`DecodeError`] when they are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, LETTER_MAX + 64)
    }
}

impl core::fmt::Debug for DeliveredLetter {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "DeliveredLetter({} bytes)", self.body.len())
    }
}

/// Everything a client wants of a relay, in one message.
///
/// The relay settles the pushed objects in the order access lists, envelopes, letters, drops,
/// fetches, then answers with a page of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SyncRequest {
    /// How far the client has read; none to start from the beginning.
    #[n(0)]
    pub cursor: Option<Cursor>,
    /// Access lists to set.
    #[n(1)]
    pub access_lists: Vec<Signed<AccessList>>,
    /// Envelopes to append, each encoded.
    #[n(2)]
    pub envelopes: Vec<ByteVec>,
    /// Letters to deliver.
    #[n(3)]
    pub letters: Vec<Letter>,
    /// Epochs to forget.
    #[n(4)]
    pub drop_epochs: Vec<Signed<DropEpoch>>,
    /// Channels whose envelopes are to be put into the feed once more.
    #[n(5)]
    pub fetch_channels: Vec<ChannelId>,
    /// Most bytes of items the client will take in the response.
    #[n(6)]
    pub max_bytes: u32,
}

impl SyncRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// Returns [`Rejection::TooLarge`] or [`Rejection::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Rejection> {
        let request: Self = codec::decode(bytes, REQUEST_MAX).map_err(Rejection::of_form)?;
        request.within_limits()
    }

    /// Refuses more objects than one request may have.
    pub(super) fn within_limits(self) -> Result<Self, Rejection> {
        let over = self.objects() > OBJECTS_MAX || self.fetch_channels.len() > super::FETCH_MAX;
        if over { Err(Rejection::TooLarge) } else { Ok(self) }
    }

    /// How many objects are pushed.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.access_lists.len() + self.envelopes.len() + self.letters.len() + self.drop_epochs.len()
    }
}

/// What became of one pushed object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Outcome {
    /// It is on the relay's disk.
    #[n(0)]
    Stored,
    /// It was there already.
    #[n(1)]
    Known,
    /// It was refused.
    #[n(2)]
    Rejected {
        /// The number of a [`Rejection`].
        #[n(0)]
        code: u16,
    },
}

impl Outcome {
    /// Whether the relay has it.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Stored | Self::Known)
    }

    /// Why it was refused, as far as this software knows the reason.
    #[must_use]
    pub fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected { code } => Rejection::from_code(*code),
            Self::Stored | Self::Known => None,
        }
    }
}

impl From<Rejection> for Outcome {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected { code: rejection.code() }
    }
}

/// The list that is current where a pushed one did not fit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AccessConflict {
    /// Index of the refused list in the request.
    #[n(0)]
    pub index: u32,
    /// The current list.
    #[n(1)]
    pub current: Signed<AccessList>,
}

/// What became of everything pushed, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Results {
    /// One for each access list.
    #[n(0)]
    pub access_lists: Vec<Outcome>,
    /// One for each envelope.
    #[n(1)]
    pub envelopes: Vec<Outcome>,
    /// One for each letter.
    #[n(2)]
    pub letters: Vec<Outcome>,
    /// One for each drop.
    #[n(3)]
    pub drop_epochs: Vec<Outcome>,
    /// One for each channel to fetch.
    #[n(4)]
    pub fetch_channels: Vec<Outcome>,
    /// Current lists, for those refused with [`Rejection::AccessConflict`].
    #[n(5)]
    pub conflicts: Vec<AccessConflict>,
}

/// What an item of a feed is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ItemKind {
    /// An encoded envelope.
    #[n(0)]
    Envelope,
    /// An encoded [`DeliveredLetter`].
    #[n(1)]
    Letter,
    /// An encoded `Signed<AccessList>`; only in the feed of its control key.
    #[n(2)]
    AccessList,
}

/// One item of a feed.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Item {
    /// Its place in the feed, ascending.
    #[n(0)]
    pub position: u64,
    /// What it is.
    #[n(1)]
    pub kind: ItemKind,
    /// The bytes, nothing of which is trusted.
    #[n(2)]
    pub bytes: ByteVec,
}

impl core::fmt::Debug for Item {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Item({} {:?}, {} bytes)", self.position, self.kind, self.bytes.len())
    }
}

/// The relay's answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SyncResponse {
    /// Which relay this is.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub relay: RelayId,
    /// The relay's clock, which is believed by nobody.
    #[n(1)]
    pub time: Timestamp,
    /// The client's cursor belongs to another relay or to a future this one has lost: the page
    /// starts from the beginning, and the client should offer again what it holds.
    #[n(2)]
    pub reset: bool,
    /// What became of what was pushed.
    #[n(3)]
    pub results: Results,
    /// A page of the feed.
    #[n(4)]
    pub items: Vec<Item>,
    /// Where to go on from, once the items are stored.
    #[n(5)]
    pub cursor: Cursor,
    /// Whether there is more.
    #[n(6)]
    pub more: bool,
}

impl SyncResponse {
    /// Reads a response.
    ///
    /// # Errors
    /// Returns [`DecodeError`] when it is too large or not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, RESPONSE_MAX)
    }
}

/// The body of an HTTP error.
///
/// CBOR: `[code: uint, time: int]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Refusal {
    /// The number of a [`Rejection`].
    #[n(0)]
    pub code: u16,
    /// The relay's clock, so that a client whose own is wrong can be told apart.
    #[n(1)]
    pub time: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_round_trips_and_too_many_objects_are_refused() {
        let letter = Letter { to: VerificationKey::from_bytes([1; 32]), body: vec![2; 3].into() };
        let mut request = SyncRequest {
            cursor: Some(Cursor { relay: [7; 16], generation: [8; 8], position: 9 }),
            letters: vec![letter.clone()],
            fetch_channels: vec![ChannelId::from_bytes([3; 32])],
            max_bytes: 1000,
            ..SyncRequest::default()
        };
        assert_eq!(SyncRequest::decode(&codec::encode(&request)), Ok(request.clone()));
        request.letters = vec![letter; OBJECTS_MAX + 1];
        assert_eq!(SyncRequest::decode(&codec::encode(&request)), Err(Rejection::TooLarge));
        assert_eq!(SyncRequest::decode(&[0x80]), Err(Rejection::Malformed));
    }

    #[test]
    fn an_outcome_of_a_newer_relay_is_kept_as_a_number() {
        let outcome: Outcome =
            codec::decode(&codec::encode(&Outcome::Rejected { code: 999 }), 100).unwrap();
        assert_eq!(outcome, Outcome::Rejected { code: 999 });
        assert!(!outcome.is_held());
        assert_eq!(outcome.rejection(), None);
    }
}
