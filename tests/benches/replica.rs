//! What a replica costs as it grows: `cargo bench -p passport-tests --bench replica`.
//!
//! Medians of one run with the least and the most, and how they grow from 100 to 10,000 edits.
//! Machines drift, so only the ratios mean something.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints and may panic"
)]

use std::time::{Duration, Instant};

use passport_core::codec;
use passport_core::edit::{Edit, EditBody, limits};
use passport_core::envelope::{Header, Kind, OpenedEnvelope, SealedEnvelope, seal};
use passport_core::id::EntryId;
use passport_core::replica::{Admission, Position, Replica};
use passport_core::section::{Code, Value};
use passport_core::view::View;
use passport_tests::kit::{Epoch, Founding, START, World, admit, text};

const ENTRIES: usize = 100;
const SIZES: [usize; 3] = [100, 1_000, 10_000];
const SAMPLE: usize = 100;

fn main() {
    if std::env::args().any(|a| a == "lagging") {
        println!("{}", told(&lagging(4_000)));
        return;
    }
    if std::env::args().any(|a| a == "snapshot") {
        founding(5_000);
        return;
    }
    let direct: Vec<_> = SIZES.iter().map(|n| direct(*n)).collect();
    report("direct, admit and apply", &direct);
    let lagging: Vec<_> = SIZES.iter().map(|n| lagging(*n)).collect();
    report("two lagging writers, admit and apply", &lagging);
    sealing();
    founding(5_000);
}

fn report(what: &str, times: &[Vec<Duration>]) {
    let first = median(&times[0]).as_secs_f64();
    for (n, times) in SIZES.iter().zip(times) {
        let ratio = median(times).as_secs_f64() / first;
        println!("{what}, after {n}: {}, ratio {ratio:.2}", told(times));
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

fn told(times: &[Duration]) -> String {
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    format!("{:.1?} ({least:.1?} to {most:.1?}, n = {})", median(times), times.len())
}

fn begin(world: &mut World) -> (Epoch, Replica, Vec<EntryId>) {
    let epoch = world.found(Founding::new("medications", &[0]));
    let mut replica = epoch.replica();
    let device = world.devices[0].clone();
    let mut entries = Vec::new();
    let mut edits = Vec::new();
    for n in 0..ENTRIES {
        let item = Value::Code(Code::text(n.to_string()));
        let (entry, add) = world.add(&device, "medication", START, &[("item", item)]);
        entries.push(entry);
        edits.extend(add);
    }
    let first = epoch.edits(world, &device, &replica, START, edits);
    assert_eq!(admit(&mut replica, &first), Admission::Applied);
    (epoch, replica, entries)
}

fn edit(n: usize, entry: EntryId) -> Edit {
    if n.is_multiple_of(3) {
        let insert = "hello world ".to_owned();
        Edit::Splice { entry, field: "note".into(), at: 0, delete: 0, insert }
    } else {
        Edit::Set { entry, field: "dose".into(), value: Some(text(&n.to_string())) }
    }
}

fn timed(replica: &mut Replica, envelope: &OpenedEnvelope) -> Duration {
    let start = Instant::now();
    let admission = admit(replica, envelope);
    let took = start.elapsed();
    assert_eq!(admission, Admission::Applied);
    took
}

fn direct(size: usize) -> Vec<Duration> {
    let mut world = World::new(1, 1);
    let (epoch, mut replica, entries) = begin(&mut world);
    let device = world.devices[0].clone();
    let mut times = Vec::new();
    for n in 0..size + SAMPLE {
        let edits = vec![edit(n, entries[n % ENTRIES])];
        let envelope = epoch.edits(&mut world, &device, &replica, START, edits);
        let took = timed(&mut replica, &envelope);
        if n >= size {
            times.push(took);
        }
    }
    times
}

/// Two devices, each of which sees the other's envelopes three late.
fn lagging(size: usize) -> Vec<Duration> {
    let mut world = World::new(2, 1);
    let (epoch, mut replica, entries) = begin(&mut world);
    let devices = world.devices.clone();
    let first = *replica.tips().iter().next().unwrap();
    let mut sent = vec![first];
    let mut times = Vec::new();
    for n in 1..size + SAMPLE {
        let who = n % 2;
        let key = devices[who].key.verification_key();
        let own = replica.position(&key);
        let seen = sent.get(n.saturating_sub(3)).copied().unwrap_or(first);
        let deps = if own.prev == Some(seen) { Vec::new() } else { vec![seen] };
        let position = Position { deps, ..own };
        let edits = vec![edit(n, entries[n % ENTRIES])];
        let envelope = epoch.edits_at(&mut world, &devices[who], position, START, edits);
        sent.push(envelope.id());
        let took = timed(&mut replica, &envelope);
        if n >= size {
            times.push(took);
        }
    }
    times
}

fn sealing() {
    let mut world = World::new(3, 1);
    let epoch = world.found(Founding::new("medications", &[0]));
    let key = epoch.keys[&0].clone();
    let author = world.devices[0].key.clone();
    let edits = vec![edit(0, EntryId::from_bytes([1; 16]))];
    let (mut seals, mut opens) = (Vec::new(), Vec::new());
    for seq in 2..1_002 {
        let header = Header {
            version: Header::VERSION,
            suite: Header::SUITE,
            channel: epoch.charter.channel,
            epoch: epoch.charter.id(),
            phase: 0,
            author: author.verification_key(),
            seq,
            prev: Some(epoch.parts[0].id()),
            deps: Vec::new(),
            kind: Kind::Edits,
        };
        let body = EditBody { at: START, chain: None, edits: edits.clone(), carries: None };
        let start = Instant::now();
        let body = codec::encode(&body);
        let bytes = seal(&header, body, &key, &author, &mut world.rng).unwrap().encode();
        seals.push(start.elapsed());
        let start = Instant::now();
        let opened = SealedEnvelope::decode(&bytes).unwrap().verify().unwrap().open(&key).unwrap();
        let body: EditBody = codec::decode(opened.body(), 1_000).unwrap();
        opens.push(start.elapsed());
        assert_eq!(body.edits.len(), 1);
    }
    println!("seal {}; verify and open {}", told(&seals), told(&opens));
}

fn founding(entries: usize) {
    let mut world = World::new(4, 1);
    let (_, replica, _) = begin(&mut world);
    let pattern = replica.records();
    let mut records = Vec::new();
    for n in 0..entries {
        let mut record = pattern[n % pattern.len()].clone();
        record.id = EntryId::from_bytes(world.nonce());
        records.push(record);
    }
    records.sort_by_key(|r| r.id);
    let mut founding = Founding::new("medications", &[0]);
    founding.records = records;
    let epoch = world.found_in_parts(founding, 200_000);
    let (mut lays, mut reads, mut first, mut again) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        let start = Instant::now();
        let mut replica = epoch.replica();
        lays.push(start.elapsed());
        let start = Instant::now();
        let view = View::of(&replica);
        reads.push(start.elapsed());
        assert_eq!(view.entries.len(), entries);
        let device = world.devices[0].clone();
        for (round, times) in [&mut first, &mut again].into_iter().enumerate() {
            for n in 0..SAMPLE {
                let edits = vec![edit(n + round * 3_000, view.entries[n * 7].id)];
                let envelope = epoch.edits(&mut world, &device, &replica, START, edits);
                times.push(timed(&mut replica, &envelope));
            }
        }
    }
    println!("{entries} entries: take in the snapshot {}; view {}", told(&lays), told(&reads));
    let (mut replica, device) = (epoch.replica(), world.devices[1].clone());
    let ids: Vec<EntryId> = replica.entries().iter().map(|e| e.id).collect();
    let mut all = Vec::new();
    for some in ids.chunks(limits::EDITS) {
        let edits = some.iter().map(|id| edit(1, *id)).collect();
        let envelope = epoch.edits(&mut world, &device, &replica, START, edits);
        all.push(timed(&mut replica, &envelope));
    }
    println!("edit {} entries of it in one envelope: {}", limits::EDITS, told(&all));
    println!("edit of an entry of it: the first {}; another {}", told(&first), told(&again));
}
