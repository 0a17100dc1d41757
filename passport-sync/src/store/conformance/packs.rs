//! Packs in the place of what they stand for, on each store.

use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::envelope::{Header, Kind, OpenedEnvelope, SealedEnvelope, pack, seal};
use passport_core::id::{ChannelId, EnvelopeId, EpochId};
use passport_core::keys::{PhaseKey, Signed, SigningKey};
use passport_core::time::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::{on_each, read, write};
use crate::session::{RelayLimits, handle};
use crate::store::Store;
use crate::wire::{Cursor, Outcome, Rejection, SyncRequest, SyncResponse, object_id};

const NONCE: [u8; 16] = [6; 16];

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn channel() -> ChannelId {
    channel_id(&key(100).verification_key(), &NONCE)
}

fn phase_key() -> PhaseKey {
    PhaseKey::from_bytes(&[7; 32])
}

/// One envelope of key `author`, as it is sent.
fn envelope(author: u8, seq: u64, prev: Option<EnvelopeId>, body: &[u8]) -> SealedEnvelope {
    let header = Header {
        version: Header::VERSION,
        suite: Header::SUITE,
        channel: channel(),
        epoch: EpochId::from_bytes([1; 32]),
        phase: 0,
        author: key(author).verification_key(),
        seq,
        prev,
        deps: Vec::new(),
        kind: Kind::Edits,
    };
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    seal(&header, body.to_vec(), &phase_key(), &key(author), &mut rng).unwrap()
}

/// A run that goes on after an envelope.
fn run(author: u8, after: Option<(u64, EnvelopeId)>, len: u64, body: &[u8]) -> Vec<SealedEnvelope> {
    let (first, mut prev) = after.map_or((1, None), |(seq, id)| (seq + 1, Some(id)));
    let next = |seq| {
        let sealed = envelope(author, seq, prev, body);
        prev = Some(sealed.id());
        sealed
    };
    (first..first + len).map(next).collect()
}

fn opened(envelopes: &[SealedEnvelope]) -> Vec<OpenedEnvelope> {
    let open = |e: &SealedEnvelope| e.clone().verify().unwrap().open(&phase_key()).unwrap();
    envelopes.iter().map(open).collect()
}

/// A pack of a run, sealed by its author.
fn packed(author: u8, envelopes: &[SealedEnvelope]) -> SealedEnvelope {
    pack(opened(envelopes)).pop().unwrap().seal(&phase_key(), &key(author)).unwrap()
}

fn bytes(envelopes: &[SealedEnvelope]) -> Vec<Vec<u8>> {
    envelopes.iter().map(SealedEnvelope::encode).collect()
}

struct Relay<'a> {
    store: &'a dyn Store,
    limits: RelayLimits,
}

impl Relay<'_> {
    fn request(&self, n: u8, request: SyncRequest) -> SyncResponse {
        let request = SyncRequest { max_bytes: 1 << 20, ..request };
        let now = Timestamp::from_seconds(1_800_000_000);
        let sender = key(n).verification_key();
        handle(request, &sender, now, &self.limits, self.store).unwrap().response
    }

    fn push(&self, n: u8, envelopes: &[SealedEnvelope]) -> Vec<Outcome> {
        let envelopes = bytes(envelopes).into_iter().map(Into::into).collect();
        self.request(n, SyncRequest { envelopes, ..SyncRequest::default() }).results.envelopes
    }

    fn feed(&self, n: u8, cursor: Option<Cursor>) -> Vec<Vec<u8>> {
        let items = self.request(n, SyncRequest { cursor, ..SyncRequest::default() }).items;
        items.into_iter().map(|item| item.bytes.into()).collect()
    }

    fn cursor(&self, n: u8) -> Cursor {
        self.request(n, SyncRequest::default()).cursor
    }

    /// What the relay counts of the channel's bytes.
    fn counted(&self) -> u64 {
        read(self.store, |s| s.channel(&channel())).unwrap().unwrap().bytes
    }
}

/// A channel of three who read and write, and a reader.
fn relay(store: &dyn Store) -> Relay<'_> {
    let member =
        |n, can| Member { key: key(n).verification_key(), can, until: None, history: false };
    let rw = Rights::ReadWrite;
    let members = [member(1, rw), member(2, rw), member(3, Rights::Read)];
    let epochs = [EpochId::from_bytes([1; 32])];
    let list = AccessList::new(key(100).verification_key(), NONCE, 1, None, epochs, members);
    let relay = Relay { store, limits: RelayLimits::default() };
    let lists = vec![Signed::new(&list, &key(100))];
    relay.request(1, SyncRequest { access_lists: lists, ..SyncRequest::default() });
    relay
}

#[test]
fn a_pack_stands_where_the_last_of_its_run_stood_and_its_parts_are_gone() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 20, b"dose");
        let beside = run(2, None, 1, b"note");
        relay.push(1, &all[..10]);
        let within = relay.cursor(3);
        relay.push(2, &beside);
        relay.push(1, &all[10..]);
        let past = relay.cursor(3);
        let after = envelope(1, 21, Some(all[19].id()), b"more");
        relay.push(1, core::slice::from_ref(&after));
        let pack = packed(1, &all);
        assert_eq!(relay.push(1, core::slice::from_ref(&pack)), [Outcome::Stored]);
        let (pack_bytes, note, after) = (pack.encode(), beside[0].encode(), after.encode());
        assert_eq!(
            relay.feed(3, Some(past)),
            core::slice::from_ref(&after),
            "who has read on fetches nothing again"
        );
        let rest = [note.clone(), pack_bytes.clone(), after.clone()];
        assert_eq!(relay.feed(3, Some(within)), rest, "who is within the run gets all of it");
        assert_eq!(relay.feed(3, None), rest, "and so does who begins");
        let kept = note.len() + pack_bytes.len() + after.len();
        assert_eq!(relay.counted(), kept as u64);
        assert_eq!(relay.push(1, core::slice::from_ref(&pack)), [Outcome::Known]);
    });
}

#[test]
fn a_pack_of_packs_and_more_takes_the_place_of_both() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 40, b"dose");
        relay.push(1, &all);
        let small = packed(1, &all[..16]);
        relay.push(1, core::slice::from_ref(&small));
        let middle = packed(1, &all[16..32]);
        relay.push(1, core::slice::from_ref(&middle));
        assert_eq!(relay.feed(3, None).len(), 10);
        let large = packed(1, &all);
        assert_eq!(relay.push(1, core::slice::from_ref(&large)), [Outcome::Stored]);
        assert_eq!(relay.feed(3, None), [large.encode()]);
        // An older pack that comes again is kept, and takes the place of nothing.
        relay.push(1, core::slice::from_ref(&small));
        assert_eq!(relay.feed(3, None), [large.encode(), small.encode()]);
    });
}

#[test]
fn where_the_relay_has_not_the_whole_run_nothing_goes() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 20, b"dose");
        relay.push(1, &all[..8]);
        relay.push(1, &all[9..]);
        let pack = packed(1, &all);
        assert_eq!(relay.push(1, core::slice::from_ref(&pack)), [Outcome::Stored]);
        assert_eq!(relay.feed(3, None).len(), 20);
        // Of what was never sent by itself, a pack is the first that comes.
        let later = run(1, Some((20, all[19].id())), 20, b"dose");
        let pack = packed(1, &later);
        relay.push(1, core::slice::from_ref(&pack));
        assert_eq!(relay.feed(3, None).last(), Some(&pack.encode()));
    });
}

#[test]
fn the_other_branch_of_a_fork_stays() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 20, b"dose");
        let fork = run(1, Some((9, all[8].id())), 3, b"of a copied device");
        relay.push(1, &all);
        relay.push(1, &fork);
        let pack = packed(1, &all);
        relay.push(1, core::slice::from_ref(&pack));
        let mut left = vec![pack.encode()];
        left.extend(bytes(&fork));
        assert_eq!(relay.feed(3, None), left);
    });
}

#[test]
fn only_its_author_or_the_control_key_puts_a_pack_in_the_place_of_a_run() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 20, b"dose");
        relay.push(1, &all);
        let pack = packed(1, &all);
        // Anybody may spoil the ciphertext: the signature does not cover it.
        let mut spoiled = pack.encode();
        let middle = spoiled.len() / 2;
        spoiled[middle] ^= 1;
        let spoiled = SealedEnvelope::decode(&spoiled).unwrap();
        assert_eq!(relay.push(2, &[spoiled, pack.clone()]), [Outcome::Stored; 2]);
        assert_eq!(relay.feed(3, None).len(), 22, "from another it is one more");
        // Of another's run, by one's own name.
        let header = Header { author: key(2).verification_key(), ..pack.header().clone() };
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let stolen = seal(&header, b"all gone".to_vec(), &phase_key(), &key(2), &mut rng).unwrap();
        assert_eq!(relay.push(2, &[stolen]), [Outcome::Stored]);
        assert_eq!(relay.feed(3, None).len(), 23);
        // One that goes on from another's, as if it were of the same line.
        let joined = envelope(2, 21, Some(all[19].id()), b"joined");
        let header = Header { seq: 22, prev: Some(joined.id()), deps: Vec::new(), ..header };
        let over = seal(&header, b"all gone".to_vec(), &phase_key(), &key(2), &mut rng).unwrap();
        relay.push(2, &[joined, over]);
        let left = relay.feed(3, None);
        assert_eq!(left.len(), 23, "what was its own is gone");
        assert!(bytes(&all).iter().all(|bytes| left.contains(bytes)), "and nothing else");
        let forged = [&pack.encode()[..], &[0]].concat();
        let malformed = SyncRequest { envelopes: vec![forged.into()], ..SyncRequest::default() };
        let outcome = relay.request(1, malformed).results.envelopes[0];
        assert_eq!(outcome, Rejection::Malformed.into());
        let more = run(1, Some((20, all[19].id())), 16, b"dose");
        relay.push(1, &more);
        let pack = packed(1, &more);
        relay.push(100, core::slice::from_ref(&pack));
        assert_eq!(relay.feed(3, None).len(), 24);
    });
}

#[test]
fn a_full_channel_takes_a_pack_that_makes_room() {
    on_each(|store| {
        let mut relay = relay(store);
        let all = run(1, None, 20, b"dose");
        relay.push(1, &all);
        relay.limits.channel_bytes = relay.counted();
        let more = envelope(1, 21, Some(all[19].id()), b"more");
        assert_eq!(relay.push(1, &[more]), [Rejection::QuotaExceeded.into()]);
        assert_eq!(relay.push(1, &[packed(1, &all)]), [Outcome::Stored]);
        assert_eq!(relay.feed(3, None).len(), 1);
    });
}

#[test]
fn a_write_that_fails_takes_nothing_out() {
    on_each(|store| {
        let relay = relay(store);
        let all = run(1, None, 20, b"dose");
        relay.push(1, &all);
        let parts = bytes(&all).iter().map(|bytes| object_id(bytes)).collect();
        let failed: Result<(), _> = write(store, move |tx| {
            tx.replace(&parts, &object_id(b"nothing"))?;
            Err(crate::store::StoreError::Stopped)
        });
        assert!(failed.is_err());
        assert_eq!(relay.feed(3, None), bytes(&all));
    });
}
