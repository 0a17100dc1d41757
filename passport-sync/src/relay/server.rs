//! Accepting connections.
//!
//! `axum::serve` sets no timer, so that hyper's header timeout would do nothing; connections
//! are therefore served here.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore, watch};

use super::crowd::{Crowd, Seat};
use super::{Arrivals, Clock, RelayConfig, Shared, auth, routes};
use crate::signature::ReplayGuard;
use crate::store::Store;

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
    let authorities = auth::Authorities::new(&config.authorities, listener.local_addr()?);
    let shared = Arc::new(Shared {
        authorities,
        store,
        clock,
        replay: Mutex::new(ReplayGuard::new(config.nonces_max)),
        body_bytes: Arc::new(Semaphore::new(config.body_bytes_max)),
        arrivals: watch::Sender::new(Arrivals::default()),
        config: config.clone(),
    });
    let router = routes::router(Arc::clone(&shared));
    let crowd = Arc::new(Crowd::new(config.connections_max));
    let ended = Arc::new(Notify::new());
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    tracing::info!("relay is serving");
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let seat = crowd.enter();
                    let connection = connect(stream, &config, router.clone(), &seat);
                    let connection = graceful.watch(connection);
                    let life = config.connection_timeout;
                    let (crowd, ended) = (Arc::clone(&crowd), Arc::clone(&ended));
                    tokio::spawn(async move {
                        tokio::select! {
                            // How a connection ends is the client's affair.
                            _outcome = tokio::time::timeout(life, connection) => {}
                            () = seat.asked_to_leave() => {}
                        }
                        crowd.exit(&seat);
                        ended.notify_one();
                    });
                }
                Err(error) => {
                    // Usually out of file descriptors: until a connection ends, or a second.
                    tracing::warn!(%error, "could not accept a connection");
                    let wait = std::time::Duration::from_secs(1);
                    let _ended = tokio::time::timeout(wait, ended.notified()).await;
                }
            },
        }
    }
    drop(listener);
    shared.arrivals.send_modify(|arrivals| arrivals.stopping = true);
    let ended = tokio::time::timeout(config.shutdown_timeout, graceful.shutdown()).await;
    tracing::info!(all_requests_ended = ended.is_ok(), "relay has stopped");
    Ok(())
}

fn connect(
    stream: TcpStream,
    config: &RelayConfig,
    router: Router,
    seat: &Arc<Seat>,
) -> impl GracefulConnection<Error = hyper::Error> + Send + use<> {
    // Small answers should not wait; where this cannot be set they wait a little.
    let _set = stream.set_nodelay(true);
    let (router, seat) = (TowerToHyperService::new(router), Arc::clone(seat));
    let service = service_fn(move |request: Request<Incoming>| {
        let serving = Arc::clone(&seat).serve();
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(serving);
            answer
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
}
