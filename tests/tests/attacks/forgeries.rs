//! Requests and lists at a relay: forged, replayed, moved, or cut off in the middle.

use passport_core::access::{AccessError, AccessList, DropEpoch, Member, Rights, channel_id};
use passport_core::envelope::{Header, Kind, seal};
use passport_core::id::EpochId;
use passport_core::keys::{PhaseKey, Signed, SigningKey};
use passport_core::time::Timestamp;
use passport_sync::session::{RelayLimits, handle};
use passport_sync::signature::{ReplayGuard, SignatureError, Target, check_body, sign, verify};
use passport_sync::store::MemoryStore;
use passport_sync::wire::{Letter, Outcome, Rejection, SyncRequest, SyncResponse};

use crate::office::seeded;

const NONCE: [u8; 16] = [6; 16];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn member(n: u8, can: Rights, until: Option<Timestamp>) -> Member {
    Member { key: key(n).verification_key(), can, until, history: false }
}

fn list(serial: u64, replaces: Option<[u8; 32]>, members: &[Member]) -> Signed<AccessList> {
    let control = key(100);
    let live = [EpochId::from_bytes([1; 32])];
    let members = members.iter().copied();
    let list = AccessList::new(control.verification_key(), NONCE, serial, replaces, live, members);
    Signed::new(&list, &control)
}

struct Relay(MemoryStore);

impl Relay {
    fn new() -> Self {
        Self(MemoryStore::new([1; 16]))
    }

    fn ask(&self, n: u8, now: Timestamp, request: SyncRequest) -> SyncResponse {
        let request = SyncRequest { max_bytes: 1 << 20, ..request };
        handle(request, &key(n).verification_key(), now, &RelayLimits::default(), &self.0)
            .unwrap()
            .response
    }

    fn set(&self, n: u8, list: &Signed<AccessList>) -> Outcome {
        let request = SyncRequest { access_lists: vec![list.clone()], ..SyncRequest::default() };
        self.ask(n, at(0), request).results.access_lists[0]
    }

    fn append(&self, n: u8, now: Timestamp, bytes: Vec<u8>) -> Outcome {
        let request = SyncRequest { envelopes: vec![bytes.into()], ..SyncRequest::default() };
        self.ask(n, now, request).results.envelopes[0]
    }

    fn feed(&self, n: u8, now: Timestamp) -> usize {
        self.ask(n, now, SyncRequest::default()).items.len()
    }
}

fn envelope(n: u8, seq: u64) -> Vec<u8> {
    let mut rng = seeded(seq);
    let header = Header {
        version: Header::VERSION,
        suite: Header::SUITE,
        channel: channel_id(&key(100).verification_key(), &NONCE),
        epoch: EpochId::from_bytes([1; 32]),
        phase: 0,
        author: key(n).verification_key(),
        seq,
        prev: (seq > 1).then(|| passport_core::id::EnvelopeId::from_bytes([1; 32])),
        deps: Vec::new(),
        kind: Kind::Edits,
    };
    let phase_key = PhaseKey::generate(&mut rng);
    seal(&header, vec![0; 64], &phase_key, &key(n), &mut rng).unwrap().encode()
}

fn refused(rejection: Rejection) -> Outcome {
    rejection.into()
}

#[test]
fn a13_a14_lists_are_the_control_keys_and_only_go_forward() {
    let relay = Relay::new();
    let (rw, r) = (Rights::ReadWrite, Rights::Read);
    let first = list(1, None, &[member(1, rw, None), member(2, r, None)]);
    assert_eq!(relay.set(1, &first), Outcome::Stored);
    let invented = first.verify().unwrap().into_inner();
    let invented = Signed::new(&invented, &key(2));
    assert_eq!(AccessList::check(&invented).unwrap_err(), AccessError::NotControl);
    assert_eq!(relay.set(2, &invented), refused(Rejection::BadSignature));
    let second = list(2, Some(first.payload_hash()), &[member(1, rw, None)]);
    assert_eq!(relay.set(1, &second), Outcome::Stored);
    // The one that still has the reader, again: by the reader, by a device, by a stranger.
    assert_eq!(relay.set(1, &first), refused(Rejection::AccessConflict));
    assert_eq!(relay.set(2, &first), refused(Rejection::NotPermitted));
    assert_eq!(relay.set(9, &first), refused(Rejection::NotPermitted));
    let mut drop = DropEpoch::new(key(100).verification_key(), NONCE, EpochId::from_bytes([9; 32]));
    drop.control = key(1).verification_key();
    assert_eq!(DropEpoch::check(&Signed::new(&drop, &key(1))), Err(AccessError::Channel));
}

#[test]
fn a14_a46_a_reader_that_is_gone_or_past_its_end_is_handed_nothing() {
    let relay = Relay::new();
    let (rw, r) = (Rights::ReadWrite, Rights::Read);
    let first = list(1, None, &[member(1, rw, None), member(2, r, Some(at(60)))]);
    relay.set(1, &first);
    assert_eq!(relay.append(1, at(0), envelope(1, 1)), Outcome::Stored);
    assert_eq!(relay.feed(2, at(59)), 1);
    assert_eq!(relay.feed(2, at(60)), 0);
    let second = list(2, Some(first.payload_hash()), &[member(1, rw, None)]);
    relay.set(1, &second);
    assert_eq!(relay.feed(2, at(0)), 0);
}

#[test]
fn a29_a30_a_reader_a_stranger_and_one_past_its_end_append_nothing() {
    let relay = Relay::new();
    let members = [
        member(1, Rights::ReadWrite, None),
        member(2, Rights::Read, None),
        member(3, Rights::Write, Some(at(10))),
    ];
    relay.set(1, &list(1, None, &members));
    for (n, now) in [(2, at(0)), (4, at(0)), (3, at(10))] {
        assert_eq!(relay.append(n, now, envelope(n, 1)), refused(Rejection::NotPermitted));
    }
    assert_eq!(relay.append(3, at(9), envelope(3, 1)), Outcome::Stored);
    assert_eq!(relay.feed(3, at(9)), 0, "a depositor reads nothing");
    assert_eq!(relay.feed(2, at(9)), 1);
}

#[test]
fn a41_a_flood_meets_its_limit_and_others_do_not() {
    let relay = Relay::new();
    let letter = |n: u8, body: u8| {
        let limits = RelayLimits { letters_per_day: 5, ..RelayLimits::default() };
        let to = key(50).verification_key();
        let letters = vec![Letter { to, body: vec![body; 10].into() }];
        let request = SyncRequest { letters, max_bytes: 1000, ..SyncRequest::default() };
        let sender = key(n).verification_key();
        handle(request, &sender, at(0), &limits, &relay.0).unwrap().response.results.letters[0]
    };
    let sent: Vec<_> = (0..20).map(|body| letter(7, body)).collect();
    assert_eq!(sent.iter().filter(|o| **o == Outcome::Stored).count(), 5);
    assert!(sent[5..].iter().all(|o| *o == refused(Rejection::RateLimited)));
    assert_eq!(letter(8, 1), Outcome::Stored);
}

#[test]
fn a04_a58_a_request_that_comes_again_is_kept_once() {
    let relay = Relay::new();
    relay.set(
        1,
        &list(1, None, &[member(1, Rights::ReadWrite, None), member(2, Rights::Read, None)]),
    );
    assert_eq!(relay.append(1, at(0), envelope(1, 1)), Outcome::Stored);
    // The client went away before the answer, and asks again, and again.
    for _ in 0..1_000 {
        assert_eq!(relay.append(1, at(0), envelope(1, 1)), Outcome::Known);
    }
    assert_eq!(relay.feed(2, at(0)), 1);
    // A request of which one part is bad: the rest is kept, each part has its answer.
    let request = SyncRequest {
        envelopes: vec![vec![0xff; 10].into(), envelope(1, 2).into()],
        ..SyncRequest::default()
    };
    let answers = relay.ask(1, at(0), request).results.envelopes;
    assert_eq!(answers, [refused(Rejection::Malformed), Outcome::Stored]);
}

#[test]
fn a59_a_signed_request_is_good_once_here_and_as_it_is() {
    let mut rng = seeded(59);
    let me = SigningKey::generate(&mut rng);
    let target = Target { method: "POST", authority: "relay.example", path: "/v1/sync" };
    let headers = sign(&target, b"body", &me, at(0), &[1; 16]);
    let claimed = verify(&target, &headers).unwrap();
    assert_eq!(check_body(&headers, b"body"), Ok(()));
    assert_eq!(check_body(&headers, b"bodY"), Err(SignatureError::Digest));
    let moved = [
        Target { authority: "other.example", ..target },
        Target { path: "/v1/objects/00", ..target },
        Target { method: "PUT", ..target },
    ];
    for target in moved {
        assert_eq!(verify(&target, &headers), Err(SignatureError::Signature));
    }
    let mut altered = headers.clone();
    altered.content_digest = sign(&target, b"other", &me, at(0), &[1; 16]).content_digest;
    assert_eq!(verify(&target, &altered), Err(SignatureError::Signature));
    let mut guard = ReplayGuard::new(3);
    for now in
        [at(61), at(-61), Timestamp::from_seconds(i64::MIN), Timestamp::from_seconds(i64::MAX)]
    {
        assert_eq!(guard.admit(&claimed, now), Err(SignatureError::Stale));
    }
    assert_eq!(guard.admit(&claimed, at(0)), Ok(()));
    assert_eq!(guard.admit(&claimed, at(60)), Err(SignatureError::Replayed));
    // Its memory is bounded; and full, it refuses rather than forget.
    for n in 2..4 {
        let other = verify(&target, &sign(&target, b"", &me, at(0), &[n; 16])).unwrap();
        assert_eq!(guard.admit(&other, at(0)), Ok(()));
    }
    let one_more = verify(&target, &sign(&target, b"", &me, at(0), &[9; 16])).unwrap();
    assert_eq!(guard.admit(&one_more, at(0)), Err(SignatureError::Overloaded));
    // Headers cut or with a byte changed anywhere are of no use.
    for cut in 0..headers.signature_input.len() {
        let mut bad = headers.clone();
        bad.signature_input.truncate(cut);
        assert!(verify(&target, &bad).is_err());
    }
}
