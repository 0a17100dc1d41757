//! The relay as an HTTP/1.1 server.
//!
//! ```text
//!  connection ── cap, handshake, header timer, life span ──► route ── signature, freshness ──►
//!  body ── size, memory, digest ──► session::handle on a blocking thread ──► response
//! ```
//!
//! Logs carry outcomes, counts and durations; never keys, channels, addresses or bytes.

mod arrivals;
mod auth;
mod body;
mod crowd;
mod links;
mod live;
mod metrics;
mod pace;
mod routes;
mod server;

pub use metrics::{Metrics, serve_metrics};
pub use server::serve;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use passport_core::time::Timestamp;
use tokio::sync::Semaphore;

use self::arrivals::Arrivals;
use self::pace::Pace;
use crate::session::RelayLimits;
use crate::signature::ReplayGuard;
use crate::store::Store;
use crate::tls::Identity;
use crate::wire::LIVE_SILENCE_SECONDS;

/// Where the relay reads the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a relay serves.
#[derive(Clone, Debug)]
pub struct RelayConfig {
    /// The hosts (with port, lower case, as clients write them) this relay answers as. A
    /// request signed for any other is refused, so that no other relay can pass it on. Empty
    /// for the address it listens on; if that is unspecified, any host with its port.
    pub authorities: Vec<String>,
    /// How much is taken from whom.
    pub limits: RelayLimits,
    /// Most connections at once; for whoever comes then, an idle or the oldest one leaves. Keep
    /// it below the files a process may have open.
    pub connections_max: usize,
    /// Most bytes of bodies being received at once.
    pub body_bytes_max: usize,
    /// Most requests remembered against replay, over about three minutes; each takes some 20 bytes.
    pub nonces_max: usize,
    /// Requests of one key in a minute, at once or spread; 0 for any number.
    pub requests_per_key: u32,
    /// Requests from one address in a minute, at once or spread; 0 for any number.
    pub requests_per_address: u32,
    /// With TLS, its certificates and key; without, it speaks in the open.
    pub tls: Option<Arc<Identity>>,
    /// How long a connection may take for the TLS handshake.
    pub handshake_timeout: Duration,
    /// How long a connection may take to send a request's headers, idle time included.
    pub header_timeout: Duration,
    /// How long a request may take, body included.
    pub request_timeout: Duration,
    /// How long a connection may live, so that a client that reads slowly lets go.
    pub connection_timeout: Duration,
    /// How long a live connection may go on before its key has to sign anew.
    pub live_timeout: Duration,
    /// How often something is sent on a live connection, that silence means something.
    pub live_beat: Duration,
    /// How long a client may take nothing of what a live connection has for it.
    pub live_patience: Duration,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How long requests may go on after shutdown began.
    pub shutdown_timeout: Duration,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            limits: RelayLimits::default(),
            connections_max: 4_000,
            body_bytes_max: 256 * 1024 * 1024,
            nonces_max: 2_000_000,
            requests_per_key: 6_000,
            requests_per_address: 60_000,
            tls: None,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_mins(1),
            connection_timeout: Duration::from_mins(10),
            live_timeout: Duration::from_hours(1),
            live_beat: Duration::from_secs(LIVE_SILENCE_SECONDS / 3),
            live_patience: Duration::from_secs(10),
            metrics: Arc::new(Metrics::new()),
            shutdown_timeout: Duration::from_secs(10),
        }
    }
}

/// What all requests share.
struct Shared {
    config: RelayConfig,
    authorities: auth::Authorities,
    store: Arc<dyn Store>,
    clock: Clock,
    replay: Mutex<ReplayGuard>,
    pace: Pace,
    body_bytes: Arc<Semaphore>,
    arrivals: Arc<Arrivals>,
}

#[cfg(test)]
#[cfg(all(feature = "client", feature = "sqlite"))]
mod tests;
