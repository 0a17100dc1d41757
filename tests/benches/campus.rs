//! What the discharge check costs a university:
//! `cargo bench -p passport-tests --bench campus [-- STUDENTS]`, 10,000 when not said.
//!
//! Every student is real: keys, epochs, wraps and a letter; one in a hundred was discharged.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reads the clock, prints and may panic"
)]

use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry, Profile, Share};
use passport_core::journal::{Incoming, IncomingItem, Position};
use passport_core::keys::{OrganisationKind, VerifiedCard};
use passport_core::organisation::{Organisation, OrganisationProfile};
use passport_core::party::Party;
use passport_core::section::Value;
use passport_core::time::Timestamp;
use passport_core::vault::{KdfFloor, KdfParams, MemoryVault, SqliteVault};
use passport_tests::kit::START;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const PASSPHRASE: &str = "correct horse";
const URL: &str = "http://relay.example";
const RUNS: usize = 5;
/// Students that are made at once, on every processor there is.
const GROUP: usize = 64;

type University = Organisation<SqliteVault>;

fn main() {
    let said = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let students: usize = said.unwrap_or(10_000);
    let mut rng = ChaCha20Rng::seed_from_u64(45);
    let home = tempfile::tempdir().unwrap();
    let (params, floor) = (KdfParams::weak_for_tests(), KdfFloor::SkippedForTests);
    let vault = SqliteVault::create_with(home.path(), PASSPHRASE, params, &mut rng, floor).unwrap();
    let profile = OrganisationProfile {
        name: "Northfield Wellbeing".to_owned(),
        kind: OrganisationKind::University,
        ods: None,
        relays: vec![URL.to_owned()],
    };
    let mut uni = Organisation::create(vault, &profile, START, &mut rng).unwrap();
    let begun = Instant::now();
    let mut last = None;
    for group in (0..students).collect::<Vec<_>>().chunks(GROUP) {
        let made = made(group, uni.card());
        for mut student in made {
            take(&mut uni, &mut student);
            last = Some(student);
        }
    }
    println!("{students} students share, after {:.1?}", begun.elapsed());
    let now = START.plus_days(1);
    let (found, first) = timed(|| check(&mut uni, now));
    println!("first check, which makes the index: {first:.1?}, {found} discharges");
    let mut times: Vec<Duration> = (0..RUNS).map(|_| timed(|| check(&mut uni, now)).1).collect();
    print("check from the index", &mut times);
    let mut student = last.unwrap();
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            discharge(&mut student, &mut rng);
            take(&mut uni, &mut student);
            timed(|| check(&mut uni, now)).1
        })
        .collect();
    print("check after one student's news", &mut times);
    drop(uni);
    let mut open = Vec::new();
    for _ in 0..RUNS {
        let floor = KdfFloor::SkippedForTests;
        let vault = SqliteVault::open_with(home.path(), PASSPHRASE, Duration::ZERO, floor).unwrap();
        let (opened, time) = timed(|| University::open(vault).unwrap());
        open.push(time);
        drop(opened);
    }
    print("opening the organisation, besides", &mut open);
}

fn check(uni: &mut University, now: Timestamp) -> usize {
    uni.discharges(START.plus_days(-30), None, now).unwrap().discharges.len()
}

fn timed<T>(what: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let made = what();
    (made, begun.elapsed())
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    let (least, most) = (times.first().unwrap(), times.last().unwrap());
    println!(
        "{what}: {:.1?} ({least:.1?} to {most:.1?}, n = {})",
        times[times.len() / 2],
        times.len()
    );
}

/// Some students, each with randomness of their own.
fn made(group: &[usize], uni: &VerifiedCard) -> Vec<Holder<MemoryVault>> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let made = |some: &[usize]| {
        let one = |n: &usize| student(*n, uni, &mut ChaCha20Rng::seed_from_u64(*n as u64));
        some.iter().map(one).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let parts = group.chunks(group.len().div_ceil(processors));
        let parts: Vec<_> = parts.map(|some| scope.spawn(move || made(some))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}

fn student(n: usize, uni: &VerifiedCard, rng: &mut ChaCha20Rng) -> Holder<MemoryVault> {
    let profile = Profile {
        name: format!("Student {n}"),
        device_name: "phone".to_owned(),
        relays: vec![URL.to_owned()],
        ..Profile::default()
    };
    let (mut student, _) = Holder::create(MemoryVault::new(), &profile, START, rng).unwrap();
    if n.is_multiple_of(100) {
        discharge(&mut student, rng);
    }
    student.add_contact(uni, true, START, rng).unwrap();
    let share = Share {
        sections: vec!["discharge-notice".parse().unwrap()],
        organisation: uni.id(),
        can: Right::Read,
        until: None,
        purpose: "support after a stay in hospital".to_owned(),
        history: false,
        nhs_number: None,
        unverified: false,
    };
    student.share(&share, START, rng).unwrap();
    student
}

fn discharge(student: &mut Holder<MemoryVault>, rng: &mut ChaCha20Rng) {
    let notice = NewEntry {
        section: "discharge-notice".parse().unwrap(),
        kind: "notice".to_owned(),
        fields: vec![
            ("discharged_on".to_owned(), Value::Date("2027-01-14".parse().unwrap())),
            ("setting".to_owned(), Value::Choice("mental-health".to_owned())),
        ],
    };
    student.add(&[notice], START, rng).unwrap();
}

/// Hands over what a student sends: letters, then what they make it possible to open.
fn take(uni: &mut University, student: &mut Holder<MemoryVault>) {
    let key = uni.request_key().verification_key();
    let out = student.outgoing(URL, START).unwrap();
    let letters = out.letters.into_iter().filter(|l| l.to == key);
    receive(uni, letters.map(|l| IncomingItem::Letter(l.bytes)).collect());
    let epoch = |bytes: &[u8]| SealedEnvelope::decode(bytes).unwrap().header().epoch;
    let ours = out.envelopes.into_iter().filter(|e| uni.epochs().contains_key(&epoch(&e.bytes)));
    let ours = ours.map(|e| IncomingItem::Envelope(e.bytes)).collect();
    receive(uni, ours);
}

fn receive(uni: &mut University, items: Vec<IncomingItem>) {
    let incoming = Incoming { relay: [1; 16], position: Position::default(), items };
    uni.receive(URL, incoming, START).unwrap();
}
