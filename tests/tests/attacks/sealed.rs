//! Sealed bytes that a relay changed, moved, mixed up or made itself.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use minicbor::bytes::ByteVec;
use passport_core::access::AccessList;
use passport_core::codec;
use passport_core::domain;
use passport_core::envelope::{
    EnvelopeError, Header, HeaderError, Kind, OpenError, SealedEnvelope, seal,
};
use passport_core::epoch::{Charter, PhaseWrap};
use passport_core::grant::{Grant, Withdrawal};
use passport_core::id::{ChannelId, EpochId, VerificationKey};
use passport_core::keys::{
    Card, DeviceCertificate, EnrolmentRequest, PhaseKey, Signable, Signature, Signed, SigningKey,
    VerifyError, verify,
};
use passport_core::ledger::Statement;
use passport_core::letter::NewLedgerKey;
use rand_chacha::ChaCha20Rng;

use crate::office::seeded;

type Wire = (ByteVec, ByteVec, ByteVec, ByteVec, Signature);

struct Made {
    author: SigningKey,
    key: PhaseKey,
    header: Header,
    bytes: Vec<u8>,
}

fn header(author: &SigningKey) -> Header {
    Header {
        version: Header::VERSION,
        suite: Header::SUITE,
        channel: ChannelId::from_bytes([1; 32]),
        epoch: EpochId::from_bytes([2; 32]),
        phase: 0,
        author: author.verification_key(),
        seq: 1,
        prev: None,
        deps: Vec::new(),
        kind: Kind::Edits,
    }
}

fn made(rng: &mut ChaCha20Rng) -> Made {
    let (author, key) = (SigningKey::generate(rng), PhaseKey::generate(rng));
    let header = header(&author);
    let bytes = seal(&header, b"20 mg".to_vec(), &key, &author, rng).unwrap().encode();
    Made { author, key, header, bytes }
}

fn take_apart(bytes: &[u8]) -> Wire {
    codec::decode(bytes, bytes.len()).unwrap()
}

/// Opens bytes as every party does.
fn opened(bytes: &[u8], key: &PhaseKey) -> Option<Vec<u8>> {
    let verified = SealedEnvelope::decode(bytes).ok()?.verify().ok()?;
    verified.open(key).ok().map(|o| o.body().to_vec())
}

/// Puts a header, tag, nonce and ciphertext together and signs them afresh.
fn signed_again(by: &SigningKey, header: &[u8], wire: &Wire) -> Vec<u8> {
    let id = domain::ENVELOPE.hash(&[header, &wire.1]);
    let signature = by.sign(domain::ENVELOPE, &id);
    let parts = (ByteVec::from(header.to_vec()), &wire.1, &wire.2, &wire.3, signature);
    codec::encode(&parts)
}

#[test]
fn a08_a09_a10_a_body_opens_nowhere_else() {
    let mut rng = seeded(8);
    let made = made(&mut rng);
    let wire = take_apart(&made.bytes);
    let elsewhere: [fn(&mut Header); 4] = [
        |h| h.channel = ChannelId::from_bytes([9; 32]),
        |h| h.epoch = EpochId::from_bytes([9; 32]),
        |h| h.phase = 1,
        |h| h.kind = Kind::Snapshot,
    ];
    for change in elsewhere {
        let mut moved = made.header.clone();
        change(&mut moved);
        let moved = codec::encode(&moved);
        // The relay can only keep the signature; the author could sign again, and still not seal.
        let kept =
            codec::encode(&(ByteVec::from(moved.clone()), &wire.1, &wire.2, &wire.3, wire.4));
        let kept = SealedEnvelope::decode(&kept).unwrap().verify();
        assert_eq!(kept.unwrap_err(), VerifyError::Signature);
        let again = signed_again(&made.author, &moved, &wire);
        let again = SealedEnvelope::decode(&again).unwrap().verify().unwrap();
        assert_eq!(again.open(&made.key).unwrap_err(), OpenError::Sealed);
    }
}

/// The order of Ed25519's group, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a11_a12_without_a_strict_signature_nothing_opens() {
    let mut rng = seeded(11);
    let made = made(&mut rng);
    let wire = take_apart(&made.bytes);
    let with = |signature: [u8; 64]| {
        let signature = Signature::from_bytes(signature);
        let bytes = codec::encode(&(&wire.0, &wire.1, &wire.2, &wire.3, signature));
        SealedEnvelope::decode(&bytes).unwrap().verify().map(|_| ())
    };
    assert_eq!(with([0; 64]), Err(VerifyError::Signature));
    // S + L is another encoding of the same signature (RFC 8032, 5.1.7: refused).
    let mut malleable = *wire.4.as_bytes();
    let mut carry = 0_u16;
    for (byte, order) in malleable[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert_eq!(with(*wire.4.as_bytes()), Ok(()));
    assert_eq!(with(malleable), Err(VerifyError::Signature));
    // Keys of small order, for which one signature holds for many messages.
    let mut one = [0; 32];
    one[0] = 1;
    let mut zero_x = [0xff; 32];
    zero_x[0] = 0xec;
    zero_x[31] = 0x7f;
    for key in [[0; 32], one, zero_x] {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&key);
        let signature = Signature::from_bytes(signature);
        let key = VerificationKey::from_bytes(key);
        assert!(verify(&key, domain::ENVELOPE, b"anything", &signature).is_err());
    }
}

#[test]
fn a20_one_ciphertext_is_not_two_messages() {
    let mut rng = seeded(20);
    let (made, other) = (made(&mut rng), PhaseKey::generate(&mut rng));
    // What the cipher alone would let through: other content under the same tag and header.
    let wire = take_apart(&made.bytes);
    let nonce = [7; 24];
    let cipher = XChaCha20Poly1305::new((&*made.key.derive(domain::BODY_SEAL)).into());
    let mut padded = b"2000 mg\x80".to_vec();
    padded.resize(144, 0);
    let payload = Payload { msg: &padded, aad: &wire.0 };
    let ciphertext = cipher.encrypt(&XNonce::from(nonce), payload).unwrap();
    let parts =
        (&wire.0, &wire.1, ByteVec::from(nonce.to_vec()), ByteVec::from(ciphertext), wire.4);
    let bytes = codec::encode(&parts);
    let verified = SealedEnvelope::decode(&bytes).unwrap().verify().unwrap();
    assert_eq!(verified.open(&made.key).unwrap_err(), OpenError::Commitment);
    assert_eq!(verified.open(&other).unwrap_err(), OpenError::Sealed);
}

#[test]
fn a21_a23_versions_and_suites_to_come_are_named_and_no_lower_ones_taken() {
    let mut rng = seeded(23);
    let made = made(&mut rng);
    let wire = take_apart(&made.bytes);
    for (version, suite) in [(0, 1), (2, 1), (1, 0), (1, 2), (255, 255)] {
        let header = Header { version, suite, ..made.header.clone() };
        let bytes = signed_again(&made.author, &codec::encode(&header), &wire);
        let refused = SealedEnvelope::decode(&bytes).unwrap_err();
        assert_eq!(refused, EnvelopeError::Header(HeaderError::Unsupported));
    }
}

#[test]
fn a24_no_bit_can_be_flipped() {
    let mut rng = seeded(24);
    let made = made(&mut rng);
    let mut tried = 0;
    for at in 0..made.bytes.len() {
        for bit in 0..8 {
            let mut bytes = made.bytes.clone();
            bytes[at] ^= 1 << bit;
            assert_eq!(opened(&bytes, &made.key), None, "byte {at}, bit {bit}");
            tried += 1;
        }
    }
    assert!(tried > 3_000);
    assert_eq!(opened(&made.bytes, &made.key).unwrap(), b"20 mg");
}

#[test]
fn a25_cut_or_lengthened_anywhere_it_is_refused() {
    let mut rng = seeded(25);
    let made = made(&mut rng);
    for at in 0..made.bytes.len() {
        assert!(SealedEnvelope::decode(&made.bytes[..at]).is_err(), "cut at {at}");
        let mut bytes = made.bytes.clone();
        bytes.insert(at, 0);
        assert_eq!(opened(&bytes, &made.key), None, "a byte put in at {at}");
    }
    let mut longer = made.bytes;
    longer.push(0);
    assert!(SealedEnvelope::decode(&longer).is_err());
}

/// A signature over `payload` made for purpose `A`, presented for `T`.
fn holds_as<T: Signable>(payload: &[u8], made_for: domain::Domain, key: &SigningKey) -> bool {
    let signature = key.sign(made_for, payload);
    verify(&key.verification_key(), T::DOMAIN, payload, &signature).is_ok()
}

#[test]
fn a27_a_signature_serves_one_purpose() {
    let mut rng = seeded(27);
    let key = SigningKey::generate(&mut rng);
    let purposes = [
        domain::ENVELOPE,
        Charter::DOMAIN,
        PhaseWrap::DOMAIN,
        Statement::DOMAIN,
        Grant::DOMAIN,
        Withdrawal::DOMAIN,
        AccessList::DOMAIN,
        Card::DOMAIN,
        DeviceCertificate::DOMAIN,
        EnrolmentRequest::DOMAIN,
        NewLedgerKey::DOMAIN,
        domain::ATTESTATION,
        domain::DROP_EPOCH,
        domain::REQUEST,
    ];
    for made_for in purposes {
        let holds = [
            holds_as::<Charter>(b"x", made_for, &key),
            holds_as::<Statement>(b"x", made_for, &key),
            holds_as::<Grant>(b"x", made_for, &key),
            holds_as::<AccessList>(b"x", made_for, &key),
            holds_as::<Card>(b"x", made_for, &key),
            holds_as::<NewLedgerKey>(b"x", made_for, &key),
        ];
        assert!(holds.iter().filter(|h| **h).count() <= 1, "{}", made_for.tag());
    }
    // And as types: the bytes of a signed grant read as a signed withdrawal prove nothing.
    let withdrawal = Withdrawal {
        passport: passport_core::id::PassportId::from_bytes([1; 32]),
        grants: Vec::new(),
        at: crate::office::day(0),
        delete: false,
    };
    let bytes = codec::encode(&Signed::new(&withdrawal, &key));
    let as_statement: Signed<Statement> = codec::decode(&bytes, bytes.len()).unwrap();
    assert_eq!(as_statement.verify().unwrap_err(), VerifyError::Signature);
}

#[test]
fn a37_lengths_at_and_past_the_limit() {
    let mut rng = seeded(37);
    let (author, key) = (SigningKey::generate(&mut rng), PhaseKey::generate(&mut rng));
    let most = passport_core::envelope::MAX_BODY;
    for len in [0, 1, 142, 143, 144, 256, most - 1, most] {
        let sealed = seal(&header(&author), vec![7; len], &key, &author, &mut rng).unwrap();
        let bytes = sealed.encode();
        assert!(bytes.len() <= passport_core::envelope::MAX_ENVELOPE);
        assert_eq!(opened(&bytes, &key).unwrap().len(), len);
    }
    let over = seal(&header(&author), vec![7; most + 1], &key, &author, &mut rng);
    assert!(matches!(over, Err(EnvelopeError::BodyTooLarge { .. })));
    let bomb = vec![0x9b; passport_core::envelope::MAX_ENVELOPE + 1];
    assert!(matches!(SealedEnvelope::decode(&bomb), Err(EnvelopeError::Malformed(_))));
    for (seq, prev) in [(0, None), (2, None), (u64::MAX, None)] {
        let bad = Header { seq, prev, ..header(&author) };
        assert!(seal(&bad, Vec::new(), &key, &author, &mut rng).is_err());
    }
}

#[test]
fn a47_sizes_say_little() {
    let mut rng = seeded(47);
    let (author, key) = (SigningKey::generate(&mut rng), PhaseKey::generate(&mut rng));
    let len = |n: usize, rng: &mut ChaCha20Rng| {
        seal(&header(&author), vec![7; n], &key, &author, rng).unwrap().encode().len()
    };
    let short: Vec<usize> = [0, 1, 20, 100, 143].iter().map(|n| len(*n, &mut rng)).collect();
    assert!(short.windows(2).all(|w| w[0] == w[1]), "{short:?}");
}
