//! What a relay takes in batches and holds of many channels; what sealing and revoking cost.

use std::time::{Duration, Instant};

use passport_core::access::{AccessList, Member, Rights};
use passport_core::codec;
use passport_core::edit::{Edit, EditBody, NamedValue};
use passport_core::envelope::{Header, Kind, SealedEnvelope, seal};
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, Profile, Share};
use passport_core::id::EpochId;
use passport_core::keys::{Card, PhaseKey, Signed, SigningKey};
use passport_core::section::{Code, SectionName, Value, table};
use passport_sync::client::{Remote, RemoteConfig};
use passport_sync::wire::{Outcome, SyncRequest};
use passport_tests::kit::{World, prose, text};

use super::beside::Figures;
use super::live::TEXT;
use super::place::{Relay, ms, now, rng, vault};

/// Envelopes of one author in one channel.
struct Author {
    control: SigningKey,
    device: SigningKey,
    phase: PhaseKey,
    header: Header,
}

impl Author {
    fn new(n: u64) -> Self {
        let mut rng = rng(100 + n);
        let (control, device) = (SigningKey::generate(&mut rng), SigningKey::generate(&mut rng));
        let list = AccessList::new(control.verification_key(), [7; 16], 1, None, [], []);
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: list.channel,
            epoch: EpochId::from_bytes([1; 32]),
            phase: 0,
            author: device.verification_key(),
            seq: 0,
            prev: None,
            deps: Vec::new(),
            kind: Kind::Edits,
        };
        Self { phase: PhaseKey::generate(&mut rng), control, device, header }
    }

    fn list(&self) -> Signed<AccessList> {
        let key = self.device.verification_key();
        let member = Member { key, can: Rights::ReadWrite, until: None, history: true };
        let control = self.control.verification_key();
        let epoch = self.header.epoch;
        Signed::new(&AccessList::new(control, [7; 16], 1, None, [epoch], [member]), &self.control)
    }

    fn write(&mut self) -> SealedEnvelope {
        let fields = vec![NamedValue { name: "text".to_owned(), value: prose(TEXT) }];
        let nonce = [u8::try_from(self.header.seq % 256).unwrap(); 16];
        let edits = vec![Edit::Add { nonce, kind: "note".to_owned(), fields }];
        let body = codec::encode(&EditBody { at: now(), chain: None, edits, carries: None });
        self.header.seq += 1;
        let envelope = seal(&self.header, body, &self.phase, &self.device, &mut rng(5)).unwrap();
        self.header.prev = Some(envelope.id());
        envelope
    }
}

fn push(remote: &mut Remote, request: &SyncRequest, nonces: &mut impl rand_core::CryptoRng) {
    let (response, _) = remote.exchange(request, now(), nonces).unwrap();
    let results = response.results;
    assert!(results.access_lists.iter().chain(&results.envelopes).all(|o| *o == Outcome::Stored));
}

/// 1,000 envelopes singly, and 1,000 in tens of 100, each after the last was confirmed.
pub(crate) fn batches() -> Figures {
    let relay = Relay::start(&[]);
    let mut author = Author::new(0);
    let config = RemoteConfig::default();
    let mut remote = Remote::new(&relay.url, author.device.clone(), &config).unwrap();
    let mut nonces = rng(6);
    let access_lists = vec![author.list()];
    push(&mut remote, &SyncRequest { access_lists, ..SyncRequest::default() }, &mut nonces);
    let mut sent = |size: usize| -> f64 {
        let envelopes: Vec<_> = (0..1_000).map(|_| author.write().encode().into()).collect();
        let requests = envelopes.chunks(size);
        let requests: Vec<_> = requests
            .map(|some| SyncRequest { envelopes: some.to_vec(), ..SyncRequest::default() })
            .collect();
        let start = Instant::now();
        for request in &requests {
            push(&mut remote, request, &mut nonces);
        }
        ms(start.elapsed())
    };
    [("single_ms".to_owned(), sent(1)), ("batch100_ms".to_owned(), sent(100))].into()
}

/// 500 channels with 10 envelopes each, on one connection.
pub(crate) fn many() -> Figures {
    let relay = Relay::start(&[]);
    let mut authors: Vec<Author> = (1..=500).map(Author::new).collect();
    let device = authors[0].device.clone();
    let mut requests = Vec::new();
    for author in &mut authors {
        author.device = device.clone();
        author.header.author = device.verification_key();
        let envelopes = (0..10).map(|_| author.write().encode().into()).collect();
        let access_lists = vec![author.list()];
        requests.push(SyncRequest { access_lists, envelopes, ..SyncRequest::default() });
    }
    let mut remote = Remote::new(&relay.url, device, &RemoteConfig::default()).unwrap();
    let mut nonces = rng(6);
    let start = Instant::now();
    for request in &requests {
        push(&mut remote, request, &mut nonces);
    }
    let took = ms(start.elapsed());
    let memory = relay.memory();
    // The log is emptied after a lull, and counts for nothing then. Nobody unparks this.
    std::thread::park_timeout(Duration::from_millis(1_500));
    [("many_ms", took), ("many_rss", memory), ("many_kb", relay.disk())]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
}

/// One edit sealed and signed, verified and opened.
pub(crate) fn sealing() -> Figures {
    const EDITS: u32 = 1_000;
    let mut author = Author::new(0);
    let start = Instant::now();
    let sealed: Vec<_> = (0..EDITS).map(|_| author.write()).collect();
    let sealing = start.elapsed() / EDITS;
    let bytes = sealed.iter().map(|e| e.encode().len()).sum::<usize>() as f64 / f64::from(EDITS);
    let start = Instant::now();
    for envelope in sealed {
        envelope.verify().unwrap().open(&author.phase).unwrap();
    }
    let opening = start.elapsed() / EDITS;
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    [("enc_us", us(sealing)), ("dec_us", us(opening)), ("sealed_bytes", bytes)]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
}

/// One of three readers of all sections loses them all; then the first write.
pub(crate) fn revoking() -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = rng(8);
    let profile = Profile { name: "Amina".into(), ..Profile::default() };
    let vault = vault(&folder.path().join("a"), &mut rng);
    let mut student = Holder::create(vault, &profile, now(), &mut rng).unwrap().0;
    let code = |t: &str| Value::Code(Code::text(t.to_owned()));
    let entry = |section: &str, kind: &str, field: &str, value: Value| NewEntry {
        section: section.parse().unwrap(),
        kind: kind.to_owned(),
        fields: vec![(field.to_owned(), value)],
    };
    let entries = [
        entry("registrations", "registration", "practice", text("Elm Street Surgery")),
        entry("contacts", "contact", "name", text("Sam Okafor")),
        entry("problems", "problem", "condition", code("asthma")),
        entry("allergies", "allergy", "agent", code("penicillin")),
        entry("medications", "medication", "item", code("salbutamol")),
        entry("immunisations", "immunisation", "vaccine", code("MMR")),
        entry("results", "result", "what", code("peak flow")),
        entry("plan", "action", "action", prose("ask for extra time")),
        entry("adjustments", "adjustment", "adjustment", code("extra time")),
        entry("documents", "document", "title", text("letter")),
    ];
    student.add(&entries, now(), &mut rng).unwrap();
    let sections: Vec<SectionName> =
        table::SECTIONS.iter().filter(|s| s.shareable).map(|s| s.name.parse().unwrap()).collect();
    let cards = World::new(5, 3).cards;
    for card in &cards {
        let card = Card::verify(card.clone()).unwrap();
        student.add_contact(&card, true, now(), &mut rng).unwrap();
        let share = Share {
            sections: sections.clone(),
            organisation: card.id(),
            can: Right::Contribute,
            until: None,
            purpose: "care".to_owned(),
            history: false,
            nhs_number: None,
            unverified: false,
        };
        student.share(&share, now(), &mut rng).unwrap();
    }
    let gone = Card::verify(cards[1].clone()).unwrap().id();
    let start = Instant::now();
    student.revoke(gone, &[], now(), &mut rng).unwrap();
    let revoke = ms(start.elapsed());
    let start = Instant::now();
    student.add(&entries[4..5], now(), &mut rng).unwrap();
    let first = ms(start.elapsed());
    [("revoke_ms", revoke), ("first_enc_after_revoke_ms", first)]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
}
