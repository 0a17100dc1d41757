//! Everything that reads records of others, given millions of records that are not quite right.
//!
//! Deterministic: a seed and a number make a case, and the same case again. Every test run tries
//! some thousands; for as many as wanted, and for one that failed:
//!
//! ```text
//! PASSPORT_FUZZ_EXECUTIONS=10000000 cargo test -p passport-tests --test importers -- --nocapture
//! PASSPORT_FUZZ_SEED=1 PASSPORT_FUZZ_FROM=41172 PASSPORT_FUZZ_EXECUTIONS=1 cargo test …
//! ```
//!
//! With `PASSPORT_FHIR_CORPUS` the small files of a corpus are among what is mutated.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

#[cfg(test)]
mod exercise;
#[cfg(test)]
mod json;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod text;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use exercise::{Outcome, exercise};
use samples::{Form, Sample, samples};

/// Cases of a usual test run.
const EXECUTIONS: u64 = 20_000;
/// A case that takes longer, on a busy machine too, does not end in a bounded time.
const PATIENCE: Duration = Duration::from_mins(1);

/// A number below `n`.
fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64() % (n.max(1) as u64)).unwrap()
}

/// One of several.
fn one<'a, T>(rng: &mut ChaCha20Rng, of: &'a [T]) -> &'a T {
    &of[below(rng, of.len())]
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().expect(name))
}

/// The case of this number: which sample, and what became of it.
fn case(samples: &[Sample], seed: u64, number: u64) -> (&Sample, Vec<u8>) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed.rotate_left(32) ^ number);
    let sample = one(&mut rng, samples);
    (sample, sample.mutated(samples, &mut rng))
}

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
    let seed = setting("PASSPORT_FUZZ_SEED", 1);
    let from = setting("PASSPORT_FUZZ_FROM", 0);
    let executions = setting("PASSPORT_FUZZ_EXECUTIONS", EXECUTIONS);
    println!("seed {seed}, cases {from} to {}, {} samples", from + executions, samples.len());
    let began = Instant::now();
    let mut tallies: BTreeMap<Form, Tally> = BTreeMap::new();
    for number in from..from + executions {
        let (sample, bytes) = case(&samples, seed, number);
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| exercise(&bytes, number)));
        let took = start.elapsed();
        let Ok(Outcome { read, entries }) = outcome else {
            panic!("seed {seed}, case {number}, of {}: {}", sample.name, bytes.escape_ascii());
        };
        assert!(took < PATIENCE, "seed {seed}, case {number}, of {}: {took:?}", sample.name);
        let tally = tallies.entry(sample.form).or_default();
        tally.tried += 1;
        tally.read += u64::from(read);
        tally.entries += entries;
        tally.slowest = tally.slowest.max(took);
        if (number + 1).is_multiple_of(500_000) {
            println!("{} cases in {:?}", number + 1 - from, began.elapsed());
        }
    }
    for (form, tally) in &tallies {
        let Tally { tried, read, entries, slowest } = tally;
        println!("{form:?}: {tried} tried, {read} read, {entries} entries, slowest {slowest:?}");
    }
    println!("{executions} cases in {:?}", began.elapsed());
    if executions >= EXECUTIONS {
        // Mutations that nothing reads, or that change nothing, would test little.
        for (form, Tally { tried, read, .. }) in &tallies {
            assert!(*read > tried / 50 && read < tried, "{form:?}: {read} of {tried} were read");
        }
    }
}

#[test]
fn every_sample_is_read_as_it_is() {
    for sample in samples() {
        let Outcome { read, .. } = exercise(&sample.whole(), 0);
        assert!(read || sample.name.starts_with("corpus/"), "{}", sample.name);
    }
}
