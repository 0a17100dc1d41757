//! What a relay counts of itself, in the words of Prometheus (`OpenMetrics` 1.0 text).
//!
//! Nothing here has a key, a channel, an address or anything else of somebody as a label: the
//! number of series is fixed by the code.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::header;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;

use crate::wire::{Outcome, Rejection, Results};

/// Seconds that divide fast from slow: from half a millisecond to half a minute.
const SECONDS: [f64; 13] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Writes that were committed together.
const GROUPS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The media type of the answer (`OpenMetrics` 1.0).
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Route {
    Sync,
    Live,
    Objects,
    Links,
    Shl,
    Health,
    Other,
}

impl Route {
    /// What a path stands for.
    pub(super) fn of(path: &str) -> Self {
        let mut parts = path.trim_start_matches('/').split('/');
        match (parts.next(), parts.next()) {
            (Some("v1"), Some("sync")) => Self::Sync,
            (Some("v1"), Some("live")) => Self::Live,
            (Some("v1"), Some("objects")) => Self::Objects,
            (Some("v1"), Some("links")) => Self::Links,
            (Some("shl"), _) => Self::Shl,
            (Some("healthz" | "readyz"), None) => Self::Health,
            _ => Self::Other,
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Ending {
    Answered,
    Refused,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requested {
    route: Route,
    outcome: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: Route,
}

/// The number of a [`Rejection`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCode {
    code: u16,
}

/// What a relay counts of itself.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Requested, Counter>,
    seconds: Family<OfRoute, Histogram, fn() -> Histogram>,
    rejections: Family<OfCode, Counter>,
    envelopes: Counter,
    bytes: Counter,
    letters: Counter,
    groups: Histogram,
    waiting: Gauge,
    connections: Gauge,
    live: Gauge,
    database: Gauge,
}

/// One more of something, until this is dropped.
#[derive(Debug)]
pub(super) struct Present(Gauge);

impl Present {
    fn new(of: &Gauge) -> Self {
        of.inc();
        Self(of.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut of = Self {
            registry: Registry::with_prefix("passport_relay"),
            requests: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            rejections: Family::default(),
            envelopes: Counter::default(),
            bytes: Counter::default(),
            letters: Counter::default(),
            groups: Histogram::new(GROUPS),
            waiting: Gauge::default(),
            connections: Gauge::default(),
            live: Gauge::default(),
            database: Gauge::default(),
        };
        let all = &mut of.registry;
        all.register("requests", "HTTP requests, by route and outcome", of.requests.clone());
        let help = "From a request's head to its response";
        all.register_with_unit("request_duration", help, Unit::Seconds, of.seconds.clone());
        let help = "Requests and objects refused, by the number of the reason";
        all.register("rejections", help, of.rejections.clone());
        all.register("envelopes_stored", "Envelopes stored", of.envelopes.clone());
        let help = "Bytes of the envelopes stored";
        all.register_with_unit("envelopes_stored", help, Unit::Bytes, of.bytes.clone());
        all.register("letters_stored", "Letters stored", of.letters.clone());
        all.register("commit_writes", "Writes that were committed together", of.groups.clone());
        all.register("writes_waiting", "Writes that wait for a commit", of.waiting.clone());
        all.register("connections", "Open connections", of.connections.clone());
        all.register("live_connections", "Live connections", of.live.clone());
        let help = "Bytes of the database and its log";
        all.register_with_unit("database", help, Unit::Bytes, of.database.clone());
        of
    }

    /// A request ended with this status.
    pub(super) fn answered(&self, route: Route, status: http::StatusCode, took: Duration) {
        let outcome = if status.is_server_error() {
            Ending::Failed
        } else if status.is_client_error() {
            Ending::Refused
        } else {
            Ending::Answered
        };
        self.requests.get_or_create(&Requested { route, outcome }).inc();
        self.seconds.get_or_create(&OfRoute { route }).observe(took.as_secs_f64());
    }

    /// A request was refused.
    pub(super) fn refused(&self, rejection: Rejection) {
        self.rejections.get_or_create(&OfCode { code: rejection.code() }).inc();
    }

    /// What became of pushed objects; the sizes are those of the envelopes, in bytes.
    pub(super) fn settled(&self, sizes: &[u64], results: &Results) {
        for (outcome, size) in results.envelopes.iter().zip(sizes) {
            if *outcome == Outcome::Stored {
                self.envelopes.inc();
                self.bytes.inc_by(*size);
            }
        }
        let stored = results.letters.iter().filter(|outcome| **outcome == Outcome::Stored);
        self.letters.inc_by(stored.count() as u64);
        let all = [
            &results.access_lists,
            &results.envelopes,
            &results.letters,
            &results.drop_epochs,
            &results.fetch_channels,
        ];
        for rejection in all.into_iter().flatten().filter_map(Outcome::rejection) {
            self.refused(rejection);
        }
    }

    /// A group of writes was committed, and so many wait for the next.
    pub fn committed(&self, writes: usize, waiting: usize) {
        self.groups.observe(f64::from(u32::try_from(writes).unwrap_or(u32::MAX)));
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Counts a connection while it is held.
    pub(super) fn connected(&self) -> Present {
        Present::new(&self.connections)
    }

    /// Counts a live connection while it is held.
    pub(super) fn live(&self) -> Present {
        Present::new(&self.live)
    }

    fn text(&self, files: &[PathBuf]) -> String {
        let sizes = files.iter().filter_map(|file| Some(std::fs::metadata(file).ok()?.len()));
        self.database.set(i64::try_from(sizes.sum::<u64>()).unwrap_or(i64::MAX));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _written = encode(&mut text, &self.registry);
        text
    }
}

/// Answers `GET /metrics` until the listener fails. `files` are those of the database.
///
/// # Errors
/// Returns why no more connections can be accepted.
pub async fn serve_metrics(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    files: Vec<PathBuf>,
) -> io::Result<()> {
    let show =
        move || async move { ([(header::CONTENT_TYPE, OPEN_METRICS)], metrics.text(&files)) };
    axum::serve(listener, Router::new().route("/metrics", get(show))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_under_a_name() {
        let metrics = Metrics::new();
        let (stored, refused) = (Outcome::Stored, Outcome::from(Rejection::QuotaExceeded));
        let results = Results {
            envelopes: vec![stored, Outcome::Known, refused, stored],
            letters: vec![stored],
            ..Results::default()
        };
        metrics.settled(&[10, 20, 30, 40], &results);
        let status = http::StatusCode::TOO_MANY_REQUESTS;
        metrics.answered(Route::of("/v1/sync"), status, Duration::from_millis(3));
        metrics.committed(5, 2);
        let (_live, gone) = (metrics.live(), metrics.live());
        drop(gone);
        let text = metrics.text(&[]);
        for line in [
            "passport_relay_requests_total{route=\"Sync\",outcome=\"Refused\"} 1",
            "passport_relay_request_duration_seconds_bucket{le=\"0.005\",route=\"Sync\"} 1",
            "passport_relay_rejections_total{code=\"7\"} 1",
            "passport_relay_envelopes_stored_total 2",
            "passport_relay_envelopes_stored_bytes_total 50",
            "passport_relay_letters_stored_total 1",
            "passport_relay_commit_writes_sum 5.0",
            "passport_relay_writes_waiting 2",
            "passport_relay_live_connections 1",
            "passport_relay_database_bytes 0",
            "# EOF",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }

    #[test]
    fn paths_have_few_names_whatever_is_in_them() {
        for (path, route) in [
            ("/v1/sync", Route::Sync),
            ("/v1/objects/00ff", Route::Objects),
            ("/v1/links/00ff", Route::Links),
            ("/shl/abc/file/def", Route::Shl),
            ("/readyz", Route::Health),
            ("/v1/other/x", Route::Other),
            ("/", Route::Other),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }
}
