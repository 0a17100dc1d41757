use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::envelope::{SealedEnvelope, seal};
use crate::keys::SigningKey;

const CHANNEL: ChannelId = ChannelId::from_bytes([1; 32]);

struct Desk {
    rng: ChaCha20Rng,
    key: PhaseKey,
    all: Vec<OpenedEnvelope>,
}

impl Desk {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        Self { key: PhaseKey::generate(&mut rng), rng, all: Vec::new() }
    }

    fn write(
        &mut self,
        author: &SigningKey,
        seq: u64,
        prev: Option<EnvelopeId>,
        kind: Kind,
        body: &[u8],
    ) -> EnvelopeId {
        let header = Header {
            version: 1,
            suite: 1,
            channel: CHANNEL,
            epoch: EpochId::from_bytes([2; 32]),
            phase: 0,
            author: author.verification_key(),
            seq,
            prev,
            deps: if seq == 1 { vec![EnvelopeId::from_bytes([3; 32])] } else { Vec::new() },
            kind,
        };
        let sealed = seal(&header, body.to_vec(), &self.key, author, &mut self.rng).unwrap();
        let verified = SealedEnvelope::decode(&sealed.encode()).unwrap().verify().unwrap();
        self.all.push(verified.open(&self.key).unwrap());
        sealed.id()
    }

    fn run(&mut self, author: &SigningKey, numbers: core::ops::RangeInclusive<u64>, body: &[u8]) {
        let mut prev = (*numbers.start() > 1).then(|| EnvelopeId::from_bytes([7; 32]));
        for seq in numbers {
            prev = Some(self.write(author, seq, prev, Kind::Edits, body));
        }
    }

    fn read(&self, pack: &[u8]) -> Result<Vec<OpenedEnvelope>, PackError> {
        unpack(pack, CHANNEL, |phase| (phase == 0).then(|| self.key.clone()))
    }
}

fn sorted(all: &[OpenedEnvelope]) -> Vec<(EnvelopeId, Header, Vec<u8>)> {
    let mut all: Vec<_> =
        all.iter().map(|e| (e.id(), e.header().clone(), e.body().to_vec())).collect();
    all.sort_by_key(|(id, ..)| *id);
    all
}

#[test]
fn runs_gaps_forks_and_several_authors_come_back_as_they_were_whatever_the_order() {
    let mut desk = Desk::new();
    let (one, two) = (SigningKey::from_seed(&[1; 32]), SigningKey::from_seed(&[2; 32]));
    desk.write(&one, 1, None, Kind::Snapshot, b"what stood");
    desk.run(&one, 2..=40, b"dose: 50 mg");
    desk.run(&one, 45..=50, b"dose: 75 mg");
    desk.run(&two, 1..=3, b"");
    let fork = desk.all.last().unwrap().header().prev;
    desk.write(&two, 3, fork, Kind::Edits, b"beside");
    let packs = pack(desk.all.clone());
    assert_eq!(packs.len(), 3, "one for each author, and one for the snapshot");
    let back: Vec<_> = packs.iter().flat_map(|p| desk.read(p).unwrap()).collect();
    assert_eq!(sorted(&back), sorted(&desk.all));
    desk.all.reverse();
    assert_eq!(pack(desk.all.clone()), packs, "a function of the set");
}

#[test]
fn the_largest_bodies_fit_with_nothing_gained_by_compression() {
    let mut desk = Desk::new();
    let author = SigningKey::from_seed(&[1; 32]);
    let mut prev = None;
    for seq in 1..=3 {
        let mut body = vec![0; crate::envelope::MAX_BODY];
        desk.rng.fill_bytes(&mut body);
        prev = Some(desk.write(&author, seq, prev, Kind::Edits, &body));
    }
    let packs = pack(desk.all.clone());
    assert_eq!(packs.len(), 3);
    assert!(packs.iter().all(|p| p.len() <= MAX_PACK));
    let back: Vec<_> = packs.iter().flat_map(|p| desk.read(p).unwrap()).collect();
    assert_eq!(sorted(&back), sorted(&desk.all));
}

#[test]
fn small_edits_cost_little_more_than_their_signatures() {
    let mut desk = Desk::new();
    desk.run(&SigningKey::from_seed(&[1; 32]), 1..=1000, b"\x84\x1a\x65\x00an edit of some words");
    let bytes: usize = pack(desk.all).iter().map(|p| p.len()).sum();
    assert!(bytes < 1000 * 80, "{bytes} bytes");
}
