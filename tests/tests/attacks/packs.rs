//! Packs made by somebody who has every key but the author's.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use minicbor::bytes::ByteVec;
use passport_core::codec;
use passport_core::envelope::{
    Header, Kind, OpenedEnvelope, PackError, SealedEnvelope, pack, seal, unpack,
};
use passport_core::id::{ChannelId, EnvelopeId, EpochId, VerificationKey};
use passport_core::keys::{PhaseKey, SigningKey};

use crate::office::seeded;

const CHANNEL: ChannelId = ChannelId::from_bytes([1; 32]);

/// A pack as it is on the wire.
type Wire = (EpochId, VerificationKey, Kind, u32, ByteVec, ByteVec);
/// An item in it: step, phase, previous, dependencies, body.
type Item = (u64, u32, Option<EnvelopeId>, Vec<EnvelopeId>, ByteVec);

struct Made {
    key: PhaseKey,
    ids: Vec<EnvelopeId>,
    bytes: Vec<u8>,
}

/// Three edits of one author in one pack.
fn made(seed: u64) -> Made {
    let mut rng = seeded(seed);
    let (author, key) = (SigningKey::generate(&mut rng), PhaseKey::generate(&mut rng));
    let mut prev = None;
    let mut opened: Vec<OpenedEnvelope> = Vec::new();
    for seq in 1..=3 {
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: CHANNEL,
            epoch: EpochId::from_bytes([2; 32]),
            phase: 0,
            author: author.verification_key(),
            seq,
            prev,
            deps: Vec::new(),
            kind: Kind::Edits,
        };
        let sealed = seal(&header, format!("{seq}0 mg").into(), &key, &author, &mut rng).unwrap();
        prev = Some(sealed.id());
        opened.push(sealed.verify().unwrap().open(&key).unwrap());
    }
    let ids = opened.iter().map(OpenedEnvelope::id).collect();
    let bytes = pack(opened).pop().unwrap().to_vec();
    Made { key, ids, bytes }
}

impl Made {
    fn read(&self, bytes: &[u8]) -> Result<Vec<EnvelopeId>, PackError> {
        let opened = unpack(bytes, CHANNEL, |phase| (phase == 0).then(|| self.key.clone()))?;
        Ok(opened.iter().map(OpenedEnvelope::id).collect())
    }

    fn apart(&self) -> (Wire, Vec<Item>) {
        let wire: Wire = codec::decode(&self.bytes, self.bytes.len()).unwrap();
        let mut content = Vec::new();
        let mut inflater = flate2::write::DeflateDecoder::new(&mut content);
        inflater.write_all(&wire.4).unwrap();
        inflater.finish().unwrap();
        assert_eq!(content.len(), wire.3 as usize);
        let items = codec::decode(&content, content.len()).unwrap();
        (wire, items)
    }

    /// The pack with other items and signatures, well formed.
    fn again(&self, items: &[Item], signatures: Vec<u8>) -> Vec<u8> {
        let (wire, _) = self.apart();
        let content = codec::encode(&items.to_vec());
        let len = u32::try_from(content.len()).unwrap();
        codec::encode(&(wire.0, wire.1, wire.2, len, deflated(&content), ByteVec::from(signatures)))
    }
}

fn deflated(content: &[u8]) -> ByteVec {
    let mut deflater = DeflateEncoder::new(Vec::new(), Compression::best());
    deflater.write_all(content).unwrap();
    deflater.finish().unwrap().into()
}

#[test]
fn a62_a_pack_that_changes_drops_adds_or_reorders_edits_is_refused_whole() {
    let made = made(62);
    assert_eq!(made.read(&made.bytes), Ok(made.ids.clone()));
    let (wire, items) = made.apart();
    let signatures = wire.5.to_vec();
    assert_eq!(made.read(&made.again(&items, signatures.clone())), Ok(made.ids.clone()));

    let mut changed = items.clone();
    changed[1].4 = b"90 mg".to_vec().into();
    let mut moved = items.clone();
    moved[1].1 = 1;
    let mut dropped = items.clone();
    dropped.remove(1);
    let mut without = signatures.clone();
    without.drain(64..128);
    let mut added = items.clone();
    added.push((1, 0, None, Vec::new(), b"made up".to_vec().into()));
    let mut with = signatures.clone();
    with.extend_from_slice(&signatures[..64]);
    let mut swapped = items.clone();
    swapped.swap(1, 2);
    let mut crossed = signatures.clone();
    crossed.rotate_left(64);
    let mut repeated = items.clone();
    repeated.insert(1, (0, 0, None, Vec::new(), items[0].4.clone()));
    let mut twice = signatures[..64].to_vec();
    twice.extend_from_slice(&signatures);
    for (what, items, signatures) in [
        ("changes one", &changed, &signatures),
        ("says another phase", &moved, &signatures),
        ("drops one", &dropped, &without),
        ("drops one and keeps its signature", &dropped, &signatures),
        ("adds one", &added, &with),
        ("adds one without a signature", &added, &signatures),
        ("reorders", &swapped, &signatures),
        ("signs each as another", &items, &crossed),
        ("repeats one", &repeated, &twice),
        ("has a part of a signature", &items, &signatures[..190].to_vec()),
    ] {
        assert!(made.read(&made.again(items, signatures.clone())).is_err(), "{what}");
    }
    // Another author's name over the same words.
    let other = SigningKey::from_seed(&[9; 32]).verification_key();
    let renamed = codec::encode(&(wire.0, other, wire.2, wire.3, wire.4.clone(), wire.5.clone()));
    assert!(matches!(made.read(&renamed), Err(PackError::Signature(_))));
}

#[test]
fn a62_a_previous_envelope_that_follows_may_not_be_named() {
    let made = made(63);
    let (wire, mut items) = made.apart();
    items[1].2 = Some(made.ids[0]);
    let bytes = made.again(&items, wire.5.to_vec());
    assert_eq!(made.read(&bytes), Err(PackError::Inconsistent), "one envelope, one way to say it");
}

#[test]
fn a62_what_a_pack_inflates_to_is_bounded_by_what_it_says_and_by_a_limit() {
    let made = made(64);
    let (wire, _) = made.apart();
    let of = |len: u32, content: ByteVec| {
        codec::encode(&(wire.0, wire.1, wire.2, len, content, wire.5.clone()))
    };
    let bomb = deflated(&vec![0; 200 * 1024 * 1024]);
    assert!(bomb.len() < 240 * 1024, "a bomb of {} bytes", bomb.len());
    let many = u32::try_from(200 * 1024 * 1024).unwrap();
    assert!(matches!(made.read(&of(many, bomb.clone())), Err(PackError::TooLarge { .. })));
    assert_eq!(made.read(&of(1000, bomb)), Err(PackError::Inflate));
    for len in [0, 1, wire.3 - 1, wire.3 + 1, 1024 * 1024, 1024 * 1024 + 1, u32::MAX] {
        assert!(made.read(&of(len, wire.4.clone())).is_err(), "{len}");
    }
    let mut followed = wire.4.to_vec();
    followed.push(0);
    assert_eq!(made.read(&of(wire.3, followed.into())), Err(PackError::Inflate));
}

#[test]
fn a24_a25_a_pack_cut_or_flipped_anywhere_is_refused_or_says_the_same() {
    let made = made(65);
    for len in 0..made.bytes.len() {
        assert!(made.read(&made.bytes[..len]).is_err(), "length {len}");
    }
    let mut same = 0;
    for bit in 0..made.bytes.len() * 8 {
        let mut bad = made.bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(ids) = made.read(&bad) {
            // A few bits of DEFLATE mean nothing, as those after its end.
            assert_eq!(ids, made.ids, "bit {bit}");
            same += 1;
        }
    }
    assert!(same < 16, "{same} bits mean nothing");
}

#[test]
fn a62_what_opens_under_no_key_at_hand_is_not_taken() {
    let made = made(66);
    let read = |key: Option<PhaseKey>| unpack(&made.bytes, CHANNEL, |_| key.clone());
    assert!(matches!(read(None), Err(PackError::NoKey { phase: 0 })));
    let other = PhaseKey::generate(&mut seeded(1));
    assert!(matches!(read(Some(other)), Err(PackError::Signature(_))));
    let elsewhere = ChannelId::from_bytes([8; 32]);
    let moved = unpack(&made.bytes, elsewhere, |_| Some(made.key.clone()));
    assert!(matches!(moved, Err(PackError::Signature(_))), "nor in another channel");
    assert!(SealedEnvelope::decode(&made.bytes).is_err(), "and it is no envelope by itself");
}
