//! A town: the real parties with real vaults, several real relays, and everything that goes
//! wrong between them, under virtual time.
//!
//! A run is a list of numbers; each is an action or a fault with all its chances. So one seed is
//! one run, and a run that fails is made shorter by leaving numbers out.
//!
//! It runs when it is asked to: what it found is not all mended yet.
//! `PASSPORT_TOWN_RUNS` says how many runs, `PASSPORT_TOWN_STEPS` how long each is, and
//! `PASSPORT_TOWN_SEED` the first seed (with no runs given, the only one). A seed that fails is
//! told step by step; with `PASSPORT_TOWN_SHORTEN` after leaving out what it can do without.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod oracle;
mod people;
mod streets;

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// How often each thing happened.
pub(crate) type Counts = BTreeMap<String, usize>;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap())
}

fn steps_of(seed: u64) -> Vec<u64> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let steps = from_environment("PASSPORT_TOWN_STEPS").unwrap_or(60);
    (0..steps).map(|_| rng.next_u64()).collect()
}

fn fails(seed: u64, steps: &[u64]) -> bool {
    catch_unwind(|| streets::run(seed, steps, &mut Counts::new(), false)).is_err()
}

/// Leaves out whatever the failure does not need, larger runs of steps first.
fn shortened(seed: u64, mut steps: Vec<u64>) -> Vec<u64> {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if fails(seed, &fewer) {
                steps = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    steps
}

#[test]
fn the_promises_hold_in_a_town_where_everything_goes_wrong() {
    let first = from_environment("PASSPORT_TOWN_SEED");
    let few = u64::from(first.is_some());
    let runs = from_environment("PASSPORT_TOWN_RUNS").unwrap_or(few);
    let start = first.unwrap_or(0);
    let mut counts = Counts::new();
    for seed in start..start + runs {
        println!("seed {seed}");
        let steps = steps_of(seed);
        let run = catch_unwind(|| {
            let mut counts = Counts::new();
            streets::run(seed, &steps, &mut counts, false);
            counts
        });
        let Ok(counted) = run else {
            let shorten = std::env::var_os("PASSPORT_TOWN_SHORTEN").is_some();
            let steps = if shorten { shortened(seed, steps) } else { steps };
            println!("seed {seed} fails with these {} steps: {steps:?}", steps.len());
            streets::run(seed, &steps, &mut counts, true);
            panic!("seed {seed} fails, and not when told");
        };
        for (what, count) in counted {
            *counts.entry(what).or_default() += count;
        }
    }
    for (what, count) in &counts {
        println!("{count:>8} {what}");
    }
    if runs >= 4 {
        for what in ["add", "edit", "remove", "share", "revoke", "contribute", "exchange", "crash"]
        {
            assert!(counts.contains_key(what), "never happened: {what}");
        }
    }
}
