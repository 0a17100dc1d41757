//! What others hand us: whatever it is, it is read or refused, in a bounded time and size.
//!
//! The fuzz targets in `tests/fuzz` and the tests that replay what they found run the same code.
#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what must hold is asserted, and helpers of tests may panic as tests do"
)]

mod again;
mod form;
mod json;
mod protocol;
mod record;
mod said;
mod samples;
mod text;
mod xml;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use serde_json::Value as Json;
use std::sync::LazyLock;

pub use again::again;
pub use form::Form;
pub use protocol::{READERS, Reader, protocol, strict};
pub use record::{Outcome, record};
pub use samples::{Sample, samples};

/// What the encrypted samples open with.
const KEY: [u8; 32] = [7; 32];

/// The samples as they are without a wrapping, and what they are in JSON. Read once: reading them at
/// every change would cost as much as what is fuzzed.
static SAMPLES: LazyLock<Vec<(Vec<u8>, Json)>> = LazyLock::new(|| {
    let read = |sample: Sample| {
        let json = serde_json::from_slice(&sample.record).unwrap_or_default();
        (sample.record, json)
    };
    samples().into_iter().map(read).collect()
});

/// A number below `n`.
fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    usize::try_from(rng.next_u64() % (n.max(1) as u64)).unwrap()
}

/// One of several.
fn one<'a, T>(rng: &mut ChaCha20Rng, of: &'a [T]) -> &'a T {
    &of[below(rng, of.len())]
}

/// A record changed once, or a few times over, with parts of the samples: by structure, or by
/// byte; equal seeds give equal changes.
///
/// What it is wrapped in, a card or a sealed file, is taken off and put on again.
#[must_use]
pub fn mutated(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let rng = &mut rng;
    let (other, other_json) = one(rng, &SAMPLES);
    let (form, record) = Form::opened(bytes);
    let inside = if below(rng, 4) == 0 {
        text::bytes(&record, other, rng)
    } else if let Ok(good) = serde_json::from_slice(&record) {
        json::written(&json::tree(&good, other_json, rng), rng)
    } else if let (Ok(good), Ok(other)) =
        (core::str::from_utf8(&record), core::str::from_utf8(other))
    {
        text::xml(good, other, rng)
    } else {
        text::bytes(&record, other, rng)
    };
    let wrapped = form.wrapped(&inside);
    // What is changed outside a wrapping is seldom opened.
    if below(rng, 8) > 0 { wrapped } else { text::bytes(&wrapped, other, rng) }
}

/// Changes a record in its place, as libFuzzer asks for it; some of them as libFuzzer itself does,
/// which puts to use what it learned from comparisons.
pub fn change(
    buffer: &mut [u8],
    size: usize,
    size_max: usize,
    seed: u32,
    itself: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    if seed.is_multiple_of(3) {
        return itself(buffer, size, size_max);
    }
    let changed = mutated(&buffer[..size], seed.into());
    let size = changed.len().min(size_max);
    buffer[..size].copy_from_slice(&changed[..size]);
    size
}
