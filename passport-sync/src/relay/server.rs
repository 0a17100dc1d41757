//! Accepting connections.
//!
//! `axum::serve` sets no timer, so that hyper's header timeout would do nothing; connections
//! are therefore served here.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::crowd::{Crowd, Seat};
use super::live::Afterwards;
use super::metrics::Route;
use super::pace::{Pace, network};
use super::routes::Refused;
use super::{Clock, RelayConfig, Shared, auth, routes};
use crate::session::Swept;
use crate::signature::ReplayGuard;
use crate::store::Store;
use crate::wire::Rejection;

/// Serves until `shutdown` completes, then lets requests end.
///
/// # Errors
/// Returns the error of the listener's address, if it has none.
pub async fn serve(
    listener: TcpListener,
    config: RelayConfig,
    store: Arc<dyn Store>,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let tls = config.tls.is_some();
    let shared = Arc::new(Shared {
        authorities: auth::Authorities::new(&config.authorities, listener.local_addr()?, tls),
        store,
        clock,
        replay: Mutex::new(ReplayGuard::new(config.nonces_max)),
        pace: Pace::new(config.requests_per_key, config.requests_per_address),
        body_bytes: Arc::new(Semaphore::new(config.body_bytes_max)),
        arrivals: Arc::default(),
        config,
    });
    let router = routes::router(Arc::clone(&shared));
    let crowd = Arc::new(Crowd::new(shared.config.connections_max));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    let sweeping = tokio::spawn(sweep(Arc::clone(&shared)));
    tracing::info!(tls, "relay is serving");
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Seated before the handshake, which costs more than the seat.
                    let seat = Crowd::enter(&crowd, network(peer.ip()));
                    connections.spawn(attend(stream, Arc::clone(&shared), router.clone(), seat));
                }
                Err(error) => {
                    // Usually out of file descriptors: until a connection ends, or a second.
                    tracing::warn!(%error, "could not accept a connection");
                    let ended = async {
                        if connections.join_next().await.is_none() {
                            core::future::pending::<()>().await;
                        }
                    };
                    let _waited = tokio::time::timeout(Duration::from_secs(1), ended).await;
                }
            },
        }
    }
    drop(listener);
    sweeping.abort();
    shared.arrivals.stop();
    let all = async { while connections.join_next().await.is_some() {} };
    let ended = tokio::time::timeout(shared.config.shutdown_timeout, all).await;
    tracing::info!(all_requests_ended = ended.is_ok(), "relay has stopped");
    Ok(())
}

/// Forgets what has ended, at once and then hourly.
async fn sweep(shared: Arc<Shared>) {
    let mut hourly = tokio::time::interval(Duration::from_hours(1));
    loop {
        hourly.tick().await;
        let (now, limits, store) =
            ((shared.clock)(), shared.config.limits, Arc::clone(&shared.store));
        let swept = routes::blocking(move || {
            crate::session::sweep(now, &limits, &*store).map_err(|error| routes::unwell(&error))
        });
        if let Ok(Swept { mailboxes, channels }) = swept.await {
            tracing::info!(mailboxes, channels, "forgot what has ended");
        }
    }
}

/// Serves one connection until it ends, has lived long enough, or has to make room.
async fn attend(stream: TcpStream, shared: Arc<Shared>, router: Router, seat: Seat) {
    // Small answers should not wait; where this cannot be set they wait a little.
    let _set = stream.set_nodelay(true);
    let _connected = shared.config.metrics.connected();
    let leaving = seat.leaving();
    let attended = async {
        let Some(identity) = &shared.config.tls else {
            return converse(stream, &shared, router, &seat).await;
        };
        let handshake = TlsAcceptor::from(identity.current()).accept(stream);
        // How a connection ends is the client's affair.
        if let Ok(Ok(stream)) =
            tokio::time::timeout(shared.config.handshake_timeout, handshake).await
        {
            converse(stream, &shared, router, &seat).await;
        }
    };
    tokio::select! {
        () = attended => {}
        () = leaving.notified() => {}
    }
}

/// Answers the requests of a connection, one after the other.
async fn converse<S>(stream: S, shared: &Arc<Shared>, router: Router, seat: &Seat)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let after = Afterwards::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(after.clone());
        let (serving, began) = (seat.serve(), Instant::now());
        let route = Route::of(request.uri().path());
        let metrics = Arc::clone(&shared.config.metrics);
        let answer = match shared.pace.address(seat.address()) {
            Ok(()) => Ok(router.call(request)),
            Err(wait) => Err(routes::refuse(Refused::later(wait), (shared.clock)())),
        };
        async move {
            let answer = match answer {
                Ok(answer) => answer.await,
                Err(refusal) => Ok(refusal),
            };
            if let Ok(answer) = &answer {
                metrics.answered(route, answer.status(), began.elapsed());
                if let Some(rejection) = answer.extensions().get::<Rejection>() {
                    metrics.refused(*rejection);
                }
            }
            drop(serving);
            answer
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(shared.config.header_timeout)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let mut stopping = shared.arrivals.stopping();
    let conversation = async {
        tokio::select! {
            _ended = &mut connection => return,
            _stopping = stopping.wait_for(|stopping| *stopping) => {}
        }
        connection.as_mut().graceful_shutdown();
        let _ended = connection.as_mut().await;
    };
    let life = shared.config.connection_timeout;
    if tokio::time::timeout(life, conversation).await.is_ok() {
        let _serving = seat.serve();
        after.clone().go_on(shared, seat.address()).await;
    }
}
