use passport_core::access::AccessList;
use passport_core::id::VerificationKey;
use passport_core::keys::{Signed, SigningKey};
use passport_core::time::Timestamp;

use super::*;
use crate::wire::{AccessConflict, Cursor, Item, ItemKind, Letter, Outcome, Results};

const RELAY: [u8; 16] = [1; 16];
const RUN: [u8; 8] = [3; 8];

fn asking(position: Option<u64>) -> SyncRequest {
    let cursor = position.map(|position| Cursor { relay: RELAY, generation: RUN, position });
    SyncRequest { cursor, ..SyncRequest::default() }
}

fn item(position: u64) -> Item {
    Item { position, kind: ItemKind::Envelope, bytes: vec![0; 10].into() }
}

fn response(position: u64, items: &[u64]) -> SyncResponse {
    SyncResponse {
        relay: RELAY,
        time: Timestamp::from_seconds(0),
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
fn pages_go_on_from_the_last() {
    let first = SyncResponse { more: true, ..response(5, &[2, 5]) };
    assert_eq!(check(&asking(None), &first), Ok(None));
    assert_eq!(check(&asking(Some(5)), &response(9, &[])), Ok(None));
}

#[test]
fn every_object_has_one_outcome() {
    let letter = Letter { to: VerificationKey::from_bytes([2; 32]), body: vec![1].into() };
    let request = SyncRequest {
        access_lists: vec![list()],
        envelopes: vec![vec![2].into()],
        letters: vec![letter],
        ..asking(None)
    };
    let results = Results {
        access_lists: vec![Outcome::Rejected { code: 6 }],
        envelopes: vec![Outcome::Stored],
        letters: vec![Outcome::Known],
        conflicts: vec![AccessConflict { index: 0, current: list() }],
        ..Results::default()
    };
    let fits = SyncResponse { results: results.clone(), ..response(0, &[]) };
    assert_eq!(check(&request, &fits), Ok(None));
    let less =
        SyncResponse { results: Results { envelopes: Vec::new(), ..results }, ..response(0, &[]) };
    assert_eq!(check(&request, &less), Err(ProtocolError::Results));
}

#[test]
fn a_new_relay_and_a_rolled_back_one_are_told_apart() {
    let reset = SyncResponse { reset: true, ..response(4, &[1, 4]) };
    assert_eq!(check(&asking(Some(9)), &reset), Ok(Some(Reset::RolledBack)));
    let cursor = Cursor { relay: [2; 16], generation: RUN, position: 1 };
    let other = SyncResponse { reset: true, relay: [2; 16], cursor, ..response(0, &[1]) };
    assert_eq!(check(&asking(Some(9)), &other), Ok(Some(Reset::NewRelay)));
}

#[test]
fn contradictory_responses_are_not_used() {
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
        assert_eq!(check(&asking(Some(9)), &response), Err(error), "{response:?}");
    }
    let reset = SyncResponse { reset: true, ..response(1, &[]) };
    assert_eq!(check(&asking(None), &reset), Err(C));
}
