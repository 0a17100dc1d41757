//! What was read of others, as it goes out and comes back.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use passport_fuzz::{again, change};

fuzz_target!(|bytes: &[u8]| again(bytes));

fuzz_mutator!(|buffer: &mut [u8], size: usize, size_max: usize, seed: u32| {
    change(buffer, size, size_max, seed, fuzzer_mutate)
});
