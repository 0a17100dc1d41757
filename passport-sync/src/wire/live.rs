//! What goes over a live connection, each frame after its length in 4 bytes, highest first.
//!
//! The client sends a [`SyncRequest`](super::SyncRequest) to begin with and whenever it has
//! something to push, one at a time; the relay sends [`LiveFrame`]s.

use minicbor::{Decode, Encode};
use passport_core::codec::{self, DecodeError};

use super::{RESPONSE_MAX, SyncResponse};

/// What a relay sends on a live connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum LiveFrame {
    /// The answer to the request. To the first as ever; to later ones without items, which come
    /// as they arrive.
    #[n(0)]
    Answer {
        /// The answer.
        #[n(0)]
        response: SyncResponse,
    },
    /// Something arrived: a page that goes on where the last one ended.
    #[n(1)]
    Arrived {
        /// The page, as if it had been asked for.
        #[n(0)]
        response: SyncResponse,
    },
    /// Nothing, so that silence means something.
    #[n(2)]
    Beat,
}

impl LiveFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// Returns [`DecodeError`] when it is too large or not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, RESPONSE_MAX)
    }
}
