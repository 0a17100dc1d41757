//! The relay's rules, on each store.

use passport_core::access::{AccessList, DropEpoch, Member, Rights};
use passport_core::codec;
use passport_core::envelope::{Header, Kind, seal};
use passport_core::id::{ChannelId, EpochId, ObjectId};
use passport_core::keys::{PhaseKey, Signed, SigningKey};
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::on_each;
use crate::session::{RelayLimits, fetch_blob, handle, put_blob};
use crate::store::{MemoryStore, Store};
use crate::wire::{
    AccessConflict, Cursor, DeliveredLetter, Item, ItemKind, Letter, Outcome, Rejection,
    SyncRequest, SyncResponse, object_id,
};

const NONCE: [u8; 16] = [6; 16];
const NOW: i64 = 1_800_000_000;

fn at(offset: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + offset)
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn control() -> SigningKey {
    key(100)
}

fn epoch(n: u8) -> EpochId {
    EpochId::from_bytes([n; 32])
}

fn channel() -> ChannelId {
    passport_core::access::channel_id(&control().verification_key(), &NONCE)
}

fn member(n: u8, can: Rights) -> Member {
    Member { key: key(n).verification_key(), can, until: None, history: false }
}

/// List number `serial` with epoch 1 live.
fn list(serial: u64, replaces: Option<[u8; 32]>, members: &[Member]) -> Signed<AccessList> {
    let control = control();
    let members = members.iter().copied();
    let list =
        AccessList::new(control.verification_key(), NONCE, serial, replaces, [epoch(1)], members);
    Signed::new(&list, &control)
}

fn envelope(author: &SigningKey, epoch: EpochId, seq: u64, size: usize) -> Vec<u8> {
    let header = Header {
        version: Header::VERSION,
        suite: Header::SUITE,
        channel: channel(),
        epoch,
        phase: 0,
        author: author.verification_key(),
        seq,
        prev: (seq > 1).then(|| passport_core::id::EnvelopeId::from_bytes([1; 32])),
        deps: Vec::new(),
        kind: Kind::Edits,
    };
    let mut rng = ChaCha20Rng::from_seed([u8::try_from(seq).unwrap(); 32]);
    let phase_key = PhaseKey::generate(&mut rng);
    seal(&header, vec![0; size], &phase_key, author, &mut rng).unwrap().encode()
}

struct Asking<'a> {
    store: &'a dyn Store,
    limits: RelayLimits,
    now: Timestamp,
}

fn asking(store: &dyn Store) -> Asking<'_> {
    Asking { store, limits: RelayLimits::default(), now: at(0) }
}

impl Asking<'_> {
    fn request(&self, n: u8, request: SyncRequest) -> SyncResponse {
        let request = SyncRequest { max_bytes: 1 << 20, ..request };
        handle(request, &key(n).verification_key(), self.now, &self.limits, self.store)
            .unwrap()
            .response
    }

    fn set(&self, n: u8, list: &Signed<AccessList>) -> Outcome {
        let request = SyncRequest { access_lists: vec![list.clone()], ..SyncRequest::default() };
        self.request(n, request).results.access_lists[0]
    }

    fn append(&self, n: u8, bytes: &[u8]) -> Outcome {
        let envelopes = vec![bytes.to_vec().into()];
        let request = SyncRequest { envelopes, ..SyncRequest::default() };
        self.request(n, request).results.envelopes[0]
    }

    fn feed(&self, n: u8, cursor: Option<Cursor>) -> Vec<Item> {
        self.request(n, SyncRequest { cursor, ..SyncRequest::default() }).items
    }
}

fn refused(rejection: Rejection) -> Outcome {
    rejection.into()
}

const RW: Rights = Rights::ReadWrite;

#[test]
fn what_a_writer_appends_reaches_readers_and_nobody_else() {
    on_each(|store| {
        let relay = asking(store);
        let members = [member(1, RW), member(2, Rights::Read), member(3, Rights::Write)];
        let first = list(1, None, &members);
        assert_eq!(relay.set(1, &first), Outcome::Stored);
        assert_eq!(relay.set(1, &first), Outcome::Known);
        let bytes = envelope(&key(1), epoch(1), 1, 50);
        assert_eq!(relay.append(1, &bytes), Outcome::Stored);
        assert_eq!(relay.append(1, &bytes), Outcome::Known, "a lost answer changes nothing");
        let got = relay.feed(2, None);
        assert_eq!(got.len(), 1);
        assert_eq!((got[0].kind, got[0].bytes.to_vec()), (ItemKind::Envelope, bytes));
        assert_eq!(relay.feed(3, None), [], "a depositor reads nothing");
        assert_eq!(relay.feed(4, None), []);
        assert_eq!(relay.append(3, &envelope(&key(3), epoch(1), 1, 9)), Outcome::Stored);
    });
}

#[test]
fn strangers_readers_and_the_expired_append_nothing() {
    on_each(|store| {
        let relay = asking(store);
        let until = Some(at(10));
        let ending = Member { until, ..member(3, RW) };
        let mut bytes = envelope(&key(1), epoch(1), 1, 50);
        assert_eq!(relay.append(1, &bytes), refused(Rejection::UnknownChannel));
        relay.set(1, &list(1, None, &[member(1, RW), member(2, Rights::Read), ending]));
        let denied = refused(Rejection::NotPermitted);
        assert_eq!(relay.append(4, &bytes), denied, "not even another's");
        assert_eq!(relay.append(4, &envelope(&key(4), epoch(1), 1, 50)), denied);
        assert_eq!(relay.append(2, &envelope(&key(2), epoch(1), 1, 50)), denied);
        let late = Asking { now: at(10), ..asking(store) };
        assert_eq!(late.append(3, &envelope(&key(3), epoch(1), 1, 50)), denied);
        assert_eq!(relay.append(3, &envelope(&key(3), epoch(1), 1, 50)), Outcome::Stored);
        assert_eq!(relay.append(2, &bytes), Outcome::Stored, "a reader re-offers a writer's");
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(relay.append(1, &bytes), refused(Rejection::BadSignature));
        assert_eq!(relay.append(1, &[1, 2, 3]), refused(Rejection::Malformed));
    });
}

/// More than one thread checks at a time.
#[test]
fn each_of_many_envelopes_is_answered_in_its_place() {
    on_each(|store| {
        let relay = asking(store);
        relay.set(1, &list(1, None, &[member(1, RW)]));
        let (spoiled, cut) = ([3, 20, 99], [16, 17]);
        let mut offered: Vec<Vec<u8>> =
            (1..=100).map(|seq| envelope(&key(1), epoch(1), seq, 50)).collect();
        for n in spoiled {
            *offered[n].last_mut().unwrap() ^= 1;
        }
        for n in cut {
            offered[n].truncate(3);
        }
        let envelopes = offered.into_iter().map(Into::into).collect();
        let request = SyncRequest { envelopes, ..SyncRequest::default() };
        let expected = |n: usize| match n {
            n if spoiled.contains(&n) => refused(Rejection::BadSignature),
            n if cut.contains(&n) => refused(Rejection::Malformed),
            _ => Outcome::Stored,
        };
        let expected: Vec<Outcome> = (0..100).map(expected).collect();
        assert_eq!(relay.request(1, request).results.envelopes, expected);
    });
}

#[test]
fn only_the_control_key_sets_a_list_and_only_over_the_one_it_knows() {
    on_each(|store| {
        let relay = asking(store);
        let mut forged = AccessList::check(&list(1, None, &[member(5, RW)])).unwrap().into_inner();
        assert_eq!(relay.set(5, &Signed::new(&forged, &key(5))), refused(Rejection::BadSignature));
        forged.control = key(5).verification_key();
        assert_eq!(relay.set(5, &Signed::new(&forged, &key(5))), refused(Rejection::BadSignature));

        let first = list(1, None, &[member(1, RW), member(2, Rights::Read)]);
        assert_eq!(relay.set(2, &first), refused(Rejection::NotPermitted));
        assert_eq!(relay.set(1, &first), Outcome::Stored);
        let second = list(2, Some(first.payload_hash()), &[member(1, RW)]);
        let rival = list(2, Some(first.payload_hash()), &[member(1, RW), member(9, RW)]);
        assert_eq!(relay.set(1, &second), Outcome::Stored);
        let lists = vec![rival.clone()];
        let request = SyncRequest { access_lists: lists, ..SyncRequest::default() };
        let told = relay.request(1, request.clone()).results;
        assert_eq!(told.access_lists, [refused(Rejection::AccessConflict)]);
        assert_eq!(told.conflicts, [AccessConflict { index: 0, current: second.clone() }]);
        assert_eq!(relay.request(9, request).results.conflicts, [], "no stranger is told");
        assert_eq!(relay.set(1, &first), refused(Rejection::AccessConflict), "replayed");
        let unaware = list(9, Some(first.payload_hash()), &[member(1, RW)]);
        assert_eq!(relay.set(1, &unaware), refused(Rejection::AccessConflict));
        let same_serial = list(2, Some(second.payload_hash()), &[member(1, RW)]);
        assert_eq!(relay.set(1, &same_serial), refused(Rejection::AccessConflict));
    });
}

#[test]
fn once_a_successor_is_named_the_old_control_key_has_no_say() {
    on_each(|store| {
        let relay = asking(store);
        let succeeded = |serial, before: &Signed<AccessList>, by: &SigningKey, next: u8| {
            let mut list = list(serial, Some(before.payload_hash()), &[member(1, RW)])
                .verify()
                .unwrap()
                .into_inner();
            list.successor = Some(key(next).verification_key());
            Signed::new(&list, by)
        };
        let first = list(1, None, &[member(1, RW), member(2, RW)]);
        relay.set(1, &first);
        let second = succeeded(2, &first, &control(), 101);
        assert_eq!(relay.set(1, &second), Outcome::Stored);
        // The old key's next list, with and without a successor of its own.
        let denied = refused(Rejection::NotPermitted);
        let back = list(3, Some(second.payload_hash()), &[member(2, RW)]);
        for (asker, bad) in [(2, &back), (100, &back), (100, &succeeded(3, &second, &control(), 2))]
        {
            assert_eq!(relay.set(asker, bad), denied);
        }
        let drop = DropEpoch::new(control().verification_key(), NONCE, epoch(9));
        let drops = |by: &SigningKey| {
            let drop_epochs = vec![Signed::new(&drop, by)];
            relay.request(1, SyncRequest { drop_epochs, ..SyncRequest::default() }).results
        };
        assert_eq!(drops(&control()).drop_epochs, [denied]);
        assert_eq!(drops(&key(101)).drop_epochs, [Outcome::Stored]);
        relay.append(1, &envelope(&key(1), epoch(1), 1, 50));
        assert_eq!(relay.feed(100, None), [], "nor is it handed anything");
        assert_eq!(relay.feed(101, None).len(), 1, "the list that named it");
        // A third takes over from the second.
        let third = succeeded(3, &second, &key(101), 102);
        assert_eq!(relay.set(1, &third), Outcome::Stored);
        assert_eq!(relay.set(1, &succeeded(4, &third, &key(101), 101)), denied);
        assert_eq!(relay.set(1, &succeeded(4, &third, &key(102), 102)), Outcome::Stored);
    });
}

#[test]
fn a_new_reader_gets_the_live_epoch_and_all_only_with_history() {
    on_each(|store| {
        let relay = asking(store);
        let first = list(1, None, &[member(1, RW)]);
        relay.set(1, &first);
        relay.append(1, &envelope(&key(1), epoch(2), 1, 50));
        relay.append(1, &envelope(&key(1), epoch(1), 2, 50));
        let historian = Member { history: true, ..member(3, Rights::Read) };
        let members = [member(1, RW), member(2, Rights::Read), historian];
        let second = list(2, Some(first.payload_hash()), &members);
        assert_eq!(relay.set(1, &second), Outcome::Stored);
        assert_eq!(relay.feed(2, None).len(), 1);
        assert_eq!(relay.feed(3, None).len(), 2);
        // Setting another list hands nobody anything twice.
        let third = list(3, Some(second.payload_hash()), &members);
        assert_eq!(relay.set(1, &third), Outcome::Stored);
        assert_eq!(relay.feed(2, None).len(), 1);
        let gone = list(4, Some(third.payload_hash()), &[member(1, RW)]);
        assert_eq!(relay.set(1, &gone), Outcome::Stored);
        assert_eq!(relay.feed(2, None), []);
    });
}

#[test]
fn whoever_was_extended_after_the_end_gets_what_came_meanwhile() {
    on_each(|store| {
        let ending = Member { until: Some(at(10)), ..member(2, Rights::Read) };
        let first = list(1, None, &[member(1, RW), ending]);
        asking(store).set(1, &first);
        let late = Asking { now: at(20), ..asking(store) };
        late.append(1, &envelope(&key(1), epoch(1), 1, 50));
        let cursor = late.request(2, SyncRequest::default()).cursor;
        assert_eq!(late.feed(2, None), []);
        let extended = [member(1, RW), member(2, Rights::Read)];
        assert_eq!(late.set(1, &list(2, Some(first.payload_hash()), &extended)), Outcome::Stored);
        assert_eq!(late.feed(2, Some(cursor)).len(), 1);
    });
}

#[test]
fn an_empty_relay_is_filled_from_a_device_with_what_others_wrote() {
    on_each(|store| {
        let relay = asking(store);
        let current = list(7, Some([9; 32]), &[member(1, RW), member(2, Rights::Read)]);
        assert_eq!(relay.set(1, &current), Outcome::Stored);
        let left = envelope(&key(5), epoch(1), 1, 50);
        assert_eq!(relay.append(2, &left), refused(Rejection::NotPermitted));
        assert_eq!(relay.append(1, &left), Outcome::Stored);
        assert_eq!(relay.feed(2, None).len(), 1);
    });
}

#[test]
fn a_spoiled_copy_does_not_keep_the_good_one_out() {
    on_each(|store| {
        let relay = asking(store);
        relay.set(1, &list(1, None, &[member(1, RW), member(2, RW)]));
        let good = envelope(&key(1), epoch(1), 1, 50);
        let mut spoiled = good.clone();
        // Inside the ciphertext, which precedes the 66 bytes of the signature.
        let at = spoiled.len() - 80;
        spoiled[at] ^= 1;
        assert_eq!(relay.append(2, &spoiled), Outcome::Stored, "the relay cannot tell");
        assert_eq!(relay.append(1, &good), Outcome::Stored);
        assert_eq!(relay.feed(1, None).len(), 2);
    });
}

#[test]
fn cursors_of_another_relay_or_a_lost_past_start_anew() {
    let store = MemoryStore::new([1; 16]);
    let relay = asking(&store);
    relay.set(1, &list(1, None, &[member(1, RW)]));
    relay.append(1, &envelope(&key(1), epoch(1), 1, 50));
    let old = store.reopen([9; 8]);
    relay.append(1, &envelope(&key(1), epoch(1), 2, 50));
    let cursor = relay.request(1, SyncRequest::default()).cursor;
    let again = SyncRequest { cursor: Some(cursor), ..SyncRequest::default() };
    let same = relay.request(1, again.clone());
    assert!(!same.reset && same.items.is_empty());
    let fresh = old.reopen([7; 8]);
    let rolled_back = asking(&old).request(1, again.clone());
    assert!(rolled_back.reset);
    assert_eq!((rolled_back.items.len(), rolled_back.relay), (1, [1; 16]));
    // Also when the lost positions have been given out again.
    for seq in 10..19 {
        asking(&old).append(1, &envelope(&key(1), epoch(1), seq, 50));
    }
    assert!(asking(&old).request(1, again.clone()).reset);
    let restarted = asking(&store.reopen([8; 8])).request(1, again.clone());
    assert!(!restarted.reset, "a restart alone loses nothing");
    // Judged before what is pushed moves the end past the cursor.
    let many = (3..9).map(|seq| envelope(&key(1), epoch(1), seq, 50).into()).collect();
    let pushing = SyncRequest { envelopes: many, ..again.clone() };
    assert!(asking(&fresh).request(1, pushing).reset);
    let other = MemoryStore::new([2; 16]);
    let reborn = asking(&other).request(1, again);
    assert!(reborn.reset && reborn.relay == [2; 16]);
}

#[test]
fn letters_reach_their_mailbox_within_rates_and_quotas() {
    on_each(|store| {
        let limits =
            RelayLimits { letters_per_day: 2, mailbox_letters: 3, ..RelayLimits::default() };
        let relay = Asking { limits, ..asking(store) };
        let to = key(2).verification_key();
        let send = |relay: &Asking<'_>, n: u8, body: Vec<u8>| {
            let letters = vec![Letter { to, body: body.into() }];
            let request = SyncRequest { letters, ..SyncRequest::default() };
            relay.request(n, request).results.letters[0]
        };
        assert_eq!(send(&relay, 1, vec![1; 10]), Outcome::Stored);
        assert_eq!(send(&relay, 1, vec![1; 10]), Outcome::Known);
        assert_eq!(send(&relay, 1, vec![2; 10]), Outcome::Stored);
        assert_eq!(send(&relay, 1, vec![3; 10]), refused(Rejection::RateLimited));
        assert_eq!(send(&relay, 3, vec![1; 10]), Outcome::Stored, "another sender's is another");
        assert_eq!(send(&relay, 4, vec![4; 10]), refused(Rejection::QuotaExceeded));
        let shared = RelayLimits { sender_letters: 2, ..RelayLimits::default() };
        let shared = Asking { limits: shared, ..asking(store) };
        let other = |n: u8, mark: u8| {
            let letter = Letter { to: key(9).verification_key(), body: vec![mark; 5].into() };
            let request = SyncRequest { letters: vec![letter], ..SyncRequest::default() };
            shared.request(n, request).results.letters[0]
        };
        assert_eq!((other(1, 1), other(1, 2)), (Outcome::Stored, Outcome::Stored));
        assert_eq!(other(1, 3), refused(Rejection::QuotaExceeded), "one sender has a share");
        assert_eq!(other(3, 3), Outcome::Stored);
        let huge = vec![0; crate::wire::LETTER_MAX + 1];
        assert_eq!(send(&relay, 5, huge), refused(Rejection::TooLarge));

        let inbox = relay.request(2, SyncRequest::default());
        assert_eq!(inbox.items.len(), 3);
        let first = DeliveredLetter::decode(&inbox.items[0].bytes).unwrap();
        assert_eq!((first.from, first.body.len()), (key(1).verification_key(), 10));
        // Acknowledged now, deleted after 30 days, and not before.
        let cursor = Some(inbox.cursor);
        assert_eq!(relay.feed(2, cursor), []);
        let month = Asking { now: at(30 * 86_400), limits, ..asking(store) };
        month.feed(2, cursor);
        assert_eq!(month.feed(2, None).len(), 3);
        let later = Asking { now: at(31 * 86_400), limits, ..asking(store) };
        later.feed(2, cursor);
        assert_eq!(later.feed(2, None), []);
        assert_eq!(send(&later, 4, vec![4; 10]), Outcome::Stored, "there is room again");
    });
}

#[test]
fn an_epoch_is_dropped_once_it_is_no_longer_live_and_was_read() {
    on_each(|store| {
        let relay = asking(store);
        let device = Member { history: true, ..member(1, RW) };
        relay.set(1, &list(1, None, &[device, member(2, Rights::Read)]));
        relay.append(1, &envelope(&key(1), epoch(1), 1, 50));
        let old = envelope(&key(1), epoch(2), 1, 60);
        relay.append(1, &old);
        let drop = |n: u8, e: u8, signer: &SigningKey, cursor: Option<Cursor>| {
            let drop = DropEpoch::new(control().verification_key(), NONCE, epoch(e));
            let drop_epochs = vec![Signed::new(&drop, signer)];
            let request = SyncRequest { cursor, drop_epochs, ..SyncRequest::default() };
            relay.request(n, request).results.drop_epochs[0]
        };
        let read = |n: u8| Some(relay.request(n, SyncRequest::default()).cursor);
        assert_eq!(drop(1, 2, &key(1), read(1)), refused(Rejection::NotPermitted));
        assert_eq!(drop(2, 2, &control(), read(2)), refused(Rejection::NotPermitted));
        assert_eq!(drop(1, 1, &control(), read(1)), refused(Rejection::EpochLive));
        assert_eq!(drop(1, 2, &control(), None), refused(Rejection::Unread));
        assert_eq!(drop(1, 2, &control(), read(1)), Outcome::Stored);
        assert_eq!(relay.feed(2, None).len(), 1);
        assert_eq!(relay.append(1, &old), Outcome::Known, "what was dropped stays so");
        let before = read(1);
        let late = envelope(&key(1), epoch(2), 2, 60);
        assert_eq!(relay.append(1, &late), Outcome::Stored, "what nobody had seen is not lost");
        assert_eq!(drop(1, 2, &control(), before), refused(Rejection::Unread), "nor is it then");
        assert_eq!(relay.feed(1, None).len(), 2);
        assert_eq!(drop(1, 2, &control(), read(1)), Outcome::Stored, "any number of times");
        assert_eq!(relay.feed(1, None).len(), 1);
    });
}

#[test]
fn an_epoch_that_no_list_names_goes_to_those_with_history_until_one_does() {
    on_each(|store| {
        let relay = asking(store);
        let device = Member { history: true, ..member(1, RW) };
        let members = [device, member(2, Rights::Read)];
        let first = list(1, None, &members);
        relay.set(1, &first);
        relay.append(1, &envelope(&key(1), epoch(1), 1, 50));
        relay.append(1, &envelope(&key(1), epoch(2), 1, 60));
        assert_eq!((relay.feed(1, None).len(), relay.feed(2, None).len()), (2, 1));
        let control = control();
        let replaces = Some(first.payload_hash());
        let next = AccessList::new(
            control.verification_key(),
            NONCE,
            2,
            replaces,
            [epoch(1), epoch(2)],
            members,
        );
        assert_eq!(relay.set(1, &Signed::new(&next, &control)), Outcome::Stored);
        assert_eq!((relay.feed(1, None).len(), relay.feed(2, None).len()), (2, 2));
    });
}

#[test]
fn a_channel_can_be_fetched_once_more_by_its_readers_and_control_key() {
    on_each(|store| {
        let relay = asking(store);
        relay.set(1, &list(1, None, &[member(1, RW), member(2, Rights::Read)]));
        relay.append(1, &envelope(&key(1), epoch(1), 1, 50));
        relay.append(1, &envelope(&key(1), epoch(2), 2, 50));
        let cursor = Some(relay.request(2, SyncRequest::default()).cursor);
        let fetch_channels = vec![channel()];
        let fetch = SyncRequest { cursor, fetch_channels, ..SyncRequest::default() };
        let again = relay.request(2, fetch.clone());
        assert_eq!(again.results.fetch_channels, [Outcome::Stored]);
        assert_eq!(again.items.len(), 1, "its live epoch");
        let stranger = relay.request(9, fetch.clone());
        assert_eq!(stranger.results.fetch_channels, [refused(Rejection::NotPermitted)]);
        let control = relay.request(100, SyncRequest { cursor: None, ..fetch });
        let kinds: Vec<_> = control.items.iter().map(|item| item.kind).collect();
        assert_eq!(kinds, [ItemKind::AccessList, ItemKind::Envelope, ItemKind::Envelope]);
        let told: Signed<AccessList> = codec::decode(&control.items[0].bytes, 1 << 20).unwrap();
        assert!(AccessList::check(&told).is_ok());
    });
}

#[test]
fn a_full_channel_takes_no_more_and_a_key_opens_so_many_a_day() {
    on_each(|store| {
        let limits =
            RelayLimits { channel_bytes: 1000, channels_per_day: 1, ..RelayLimits::default() };
        let relay = Asking { limits, ..asking(store) };
        relay.set(1, &list(1, None, &[member(1, RW)]));
        assert_eq!(relay.append(1, &envelope(&key(1), epoch(1), 1, 300)), Outcome::Stored);
        let more = envelope(&key(1), epoch(1), 2, 650);
        assert_eq!(relay.append(1, &more), refused(Rejection::QuotaExceeded));
        let limits = RelayLimits { bytes_per_day: 1000, ..RelayLimits::default() };
        let a_day = Asking { limits, ..asking(store) };
        assert_eq!(a_day.append(1, &more), refused(Rejection::RateLimited));
        assert_eq!(Asking { now: at(86_400), ..a_day }.append(1, &more), Outcome::Stored);
        let other = key(101);
        let members = [member(1, RW)];
        let list = AccessList::new(other.verification_key(), NONCE, 1, None, [], members);
        let signed = Signed::new(&list, &other);
        assert_eq!(relay.set(1, &signed), refused(Rejection::RateLimited));
    });
}

#[test]
fn a_rendezvous_object_is_kept_under_its_hash_for_an_hour() {
    on_each(|store| {
        let limits = RelayLimits { blobs_per_day: 1, ..RelayLimits::default() };
        let sender = key(1).verification_key();
        let put = |id: &ObjectId, bytes: &[u8]| {
            put_blob(id, bytes.to_vec(), &sender, at(0), &limits, store).unwrap()
        };
        let id = object_id(b"hello");
        assert_eq!(put(&id, b"hell0"), refused(Rejection::Malformed));
        assert_eq!(put(&object_id(&[0; 9000]), &[0; 9000]), refused(Rejection::TooLarge));
        assert_eq!(put(&id, b"hello"), Outcome::Stored);
        assert_eq!(put(&id, b"hello"), refused(Rejection::RateLimited));
        assert_eq!(fetch_blob(&id, at(3599), store).unwrap(), Some(b"hello".to_vec()));
        assert_eq!(fetch_blob(&id, at(3600), store).unwrap(), None);
    });
}
