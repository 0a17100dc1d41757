//! Known answers: of the primitives we rely on, and of our own frozen formats.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests may panic as tests do"
)]

mod keys;
mod primitives;
mod protocol_examples;
mod replica;
