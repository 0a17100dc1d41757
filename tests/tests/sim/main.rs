//! Random histories: many authors, every kind of edit, bad networks and bad faith; in the end
//! everybody shows the same.
//!
//! `PASSPORT_SIM_RUNS` says how many histories, `PASSPORT_SIM_SEED` the first seed (with no runs
//! given, the only one), `PASSPORT_SIM_THREADS` how many at once.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "helpers of tests may panic as tests do"
)]

mod author;
mod hostile;
mod network;

use std::collections::BTreeMap;
use std::sync::Mutex;

/// How often each thing happened.
pub(crate) type Counts = BTreeMap<String, usize>;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap())
}

/// Runs histories, and gives how often each thing happened and which seeds failed.
fn run(seeds: std::ops::Range<u64>, threads: u64) -> (Counts, Vec<u64>) {
    let next = Mutex::new(seeds);
    let found = Mutex::new((Counts::new(), Vec::new()));
    let work = || {
        loop {
            let Some(seed) = next.lock().unwrap().next() else { return };
            let ended = std::panic::catch_unwind(|| {
                let mut counts = Counts::new();
                network::run(seed, &mut counts);
                counts
            });
            let mut found = found.lock().unwrap();
            println!("seed {seed} {}", if ended.is_ok() { "agrees" } else { "FAILED" });
            match ended {
                Ok(counts) => {
                    for (what, count) in counts {
                        *found.0.entry(what).or_default() += count;
                    }
                }
                Err(_) => found.1.push(seed),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    found.into_inner().unwrap()
}

#[test]
fn everybody_shows_the_same_in_the_end() {
    let first = from_environment("PASSPORT_SIM_SEED");
    let few = if first.is_some() { 1 } else { 6 };
    let runs = from_environment("PASSPORT_SIM_RUNS").unwrap_or(few);
    let start = first.unwrap_or(0);
    let threads = from_environment("PASSPORT_SIM_THREADS").unwrap_or(1);
    let (counts, failed) = run(start..start + runs, threads);
    let whole = runs >= 6;
    for (what, count) in &counts {
        println!("{count:>8} {what}");
    }
    assert!(failed.is_empty(), "PASSPORT_SIM_SEED replays each of {failed:?}");
    let edits = [
        "add", "set", "splice", "remove", "annotate", "suggest", "settle", "resolve", "restore",
        "move", "attest", "contest",
    ];
    let refusals = [
        "Malformed",
        "Snapshot",
        "Dependency",
        "Sequence",
        "Phase",
        "Author",
        "Ended",
        "Right",
        "NotOwn",
        "SpeaksForAnother",
        "Attestation",
        "Schema",
        "Value",
        "Required",
        "NoEntry",
        "Exists",
        "Position",
        "NoSuggestion",
        "Limit",
        "Contested",
    ];
    let merges = [
        "fork",
        "several values",
        "disputed removal",
        "lagging",
        "waited",
        "lost",
        "epoch",
        "revocation",
    ];
    let expected = edits
        .iter()
        .map(|e| format!("edit {e}"))
        .chain(refusals.iter().map(|r| format!("refused {r}")))
        .chain(merges.iter().map(|m| format!("merge {m}")));
    for what in expected.filter(|_| whole) {
        assert!(counts.contains_key(&what), "never happened: {what}");
    }
}
