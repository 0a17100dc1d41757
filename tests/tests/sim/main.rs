//! Random histories: many authors, every kind of edit, bad networks and bad faith; in the end
//! everybody shows the same.
//!
//! `PASSPORT_SIM_RUNS` says how many histories, `PASSPORT_SIM_SEED` the first seed (with no runs
//! given, the only one), `PASSPORT_SIM_THREADS` how many at once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::similar_names,
    reason = "helpers of tests may panic as tests do"
)]

mod author;
mod hostile;
mod network;

use passport_tests::histories::{Counts, Histories};

#[test]
fn everybody_shows_the_same_in_the_end() {
    let histories = Histories::asked("PASSPORT_SIM", 6);
    let whole = histories.seeds.clone().count() >= 6;
    let told = histories.run(|seed| {
        let mut counts = Counts::new();
        network::run(seed, &mut counts);
        counts
    });
    let (counts, failed) = (told.counts, told.failed);
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
