//! SMART Health Cards and Links (HL7, *SMART Health Cards and Links* 1.0).
//!
//! ```text
//!  bytes ──recognise──► Received::Fhir   for the importer
//!                     ► Received::Cards ──bundle──► the importer
//!                     │          └──verify(keys)──► Vouched
//!                     ► Received::Link   the caller fetches its files
//!                                └──jwe::decrypt──► bytes, recognised anew
//! ```
//!
//! Sans-IO like the rest: nothing is fetched here, and no issuer is believed. A card says who
//! signed it; whether that is so, [`HealthCard::verify`] finds out against keys that somebody
//! brings. How much may come out of how little is bounded by [`limits`].

mod card;
pub mod jwe;
mod link;

use std::io::Read as _;

use flate2::read::DeflateDecoder;

pub use card::{HealthCard, IssuerKeys, Vouched};
pub use link::{Flags, HealthLink, Manifest, ManifestFile, Place};

/// Bounds on what is read.
pub mod limits {
    /// Bytes that all cards of one file may inflate to, or the file of a link: 16 MiB.
    pub const INFLATED: usize = 16 * 1024 * 1024;
    /// Cards in one file, and codes that one card may be divided into.
    pub const CARDS: usize = 64;
    /// Files of one link.
    pub const FILES: usize = 32;
    /// Bytes of a name or an address that a card or a link gives.
    pub const NAME: usize = 2048;
}

/// What a file turned out to be.
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub enum Received {
    /// Neither card nor link: the importer says whether it is FHIR.
    Fhir,
    /// Health cards, in the file's order; never none.
    Cards(Vec<HealthCard>),
    /// A link, whose files are elsewhere.
    Link(HealthLink),
}

/// Why a card or a link was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SmartError {
    /// It begins like a card, and is none that can be read.
    #[error("not a SMART Health Card that can be read")]
    Card,
    /// A card in several codes, not all of which are there.
    #[error("codes of the card are missing, or are of different cards")]
    Parts,
    /// It inflates beyond [`limits::INFLATED`], or has more parts than allowed.
    #[error("too large")]
    TooLarge,
    /// It begins like a link, and is none that can be read.
    #[error("not a SMART Health Link that can be read")]
    Link,
    /// The list of a link's files cannot be read.
    #[error("not a list of the link's files")]
    Manifest,
    /// Signed or encrypted in a way that the standard does not know.
    #[error("signed or encrypted in a way that is not the standard's")]
    Algorithm,
    /// The file does not open with the link's key: it is another's, or was altered.
    #[error("does not open with the link's key")]
    Sealed,
    /// Not a set of keys (RFC 7517), or none of a kind that signs health cards.
    #[error("no keys that sign health cards")]
    Keys,
    /// The keys that were brought are not those that the card names.
    #[error("signed with another key than those given")]
    OtherKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
    /// The card says that it has ended.
    #[error("the card has ended")]
    Ended,
}

/// Says what a file is: cards as a `.smart-health-card` file, as a signed text or as the digits of
/// codes (`shc:/…`), a link (`shlink:/…`) with or without a viewer's address before it, or
/// anything else.
///
/// # Errors
/// Returns [`SmartError`] when it is a card or a link, but one that cannot be read.
pub fn recognise(bytes: &[u8]) -> Result<Received, SmartError> {
    let Ok(text) = core::str::from_utf8(bytes) else { return Ok(Received::Fhir) };
    let text = text.trim_start_matches('\u{feff}').trim();
    if let Some(found) = link::find(text) {
        return HealthLink::parse(found).map(Received::Link);
    }
    Ok(card::find(text)?.map_or(Received::Fhir, Received::Cards))
}

/// Inflates raw DEFLATE (RFC 1951) to at most `bytes_max` bytes.
fn inflate(bytes: &[u8], bytes_max: usize, damaged: SmartError) -> Result<Vec<u8>, SmartError> {
    let mut out = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    DeflateDecoder::new(bytes).take(limit).read_to_end(&mut out).map_err(|_| damaged)?;
    if out.len() > bytes_max { Err(SmartError::TooLarge) } else { Ok(out) }
}

#[cfg(test)]
mod tests;
