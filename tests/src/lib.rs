//! What the tests of the student passport share.

pub mod cli;
pub mod fhir_server;
pub mod histories;
pub mod kit;
pub mod post;
pub mod proxy;
pub mod relay;
pub mod search;
pub mod spy;
pub mod stage;

pub use cli::{Cli, Output, passport_binary};
pub use proxy::Proxy;
pub use relay::Relay;
pub use stage::{Person, Stage};
