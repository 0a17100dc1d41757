//! Random histories: each of one seed, told apart by how often each thing happened in it.
//!
//! `<PREFIX>_RUNS` says how many histories, `<PREFIX>_SEED` the first seed (with no runs given,
//! the only one), `<PREFIX>_THREADS` how many at once.
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it serves tests, and may panic as tests do"
)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

/// How often each thing happened.
pub type Counts = BTreeMap<String, usize>;

/// Which histories are asked for.
#[derive(Clone, Debug)]
pub struct Histories {
    /// Their seeds.
    pub seeds: Range<u64>,
    threads: u64,
}

/// What came of them.
#[derive(Debug, Default)]
pub struct Told {
    /// How often each thing happened in those that went well.
    pub counts: Counts,
    /// Seeds of the others, and what was wrong.
    pub failed: BTreeMap<u64, String>,
}

/// A number from the environment.
#[must_use]
pub fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap())
}

/// A number below `n`, or 0.
pub fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    let n = u64::try_from(n.max(1)).unwrap();
    usize::try_from(rng.next_u64() % n).unwrap()
}

/// Runs a history, and gives what it returned or the words of its panic.
pub fn attempt<T>(history: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(history)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default()
    })
}

impl Histories {
    /// Those that the environment asks for; else the first `few` seeds.
    #[must_use]
    pub fn asked(prefix: &str, few: u64) -> Self {
        let asked = |what: &str| from_environment(&format!("{prefix}_{what}"));
        let few = if asked("SEED").is_some() { 1 } else { few };
        let start = asked("SEED").unwrap_or(0);
        let runs = asked("RUNS").unwrap_or(few);
        Self { seeds: start..start + runs, threads: asked("THREADS").unwrap_or(1) }
    }

    /// Runs them all, also after one failed.
    pub fn run(self, history: impl Fn(u64) -> Counts + Sync) -> Told {
        let next = Mutex::new(self.seeds);
        let told = Mutex::new(Told::default());
        let work = || {
            loop {
                let Some(seed) = next.lock().unwrap().next() else { return };
                let ended = attempt(|| history(seed));
                let mut told = told.lock().unwrap();
                match ended {
                    Ok(counts) => {
                        println!("seed {seed} holds");
                        for (what, count) in counts {
                            *told.counts.entry(what).or_default() += count;
                        }
                    }
                    Err(why) => {
                        println!("seed {seed} FAILED: {}", why.lines().next().unwrap_or_default());
                        told.failed.insert(seed, why);
                    }
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(work);
            }
        });
        let told = told.into_inner().unwrap();
        for (what, count) in &told.counts {
            println!("{count:>8} {what}");
        }
        told
    }
}
