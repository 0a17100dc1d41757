//! What a passport of ten years costs its holder, and what a relay costs everybody:
//! `cargo bench -p passport-tests --bench passport [-- found|open|edit|relay|feed]`.
//!
//! Medians with the least and the most; only ratios within one run mean something.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints and may panic"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::envelope::{Header, Kind, seal};
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, PendingDevice, Profile, Share};
use passport_core::id::{EntryId, EnvelopeId, EpochId};
use passport_core::keys::{Card, PhaseKey, SigningKey};
use passport_core::section::{Code, SectionName, Value};
use passport_core::vault::{KdfFloor, KdfParams, SqliteVault, Vault};
use passport_sync::client::RemoteConfig;
use passport_sync::client::exchange::{Exchange, Http, fetch_all};
use passport_sync::relay::{RelayConfig, serve};
use passport_sync::session::{BackoffPolicy, PAGE_BYTES, RelayLimits, handle};
use passport_sync::store::{SqliteStore, write};
use passport_sync::wire::{Cursor, SyncRequest, SyncResponse};
use passport_tests::kit::{START, World, prose, text};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const PASSPHRASE: &str = "correct horse";
const RUNS: usize = 5;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if is_wanted("found") || is_wanted("open") || is_wanted("edit") {
        let small = holder(500);
        let large = holder(5_000);
        ratio("found an epoch, 500 and 5,000 entries", &small.found, &large.found);
        ratio("cold open after founding, 500 and 5,000", &small.open, &large.open);
        ratio("of that: vault, journal and ledger", &small.ledger, &large.ledger);
        ratio("the view once more", &small.view, &large.view);
        ratio("edit and keep it, 500 and 5,000", &small.edit, &large.edit);
        ratio("cold open before founding, 500 and 5,000", &small.unfounded, &large.unfounded);
    }
    if is_wanted("relay") {
        relay();
    }
    if is_wanted("feed") {
        let few = feed(100);
        let many = feed(40_000);
        ratio("feed of 100 new, reader of 100 and of 40,000 channels", &few, &many);
    }
}

fn told(times: &[Duration]) -> (Duration, String) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let (median, most) = (sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    (median, format!("{median:.1?} ({:.1?} to {most:.1?}, n = {})", sorted[0], sorted.len()))
}

fn ratio(what: &str, small: &[Duration], large: &[Duration]) {
    let ((a, small), (b, large)) = (told(small), told(large));
    println!("{what}: {small}; {large}; ratio {:.2}", b.as_secs_f64() / a.as_secs_f64());
}

fn timed<R>(times: &mut Vec<Duration>, work: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let done = work();
    times.push(start.elapsed());
    done
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn medications() -> SectionName {
    "medications".parse().unwrap()
}

/// A medicine as a practice writes it down: eight to twelve fields.
fn medicine(n: usize) -> NewEntry {
    let words = |t: &str| text(&format!("{t} {n}"));
    let mut fields = vec![
        ("item", Value::Code(Code::text(format!("sertraline {n} mg tablets")))),
        ("dose", words("one tablet of mg")),
        ("route", Value::Code(Code::text("by mouth"))),
        ("timing", words("every morning with food, week")),
        ("instructions", words("swallow whole with water; not with grapefruit; note")),
        ("reason", words("low mood and anxiety, episode")),
        ("prescriber", words("Dr Okafor, Elm Street Surgery, room")),
        ("note", prose(&format!("Felt better after {n} weeks. Review before the exams. ñ 🙂"))),
        ("supply", words("28 tablets, repeat")),
        ("changed", words("raised from 50 mg, visit")),
        ("changed_why", words("little effect after six weeks, score")),
        ("identifier", Value::Text(format!("urn:x:{n}"))),
    ];
    fields.truncate(8 + n % 4);
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    NewEntry { section: medications(), kind: "medication".to_owned(), fields }
}

fn vault(home: &Path, rng: &mut ChaCha20Rng) -> SqliteVault {
    let (params, floor) = (KdfParams::weak_for_tests(), KdfFloor::SkippedForTests);
    SqliteVault::create_with(home, PASSPHRASE, params, rng, floor).unwrap()
}

/// Without the derivation of the vault's key, which is as slow as it was chosen to be.
fn reopen(home: &Path) -> SqliteVault {
    SqliteVault::open_with(home, PASSPHRASE, Duration::ZERO, KdfFloor::SkippedForTests).unwrap()
}

fn student<V: Vault>(vault: V, relays: Vec<String>, rng: &mut ChaCha20Rng) -> Holder<V> {
    let profile = Profile { name: "Amina".into(), relays, ..Profile::default() };
    Holder::create(vault, &profile, START, rng).unwrap().0
}

#[derive(Default)]
struct Costs {
    unfounded: Vec<Duration>,
    found: Vec<Duration>,
    open: Vec<Duration>,
    ledger: Vec<Duration>,
    view: Vec<Duration>,
    edit: Vec<Duration>,
}

fn holder(entries: usize) -> Costs {
    let mut rng = rng(1);
    let world = World::new(5, RUNS);
    let folder = tempfile::tempdir().unwrap();
    let mut student = student(vault(folder.path(), &mut rng), Vec::new(), &mut rng);
    let all: Vec<NewEntry> = (0..entries).map(medicine).collect();
    for some in all.chunks(100) {
        student.add(some, START, &mut rng).unwrap();
    }
    let mut costs = Costs::default();
    drop(student);
    for _ in 0..RUNS {
        timed(&mut costs.unfounded, || open(folder.path(), entries));
    }
    let mut student = open(folder.path(), entries);
    for (n, card) in world.cards.iter().enumerate() {
        let card = Card::verify(card.clone()).unwrap();
        let now = START.plus_days(1 + i64::try_from(n).unwrap());
        student.add_contact(&card, true, now, &mut rng).unwrap();
        let share = Share {
            sections: vec![medications()],
            organisation: card.id(),
            can: Right::Contribute,
            until: None,
            purpose: "care".to_owned(),
            history: false,
            nhs_number: None,
            unverified: false,
        };
        timed(&mut costs.found, || student.share(&share, now, &mut rng).unwrap());
    }
    drop(student);
    for _ in 0..RUNS {
        let mut student = timed(&mut costs.open, || open(folder.path(), entries));
        timed(&mut costs.view, || student.view(&medications()).unwrap());
        drop(student);
        timed(&mut costs.ledger, || Holder::open(reopen(folder.path())).unwrap());
    }
    let mut student = open(folder.path(), entries);
    let ids: Vec<EntryId> =
        student.view(&medications()).unwrap().entries.iter().map(|e| e.id).collect();
    for n in 0..200 {
        let change = [("dose".to_owned(), Some(text(&format!("{n} mg"))))];
        let entry = ids[n * 7 % ids.len()];
        let now = START.plus_days(20);
        timed(&mut costs.edit, || student.edit(entry, &change, now, &mut rng).unwrap());
    }
    costs
}

/// From a locked vault to what the student sees.
fn open(home: &Path, entries: usize) -> Holder<SqliteVault> {
    let mut student = Holder::open(reopen(home)).unwrap();
    assert_eq!(student.view(&medications()).unwrap().entries.len(), entries);
    student
}

fn exchange(party: &mut Holder<SqliteVault>, url: &str, rng: &mut ChaCha20Rng) {
    let mut exchange = Exchange {
        now: START,
        policy: BackoffPolicy::default(),
        pause: &mut |_| (),
        config: RemoteConfig::default(),
        progress: &mut |_| (),
    };
    let done = exchange.with_relay(party, url, rng).unwrap();
    assert!(done.failed.is_none() && done.refused == 0, "{:?}", done.failed);
}

/// A relay on this machine with its database on disk; it ends with the process.
fn start_relay(folder: &Path) -> String {
    let store = SqliteStore::open(&folder.join("relay.db"), &mut rng(6)).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let limits = RelayLimits { letters_per_day: 1_000_000, ..RelayLimits::default() };
    let config = RelayConfig { limits, ..RelayConfig::default() };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let never = core::future::pending::<()>();
            serve(listener, config, Arc::new(store), Arc::new(|| START), never).await.unwrap();
        });
    });
    url
}

/// A thousand edits of one device reach another: all at once, and one by one.
fn relay() {
    const EDITS: usize = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let url = start_relay(folder.path());
    let mut rng = rng(2);
    let home = |n: &str| folder.path().join(n);
    let mut phone = student(vault(&home("phone"), &mut rng), vec![url.clone()], &mut rng);
    let entries: Vec<NewEntry> = (0..100).map(medicine).collect();
    let entries = phone.add(&entries, START, &mut rng).unwrap();
    exchange(&mut phone, &url, &mut rng);
    let relays = [url.clone()];
    let laptop = PendingDevice::create(vault(&home("laptop"), &mut rng), &relays, None, &mut rng);
    let laptop = laptop.unwrap();
    phone.approve_device(laptop.request().0, "laptop", START, &mut rng).unwrap();
    exchange(&mut phone, &url, &mut rng);
    let config = RemoteConfig::default();
    let (mut way, mut found) = (Http::new(&url, &config), Vec::new());
    let key = laptop.request_key();
    fetch_all(&mut way, key, START, &mut rng, &mut |incoming| found.push(incoming)).unwrap();
    let joined = laptop.receive(found.remove(0)).unwrap();
    let mut laptop = joined.ok().unwrap().accept().unwrap();
    exchange(&mut laptop, &url, &mut rng);

    let edit = |phone: &mut Holder<SqliteVault>, n: usize, rng: &mut ChaCha20Rng| {
        let change = [("dose".to_owned(), Some(text(&format!("{n} mg"))))];
        phone.edit(entries[n % entries.len()], &change, START, rng).unwrap();
    };
    let (mut writes, mut pushes, mut pulls) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..RUNS {
        timed(&mut writes, || {
            for n in 0..EDITS {
                edit(&mut phone, run * EDITS + n, &mut rng);
            }
        });
        timed(&mut pushes, || exchange(&mut phone, &url, &mut rng));
        timed(&mut pulls, || exchange(&mut laptop, &url, &mut rng));
    }
    println!("{EDITS} edits: write {}", told(&writes).1);
    println!("{EDITS} edits at once: push {}; pull {}", told(&pushes).1, told(&pulls).1);
    let (mut pushes, mut pulls, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    timed(&mut whole, || {
        for n in 0..EDITS {
            edit(&mut phone, 77_000 + n, &mut rng);
            timed(&mut pushes, || exchange(&mut phone, &url, &mut rng));
            timed(&mut pulls, || exchange(&mut laptop, &url, &mut rng));
        }
    });
    println!("{EDITS} edits one by one: each push {}; pull {}", told(&pushes).1, told(&pulls).1);
    println!("{EDITS} edits one by one, written, pushed and pulled: {:.1?}", whole[0]);
    let view = |h: &mut Holder<SqliteVault>| h.view(&medications()).unwrap().digest();
    assert_eq!(view(&mut phone), view(&mut laptop), "the laptop shows something else");
}

/// What a reader of so many channels waits for a hundred new envelopes.
fn feed(channels: usize) -> Vec<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("relay.db"), &mut rng(3)).unwrap();
    let control = SigningKey::from_seed(&[1; 32]);
    let (writer, reader) = (SigningKey::from_seed(&[2; 32]), SigningKey::from_seed(&[3; 32]));
    let member = |key: &SigningKey, can| Member {
        key: key.verification_key(),
        can,
        until: None,
        history: false,
    };
    let members = [member(&writer, Rights::ReadWrite), member(&reader, Rights::Read)];
    let epoch = EpochId::from_bytes([1; 32]);
    let nonce = |n: usize| {
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&(n as u64).to_be_bytes());
        nonce
    };
    let numbers: Vec<usize> = (0..channels).collect();
    for some in numbers.chunks(1_000) {
        let lists: Vec<AccessList> = some
            .iter()
            .map(|n| {
                let by = control.verification_key();
                AccessList::new(by, nonce(*n), 1, None, [epoch], members)
            })
            .collect();
        write(&store, move |tx| {
            lists.iter().try_for_each(|list| tx.put_channel(list, &[7; 32], &[1, 2, 3]))
        })
        .unwrap();
    }
    let limits = RelayLimits::default();
    let ask = |key: &SigningKey, request: SyncRequest| -> SyncResponse {
        handle(request, &key.verification_key(), START, &limits, &store).unwrap().response
    };
    let asking = |cursor: Option<Cursor>| SyncRequest {
        cursor,
        max_bytes: PAGE_BYTES,
        ..SyncRequest::default()
    };
    let phase = PhaseKey::generate(&mut rng(4));
    let mut rng = rng(5);
    let mut cursor = Some(ask(&reader, asking(None)).cursor);
    let mut times = Vec::new();
    for seq in 1..=21_u64 {
        let envelopes = (0..100_usize)
            .map(|n| {
                let header = Header {
                    version: Header::VERSION,
                    suite: Header::SUITE,
                    channel: channel_id(&control.verification_key(), &nonce(n * channels / 100)),
                    epoch,
                    phase: 0,
                    author: writer.verification_key(),
                    seq,
                    prev: (seq > 1).then(|| EnvelopeId::from_bytes([9; 32])),
                    deps: Vec::new(),
                    kind: Kind::Edits,
                };
                seal(&header, vec![0; 200], &phase, &writer, &mut rng).unwrap().encode().into()
            })
            .collect();
        let pushed = ask(&writer, SyncRequest { envelopes, ..asking(None) });
        assert!(pushed.results.envelopes.iter().all(passport_sync::wire::Outcome::is_held));
        let page = timed(&mut times, || ask(&reader, asking(cursor)));
        assert_eq!(page.items.len(), 100);
        cursor = Some(page.cursor);
    }
    times
}
