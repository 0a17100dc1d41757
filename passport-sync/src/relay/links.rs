//! SMART Health Links over HTTP: made with signed requests, opened by anybody's viewer.
//!
//! Viewers are web pages, so what is public answers any origin (HL7 SMART Health Links 1.0,
//! *SHL Manifest Request*). Nothing here depends on cookies or the caller's address.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post, put};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderValue, StatusCode, Uri, header};
use passport_core::id::ObjectId;
use percent_encoding::percent_decode_str;
use serde_json::{Value as Json, json};

use super::routes::{about, blocking, encoded, status, unwell, within};
use super::{Shared, body};
use crate::session::{self, Asked, Opened};
use crate::wire::{LINK_FILE_MAX, NewLink, Rejection};

/// Largest manifest request, in bytes.
const REQUEST_MAX: usize = 4 * 1024;
/// The encrypted file's media type (RFC 7516, 11.2).
const JOSE: &str = "application/jose";
const JSON: &str = "application/json";
/// What the file says once it is opened.
const CONTENT: &str = "application/fhir+json";

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/links/{id}", put(make).get(found).delete(forget))
        .route("/shl/{id}", post(manifest).get(direct).options(preflight))
        .route("/shl/{id}/file/{ticket}", get(file).options(preflight))
}

async fn make(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let made = about(&shared, request, LINK_FILE_MAX + 1024, move |asked| {
        let id: ObjectId = id.parse().map_err(|_| Rejection::Malformed)?;
        let link = NewLink::decode(&asked.received.bytes)?;
        let outcome = session::put_link(&id, link, &asked.key, asked.now, asked.store);
        let outcome = outcome.map_err(|error| unwell(&error))?;
        outcome.rejection().map_or(Ok(outcome), Err)
    });
    made.await.map_or_else(|refusal| refusal, |outcome| encoded(StatusCode::OK, &outcome))
}

async fn found(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let found = about(&shared, request, 0, move |asked| {
        let id: ObjectId = id.parse().map_err(|_| Rejection::Malformed)?;
        let state = session::link_state(&id, &asked.key, asked.store).map_err(|e| unwell(&e))?;
        state.ok_or(Rejection::NotFound)
    });
    found.await.map_or_else(|refusal| refusal, |state| encoded(StatusCode::OK, &state))
}

async fn forget(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let forgotten = about(&shared, request, 0, move |asked| {
        let id: ObjectId = id.parse().map_err(|_| Rejection::Malformed)?;
        let there = session::drop_link(&id, &asked.key, asked.store).map_err(|e| unwell(&e))?;
        if there { Ok(()) } else { Err(Rejection::NotFound) }
    });
    forgotten.await.map_or_else(|refusal| refusal, |()| encoded(StatusCode::OK, &()))
}

/// What a viewer asks with.
struct ManifestRequest {
    asked: Asked,
    embedded_max: Option<u64>,
}

impl ManifestRequest {
    fn read(bytes: &[u8]) -> Option<Self> {
        let request: Json = serde_json::from_slice(bytes).ok()?;
        let text = |name: &str| request.get(name).and_then(Json::as_str).map(str::to_owned);
        Some(Self {
            asked: Asked {
                recipient: text("recipient")?,
                passcode: text("passcode"),
                direct: false,
            },
            embedded_max: request.get("embeddedLengthMax").and_then(Json::as_u64),
        })
    }
}

async fn manifest(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let work = async {
        let received = body::receive(request.into_body(), REQUEST_MAX, &shared.body_bytes).await?;
        let request = ManifestRequest::read(&received.bytes).ok_or(Rejection::Malformed)?;
        let opened = opened(&shared, &id, request.asked).await?;
        Ok(match opened {
            Opened::File { file, location } => {
                let fits = request.embedded_max.is_none_or(|max| file.len() as u64 <= max);
                let file = String::from_utf8(file).map_err(|_| Rejection::Unavailable)?;
                let listed = if fits {
                    json!({ "contentType": CONTENT, "embedded": file })
                } else {
                    json!({ "contentType": CONTENT, "location": location })
                };
                told(StatusCode::OK, &json!({ "files": [listed] }))
            }
            other @ (Opened::Passcode { .. } | Opened::TooOften | Opened::Missing) => {
                refused(&other)
            }
        })
    };
    within(&shared, work).await.unwrap_or_else(unusable)
}

async fn direct(State(shared): State<Arc<Shared>>, Path(id): Path<String>, uri: Uri) -> Response {
    let work = async {
        let mut pairs = uri.query().unwrap_or_default().split('&');
        let recipient = pairs.find_map(|pair| pair.strip_prefix("recipient="));
        let recipient = recipient.ok_or(Rejection::Malformed)?.replace('+', " ");
        let recipient = percent_decode_str(&recipient).decode_utf8_lossy().into_owned();
        let asked = Asked { recipient, passcode: None, direct: true };
        Ok(match opened(&shared, &id, asked).await? {
            Opened::File { file, .. } => public(StatusCode::OK, JOSE, file),
            other @ (Opened::Passcode { .. } | Opened::TooOften | Opened::Missing) => {
                refused(&other)
            }
        })
    };
    within(&shared, work).await.unwrap_or_else(unusable)
}

async fn file(
    State(shared): State<Arc<Shared>>,
    Path((id, ticket)): Path<(String, String)>,
) -> Response {
    let now = (shared.clock)();
    let work = async {
        let id = link_id(&id).ok_or(Rejection::NotFound)?;
        let store = Arc::clone(&shared.store);
        blocking(move || {
            let file = session::link_file(&id, &ticket, now, &*store).map_err(|e| unwell(&e))?;
            file.ok_or(Rejection::NotFound)
        })
        .await
    };
    let answer = within(&shared, work).await;
    answer.map_or_else(unusable, |file| public(StatusCode::OK, JOSE, file))
}

async fn preflight() -> Response {
    public(StatusCode::NO_CONTENT, JSON, Vec::new())
}

async fn opened(shared: &Shared, id: &str, asked: Asked) -> Result<Opened, Rejection> {
    let Some(id) = link_id(id) else { return Ok(Opened::Missing) };
    let (now, store) = ((shared.clock)(), Arc::clone(&shared.store));
    blocking(move || session::open_link(&id, asked, now, &*store).map_err(|e| unwell(&e))).await
}

fn link_id(text: &str) -> Option<ObjectId> {
    ObjectId::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
}

fn refused(opened: &Opened) -> Response {
    match opened {
        Opened::Passcode { remaining } => {
            told(StatusCode::UNAUTHORIZED, &json!({ "remainingAttempts": remaining }))
        }
        Opened::TooOften => {
            let mut response = told(StatusCode::TOO_MANY_REQUESTS, &json!({}));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
        Opened::File { .. } | Opened::Missing => told(StatusCode::NOT_FOUND, &json!({})),
    }
}

fn unusable(rejection: Rejection) -> Response {
    told(status(rejection), &json!({}))
}

fn told(status: StatusCode, value: &Json) -> Response {
    public(status, JSON, value.to_string().into_bytes())
}

/// A response that a page of any origin may read, and nobody may keep.
fn public(status: StatusCode, media_type: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
