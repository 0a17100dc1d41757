use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::wire::{AccessConflict, ItemKind, Rejection, Results};
use passport_core::keys::SigningKey;

const RELAY: [u8; 16] = [1; 16];
const RUN: [u8; 8] = [3; 8];

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn client(position: Option<u64>) -> ClientSync {
    let cursor = position.map(|position| Cursor { relay: RELAY, generation: RUN, position });
    let mut client = ClientSync::new(RemoteState { cursor }, BackoffPolicy::default());
    client.begin();
    client
}

fn item(position: u64) -> Item {
    Item { position, kind: ItemKind::Envelope, bytes: vec![0; 10].into() }
}

fn response(position: u64, items: &[u64]) -> SyncResponse {
    SyncResponse {
        relay: RELAY,
        time: at(0),
        reset: false,
        results: Results::default(),
        items: items.iter().map(|p| item(*p)).collect(),
        cursor: Cursor { relay: RELAY, generation: RUN, position },
        more: false,
    }
}

fn list() -> Signed<AccessList> {
    let key = SigningKey::from_seed(&[1; 32]);
    Signed::new(&AccessList::new(key.verification_key(), [0; 16], 1, None, [], []), &key)
}

#[test]
fn a_round_goes_through_all_pages_and_rests() {
    let mut client = client(None);
    assert_eq!(client.poll_request(at(0)).unwrap().cursor, None);
    assert_eq!(client.poll_request(at(0)), None, "one request at a time");
    let first = SyncResponse { more: true, ..response(5, &[2, 5]) };
    assert_eq!(client.handle_response(first).unwrap().items.len(), 2);
    let cursor = client.poll_request(at(0)).unwrap().cursor;
    assert_eq!(cursor, Some(Cursor { relay: RELAY, generation: RUN, position: 5 }));
    client.handle_response(response(9, &[])).unwrap();
    assert!(client.is_resting());
    assert_eq!(client.poll_request(at(0)), None);
    assert_eq!(client.state().cursor, Some(Cursor { relay: RELAY, generation: RUN, position: 9 }));
}

#[test]
fn offers_are_pushed_lists_first_and_settled_one_by_one() {
    let mut client = client(None);
    let to = SigningKey::from_seed(&[2; 32]).verification_key();
    let letter = client.offer_letter(to, vec![1]);
    let envelope = client.offer_envelope(vec![2]);
    let list_id = client.offer_access_list(list());
    let request = client.poll_request(at(0)).unwrap();
    assert_eq!((request.access_lists.len(), request.objects()), (1, 3));
    let conflict = Rejection::AccessConflict;
    let results = Results {
        access_lists: vec![conflict.into()],
        envelopes: vec![Outcome::Stored],
        letters: vec![Outcome::Known],
        conflicts: vec![AccessConflict { index: 0, current: list() }],
        ..Results::default()
    };
    let page = client.handle_response(SyncResponse { results, ..response(0, &[]) }).unwrap();
    let settled: Vec<_> = page.settled.iter().map(|s| (s.offer, s.outcome)).collect();
    let expected =
        [(list_id, conflict.into()), (envelope, Outcome::Stored), (letter, Outcome::Known)];
    assert_eq!(settled, expected);
    assert_eq!(page.settled[0].current, Some(list()));
    assert!(client.is_resting());
}

#[test]
fn what_was_not_answered_is_offered_again_after_a_wait() {
    let mut client = client(None);
    client.offer_envelope(vec![2]);
    let request = client.poll_request(at(0)).unwrap();
    client.handle_failure(at(0), &mut ChaCha20Rng::from_seed([1; 32]));
    let next = client.poll_timeout().unwrap();
    assert_eq!(client.poll_request(at(next.as_seconds() - 1)), None);
    assert_eq!(client.poll_request(next), Some(request));
    assert_eq!(client.unsettled(), 1);
}

#[test]
fn much_is_pushed_in_several_requests() {
    let mut client = client(None);
    for _ in 0..40 {
        client.offer_envelope(vec![0; 256 * 1024]);
    }
    let mut requests = 0;
    while let Some(request) = client.poll_request(at(0)) {
        requests += 1;
        let size = passport_core::codec::encode(&request).len();
        assert!(size <= crate::wire::REQUEST_MAX, "{size}");
        let envelopes = vec![Outcome::Stored; request.envelopes.len()];
        let results = Results { envelopes, ..Results::default() };
        client.handle_response(SyncResponse { results, ..response(0, &[]) }).unwrap();
    }
    assert_eq!((requests, client.unsettled()), (2, 0));
}

#[test]
fn a_new_relay_and_a_rolled_back_one_are_told_apart() {
    let mut before = client(Some(9));
    before.poll_request(at(0)).unwrap();
    let reset = SyncResponse { reset: true, ..response(4, &[1, 4]) };
    assert_eq!(before.handle_response(reset).unwrap().reset, Some(Reset::RolledBack));
    let mut before = client(Some(9));
    before.poll_request(at(0)).unwrap();
    let cursor = Cursor { relay: [2; 16], generation: RUN, position: 1 };
    let other = SyncResponse { reset: true, relay: [2; 16], cursor, ..response(0, &[1]) };
    assert_eq!(before.handle_response(other).unwrap().reset, Some(Reset::NewRelay));
    assert_eq!(before.state().cursor, Some(cursor));
}

#[test]
fn contradictory_responses_change_nothing() {
    use ProtocolError::{Cursor as C, Items, Results as R, Stalled};
    let other = Cursor { relay: [2; 16], generation: RUN, position: 9 };
    let extra = Results { letters: vec![Outcome::Stored], ..Results::default() };
    let told = AccessConflict { index: 0, current: list() };
    let conflict = Results { conflicts: vec![told], ..Results::default() };
    let cases = [
        (response(8, &[]), C),
        (SyncResponse { cursor: other, ..response(9, &[]) }, C),
        (SyncResponse { cursor: other, relay: [2; 16], ..response(9, &[]) }, C),
        (response(12, &[11, 11]), Items),
        (response(12, &[9]), Items),
        (response(12, &[13]), Items),
        (SyncResponse { more: true, ..response(9, &[]) }, Stalled),
        (SyncResponse { results: extra, ..response(9, &[]) }, R),
        (SyncResponse { results: conflict, ..response(9, &[]) }, R),
    ];
    for (response, error) in cases {
        let mut client = client(Some(9));
        let state = client.state();
        client.poll_request(at(0)).unwrap();
        assert_eq!(client.handle_response(response.clone()), Err(error), "{response:?}");
        assert_eq!(client.state(), state);
    }
    let mut fresh = client(None);
    assert_eq!(fresh.handle_response(response(1, &[])), Err(ProtocolError::Unasked));
    fresh.poll_request(at(0)).unwrap();
    let reset = SyncResponse { reset: true, ..response(1, &[]) };
    assert_eq!(fresh.handle_response(reset), Err(C));
}
