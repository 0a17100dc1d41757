//! Both ends of the protocol, without I/O.
//!
//! The relay's end, [`handle`], is a function of request, authenticated key, time and store.
//! The client's end, [`ClientSync`], is a state machine: it hands out requests, takes responses
//! and failures, and says when to try again.

mod backoff;
mod client;
pub mod port;
mod relay;

pub use backoff::{Backoff, BackoffPolicy};
pub use client::{ClientSync, OfferId, Page, ProtocolError, RemoteState, Reset, Settled};
pub use relay::{RelayLimits, fetch_blob, handle, put_blob};
