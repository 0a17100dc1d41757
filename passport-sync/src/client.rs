//! The edges a client syncs through: a relay over HTTP ([`Remote`]), a file or a folder
//! ([`via`]).

mod remote;
pub mod via;

pub use remote::{Remote, RemoteConfig, RemoteError, Summary, SyncError};

#[cfg(test)]
mod tests;
