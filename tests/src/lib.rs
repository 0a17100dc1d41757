//! What the tests of the student passport share.

pub mod cli;
pub mod kit;

pub use cli::{Cli, Output, passport_binary};
