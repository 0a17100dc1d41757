//! Both ends of the protocol, without I/O.
//!
//! The relay's end, [`handle`], is a function of request, authenticated key, time and store.
//! The client's end, [`check`], says whether a response answers a request; what a relay has is
//! remembered in a party's journal and nowhere else. [`Backoff`] says when to try again.

mod backoff;
mod client;
mod links;
pub mod port;
mod relay;

pub use backoff::{Backoff, BackoffPolicy};
pub use client::{PAGE_BYTES, ProtocolError, Reset, check};
pub use links::{Asked, Opened, drop_link, link_file, link_state, open_link, put_link};
pub use relay::{
    Answered, Live, RelayLimits, Swept, fetch_blob, find_blob, handle, put_blob, sweep,
};
