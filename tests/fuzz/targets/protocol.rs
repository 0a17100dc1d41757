//! Bytes as devices, organisations and relays hand them over.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| passport_fuzz::protocol(bytes));
