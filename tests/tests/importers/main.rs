//! Everything that reads records of others, given what the fuzzer found, and thousands of records
//! that are not quite right.
//!
//! Deterministic. Millions, guided by what they reach, are the fuzzer's: `just fuzz`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests say what they do, and may panic as tests do"
)]

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use passport_fuzz::{Form, Outcome, again, mutated, protocol, record, samples};

/// Mutated cases of a test run.
const CASES: u64 = 8_000;
/// A case that takes longer, on a busy machine too, does not end in a bounded time.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of the cases of one form.
#[derive(Default)]
struct Tally {
    tried: u64,
    read: u64,
    entries: u64,
    slowest: Duration,
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whether a case ends in time is what is tested")]
fn mutated_records_are_read_or_refused_in_bounded_time_and_size() {
    let samples = samples();
    let mut tallies: BTreeMap<Form, Tally> = BTreeMap::new();
    for (number, sample) in (0..CASES).zip(samples.iter().cycle()) {
        let bytes = mutated(&sample.whole(), number);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| record(&bytes)));
        let took = start.elapsed();
        let Ok(Outcome { read, entries }) = outcome else {
            panic!("case {number}, of {}: {}", sample.name, bytes.escape_ascii());
        };
        assert!(took < PATIENCE, "case {number}, of {}: {took:?}", sample.name);
        let tally = tallies.entry(sample.form).or_default();
        tally.tried += 1;
        tally.read += u64::from(read);
        tally.entries += entries;
        tally.slowest = tally.slowest.max(took);
    }
    for (form, Tally { tried, read, entries, slowest }) in &tallies {
        println!("{form:?}: {tried} tried, {read} read, {entries} entries, slowest {slowest:?}");
        // Mutations that nothing reads, or that change nothing, would test little.
        assert!(*read > tried / 50 && read < tried, "{form:?}: {read} of {tried} were read");
    }
}

#[test]
fn every_sample_is_read_as_it_is_and_comes_back() {
    for sample in samples() {
        let bytes = sample.whole();
        assert!(record(&bytes).read, "{}", sample.name);
        again(&bytes);
    }
}

/// Gives what a target's corpus begins with, and what it found, to that target.
fn replay(target: &str, exercise: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target}");
    for file in files {
        println!("{}", file.display());
        exercise(&std::fs::read(file).unwrap());
    }
}

#[test]
fn what_the_fuzzer_found_does_no_harm_again() {
    replay("importers", |bytes| {
        let _read_or_refused = record(bytes);
    });
    replay("exports", again);
    replay("protocol", protocol);
}
