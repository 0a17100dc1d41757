//! The student passport's relay and sync protocol.
//!
//! ```text
//!  ClientSync ──SyncRequest──► Remote ══ HTTP, signed ══► relay ──► handle ──► Store
//!      ▲                                                                │
//!      └──Page── SyncResponse ◄═════════════════════════════════════════┘
//!  Parcels ◄──────► via::Via (file or folder, no relay)
//! ```
//!
//! - [`wire`]: messages, limits, rejections
//! - [`session`]: both ends of the protocol, without I/O
//! - [`signature`]: HTTP Message Signatures, one narrow profile
//! - [`store`]: what a relay keeps: a port, in memory, in SQLite
//! - [`relay`]: the HTTP server (feature `relay`)
//! - [`client`]: the HTTP driver, files and folders (feature `client`)
//!
//! # A round of syncing
//!
//! ```no_run
//! use passport_core::{keys::SigningKey, time::Timestamp};
//! use passport_sync::client::{Remote, RemoteConfig, SyncError};
//! use passport_sync::session::{BackoffPolicy, ClientSync, RemoteState};
//! use passport_sync::wire::ItemKind;
//!
//! fn round(
//!     device: SigningKey,
//!     remembered: RemoteState,
//!     envelopes: Vec<Vec<u8>>,
//!     now: Timestamp,
//!     rng: &mut dyn rand_core::CryptoRng,
//! ) -> Result<(), SyncError<std::io::Error>> {
//!     let mut remote = Remote::new("http://127.0.0.1:7700", device, RemoteConfig::default())?;
//!     let mut client = ClientSync::new(remembered, BackoffPolicy::default());
//!     for bytes in envelopes {
//!         client.offer_envelope(bytes);
//!     }
//!     let summary = remote.sync(&mut client, now, rng, &mut |page, state| {
//!         for item in &page.items {
//!             match item.kind {
//!                 ItemKind::Envelope => { /* SealedEnvelope::decode, verify, store */ }
//!                 ItemKind::Letter => { /* wire::DeliveredLetter::decode, open */ }
//!                 ItemKind::AccessList => { /* Signed<AccessList>, for the control key only */ }
//!             }
//!         }
//!         // In one transaction with the items: remember `state`, note `page.settled`.
//!         let _ = (state, page.settled);
//!         Ok(())
//!     })?;
//!     if summary.reset {
//!         // Another relay, or one that lost its past: offer everything held, and sync again.
//!     }
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "relay")]
pub mod relay;
pub mod session;
pub mod signature;
pub mod store;
pub mod wire;
