use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::envelope::seal;

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
    assert_eq!(packs.len(), 5, "one for each run and branch, and one for the snapshot");
    let back: Vec<_> = packs.iter().flat_map(|p| desk.read(p.body()).unwrap()).collect();
    assert_eq!(sorted(&back), sorted(&desk.all));
    let bodies = |packs: &[Packed]| packs.iter().map(|p| p.body().to_vec()).collect::<Vec<_>>();
    desk.all.reverse();
    assert_eq!(bodies(&pack(desk.all.clone())), bodies(&packs), "a function of the set");
    let again = pack(back);
    assert_eq!(bodies(&again), bodies(&packs), "and what came in packs is packed again");
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
    assert!(packs.iter().all(|p| p.body().len() <= MAX_PACK));
    let back: Vec<_> = packs.iter().flat_map(|p| desk.read(p.body()).unwrap()).collect();
    assert_eq!(sorted(&back), sorted(&desk.all));
}

#[test]
fn small_edits_cost_little_more_than_what_they_say() {
    let mut desk = Desk::new();
    desk.run(&SigningKey::from_seed(&[1; 32]), 1..=1000, b"\x84\x1a\x65\x00an edit of some words");
    let packs = pack(desk.all.clone());
    let bytes: usize = packs.iter().map(|p| p.body().len()).sum();
    assert!(bytes < 1000, "{bytes} bytes");
}

#[test]
fn packs_are_merged_though_few_of_their_envelopes_have_a_signature() {
    let mut desk = Desk::new();
    desk.run(&SigningKey::from_seed(&[1; 32]), 1..=40, b"dose: 50 mg");
    let mut parts = Vec::new();
    for some in desk.all.chunks(16) {
        let packed = pack(some.to_vec()).pop().unwrap();
        parts.extend(desk.read(packed.body()).unwrap());
    }
    let merged = pack(parts.clone());
    let whole = pack(desk.all.clone());
    assert_eq!((merged.len(), merged[0].len()), (1, 40));
    assert_eq!(merged[0].body(), whole[0].body(), "it makes no difference how they came");
    // Of one whose last is missing, only what a signature covers.
    parts.pop();
    let short = pack(parts);
    assert_eq!(short[0].len(), 32);
}

#[test]
fn a_run_in_its_epoch_shows_what_it_stands_for_and_nothing_else_will_do() {
    let mut desk = Desk::new();
    let author = SigningKey::from_seed(&[1; 32]);
    desk.run(&author, 3..=20, b"dose: 50 mg");
    let packed = pack(desk.all.clone()).pop().unwrap();
    let sealed = packed.seal(&desk.key, &author).unwrap();
    let stretch = Stretch::of(&sealed).unwrap();
    assert_eq!((stretch.seq, stretch.last), (20, desk.all[17].id()));
    assert_eq!(stretch.before, desk.all[0].header().prev);
    let open = |sealed: &SealedEnvelope| sealed.clone().verify().unwrap().open(&desk.key).unwrap();
    let read = unpack_in_place(&open(&sealed), &desk.key).unwrap();
    assert_eq!(sorted(&read), sorted(&desk.all));
    let header = sealed.header().clone();
    let other = EnvelopeId::from_bytes([9; 32]);
    for lie in [
        Header { seq: 30, ..header.clone() },
        Header { prev: Some(other), ..header.clone() },
        Header { deps: Vec::new(), ..header.clone() },
        Header { deps: vec![other], ..header.clone() },
        Header { epoch: EpochId::from_bytes([9; 32]), ..header.clone() },
        Header { phase: 1, ..header },
    ] {
        let sealed = seal_alike(&lie, packed.body().to_vec(), &desk.key, &author).unwrap();
        assert!(unpack_in_place(&open(&sealed), &desk.key).is_err(), "{lie:?}");
    }
    let thief = SigningKey::from_seed(&[8; 32]);
    let header = Header { author: thief.verification_key(), ..sealed.header().clone() };
    let stolen = seal_alike(&header, packed.body().to_vec(), &desk.key, &thief).unwrap();
    assert_eq!(unpack_in_place(&open(&stolen), &desk.key).err(), Some(PackError::Inconsistent));
}
