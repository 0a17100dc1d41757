//! Random histories: many authors, every kind of edit, bad networks and bad faith; in the end
//! everybody shows the same.
//!
//! `PASSPORT_SIM_RUNS` says how many histories, `PASSPORT_SIM_SEED` replays one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "helpers of tests may panic as tests do"
)]

mod author;
mod hostile;
mod network;

use std::collections::BTreeMap;

/// How often each thing happened.
pub(crate) type Counts = BTreeMap<String, usize>;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap())
}

#[test]
fn everybody_shows_the_same_in_the_end() {
    let mut counts = Counts::new();
    let seeds = from_environment("PASSPORT_SIM_SEED").map_or_else(
        || 0..from_environment("PASSPORT_SIM_RUNS").unwrap_or(6),
        |seed| seed..seed + 1,
    );
    let whole = seeds.end - seeds.start >= 6;
    for seed in seeds {
        println!("seed {seed}");
        network::run(seed, &mut counts);
    }
    for (what, count) in &counts {
        println!("{count:>8} {what}");
    }
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
    let merges = ["fork", "several values", "disputed removal", "lagging", "waited", "epoch"];
    let expected = edits
        .iter()
        .map(|e| format!("edit {e}"))
        .chain(refusals.iter().map(|r| format!("refused {r}")))
        .chain(merges.iter().map(|m| format!("merge {m}")));
    for what in expected.filter(|_| whole) {
        assert!(counts.contains_key(&what), "never happened: {what}");
    }
}
