//! The routes. Each maps its refusals to a status and a numbered body.

use std::future::Future;
use std::sync::Arc;

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
use passport_core::time::Timestamp;

use super::{Shared, auth, body, links, live};
use crate::session;
use crate::signature::check_body;
use crate::store::{Store, StoreError};
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
    answer.map_or_else(|r| refuse(r, now), |bytes| reply(StatusCode::OK, bytes))
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
    let answered = blocking(move || {
        session::handle(request, &key, now, &limits, &*store).map_err(|error| unwell(&error))
    })
    .await?;
    shared.arrivals.wake(&answered.fed);
    Ok(answered.response)
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

/// Authenticates a request and receives its body.
pub(super) async fn open(
    shared: &Shared,
    request: Request,
    now: Timestamp,
    limit: usize,
) -> Result<(VerificationKey, body::Received), Rejection> {
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
        blocking(move || ask(SignedRequest { key, received, now, store: &*store })).await
    };
    within(shared, work).await.map_err(|rejection| refuse(rejection, now))
}

pub(super) async fn within<R>(
    shared: &Shared,
    work: impl Future<Output = Result<R, Rejection>>,
) -> Result<R, Rejection> {
    tokio::time::timeout(shared.config.request_timeout, work)
        .await
        .unwrap_or(Err(Rejection::Unavailable))
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

pub(super) fn refuse(rejection: Rejection, time: Timestamp) -> Response {
    tracing::debug!(code = rejection.code(), "refused");
    encoded(status(rejection), &Refusal { code: rejection.code(), time })
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
