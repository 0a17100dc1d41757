//! SMART Health Links: what a holder asks a relay to keep and tell.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use passport_core::codec::{self, DecodeError};
use passport_core::domain;
use passport_core::time::Timestamp;

use super::{LINK_FILE_MAX, Rejection};

/// Longest URL in a link (HL7 SMART Health Links 1.0, *`SHLink` Payload*).
pub const LINK_URL_MAX: usize = 128;

/// A link to keep: an encrypted file for whoever has the link, and what protects it.
///
/// CBOR: `[until: int, direct: bool, url: tstr, tickets: bstr .size 32,
/// passcode: LinkPasscode / null, file: bstr]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct NewLink {
    /// When it ends.
    #[n(0)]
    pub until: Timestamp,
    /// Whether the file is answered to a plain GET (flag `U`), and never to a manifest request.
    #[n(1)]
    pub direct: bool,
    /// The URL in the link, at most [`LINK_URL_MAX`] bytes; addresses of files begin with it.
    #[n(2)]
    pub url: String,
    /// What short-lived addresses of the file are made with.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub tickets: [u8; 32],
    /// What whoever opens it must know beside the link.
    #[n(4)]
    pub passcode: Option<LinkPasscode>,
    /// A JWE in compact form, at most [`LINK_FILE_MAX`] bytes. The relay has no key to it.
    #[n(5)]
    pub file: ByteVec,
}

impl NewLink {
    /// Reads what was put.
    ///
    /// # Errors
    /// Returns [`Rejection::TooLarge`] or [`Rejection::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Rejection> {
        let link: Self = codec::decode(bytes, LINK_FILE_MAX + 1024).map_err(|error| {
            let too_large = matches!(error, DecodeError::TooLarge { .. });
            if too_large { Rejection::TooLarge } else { Rejection::Malformed }
        })?;
        if link.file.len() > LINK_FILE_MAX || link.url.len() > LINK_URL_MAX {
            return Err(Rejection::TooLarge);
        }
        // A plain GET has no place for a passcode (the same, *Flags*).
        if link.direct && link.passcode.is_some() {
            return Err(Rejection::Malformed);
        }
        Ok(link)
    }
}

impl core::fmt::Debug for NewLink {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "NewLink({} bytes)", self.file.len())
    }
}

/// A passcode as a relay keeps it, and how often it may still be got wrong.
///
/// The hash need not be slow: it guards a file that lies beside it and that the passcode does
/// not encrypt. What keeps guesses few is the count.
///
/// CBOR: `[salt: bstr .size 16, hash: bstr .size 32, attempts: uint]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct LinkPasscode {
    /// Random.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub salt: [u8; 16],
    /// [`LinkPasscode::hash`] of it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// Wrong ones that are still taken, over the link's whole life.
    #[n(2)]
    pub attempts: u32,
}

impl LinkPasscode {
    /// A passcode to be kept.
    #[must_use]
    pub fn new(passcode: &str, salt: [u8; 16], attempts: u32) -> Self {
        Self { salt, hash: Self::hash(&salt, passcode), attempts }
    }

    /// The hash that stands for a passcode.
    #[must_use]
    pub fn hash(salt: &[u8; 16], passcode: &str) -> [u8; 32] {
        domain::LINK_PASSCODE.hash(&[salt, passcode.as_bytes()])
    }
}

impl core::fmt::Debug for LinkPasscode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "LinkPasscode({} attempts left)", self.attempts)
    }
}

/// That somebody opened a link, or tried to.
///
/// CBOR: `[at: int, recipient: tstr, opened: bool]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Opening {
    /// When, by the relay's clock.
    #[n(0)]
    pub at: Timestamp,
    /// Who, as they said; nobody checks it.
    #[n(1)]
    pub recipient: String,
    /// Whether they got the file; otherwise the passcode was wrong.
    #[n(2)]
    pub opened: bool,
}

impl core::fmt::Debug for Opening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Opening({:?}, opened: {})", self.at, self.opened)
    }
}

/// What has become of a link, for the key that made it.
///
/// CBOR: `[until: int, attempts: uint / null, opened: uint, openings: [* Opening]]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct LinkState {
    /// When it ends.
    #[n(0)]
    pub until: Timestamp,
    /// Wrong passcodes that are still taken; none where there is no passcode.
    #[n(1)]
    pub attempts: Option<u32>,
    /// How often the file was handed out.
    #[n(2)]
    pub opened: u64,
    /// The latest openings, oldest first.
    #[n(3)]
    pub openings: Vec<Opening>,
}

impl LinkState {
    /// Reads a relay's answer.
    ///
    /// # Errors
    /// Returns [`DecodeError`] when it is too large or not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes, 64 * 1024)
    }
}
