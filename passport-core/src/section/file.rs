//! What an entry says of a file that is kept beside it.

use core::cmp::Ordering;
use core::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::id::ObjectId;
use crate::keys::PhaseKey;

/// A file kept beside the record: what it is, and the key to it ([`crate::attachment`]).
///
/// CBOR: `[object, media-type: tstr, title: tstr, size: uint, key: bstr .size 32]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(array)]
pub struct Attachment {
    /// Digest of the content: of its size, and of the digests of its parts.
    #[n(0)]
    pub object: ObjectId,
    /// Media type.
    #[n(1)]
    pub media_type: String,
    /// Title for people: a name that somebody gave it, and no path.
    #[n(2)]
    pub title: String,
    /// Size in bytes, at most [`super::limits::FILE`].
    #[n(3)]
    pub size: u64,
    /// The key to its content.
    #[n(4)]
    pub key: FileKey,
}

/// The key to one file. Zeroized on drop, never shown; it is in no JSON and in no export.
#[derive(Clone, PartialEq, Eq)]
pub struct FileKey(Zeroizing<[u8; 32]>);

impl FileKey {
    /// Makes a new key.
    #[must_use]
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(crate::keys::random_secret(rng))
    }

    /// Wraps raw bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// As the key that seals envelopes.
    #[must_use]
    pub fn as_phase_key(&self) -> PhaseKey {
        PhaseKey::from_bytes(&self.0)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey(redacted)")
    }
}

// Values have an order of their own, by their bytes.
impl Ord for FileKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&*other.0)
    }
}

impl PartialOrd for FileKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<C> Encode<C> for FileKey {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&*self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for FileKey {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = <&[u8; 32]>::try_from(d.bytes()?);
        bytes
            .map(Self::from_bytes)
            .map_err(|_| minicbor::decode::Error::message("key of wrong length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_key_is_shown_nowhere_and_has_one_encoding() {
        let file = Attachment {
            object: ObjectId::from_bytes([1; 32]),
            media_type: "application/pdf".to_owned(),
            title: "Letter.pdf".to_owned(),
            size: 3,
            key: FileKey::from_bytes(&[0xab; 32]),
        };
        assert!(!format!("{file:?}").contains("171"), "{file:?}");
        let bytes = codec::encode(&file);
        assert_eq!(codec::decode::<Attachment>(&bytes, 1024).unwrap(), file);
        assert!(codec::decode::<Attachment>(&bytes[..bytes.len() - 1], 1024).is_err());
    }
}
