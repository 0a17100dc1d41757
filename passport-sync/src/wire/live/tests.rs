use passport_core::envelope::{Header, Kind, seal};
use passport_core::id::{ChannelId, EnvelopeId, EpochId};
use passport_core::keys::{PhaseKey, SigningKey};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::*;
use crate::wire::Letter;

/// An author who writes one envelope after the other.
struct Author {
    key: SigningKey,
    last: Option<SealedEnvelope>,
    rng: ChaCha20Rng,
}

impl Author {
    fn new(n: u8) -> Self {
        let key = SigningKey::from_seed(&[n; 32]);
        Self { key, last: None, rng: ChaCha20Rng::seed_from_u64(u64::from(n)) }
    }

    fn write(&mut self, kind: Kind, body: usize) -> Vec<u8> {
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: ChannelId::from_bytes([1; 32]),
            epoch: EpochId::from_bytes([2; 32]),
            phase: 0,
            author: self.key.verification_key(),
            seq: self.last.as_ref().map_or(1, |e| e.header().seq + 1),
            prev: self.last.as_ref().map(SealedEnvelope::id),
            deps: Vec::new(),
            kind,
        };
        let key = PhaseKey::from_bytes(&[3; 32]);
        let envelope = seal(&header, vec![7; body], &key, &self.key, &mut self.rng).unwrap();
        let bytes = envelope.encode();
        if kind == Kind::Edits {
            self.last = Some(envelope);
        }
        bytes
    }
}

fn pushing(envelopes: Vec<Vec<u8>>) -> SyncRequest {
    let cursor = Some(Cursor { relay: [7; 16], generation: [8; 8], position: 9 });
    let envelopes = envelopes.into_iter().map(Into::into).collect();
    SyncRequest { cursor, envelopes, max_bytes: 4096, ..SyncRequest::default() }
}

fn arrived(position: u64, items: Vec<Vec<u8>>) -> LiveFrame {
    let cursor = Cursor { relay: [7; 16], generation: [8; 8], position };
    let item = |bytes: Vec<u8>| Item { position, kind: ItemKind::Envelope, bytes: bytes.into() };
    LiveFrame::Arrived {
        response: SyncResponse {
            relay: cursor.relay,
            time: Timestamp::from_seconds(5),
            reset: false,
            results: Results::default(),
            items: items.into_iter().map(item).collect(),
            cursor,
            more: false,
        },
    }
}

fn begun(frame: &LiveFrame) -> LiveFrame {
    let LiveFrame::Arrived { response } = frame else { panic!() };
    LiveFrame::Answer { response: SyncResponse { items: Vec::new(), ..response.clone() } }
}

#[test]
fn a_small_edit_takes_294_bytes_once_its_author_is_known() {
    let (mut out, mut there) = (Said::default(), Said::default());
    let mut author = Author::new(1);
    for n in 0..4 {
        let request = pushing(vec![author.write(Kind::Edits, 100 + n)]);
        let bytes = out.request(request.clone());
        assert_eq!(there.read_request(&bytes), Ok(request));
        // The length of the frame is sent as well.
        assert!(n == 0 || bytes.len() + 4 == 294, "{}", bytes.len() + 4);
    }
}

#[test]
fn any_talk_is_heard_as_it_was_said() {
    for seed in 0..30 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut authors: Vec<Author> = (1..=12).map(Author::new).collect();
        let (mut out, mut there) = (Said::default(), Said::default());
        let mut saved = 0;
        for step in 0..60 {
            let mut some = Vec::new();
            for _ in 0..rng.next_u32() % 3 {
                let n = rng.next_u32() as usize % authors.len();
                let kind = if rng.next_u32() % 5 == 0 { Kind::Pack } else { Kind::Edits };
                let skipped = rng.next_u32() % 7 == 0;
                let bytes = authors[n].write(kind, rng.next_u32() as usize % 400);
                some.extend((!skipped).then_some(bytes));
            }
            if rng.next_u32() % 9 == 0 {
                some.push(vec![1, 2, 3]);
            }
            let mut request = pushing(some.clone());
            if rng.next_u32() % 4 == 0 {
                request.cursor = None;
            }
            if rng.next_u32() % 6 == 0 {
                let to = SigningKey::from_seed(&[9; 32]).verification_key();
                request.letters.push(Letter { to, body: vec![2; 30].into() });
            }
            let bytes = out.request(request.clone());
            saved += codec::encode(&request).len().saturating_sub(bytes.len());
            assert_eq!(there.read_request(&bytes).as_ref(), Ok(&request), "seed {seed}");
            assert!(out.lines.len() <= LINES && out.lines == there.lines);
            assert!(step == 0 || out.asked == there.asked);
        }
        assert!(saved > 1_000, "seed {seed}: {saved}");
    }
}

#[test]
fn what_arrives_goes_without_what_follows_too() {
    let (mut out, mut there) = (Said::default(), Said::default());
    let mut author = Author::new(1);
    assert!(there.read_frame(&Said::default().frame(arrived(1, Vec::new()))).is_err(), "no answer");
    let mut lens = Vec::new();
    for position in 1..5 {
        let frame = arrived(position, vec![author.write(Kind::Edits, 58)]);
        if position == 1 {
            let answer = begun(&frame);
            assert_eq!(there.read_frame(&out.frame(answer.clone())), Ok(answer));
        }
        let bytes = out.frame(frame.clone());
        lens.push(bytes.len());
        assert_eq!(there.read_frame(&bytes), Ok(frame));
    }
    assert!(lens[1] + 110 <= lens[0], "{lens:?}");
    assert_eq!(there.read_frame(&out.frame(LiveFrame::Beat)), Ok(LiveFrame::Beat));
}

#[test]
fn what_was_remembered_by_another_connection_is_of_no_use() {
    let mut out = Said::default();
    let mut author = Author::new(1);
    let _ = out.request(pushing(vec![author.write(Kind::Edits, 1)]));
    let short = out.request(pushing(vec![author.write(Kind::Edits, 1)]));
    assert_eq!(Said::default().read_request(&short), Err(Rejection::Malformed), "nothing asked");
    let mut other = Said::default();
    let _ = other.read_request(&codec::encode(&Request::Whole(pushing(Vec::new()))));
    assert_eq!(other.read_request(&short), Err(Rejection::Malformed), "no such line");
}

#[test]
fn however_it_was_changed_no_frame_does_more_than_be_refused() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let mut author = Author::new(1);
    let mut out = Said::default();
    let first = out.request(pushing(vec![author.write(Kind::Edits, 1)]));
    let pushed = vec![author.write(Kind::Edits, 1), author.write(Kind::Pack, 1)];
    let written: Vec<EnvelopeId> =
        pushed.iter().map(|bytes| SealedEnvelope::decode(bytes).unwrap().id()).collect();
    let short = out.request(pushing(pushed));
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bad = short.clone();
        for _ in 0..=rng.next_u32() % 3 {
            let at = rng.next_u32() as usize % bad.len();
            match rng.next_u32() % 3 {
                0 => bad[at] ^= 1 << (rng.next_u32() % 8),
                1 => bad.truncate(at + 1),
                _ => bad.insert(at, rng.next_u32().to_le_bytes()[0]),
            }
        }
        let mut there = Said::default();
        there.read_request(&first).unwrap();
        if let Ok(request) = there.read_request(&bad) {
            read += 1;
            for envelope in &request.envelopes {
                let sealed = SealedEnvelope::decode(envelope).ok();
                let verified = sealed.and_then(|sealed| sealed.verify().ok());
                // What still verifies is what the author wrote.
                assert!(verified.is_none_or(|verified| written.contains(&verified.id())));
            }
        }
        assert!(there.lines.len() <= LINES);
    }
    assert!(read > 100, "{read}");
    let many = Request::Envelopes((0..=OBJECTS_MAX).map(|_| Short::Whole(Vec::new())).collect());
    assert_eq!(out.read_request(&codec::encode(&many)), Err(Rejection::TooLarge));
}
