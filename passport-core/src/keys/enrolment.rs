//! A new device's request to be enrolled, and the code by which an approver finds it.

use core::{fmt, str::FromStr};

use minicbor::{Decode, Encode};

use super::wrap::ReceivingPublicKey;
use super::{Signable, Signed, SigningKey, Verified, VerifyError};
use crate::codec;
use crate::domain::{self, Domain};
use crate::id::{ObjectId, VerificationKey};
use crate::time::Timestamp;

/// What a new device asks of one that is already in: its keys, signed by itself.
///
/// CBOR: `[device, receiving, nonce: bstr .size 16, expires / null]`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct EnrolmentRequest {
    /// Checks what the new device signs.
    #[n(0)]
    pub device: VerificationKey,
    /// Receives what is wrapped to the new device.
    #[n(1)]
    pub receiving: ReceivingPublicKey,
    /// Random, so that each request has its own code.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// When a temporary device wants to end.
    #[n(3)]
    pub expires: Option<Timestamp>,
}

impl Signable for EnrolmentRequest {
    const DOMAIN: Domain = domain::ENROLMENT;
    const LIMIT: usize = 2048;
}

impl EnrolmentRequest {
    /// Signs the request with the new device's key: the bytes to hand over and their code.
    ///
    /// The key must be the one of [`EnrolmentRequest::device`], or nobody accepts the request.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> (Vec<u8>, EnrolmentCode) {
        let bytes = codec::encode(&Signed::new(self, key));
        let code = EnrolmentCode::of(&bytes);
        (bytes, code)
    }

    /// Reads a request and checks that the device itself signed it.
    ///
    /// # Errors
    /// Returns [`VerifyError`] when it is malformed or not signed by the key it names.
    pub fn open(bytes: &[u8]) -> Result<Verified<Self>, VerifyError> {
        let signed: Signed<Self> =
            codec::decode(bytes, Self::LIMIT + 256).map_err(VerifyError::Payload)?;
        let request = signed.verify()?;
        if request.signer() == request.device {
            Ok(request)
        } else {
            Err(VerifyError::UnexpectedSigner)
        }
    }
}

impl ObjectId {
    /// The identity of these bytes at a relay.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_bytes(domain::OBJECT.hash(&[bytes]))
    }
}

/// The text is not an enrolment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enrolment code: 26 letters and digits in groups of four")]
pub struct ParseCodeError;

/// Names an enrolment request: the first 16 bytes of its [`ObjectId`].
///
/// Shown as 26 characters in groups of four, digits and capitals without I, L, O, U; I and L are
/// read as 1, O as 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EnrolmentCode([u8; 16]);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARS: usize = 26;

impl EnrolmentCode {
    /// The code of a request's bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(ObjectId::of(bytes).as_bytes().first_chunk().copied().unwrap_or_default())
    }

    /// The start of the [`ObjectId`] that the code stands for.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether these are the bytes that the code stands for.
    #[must_use]
    pub fn matches(&self, bytes: &[u8]) -> bool {
        Self::of(bytes) == *self
    }
}

impl fmt::Display for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 128 bits, most significant first, two zero bits at the end.
        let bits = u128::from_be_bytes(self.0);
        for at in 0..CODE_CHARS {
            if at > 0 && at % 4 == 0 {
                f.write_str("-")?;
            }
            let from_top = 5 * (at + 1);
            let index = if from_top <= 128 { bits >> (128 - from_top) } else { bits << 2 };
            let index = usize::try_from(index & 31).unwrap_or_default();
            let letter = ALPHABET.get(index).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for EnrolmentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrolmentCode({self})")
    }
}

impl FromStr for EnrolmentCode {
    type Err = ParseCodeError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut bits: u128 = 0;
        let mut count = 0;
        for c in s.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                other => other,
            };
            let value = ALPHABET
                .iter()
                .position(|a| char::from(*a) == c)
                .and_then(|at| u128::try_from(at).ok())
                .ok_or(ParseCodeError)?;
            count += 1;
            match count {
                ..CODE_CHARS => bits = (bits << 5) | value,
                CODE_CHARS if value % 4 == 0 => bits = (bits << 3) | (value >> 2),
                _ => return Err(ParseCodeError),
            }
        }
        if count == CODE_CHARS { Ok(Self(bits.to_be_bytes())) } else { Err(ParseCodeError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::ReceivingKey;

    fn request(n: u8) -> EnrolmentRequest {
        EnrolmentRequest {
            device: SigningKey::from_seed(&[n; 32]).verification_key(),
            receiving: ReceivingKey::from_seed(&[n; 32]).public_key(),
            nonce: [n; 16],
            expires: None,
        }
    }

    #[test]
    fn a_request_is_found_by_its_code_and_by_no_other() {
        let key = SigningKey::from_seed(&[1; 32]);
        let (bytes, code) = request(1).sign(&key);
        assert!(code.matches(&bytes));
        assert_eq!(*EnrolmentRequest::open(&bytes).unwrap(), request(1));
        let text = code.to_string();
        assert_eq!(text.len(), 26 + 6);
        assert_eq!(text.parse::<EnrolmentCode>(), Ok(code));
        let sloppy = text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        assert_eq!(sloppy.parse::<EnrolmentCode>(), Ok(code));
        let (other, _) = request(2).sign(&SigningKey::from_seed(&[2; 32]));
        assert!(!code.matches(&other));
    }

    #[test]
    fn every_code_round_trips_bit_by_bit() {
        for bit in 0..128 {
            let code = EnrolmentCode((1_u128 << bit).to_be_bytes());
            assert_eq!(code.to_string().parse::<EnrolmentCode>(), Ok(code), "bit {bit}");
        }
        let all = EnrolmentCode([0xff; 16]);
        assert_eq!(all.to_string().parse::<EnrolmentCode>(), Ok(all));
    }

    #[test]
    fn codes_too_short_too_long_or_with_strange_letters_are_refused() {
        let good = EnrolmentCode([7; 16]).to_string();
        for bad in ["", &good[1..], &format!("{good}0"), &good.replace('0', "U"), "ZZZZ-"] {
            assert_eq!(bad.parse::<EnrolmentCode>(), Err(ParseCodeError), "{bad}");
        }
        // The last character carries two bits that must be zero.
        assert!("Z".repeat(26).parse::<EnrolmentCode>().is_err());
    }

    #[test]
    fn a_request_signed_by_another_key_is_refused() {
        let (bytes, _) = request(1).sign(&SigningKey::from_seed(&[2; 32]));
        assert_eq!(EnrolmentRequest::open(&bytes).err(), Some(VerifyError::UnexpectedSigner));
        let (mut bytes, _) = request(1).sign(&SigningKey::from_seed(&[1; 32]));
        bytes[40] ^= 1;
        assert!(EnrolmentRequest::open(&bytes).is_err());
    }
}
