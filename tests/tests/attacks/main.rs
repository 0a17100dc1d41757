//! What is tried against the passport, by the numbers of `docs/THREATS.md`.
//!
//! Default outcome: refused with a typed error, prior state byte for byte as before, reported,
//! no panic. Attacks on the command line, the disk and live servers are elsewhere.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic as tests do, and the seed is printed"
)]

mod control;
mod decoders;
mod devices;
mod faults;
mod files;
mod floods;
mod forgeries;
mod members;
mod office;
mod packs;
mod recovered;
mod relays;
mod sealed;
mod writers;
