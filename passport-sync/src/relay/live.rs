//! Live connections: authenticated once, then frames both ways.
//!
//! Nothing waits in memory for a client: when its feed grew, the next page is read once the last
//! was taken. A client that takes nothing is let go, and fetches what it missed when it returns.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use passport_core::id::VerificationKey;
use tokio::io::AsyncWrite;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::arrivals::Arrivals;
use super::routes::Refused;
use super::{Shared, auth, routes};
use crate::frames::{FrameReader, write_frame};
use crate::session::Live;
use crate::signature::check_body;
use crate::wire::{LIVE_PROTOCOL, LiveFrame, REQUEST_MAX, Rejection, Said, SyncRequest};

/// What a connection becomes after its last request, on the same seat.
#[derive(Clone, Default)]
pub(super) struct Afterwards(Arc<Mutex<Option<(VerificationKey, OnUpgrade)>>>);

impl Afterwards {
    /// Serves frames on the connection, if that was agreed.
    pub(super) async fn go_on(self, shared: &Arc<Shared>, address: IpAddr) {
        let agreed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((key, upgrade)) = agreed else { return };
        let Ok(upgraded) = upgrade.await else { return };
        let _live = shared.config.metrics.live();
        let (reader, mut writer) = tokio::io::split(TokioIo::new(upgraded));
        let (memory, patience) = (Arc::clone(&shared.body_bytes), shared.config.request_timeout);
        let reader = FrameReader::new(reader, REQUEST_MAX, memory, patience);
        let served = converse(shared, (key, address), reader, &mut writer);
        let outcome = timeout(shared.config.live_timeout, served).await;
        tracing::debug!(ended = ?outcome.map(|o| o.map_err(|e| e.kind())), "live connection ended");
    }
}

/// Agrees to a live connection.
pub(super) async fn live(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let now = (shared.clock)();
    let (mut parts, _body) = request.into_parts();
    let agreed = || -> Result<_, Refused> {
        let caller = auth::authenticate(&shared, &parts, now)?;
        check_body(&caller.headers, &[]).map_err(auth::rejection)?;
        let asked = parts.headers.get(header::UPGRADE).and_then(|v| v.to_str().ok());
        if asked != Some(LIVE_PROTOCOL) {
            return Err(Rejection::Malformed.into());
        }
        Ok(caller.key)
    };
    let key = match agreed() {
        Ok(key) => key,
        Err(refused) => return routes::refuse(refused, now),
    };
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let (Some(upgrade), Some(after)) = (upgrade, parts.extensions.remove::<Afterwards>()) else {
        return routes::refuse(Rejection::Malformed, now);
    };
    *after.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, upgrade));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static(LIVE_PROTOCOL));
    response
}

/// Answers frames and sends what arrives, one thing at a time.
async fn converse<R: tokio::io::AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    (key, address): (VerificationKey, IpAddr),
    mut frames: FrameReader<R>,
    to: &mut W,
) -> io::Result<()> {
    // From before the feed is read, so that nothing arrives unseen.
    let mut waiting = Arrivals::wait(&shared.arrivals, key);
    let mut live = Live::new(key);
    let (mut heard, mut said) = (Said::default(), Said::default());
    let mut beat = interval(shared.config.live_beat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            frame = frames.next() => {
                let Some(frame) = frame? else { return Ok(()) };
                let request =
                    heard.read_request(&frame.bytes).map_err(|_| io::ErrorKind::InvalidData)?;
                drop(frame);
                // Whoever sends too much is read from later, under however many keys.
                while let Err(wait) = shared.pace.address(address) {
                    sleep(wait).await;
                }
                while let Err(wait) = shared.pace.key(&key) {
                    sleep(wait).await;
                }
                let response;
                (live, response) = request_answered(shared, live, request).await?;
                send(shared, to, &mut said, LiveFrame::Answer { response }).await?;
            }
            more = waiting.arrival() => {
                if !more {
                    return Ok(());
                }
                loop {
                    let page;
                    (live, page) = next_page(shared, live).await?;
                    let Some(response) = page else { break };
                    send(shared, to, &mut said, LiveFrame::Arrived { response }).await?;
                }
            }
            _tick = beat.tick() => send(shared, to, &mut said, LiveFrame::Beat).await?,
        }
    }
}

async fn request_answered(
    shared: &Arc<Shared>,
    mut live: Live,
    request: SyncRequest,
) -> io::Result<(Live, crate::wire::SyncResponse)> {
    let (now, limits, store) = ((shared.clock)(), shared.config.limits, Arc::clone(&shared.store));
    let sizes = routes::sizes(&request);
    let answered = routes::blocking(move || {
        let answered = live.request(request, now, &limits, &*store);
        Ok((live, answered.map_err(|error| routes::unwell(&error))?))
    });
    let (live, answered) = answered.await.map_err(|_| io::ErrorKind::Other)?;
    shared.config.metrics.settled(&sizes, &answered.response.results);
    shared.arrivals.wake(&answered.fed);
    Ok((live, answered.response))
}

async fn next_page(
    shared: &Arc<Shared>,
    mut live: Live,
) -> io::Result<(Live, Option<crate::wire::SyncResponse>)> {
    let (now, store) = ((shared.clock)(), Arc::clone(&shared.store));
    let page = routes::blocking(move || {
        let page = live.arrival(now, &*store).map_err(|error| routes::unwell(&error))?;
        Ok((live, page))
    });
    page.await.map_err(|_| io::ErrorKind::Other.into())
}

async fn send<W: AsyncWrite + Unpin>(
    shared: &Shared,
    to: &mut W,
    said: &mut Said,
    frame: LiveFrame,
) -> io::Result<()> {
    write_frame(to, &said.frame(frame), shared.config.live_patience).await
}
