//! A town: the real parties with real vaults, several real relays, and everything that goes
//! wrong between them, under virtual time.
//!
//! A run is a list of numbers; each is an action or a fault with all its chances. So one seed is
//! one run, and a run that fails is made shorter by leaving numbers out.
//!
//! ```text
//!  a step ──► deeds: add, edit, remove, share until a day, revoke, let in and remove devices,
//!             replace the phrase, move to other relays, contribute, change and note offline
//!         ──► exchanges: with a relay or by a folder, cut, lost, late, doubled, out of order,
//!             across a wall that stands for days
//!         ──► faults: crashes, restarts, copied devices, clocks that step, relays that start
//!             again, are emptied or set back
//!         ──► what must hold at any moment            (`oracle`)
//!  the end ─► all is healed, everybody comes to rest, and what must hold then
//! ```
//!
//! Beside what [`passport_tests::histories`] reads (`PASSPORT_TOWN_…`): `PASSPORT_TOWN_STEPS`, how
//! long a run is; `PASSPORT_TOWN_TELL`, to be told a seed that fails step by step, and with
//! `PASSPORT_TOWN_SHORTEN` after leaving out what the failure can do without;
//! `PASSPORT_TOWN_WITHOUT`, a mechanism to leave out (`without`).
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do"
)]

mod deeds;
mod faults;
mod hoard;
mod oracle;
mod people;
mod streets;
mod without;

use std::env::var_os;

use passport_tests::histories::{Histories, attempt, from_environment};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::streets::Run;
use crate::without::Without;

/// Everything that happens in a town.
const HAPPENS: [&str; 31] = [
    "add",
    "annotate",
    "change by an organisation",
    "clock",
    "clone",
    "contribute",
    "crash",
    "edit",
    "exchange",
    "exchange that was cut",
    "expel",
    "expiry",
    "folder",
    "join",
    "late request",
    "moved to other relays",
    "relay copied",
    "relay emptied",
    "relay restarted",
    "relay rolled back",
    "remove",
    "replace the phrase",
    "restart",
    "revoke",
    "round",
    "share",
    "share until",
    "wall",
    "wall met",
    "epochs",
    "quarantined",
];

fn steps_of(seed: u64) -> Vec<u64> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let steps = from_environment("PASSPORT_TOWN_STEPS").unwrap_or(60);
    (0..steps).map(|_| rng.next_u64()).collect()
}

/// Leaves out whatever the failure does not need, larger runs of steps first.
fn shortened(run: &Run, why: &str, mut steps: Vec<u64>) -> Vec<u64> {
    // The numbers and names in the words of a failure may change.
    let kind =
        |why: &str| why.chars().filter(char::is_ascii_lowercase).take(24).collect::<String>();
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            match attempt(|| run.through(&fewer)) {
                Err(other) if kind(&other) == kind(why) => steps = fewer,
                Ok(_) | Err(_) => at += size,
            }
        }
        size /= 2;
    }
    steps
}

#[test]
fn the_promises_hold_in_a_town_where_everything_goes_wrong() {
    let histories = Histories::asked("PASSPORT_TOWN", 6);
    let many = histories.seeds.clone().count() >= 40;
    let without = Without::asked();
    let told = histories.run(|seed| Run { seed, without, told: false }.through(&steps_of(seed)));
    for (seed, why) in told.failed.iter().filter(|_| var_os("PASSPORT_TOWN_TELL").is_some()) {
        let run = Run { seed: *seed, without, told: false };
        let mut steps = steps_of(*seed);
        if var_os("PASSPORT_TOWN_SHORTEN").is_some() {
            steps = shortened(&run, why, steps);
        }
        println!("seed {seed} fails with these {} steps: {steps:?}", steps.len());
        drop(attempt(|| Run { told: true, ..run }.through(&steps)));
    }
    assert!(told.failed.is_empty(), "PASSPORT_TOWN_SEED replays each of {:#?}", told.failed);
    for what in HAPPENS.iter().filter(|_| many) {
        assert!(told.counts.contains_key(*what), "never happened: {what}");
    }
}

#[test]
fn each_promise_fails_without_its_mechanism() {
    for (without, seed, expected) in Without::ALL {
        let run = Run { seed, without: Some(without), told: false };
        let why = attempt(|| run.through(&steps_of(seed))).err();
        let why = why.unwrap_or_else(|| panic!("all is well without {without:?}, by seed {seed}"));
        assert!(why.contains(expected), "without {without:?}, seed {seed} fails by: {why}");
    }
}
