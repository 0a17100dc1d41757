//! What crosses the wire when somebody goes on writing a text, byte for byte.

use std::collections::BTreeMap;

use automerge::transaction::{CommitOptions, Transactable as _};
use automerge::{AutoCommit, ObjType, ROOT};
use passport_core::codec;
use passport_core::envelope::{SealedEnvelope, Stretch};
use passport_core::holder::{Holder, NewEntry, Profile};
use passport_core::id::{EntryId, EpochId};
use passport_core::keys::SigningKey;
use passport_core::party::Party as _;
use passport_core::section::{Code, Value};
use passport_core::time::Timestamp;
use passport_core::vault::MemoryVault;
use passport_sync::client::exchange::{Exchange, Exchanged, LiveExchange, LiveTurn, Transport};
use passport_sync::client::{RemoteConfig, RemoteError};
use passport_sync::session::{BackoffPolicy, Live, RelayLimits, Reset, check, handle};
use passport_sync::store::MemoryStore;
use passport_sync::wire::{LiveFrame, Said, SyncRequest, SyncResponse};
use passport_tests::histories::from_environment;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng as _, SeedableRng as _};

const URL: &str = "http://relay.example";
/// What is added in one edit.
const SENTENCE: &str = "Prefers morning appointments; hay fever, cetirizine 10 mg.";
const EDITS: usize = 1_050;

/// A relay that counts what it is sent and sends.
struct Counting {
    store: MemoryStore,
    requests: usize,
    sent: usize,
}

impl Counting {
    fn new() -> Self {
        Self { store: MemoryStore::new([1; 16]), requests: 0, sent: 0 }
    }

    /// Everything there is for a key, from the beginning.
    fn cold(&self, key: &SigningKey) -> SyncResponse {
        let request = SyncRequest { max_bytes: u32::MAX, ..SyncRequest::default() };
        let key = key.verification_key();
        handle(request, &key, now(), &RelayLimits::default(), &self.store).unwrap().response
    }
}

impl Transport for Counting {
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        _: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        self.requests += 1;
        self.sent += codec::encode(request).len();
        let asked = SyncRequest::decode(&codec::encode(request)).unwrap();
        let (key, limits) = (key.verification_key(), RelayLimits::default());
        let response = handle(asked, &key, now, &limits, &self.store).unwrap().response;
        let reset = check(request, &response).unwrap();
        Ok((response, reset))
    }
}

fn now() -> Timestamp {
    Timestamp::from_seconds(1_790_000_000)
}

fn exchange(party: &mut Holder<MemoryVault>, relay: &mut Counting, rng: &mut ChaCha20Rng) {
    let mut exchange = Exchange {
        now: now(),
        policy: BackoffPolicy::default(),
        pause: &mut |_| {},
        config: RemoteConfig::default(),
        progress: &mut |_| {},
    };
    let done = exchange.through(relay, party, URL, rng).unwrap();
    assert!(done.failed.is_none());
}

/// A student who has written so many sentences, each in an edit of its own, as they were sent.
struct Written {
    phone: Holder<MemoryVault>,
    relay: Counting,
    epoch: EpochId,
    rng: ChaCha20Rng,
    /// Bytes uploaded for the edits, packs included.
    uploaded: usize,
}

/// How often the relay says that it is there, in seconds.
const BEAT: usize = 20;
/// Seconds between two edits.
const PAUSE: usize = 7;
/// Edits to one text: then the next begins.
const TEXT: usize = 1_050;

/// A relay that is connected live, and every byte of what goes there.
struct Connected {
    store: MemoryStore,
    live: Live,
    said: [Said; 2],
    heard: [Said; 2],
    sent: usize,
}

impl Connected {
    fn new(store: MemoryStore, key: &SigningKey) -> Self {
        let live = Live::new(key.verification_key());
        Self { store, live, said: Default::default(), heard: Default::default(), sent: 0 }
    }

    /// A request and its answer, as they go over the connection.
    fn ask(&mut self, request: SyncRequest, at: Timestamp) -> LiveFrame {
        let frame = self.said[0].request(request);
        self.sent += 4 + frame.len();
        let request = self.heard[0].read_request(&frame).unwrap();
        let limits = RelayLimits::default();
        let response = self.live.request(request, at, &limits, &self.store).unwrap().response;
        let frame = self.said[1].frame(LiveFrame::Answer { response });
        // What it pushed is in its own feed, and is passed over.
        assert_eq!(self.live.arrival(at, &self.store).unwrap(), None);
        self.heard[1].read_frame(&frame).unwrap()
    }
}

/// Everything there is to offer, and its answers.
fn offer(
    phone: &mut Holder<MemoryVault>,
    exchange: &mut LiveExchange,
    relay: &mut Connected,
    at: Timestamp,
    rng: &mut ChaCha20Rng,
) {
    let mut done = Exchanged::default();
    while let Some(request) = exchange.offer(phone, at, rng).unwrap() {
        let answer = relay.ask(request, at);
        exchange.take(phone, answer, at, &mut done).unwrap();
    }
    assert_eq!(done.refused, 0);
}

/// As [`written`], on a live connection, by somebody who makes no pause until the end.
fn written_live(edits: usize, sentence: impl Fn(usize) -> String) -> Written {
    let Written { mut phone, relay, mut rng, .. } = written(0, 1, &sentence);
    let mut relay = Connected::new(relay.store, phone.request_key());
    let (mut exchange, first) = LiveExchange::begin(&mut phone, URL).unwrap();
    let (answer, mut done) = (relay.ask(first, now()), Exchanged::default());
    exchange.take(&mut phone, answer, now(), &mut done).unwrap();
    offer(&mut phone, &mut exchange, &mut relay, now(), &mut rng);
    relay.sent = 0;
    let (mut text, mut entry) = (String::new(), None);
    for n in 0..edits {
        if n % TEXT == 0 {
            let sent = relay.sent;
            entry = Some(add(&mut phone, &mut rng));
            text.clear();
            offer(&mut phone, &mut exchange, &mut relay, now(), &mut rng);
            relay.sent = sent;
        }
        text.push_str(&sentence(n));
        let note = [("note".to_owned(), Some(Value::Prose(text.clone())))];
        let seconds = now().as_seconds() + i64::try_from(PAUSE * n).unwrap();
        let at = Timestamp::from_seconds(seconds);
        phone.edit(entry.unwrap(), &note, at, &mut rng).unwrap();
        offer(&mut phone, &mut exchange, &mut relay, at, &mut rng);
        if (PAUSE * n) / BEAT != (PAUSE * (n + 1)) / BEAT {
            assert_eq!(exchange.beat(), LiveTurn::Rest, "it goes on");
        }
    }
    // Silence, for two beats at most.
    let _ = exchange.beat();
    while exchange.beat() == LiveTurn::Offer {
        offer(&mut phone, &mut exchange, &mut relay, now(), &mut rng);
    }
    let uploaded = relay.sent;
    let relay = Counting { store: relay.store, requests: 0, sent: 0 };
    let epoch = phone.fold().current(&"medications".parse().unwrap())[0];
    Written { phone, relay, epoch, rng, uploaded }
}

fn add(phone: &mut Holder<MemoryVault>, rng: &mut ChaCha20Rng) -> EntryId {
    let entry = NewEntry {
        section: "medications".parse().unwrap(),
        kind: "medication".to_owned(),
        fields: vec![
            ("item".to_owned(), Value::Code(Code::text("cetirizine"))),
            ("note".to_owned(), Value::Prose(String::new())),
        ],
    };
    phone.add(&[entry], now(), rng).unwrap()[0]
}

fn written(edits: usize, at_once: usize, sentence: impl Fn(usize) -> String) -> Written {
    let mut rng = ChaCha20Rng::seed_from_u64(40);
    let profile = Profile {
        name: "Amina Yusuf".to_owned(),
        device_name: "phone".to_owned(),
        relays: vec![URL.to_owned()],
        ..Profile::default()
    };
    let (mut phone, _) = Holder::create(MemoryVault::new(), &profile, now(), &mut rng).unwrap();
    let entry = add(&mut phone, &mut rng);
    let mut relay = Counting::new();
    exchange(&mut phone, &mut relay, &mut rng);
    relay.sent = 0;
    let mut text = String::new();
    for n in 0..edits {
        text.push_str(&sentence(n));
        let note = [("note".to_owned(), Some(Value::Prose(text.clone())))];
        let at = Timestamp::from_seconds(now().as_seconds() + 7 * i64::try_from(n).unwrap());
        phone.edit(entry, &note, at, &mut rng).unwrap();
        if (n + 1) % at_once == 0 {
            exchange(&mut phone, &mut relay, &mut rng);
        }
    }
    let epoch = phone.fold().current(&"medications".parse().unwrap())[0];
    let uploaded = relay.sent;
    Written { phone, relay, epoch, rng, uploaded }
}

/// Plain Automerge's whole document of the same text in as many changes.
fn plain(edits: usize, sentence: impl Fn(usize) -> String) -> usize {
    let mut document = AutoCommit::new();
    let text = document.put_object(ROOT, "note", ObjType::Text).unwrap();
    let mut len = 0;
    for n in 0..edits {
        let sentence = sentence(n);
        document.splice_text(&text, len, 0, &sentence).unwrap();
        len += sentence.len();
        let time = now().as_seconds() + 7 * i64::try_from(n).unwrap();
        document.commit_with(CommitOptions::default().with_time(time));
    }
    document.save().len()
}

/// As long as [`SENTENCE`], of words that people use.
fn varied(n: usize) -> String {
    const WORDS: [&str; 48] = [
        "morning",
        "evening",
        "took",
        "felt",
        "better",
        "worse",
        "headache",
        "slept",
        "badly",
        "nurse",
        "surgery",
        "appointment",
        "doctor",
        "asked",
        "about",
        "dose",
        "tablet",
        "with",
        "food",
        "after",
        "before",
        "walked",
        "home",
        "campus",
        "lecture",
        "tired",
        "anxious",
        "calm",
        "phoned",
        "mother",
        "friend",
        "helped",
        "again",
        "tomorrow",
        "week",
        "since",
        "stopped",
        "started",
        "small",
        "rash",
        "arm",
        "chest",
        "inhaler",
        "twice",
        "none",
        "pharmacy",
        "letter",
        "result",
    ];
    let mut rng = ChaCha20Rng::seed_from_u64(u64::try_from(n).unwrap());
    let mut sentence = String::new();
    while sentence.len() < SENTENCE.len() {
        sentence.push_str(WORDS[(rng.next_u32() as usize) % WORDS.len()]);
        sentence.push(' ');
    }
    sentence.truncate(SENTENCE.len());
    sentence
}

/// Bytes of a section's items in a cold answer, and how many items and single envelopes.
fn of_epoch(response: &SyncResponse, epoch: &EpochId) -> (usize, usize, usize) {
    let of = |bytes: &[u8]| Stretch::of(&SealedEnvelope::decode(bytes).ok()?);
    let items: Vec<_> = response
        .items
        .iter()
        .filter_map(|item| Some((item, of(&item.bytes)?)))
        .filter(|(_, stretch)| stretch.epoch == *epoch)
        .collect();
    let bytes = items.iter().map(|(item, _)| codec::encode(*item).len()).sum();
    (bytes, items.len(), items.iter().filter(|(_, stretch)| !stretch.packed).count())
}

#[test]
fn a_cold_reader_of_many_edits_fetches_little_more_than_their_text() {
    let mut measured = BTreeMap::new();
    // One sent by one, and where the writer was offline for a while.
    let repeated = |_| SENTENCE.to_owned();
    for (name, at_once, sentence) in
        [("varied", 1, varied as fn(usize) -> String), ("repeated", 6, repeated)]
    {
        let mut w = written(EDITS, at_once, sentence);
        let cold = w.relay.cold(w.phone.request_key());
        let (bytes, items, single) = of_epoch(&cold, &w.epoch);
        let plain = plain(EDITS, sentence);
        println!(
            "{name}: {bytes} bytes cold in {items} items, {single} of them single; plain {plain}; \
             {} uploaded an edit; whole answer {}",
            w.uploaded / EDITS,
            codec::encode(&cold).len()
        );
        assert!(!cold.more, "one round trip");
        measured.insert(name, (bytes, plain, single));

        // With nothing new, an exchange is one round trip.
        exchange(&mut w.phone, &mut w.relay, &mut w.rng);
        w.relay.requests = 0;
        exchange(&mut w.phone, &mut w.relay, &mut w.rng);
        assert_eq!(w.relay.requests, 1);
    }
    let (bytes, plain, single) = measured["varied"];
    assert!(single < 12, "{single} single envelopes");
    assert!(bytes * 2 <= plain * 3, "{bytes} bytes, plain {plain}");
    // Of one repeated sentence plain Automerge keeps next to nothing: what is left here is what
    // is sealed and signed, and the last few envelopes by themselves.
    for (bytes, plain, _) in measured.values() {
        let beside = bytes.saturating_sub(*plain) / EDITS;
        assert!(beside <= 12, "{beside} bytes an edit for sealing and signing");
    }
}

#[test]
fn what_is_written_live_is_sent_once_and_packed_twice() {
    // `PASSPORT_SIZES_EDITS` measures another length.
    let other = from_environment("PASSPORT_SIZES_EDITS").map(|n| usize::try_from(n).unwrap());
    for edits in other.map_or(vec![100, EDITS], |n| vec![n]) {
        let w = written_live(edits, varied);
        let (bytes, items, single) = of_epoch(&w.relay.cold(w.phone.request_key()), &w.epoch);
        let (each, plain) = (w.uploaded / edits, plain(edits, varied));
        println!(
            "{edits} live: {each} bytes uploaded an edit; cold {bytes} bytes in {items} items, \
             {single} of them single; plain {plain}"
        );
        // Where much is written the section begins anew, with a snapshot that is not compressed.
        assert!(edits > EDITS || each <= 340, "{each} bytes an edit");
        assert!(single < 12, "{single} single envelopes");
        assert!(edits != EDITS || bytes * 2 <= plain * 3, "{bytes} bytes, plain {plain}");
    }
}
