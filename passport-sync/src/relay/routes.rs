//! The routes. Each maps its refusals to a status and a numbered body.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use data_encoding::HEXLOWER;
use http::{HeaderValue, StatusCode, header};
use minicbor::Encode;
use passport_core::codec;
use passport_core::id::{ObjectId, VerificationKey};
use passport_core::time::{DAY_SECONDS, Timestamp};

use super::{Shared, auth, body, links, live};
use crate::session;
use crate::signature::check_body;
use crate::store::{Meter, Store, StoreError};
use crate::wire::{
    BLOB_MAX, LIVE_PATH, MEDIA_TYPE, Outcome, REQUEST_MAX, Refusal, Rejection, SYNC_PATH,
    SyncRequest, SyncResponse,
};

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(SYNC_PATH, post(sync))
        .route(LIVE_PATH, get(live::live))
        .route("/v1/objects/{id}", put(put_object).get(get_object))
        .merge(links::router())
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .with_state(shared)
}

async fn sync(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let now = (shared.clock)();
    let work = async {
        let (key, received) = open(&shared, request, now, REQUEST_MAX).await?;
        let request = SyncRequest::decode(&received.bytes)?;
        drop(received);
        let pushed = request.objects();
        let response = answer(&shared, request, key).await?;
        tracing::debug!(pushed, items = response.items.len(), "synced");
        Ok(codec::encode(&response))
    };
    let answer = within(&shared, work).await;
    answer.map_or_else(|r: Refused| refuse(r, now), |bytes| reply(StatusCode::OK, bytes))
}

/// Answers a request at the present moment.
async fn answer(
    shared: &Shared,
    request: SyncRequest,
    key: VerificationKey,
) -> Result<SyncResponse, Rejection> {
    let now = (shared.clock)();
    let limits = shared.config.limits;
    let store = Arc::clone(&shared.store);
    let sizes = sizes(&request);
    let answered = blocking(move || {
        session::handle(request, &key, now, &limits, &*store).map_err(|error| unwell(&error))
    })
    .await?;
    shared.config.metrics.settled(&sizes, &answered.response.results);
    shared.arrivals.wake(&answered.fed);
    Ok(answered.response)
}

/// The bytes of each envelope that is pushed.
pub(super) fn sizes(request: &SyncRequest) -> Vec<u64> {
    request.envelopes.iter().map(|envelope| envelope.len() as u64).collect()
}

async fn put_object(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let limits = shared.config.limits;
    let kept = about(&shared, request, BLOB_MAX, move |asked| {
        let id: ObjectId = id.parse().map_err(|_| Rejection::Malformed)?;
        let outcome = session::put_blob(
            &id,
            asked.received.bytes,
            &asked.key,
            asked.now,
            &limits,
            asked.store,
        )
        .map_err(|error| unwell(&error))?;
        outcome.rejection().map_or(Ok(outcome), Err)
    });
    kept.await.map_or_else(|refusal| refusal, |outcome: Outcome| encoded(StatusCode::OK, &outcome))
}

async fn get_object(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let found = about(&shared, request, 0, move |asked| {
        // An id in full, or the 16 bytes of it that people pass on as a code.
        let named = HEXLOWER.decode(id.as_bytes()).map_err(|_| Rejection::Malformed)?;
        let blob = if let Ok(start) = <[u8; 16]>::try_from(named.as_slice()) {
            session::find_blob(&start, asked.now, asked.store)
        } else {
            let id = ObjectId::from_slice(&named).map_err(|_| Rejection::Malformed)?;
            session::fetch_blob(&id, asked.now, asked.store)
        };
        blob.map_err(|error| unwell(&error))?.ok_or(Rejection::NotFound)
    });
    found.await.map_or_else(|refusal| refusal, |bytes| reply(StatusCode::OK, bytes))
}

/// Well while the store can be read.
async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let store = Arc::clone(&shared.store);
    let looked = blocking(move || {
        crate::store::read(&*store, |snapshot| snapshot.position()).map_err(|e| unwell(&e))
    });
    match within(&shared, looked).await {
        Ok(_) => reply(StatusCode::OK, b"ok\n".to_vec()),
        Err(rejection) => refuse(rejection, (shared.clock)()),
    }
}

/// Ready while the store takes writes, and nobody has asked the relay to end.
async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let (store, now) = (Arc::clone(&shared.store), (shared.clock)());
    let looked = blocking(move || {
        // As any write, flushed to disk: one that changes nothing would not notice a full one.
        let nobody = VerificationKey::from_bytes([0; 32]);
        let day = now.as_seconds().div_euclid(DAY_SECONDS);
        crate::store::write(&*store, move |tx| tx.count(&nobody, Meter::Openings, day, 1))
            .map_err(|e| unwell(&e))
    });
    let stopping = *shared.arrivals.stopping().borrow();
    match within(&shared, looked).await {
        Ok(_) if !stopping => reply(StatusCode::OK, b"ready\n".to_vec()),
        Ok(_) => refuse(Rejection::Unavailable, now),
        Err(rejection) => refuse(rejection, now),
    }
}

/// Authenticates a request and receives its body.
pub(super) async fn open(
    shared: &Shared,
    request: Request,
    now: Timestamp,
    limit: usize,
) -> Result<(VerificationKey, body::Received), Refused> {
    let (parts, content) = request.into_parts();
    let caller = auth::authenticate(shared, &parts, now)?;
    let received = body::receive(content, limit, &shared.body_bytes).await?;
    check_body(&caller.headers, &received.bytes).map_err(auth::rejection)?;
    Ok((caller.key, received))
}

/// A request about one object, signed by `key` and received whole.
pub(super) struct SignedRequest<'a> {
    pub(super) key: VerificationKey,
    pub(super) received: body::Received,
    pub(super) now: Timestamp,
    pub(super) store: &'a dyn Store,
}

/// Authenticates a request, receives its body, and asks the store on a thread that may block;
/// the refusal as it is answered, if any.
pub(super) async fn about<R: Send + 'static>(
    shared: &Shared,
    request: Request,
    limit: usize,
    ask: impl FnOnce(SignedRequest<'_>) -> Result<R, Rejection> + Send + 'static,
) -> Result<R, Response> {
    let now = (shared.clock)();
    let work = async {
        let (key, received) = open(shared, request, now, limit).await?;
        let store = Arc::clone(&shared.store);
        Ok(blocking(move || ask(SignedRequest { key, received, now, store: &*store })).await?)
    };
    within(shared, work).await.map_err(|refused: Refused| refuse(refused, now))
}

pub(super) async fn within<R, E: From<Rejection>>(
    shared: &Shared,
    work: impl Future<Output = Result<R, E>>,
) -> Result<R, E> {
    tokio::time::timeout(shared.config.request_timeout, work)
        .await
        .unwrap_or_else(|_| Err(Rejection::Unavailable.into()))
}

pub(super) async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Rejection> + Send + 'static,
) -> Result<R, Rejection> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Rejection::Unavailable))
}

pub(super) fn unwell(error: &StoreError) -> Rejection {
    tracing::error!(%error, "could not use the store");
    Rejection::Unavailable
}

/// A request that is not answered, and when it may be made again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    rejection: Rejection,
    wait: Option<Duration>,
}

impl Refused {
    /// Too often; again after this.
    pub(super) const fn later(wait: Duration) -> Self {
        Self { rejection: Rejection::RateLimited, wait: Some(wait) }
    }

    /// Whole seconds until it may be made again: of what is counted by the day, tomorrow.
    fn retry_after(self, now: Timestamp) -> Option<u64> {
        if self.rejection != Rejection::RateLimited {
            return None;
        }
        let tomorrow = || (DAY_SECONDS - now.as_seconds().rem_euclid(DAY_SECONDS)).unsigned_abs();
        Some(self.wait.map_or_else(tomorrow, |wait| wait.as_secs() + 1))
    }
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self { rejection, wait: None }
    }
}

pub(super) fn refuse(refused: impl Into<Refused>, time: Timestamp) -> Response {
    let refused: Refused = refused.into();
    let code = refused.rejection.code();
    tracing::debug!(code, "refused");
    let mut response = encoded(status(refused.rejection), &Refusal { code, time });
    // For whoever counts.
    response.extensions_mut().insert(refused.rejection);
    if let Some(seconds) = refused.retry_after(time) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// What a refusal is in HTTP.
pub(super) const fn status(rejection: Rejection) -> StatusCode {
    match rejection {
        Rejection::Malformed | Rejection::UnknownVersion => StatusCode::BAD_REQUEST,
        Rejection::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Rejection::BadSignature | Rejection::Stale => StatusCode::UNAUTHORIZED,
        Rejection::WrongAuthority => StatusCode::MISDIRECTED_REQUEST,
        Rejection::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Rejection::NotFound => StatusCode::NOT_FOUND,
        Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Rejection::UnknownChannel
        | Rejection::NotPermitted
        | Rejection::AccessConflict
        | Rejection::QuotaExceeded
        | Rejection::EpochLive
        | Rejection::Unread => StatusCode::FORBIDDEN,
    }
}

pub(super) fn encoded<T: Encode<()>>(status: StatusCode, value: &T) -> Response {
    reply(status, codec::encode(value))
}

fn reply(status: StatusCode, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
