//! One newtype per identifier, so that one kind cannot stand in for another.

use core::fmt;

use data_encoding::HEXLOWER;

/// Declares a fixed-length byte identifier: hexadecimal when shown, a byte string in CBOR.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Length in bytes.
            pub const LEN: usize = $len;

            /// Wraps raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Reads the identifier from a slice of exactly the right length.
            ///
            /// # Errors
            /// Returns [`ParseIdError`] when the length differs.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseIdError> {
                bytes.try_into().map(Self).map_err(|_| ParseIdError)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let hex = HEXLOWER.encode(&self.0);
                write!(f, "{}({})", stringify!($name), hex.get(..8).unwrap_or(&hex))
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(s: &str) -> Result<Self, Self::Err> {
                let bytes = HEXLOWER.decode(s.as_bytes()).map_err(|_| ParseIdError)?;
                Self::from_slice(&bytes)
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                _: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                Self::from_slice(d.bytes()?)
                    .map_err(|_| minicbor::decode::Error::message("identifier of wrong length"))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                use serde::de::Error as _;
                let s = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                s.parse().map_err(D::Error::custom)
            }
        }
    };
}

/// The text or bytes are not an identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: wrong length or not lower-case hexadecimal")]
pub struct ParseIdError;

byte_id!(
    /// A passport: BLAKE3 of the root verification key under its own domain.
    PassportId, 32
);
byte_id!(
    /// What the relay sees of a section: BLAKE3 of the control key and a random nonce.
    ChannelId, 32
);
byte_id!(
    /// An epoch: BLAKE3 of its charter.
    EpochId, 32
);
byte_id!(
    /// An envelope: BLAKE3 of header and body tag.
    EnvelopeId, 32
);
byte_id!(
    /// A statement of the ledger: BLAKE3 of its signed bytes and its signer.
    StatementId, 32
);
byte_id!(
    /// A grant: random.
    GrantId, 16
);
byte_id!(
    /// An entry: derived from its author's key and a nonce, so nobody can claim another's.
    EntryId, 16
);
byte_id!(
    /// A note or suggestion on an entry, derived like an [`EntryId`].
    RemarkId, 16
);
byte_id!(
    /// An organisation: BLAKE3 of its card's verification key.
    OrganisationId, 32
);
byte_id!(
    /// A mailbox item or other content-addressed object at the relay: BLAKE3 of its bytes.
    ObjectId, 32
);
byte_id!(
    /// An Ed25519 verification key (RFC 8032), in its 32-byte encoding.
    ///
    /// Holding one proves nothing: signatures are checked by [`crate::keys::verify`].
    VerificationKey, 32
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_round_trips_and_wrong_lengths_are_refused() {
        let id = EntryId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse::<EntryId>(), Ok(id));
        assert_eq!("07".parse::<EntryId>(), Err(ParseIdError));
        assert_eq!("0g".repeat(16).parse::<EntryId>(), Err(ParseIdError));
    }
}
