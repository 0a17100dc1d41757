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

use crate::decoders::fuzz;
use crate::office::seeded;

const CHANNEL: ChannelId = ChannelId::from_bytes([1; 32]);

/// A pack as it is on the wire: epoch, author, phase, kind, first, previous, inflated, content,
/// signature.
type Wire = (EpochId, VerificationKey, u32, Kind, u64, Option<EnvelopeId>, u32, ByteVec, ByteVec);
/// An item in it: dependencies, length of the body.
type Item = (Vec<EnvelopeId>, u32);
/// What it inflates to.
type Content = (Vec<Item>, ByteVec, ByteVec);

struct Made {
    author: SigningKey,
    key: PhaseKey,
    opened: Vec<OpenedEnvelope>,
    ids: Vec<EnvelopeId>,
    bytes: Vec<u8>,
}

fn header(author: &SigningKey, seq: u64, prev: Option<EnvelopeId>) -> Header {
    Header {
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
    }
}

/// Three edits of one author in one pack.
fn made(seed: u64) -> Made {
    let mut rng = seeded(seed);
    let (author, key) = (SigningKey::generate(&mut rng), PhaseKey::generate(&mut rng));
    let mut prev = None;
    let mut opened: Vec<OpenedEnvelope> = Vec::new();
    for seq in 1..=3 {
        let header = header(&author, seq, prev);
        let sealed = seal(&header, format!("{seq}0 mg").into(), &key, &author, &mut rng).unwrap();
        prev = Some(sealed.id());
        opened.push(sealed.verify().unwrap().open(&key).unwrap());
    }
    let ids = opened.iter().map(OpenedEnvelope::id).collect();
    let bytes = pack(opened.clone()).pop().unwrap().body().to_vec();
    Made { author, key, opened, ids, bytes }
}

impl Made {
    fn read(&self, bytes: &[u8]) -> Result<Vec<EnvelopeId>, PackError> {
        let opened = unpack(bytes, CHANNEL, |phase| (phase == 0).then(|| self.key.clone()))?;
        Ok(opened.iter().map(OpenedEnvelope::id).collect())
    }

    fn apart(&self) -> (Wire, Content) {
        let wire: Wire = codec::decode(&self.bytes, self.bytes.len()).unwrap();
        let mut content = Vec::new();
        let mut inflater = flate2::write::DeflateDecoder::new(&mut content);
        inflater.write_all(&wire.7).unwrap();
        inflater.finish().unwrap();
        assert_eq!(content.len(), wire.6 as usize);
        let content = codec::decode(&content, content.len()).unwrap();
        (wire, content)
    }

    /// The pack with another content, well formed.
    fn again(&self, content: &Content) -> Vec<u8> {
        let (mut wire, _) = self.apart();
        let content = codec::encode(content);
        wire.6 = u32::try_from(content.len()).unwrap();
        wire.7 = deflated(&content);
        codec::encode(&wire)
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
    let (wire, whole) = made.apart();
    assert_eq!(made.read(&made.again(&whole)), Ok(made.ids.clone()));

    let bodies = |texts: &[&str]| {
        let items = texts.iter().map(|t| (Vec::new(), u32::try_from(t.len()).unwrap()));
        let all: Content = (items.collect(), texts.concat().into_bytes().into(), Vec::new().into());
        all
    };
    assert_eq!(bodies(&["10 mg", "20 mg", "30 mg"]), whole);
    let mut depends = whole.clone();
    depends.0[1].0.push(made.ids[0]);
    let mut another = whole.clone();
    another.0[0].0.push(EnvelopeId::from_bytes([5; 32]));
    for (what, content) in [
        ("changes one", bodies(&["10 mg", "90 mg", "30 mg"])),
        ("changes the first", bodies(&["90 mg", "20 mg", "30 mg"])),
        ("changes the last", bodies(&["10 mg", "20 mg", "90 mg"])),
        ("drops the first", bodies(&["20 mg", "30 mg"])),
        ("drops one", bodies(&["10 mg", "30 mg"])),
        ("drops the last", bodies(&["10 mg", "20 mg"])),
        ("adds one", bodies(&["10 mg", "20 mg", "30 mg", "made up"])),
        ("adds one before", bodies(&["made up", "10 mg", "20 mg", "30 mg"])),
        ("reorders", bodies(&["20 mg", "10 mg", "30 mg"])),
        ("repeats one", bodies(&["10 mg", "10 mg", "20 mg", "30 mg"])),
        ("puts two together", bodies(&["10 mg20 mg", "30 mg"])),
        ("moves a letter", bodies(&["10 m", "g20 mg", "30 mg"])),
        ("holds nothing", bodies(&[])),
        ("lets one depend on the one before, which it does", depends),
        ("lets one depend on another", another),
    ] {
        assert!(made.read(&made.again(&content)).is_err(), "{what}");
    }

    // What it says once, said otherwise.
    let other = SigningKey::from_seed(&[9; 32]).verification_key();
    let say = |change: &dyn Fn(&mut Wire)| {
        let mut wire = wire.clone();
        change(&mut wire);
        made.read(&codec::encode(&wire))
    };
    assert!(matches!(say(&|w| w.0 = EpochId::from_bytes([3; 32])), Err(PackError::Signature(_))));
    assert!(matches!(say(&|w| w.1 = other), Err(PackError::Signature(_))));
    assert!(matches!(say(&|w| w.2 = 1), Err(PackError::NoKey { phase: 1 })));
    assert!(say(&|w| w.3 = Kind::Statements).is_err());
    assert!(say(&|w| w.3 = Kind::Pack).is_err(), "no pack of packs");
    assert!(matches!(say(&|w| w.4 = 2), Err(PackError::Header(_))));
    assert!(matches!(say(&|w| w.5 = Some(made.ids[0])), Err(PackError::Header(_))));
    assert!(say(&|w| (w.4, w.5) = (u64::MAX, Some(made.ids[0]))).is_err(), "no number after");
    assert!(matches!(say(&|w| w.8[0] ^= 1), Err(PackError::Signature(_))));
}

#[test]
fn a62_a_signature_on_one_branch_says_nothing_of_another() {
    let made = made(67);
    let mut rng = seeded(68);
    // A copied device wrote something else as its third.
    let header = header(&made.author, 3, Some(made.ids[1]));
    let other = seal(&header, b"35 mg".to_vec(), &made.key, &made.author, &mut rng).unwrap();
    let other = other.verify().unwrap().open(&made.key).unwrap();
    let all = made.opened.iter().cloned().chain([other.clone()]);
    let packs = pack(all);
    assert_eq!(packs.len(), 2, "each branch has its own");
    let mut ids: Vec<_> = packs.iter().flat_map(|p| made.read(p.body()).unwrap()).collect();
    ids.sort_unstable();
    let mut expected = [made.ids.clone(), vec![other.id()]].concat();
    expected.sort_unstable();
    assert_eq!(ids, expected, "and nothing is lost: the fork can be seen");
    let whole = pack([made.opened[0].clone(), made.opened[1].clone(), other]).pop().unwrap();
    let of_other: Wire = codec::decode(whole.body(), whole.body().len()).unwrap();
    let (mut wire, _) = made.apart();
    wire.8 = of_other.8;
    assert!(matches!(made.read(&codec::encode(&wire)), Err(PackError::Signature(_))));
}

#[test]
fn a62_what_a_pack_inflates_to_is_bounded_by_what_it_says_and_by_a_limit() {
    let made = made(64);
    let (wire, _) = made.apart();
    let of = |len: u32, content: ByteVec| {
        let mut wire = wire.clone();
        (wire.6, wire.7) = (len, content);
        codec::encode(&wire)
    };
    let bomb = deflated(&vec![0; 200 * 1024 * 1024]);
    assert!(bomb.len() < 240 * 1024, "a bomb of {} bytes", bomb.len());
    let many = u32::try_from(200 * 1024 * 1024).unwrap();
    assert!(matches!(made.read(&of(many, bomb.clone())), Err(PackError::TooLarge { .. })));
    assert_eq!(made.read(&of(1000, bomb)), Err(PackError::Inflate));
    for len in [0, 1, wire.6 - 1, wire.6 + 1, 239 * 1024, 239 * 1024 + 1, u32::MAX] {
        assert!(made.read(&of(len, wire.7.clone())).is_err(), "{len}");
    }
    let mut followed = wire.7.to_vec();
    followed.push(0);
    assert_eq!(made.read(&of(wire.6, followed.into())), Err(PackError::Inflate));
    // Nor by how many it holds, of which each costs whoever reads it.
    let items = |count: usize| -> Content {
        (vec![(Vec::new(), 0); count], Vec::new().into(), Vec::new().into())
    };
    let limit = Err(PackError::TooLarge { len: 4_097, limit: 4_096 });
    assert_eq!(made.read(&made.again(&items(4_097))), limit);
    assert!(matches!(made.read(&made.again(&items(4_096))), Err(PackError::Signature(_))));
    let claims: Content = (vec![(Vec::new(), u32::MAX)], vec![0; 9].into(), Vec::new().into());
    assert_eq!(made.read(&made.again(&claims)), Err(PackError::Inconsistent));
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
    let (_, content) = made.apart();
    let mut rng = seeded(65);
    fuzz("pack", &made.bytes, &made.bytes, &mut rng);
    fuzz("content of a pack", &codec::encode(&content), &made.bytes, &mut rng);
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
