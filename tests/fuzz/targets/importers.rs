//! Records as others hand them over.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use passport_fuzz::{change, record};

fuzz_target!(|bytes: &[u8]| {
    let _read_or_refused = record(bytes);
});

fuzz_mutator!(|buffer: &mut [u8], size: usize, size_max: usize, seed: u32| {
    change(buffer, size, size_max, seed, fuzzer_mutate)
});
