//! Files beside the record, through the real relay.

use std::collections::BTreeSet;

use passport_core::attachment::{Chunk, Stream};
use passport_core::envelope::{Kind, SealedEnvelope};
use passport_core::epoch::Right;
use passport_core::holder::NewEntry;
use passport_core::id::{EntryId, ObjectId};
use passport_core::journal::IncomingItem;
use passport_core::keys::SigningKey;
use passport_core::party::{Party, PartyError};
use passport_core::section::{Attachment, Value};
use passport_core::time::Timestamp;
use passport_sync::client::exchange::{Exchange, Exchanged, Transport};
use passport_sync::client::{RemoteConfig, RemoteError};
use passport_sync::session::{BackoffPolicy, Reset};
use passport_sync::wire::{SyncRequest, SyncResponse, object_id};
use passport_tests::post::{Post, Way, Weather};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, Rng as _};

use crate::office::*;

/// A way to the relay that notes which envelopes go over it, and breaks after so many requests.
struct Noting<'a> {
    way: Way<'a>,
    /// Each envelope that was sent, each time.
    sent: &'a mut Vec<ObjectId>,
    /// Each object that came, likewise.
    got: &'a mut Vec<ObjectId>,
}

impl Transport for Noting<'_> {
    fn exchange(
        &mut self,
        key: &SigningKey,
        request: &SyncRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        let answer = self.way.exchange(key, request, now, rng)?;
        self.sent.extend(request.envelopes.iter().map(|bytes| object_id(bytes)));
        self.got.extend(answer.0.items.iter().map(|item| object_id(&item.bytes)));
        Ok(answer)
    }
}

struct Town {
    post: Post,
    rng: ChaCha20Rng,
    sent: Vec<ObjectId>,
    got: Vec<ObjectId>,
}

impl Town {
    fn new(seed: u64) -> Self {
        Self { post: Post::new(URL, [9; 16]), rng: seeded(seed), sent: Vec::new(), got: Vec::new() }
    }

    /// An exchange that breaks after so many requests.
    fn sync_for(
        &mut self,
        party: &mut dyn Party,
        now: Timestamp,
        crash_after: Option<u32>,
    ) -> Exchanged {
        let mut exchange = Exchange {
            now,
            policy: BackoffPolicy { first_seconds: 1, most_seconds: 1, budget: 2 },
            pause: &mut |_| {},
            config: RemoteConfig::default(),
            progress: &mut |_| {},
        };
        let weather = Weather { crash_after, ..Weather::default() };
        let way = Way { post: &mut self.post, weather, asked: 0 };
        let mut noting = Noting { way, sent: &mut self.sent, got: &mut self.got };
        exchange.through(&mut noting, party, URL, &mut self.rng).unwrap()
    }

    fn sync(&mut self, party: &mut dyn Party, now: Timestamp) {
        let done = self.sync_for(party, now, None);
        assert!(done.failed.is_none() && done.refused == 0, "{done:?}");
    }

    /// How many envelopes of a file the relay has for a party that may have everything.
    fn handed(&mut self, party: &dyn Party, file: &Stream) -> usize {
        let mut way = Way { post: &mut self.post, weather: Weather::default(), asked: 0 };
        let pages = way.everything_for(party.request_key(), day(1), &mut self.rng);
        let of_file = |item: &IncomingItem| match item {
            IncomingItem::Envelope(bytes) => {
                SealedEnvelope::decode(bytes).unwrap().header().epoch == file.id()
            }
            IncomingItem::Letter(_) | IncomingItem::AccessList(_) => false,
        };
        pages.iter().flat_map(|page| &page.items).filter(|item| of_file(item)).count()
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    fn attach(&mut self, student: &mut Student, title: &str, content: &[u8]) -> EntryId {
        let to = section("documents");
        let mut filing = student.begin_file(&to, &mut self.rng);
        filing.feed(content).unwrap();
        let filed = filing.finish(title, "application/pdf").unwrap();
        let fields = vec![
            field("title", title),
            ("file".into(), Value::Attachment(filed.attachment.clone())),
        ];
        let entry = NewEntry { section: to, kind: "document".to_owned(), fields };
        student.merge(&[entry], &[], vec![filed], day(0), &mut self.rng).unwrap()[0]
    }
}

fn named(student: &mut Student, entry: EntryId) -> Attachment {
    student.find(entry).unwrap().1.files().next().unwrap().clone()
}

fn read(gp: &mut Practice, of: &Student, entry: EntryId) -> Result<Vec<u8>, PartyError> {
    let (_, entry) = gp.find(of.passport(), entry)?;
    let file = entry.files().next().unwrap().clone();
    let mut all = Vec::new();
    for piece in gp.file(of.passport(), &file)? {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

#[test]
fn a63_a_reader_without_history_gets_the_files_that_stand_and_no_others() {
    let mut town = Town::new(631);
    let (mut phone, _) = student(&mut town.rng);
    let (gone, stands) = (town.bytes(300_000), town.bytes(250_000));
    let removed = town.attach(&mut phone, "Removed.pdf", &gone);
    let kept = town.attach(&mut phone, "Kept.pdf", &stands);
    town.sync(&mut phone, day(0));
    let file = named(&mut phone, removed);
    phone.remove(removed, day(0), &mut town.rng).unwrap();
    let mut uni = practice("Campus Medical", &mut town.rng);
    share(&mut phone, &uni, &["documents"], Right::Read, None, &mut town.rng);
    town.sync(&mut phone, day(1));
    town.sync(&mut uni, day(1));
    assert_eq!(read(&mut uni, &phone, kept).unwrap(), stands);
    assert_eq!(uni.file_state(phone.passport(), &file).here, 0, "not even sealed");

    let later = town.attach(&mut phone, "Later.pdf", &gone[..100_000]);
    town.sync(&mut phone, day(2));
    town.sync(&mut uni, day(2));
    assert_eq!(read(&mut uni, &phone, later).unwrap(), &gone[..100_000]);

    phone.revoke(uni.id(), &[section("documents")], day(3), &mut town.rng).unwrap();
    let after = town.attach(&mut phone, "After.pdf", &gone);
    let file = named(&mut phone, after);
    town.sync(&mut phone, day(3));
    town.sync(&mut uni, day(3));
    assert_eq!(read(&mut uni, &phone, after).unwrap_err(), PartyError::NoEntry);
    assert_eq!(uni.file_state(phone.passport(), &file).here, 0, "not even sealed");
    assert_eq!(read(&mut uni, &phone, kept).unwrap(), stands, "what was read stays");
}

#[test]
fn a63_a_file_whose_exchange_is_cut_goes_on_where_it_was() {
    let mut town = Town::new(632);
    let (mut phone, _) = student(&mut town.rng);
    let mut gp = practice("Elm Street Surgery", &mut town.rng);
    share(&mut phone, &gp, &["documents"], Right::Contribute, None, &mut town.rng);
    town.sync(&mut phone, day(0));
    town.sync(&mut gp, day(0));
    let content = town.bytes(18 * 1024 * 1024);
    let entry = town.attach(&mut phone, "Large.pdf", &content);
    town.sent.clear();
    let mut tries = 0;
    while town.sync_for(&mut phone, day(0), Some(3)).failed.is_some() {
        tries += 1;
        assert!(tries < 20, "it never comes to an end");
    }
    assert!(tries > 1, "it was cut {tries} times");
    let once = |all: &[ObjectId]| all.iter().collect::<BTreeSet<_>>().len() == all.len();
    assert!(once(&town.sent), "nothing went twice");

    town.got.clear();
    let mut tries = 0;
    loop {
        let done = town.sync_for(&mut gp, day(0), Some(2));
        let whole = read(&mut gp, &phone, entry);
        if done.failed.is_none() {
            assert_eq!(whole.unwrap(), content);
            break;
        }
        assert!(whole.is_err());
        tries += 1;
        assert!(tries < 20, "it never comes to an end");
    }
    assert!(tries > 1, "it was cut {tries} times");
    assert!(once(&town.got), "nothing came twice");
}

#[test]
fn a63_an_erased_file_leaves_the_relay_and_a_forged_part_changes_none() {
    let mut town = Town::new(633);
    let (mut phone, _) = student(&mut town.rng);
    let mut gp = practice("Elm Street Surgery", &mut town.rng);
    share(&mut phone, &gp, &["documents"], Right::Contribute, None, &mut town.rng);
    let content = town.bytes(300_000);
    let entry = town.attach(&mut phone, "Letter.pdf", &content);
    town.sync(&mut phone, day(0));
    town.sync(&mut gp, day(0));
    let file = named(&mut phone, entry);
    let epoch = phone.fold().current(&section("documents"))[0];
    let stream = Stream::of(phone.fold().epochs[&epoch].charter.channel, &file.key);
    let sealed = phone.journal().envelopes(&stream.id()).unwrap();
    assert!(sealed.iter().all(|e| e.header().kind == Kind::Chunk));
    assert_eq!(town.handed(&phone, &stream), 3);

    // Who reads and writes may push what it seals itself.
    let forged = stream.seal(&Chunk::Part { number: 0, content: vec![7; 1000] }).unwrap();
    let forged: Vec<u8> = SealedEnvelope::encode(&forged);
    let request = SyncRequest { envelopes: vec![forged.into()], ..SyncRequest::default() };
    let mut way = Way { post: &mut town.post, weather: Weather::default(), asked: 0 };
    let key = gp.request_key().clone();
    way.exchange(&key, &request, day(0), &mut town.rng).unwrap();
    town.sync(&mut phone, day(0));
    assert_eq!(phone.file_state(&file).here, 3);
    assert_eq!(
        phone.file(&file).unwrap().map(|p| p.unwrap().to_vec()).collect::<Vec<_>>().concat(),
        content
    );

    let erasing = phone.erasing_entry(entry, day(1)).unwrap();
    phone.erase(&erasing, day(1), &mut town.rng).unwrap();
    town.sync(&mut phone, day(1));
    town.sync(&mut gp, day(1));
    town.sync(&mut phone, day(1));
    assert_eq!(town.handed(&phone, &stream), 0, "the relay forgot it, and what was forged");
    assert_eq!(gp.file_state(phone.passport(), &file).here, 0);
    assert_eq!(phone.file_state(&file).here, 0);
}
