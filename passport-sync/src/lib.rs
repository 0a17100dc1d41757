//! The student passport's relay and sync protocol.
//!
//! ```text
//!  Party ──Outgoing──► exchange ──SyncRequest──► Remote ══ HTTP, signed ══► relay ──► Store
//!    ▲                    │  ▲                                                │
//!    └──Incoming──────────┘  └──SyncResponse ◄════════════════════════════════┘
//!                         └──Parcels──► via::Via (file or folder, no relay)
//! ```
//!
//! - [`wire`]: messages, limits, rejections
//! - [`session`]: both ends of the protocol, without I/O
//! - [`signature`]: HTTP Message Signatures, one narrow profile
//! - [`store`]: what a relay keeps: a port, in memory, in SQLite
//! - [`relay`]: the HTTP server (feature `relay`)
//! - [`client`]: the HTTP driver, files and folders (feature `client`)
//! - [`tls`]: certificates and whom to believe, for both ends
//!
//! # Syncing
//!
//! ```no_run
//! use passport_core::{party::Party, time::Timestamp};
//! use passport_sync::client::RemoteConfig;
//! use passport_sync::client::exchange::{Exchange, Exchanged};
//! use passport_sync::session::BackoffPolicy;
//!
//! fn sync(
//!     party: &mut dyn Party,
//!     now: Timestamp,
//!     rng: &mut dyn rand_core::CryptoRng,
//! ) -> Result<Exchanged, passport_core::party::PartyError> {
//!     let mut exchange = Exchange {
//!         now,
//!         policy: BackoffPolicy::default(),
//!         pause: &mut |_seconds| { /* sleep, or do something else */ },
//!         progress: &mut |_exchanged| {},
//!         config: RemoteConfig::default(),
//!     };
//!     exchange.with_relay(party, "http://127.0.0.1:7700", rng)
//! }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "client", feature = "relay"))]
mod frames;
#[cfg(feature = "relay")]
pub mod relay;
pub mod session;
pub mod signature;
pub mod store;
#[cfg(any(feature = "client", feature = "relay"))]
pub mod tls;
pub mod wire;
