//! What the tests of the student passport share.

pub mod cli;
pub mod kit;
pub mod relay;

pub use cli::{Cli, Output, passport_binary};
pub use relay::Relay;
