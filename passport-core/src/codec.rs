//! Deterministic CBOR: one value, one encoding.
//!
//! Every signed, hashed or sealed byte string in the protocol is CBOR (RFC 8949) written by
//! [`encode`] and read by [`decode`]. Only arrays, byte strings, text, integers, booleans and
//! null occur: no maps, floats, tags or indefinite lengths, so the core deterministic encoding
//! requirements of RFC 8949 §4.2.1 reduce to shortest-form integers and lengths. The decoder
//! re-encodes what it read and compares, so it accepts exactly one encoding of each value,
//! unknown trailing fields included.

use minicbor::{Decode, Encode};

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input is larger than the format allows.
    #[error("{len} bytes exceed the limit of {limit}")]
    TooLarge {
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The bytes are not CBOR of the expected shape.
    #[error("not of the expected form")]
    Malformed,
    /// The bytes decode, but are not the one encoding of that value.
    #[error("not in deterministic encoding")]
    NotDeterministic,
}

/// Encodes a value deterministically.
#[must_use]
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    match minicbor::encode(value, &mut out) {
        Ok(()) => out,
        // Writing to a Vec cannot fail and no Encode here raises an error of its own.
        Err(_) => unreachable!("encoding to memory is infallible"),
    }
}

/// Decodes a value of at most `limit` bytes, refusing every encoding but the deterministic one.
///
/// Memory is bounded by a small multiple of the input: lengths are checked against the bytes
/// present before anything is allocated, and no type of the protocol is recursive.
///
/// # Errors
/// Returns [`DecodeError`] when the input is too large, malformed or encoded otherwise.
pub fn decode<'b, T>(bytes: &'b [u8], limit: usize) -> Result<T, DecodeError>
where
    T: Decode<'b, ()> + Encode<()>,
{
    if bytes.len() > limit {
        return Err(DecodeError::TooLarge { len: bytes.len(), limit });
    }
    let value: T = minicbor::decode(bytes).map_err(|_| DecodeError::Malformed)?;
    if encode(&value) == bytes { Ok(value) } else { Err(DecodeError::NotDeterministic) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[cbor(array)]
    struct Sample {
        #[n(0)]
        number: u32,
        #[n(1)]
        text: Option<String>,
    }

    #[test]
    fn long_integers_indefinite_lengths_and_trailing_bytes_are_refused() {
        let good = encode(&Sample { number: 7, text: Some("a".into()) });
        assert_eq!(good, [0x82, 0x07, 0x61, b'a']);
        assert!(decode::<Sample>(&good, 100).is_ok());
        for bad in [
            &[0x82, 0x18, 0x07, 0x61, b'a'][..],   // 7 in two bytes
            &[0x9f, 0x07, 0x61, b'a', 0xff],       // indefinite array
            &[0x82, 0x07, 0x61, b'a', 0x00],       // trailing byte
            &[0x83, 0x07, 0x61, b'a', 0x00],       // unknown field
            &[0x82, 0x07, 0x7f, 0x61, b'a', 0xff], // indefinite text
        ] {
            assert!(decode::<Sample>(bad, 100).is_err(), "{bad:02x?}");
        }
        assert_eq!(decode::<Sample>(&good, 3), Err(DecodeError::TooLarge { len: 4, limit: 3 }));
    }

    #[test]
    fn a_huge_declared_length_allocates_nothing() {
        assert_eq!(
            decode::<Vec<u64>>(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 100),
            Err(DecodeError::Malformed)
        );
        assert!(decode::<String>(&[0x7a, 0x7f, 0xff, 0xff, 0xff], 100).is_err());
    }
}
