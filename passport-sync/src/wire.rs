//! The messages between a client and a relay: deterministic CBOR, one round trip for everything.
//!
//! Versioned by the path they are posted to (`/v1/sync`). Unknown rejection codes are kept as
//! numbers, so an older client can still be told no by a newer relay.

mod link;
mod live;
mod message;
mod rejection;

pub use link::{LINK_URL_MAX, LinkPasscode, LinkState, NewLink, Opening};
pub use live::{LiveFrame, Said};
pub use message::{
    AccessConflict, Cursor, DeliveredLetter, Item, ItemKind, Letter, Outcome, Refusal, Results,
    SyncRequest, SyncResponse,
};
pub use rejection::Rejection;

use passport_core::domain;
use passport_core::id::ObjectId;

/// Largest request, in bytes.
pub const REQUEST_MAX: usize = 8 * 1024 * 1024;
/// Largest response, in bytes.
pub const RESPONSE_MAX: usize = 8 * 1024 * 1024;
/// Largest letter, in bytes: a consent that includes history brings many charters.
pub const LETTER_MAX: usize = passport_core::letter::MAX_LETTER;
/// Largest envelope, in bytes.
pub const ENVELOPE_MAX: usize = 256 * 1024;
/// Most objects in one request, and most items in one response.
pub const OBJECTS_MAX: usize = 4096;
/// Most channels fetched anew by one request.
pub const FETCH_MAX: usize = 64;
/// Largest rendezvous object, in bytes.
pub const BLOB_MAX: usize = 8 * 1024;
/// Seconds a rendezvous object is kept.
pub const BLOB_SECONDS: i64 = 3600;
/// Media type of every body.
pub const MEDIA_TYPE: &str = "application/cbor";
/// Where a [`SyncRequest`] is posted.
pub const SYNC_PATH: &str = "/v1/sync";
/// Where a live connection is asked for.
pub const LIVE_PATH: &str = "/v1/live";
/// What such a connection is upgraded to (RFC 9110 §7.8).
pub const LIVE_PROTOCOL: &str = "passport-live";
/// Seconds after which a live connection on which nothing came is taken for lost.
pub const LIVE_SILENCE_SECONDS: u64 = 60;
/// Where rendezvous objects are put and fetched, followed by the object's id.
pub const OBJECTS_PATH: &str = "/v1/objects/";

/// Largest encrypted file of a link, in bytes.
pub const LINK_FILE_MAX: usize = 1024 * 1024;
/// Where links are put, asked about and dropped by their maker, followed by the link's id.
pub const LINKS_PATH: &str = "/v1/links/";
/// Where links are opened by whoever has them, followed by the id in URL-safe base64.
pub const SHL_PATH: &str = "/shl/";

/// A relay's identity: random, made when its database is born.
pub type RelayId = [u8; 16];

/// One run of a relay's database, from one opening to the next: random.
///
/// A database that was set back to a copy and opened anew starts another run where the copy
/// ends, so a cursor of the lost run's later part is known to be of a lost past, even when the
/// positions have been given out again.
pub type Generation = [u8; 8];

/// The identity of a content-addressed object: domain-separated BLAKE3 of its bytes.
#[must_use]
pub fn object_id(bytes: &[u8]) -> ObjectId {
    ObjectId::from_bytes(domain::OBJECT.hash(&[bytes]))
}
