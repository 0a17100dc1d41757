//! The edges a client syncs through: a relay over HTTP ([`Remote`]), a file or a folder
//! ([`via`]); and [`exchange`], which takes a party through them.

pub mod exchange;
mod fhir;
mod live;
mod page;
mod remote;
pub mod via;

pub use fhir::transact;
pub use live::{LiveConnection, LiveEvent, LiveSink};
pub use page::{PageAnswer, ask_page, fetch_page};
pub use remote::{Address, Remote, RemoteConfig, RemoteError};

#[cfg(test)]
mod tests;
