//! Who asks: signature, freshness, and whether this relay was meant.

use std::net::SocketAddr;
use std::sync::PoisonError;

use http::HeaderMap;
use http::header::HOST;
use http::request::Parts;
use passport_core::id::VerificationKey;
use passport_core::time::Timestamp;

use super::Shared;
use super::routes::Refused;
use crate::signature::{
    CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, SignatureError, SignatureHeaders, Target, verify,
};
use crate::wire::Rejection;

/// The hosts this relay answers as.
pub(super) enum Authorities {
    /// These.
    Listed(Vec<String>),
    /// Any, with this port.
    Any {
        /// The port.
        port: u16,
        /// The port is the scheme's own.
        may_be_left_out: bool,
    },
}

impl Authorities {
    /// The hosts configured, else those of the address it listens on. Clients leave the port out
    /// where it is their scheme's own.
    pub(super) fn new(configured: &[String], listens: SocketAddr, tls: bool) -> Self {
        let usual = if tls { 443 } else { 80 };
        let without = |host: &str| {
            let host = host.to_lowercase();
            host.strip_suffix(&format!(":{usual}")).map(str::to_owned).unwrap_or(host)
        };
        if !configured.is_empty() {
            return Self::Listed(configured.iter().map(|host| without(host)).collect());
        }
        let port = listens.port();
        if listens.ip().is_unspecified() {
            Self::Any { port, may_be_left_out: port == usual }
        } else if listens.ip().is_loopback() {
            let listed = [listens.to_string(), format!("localhost:{port}")];
            Self::Listed(listed.iter().map(|host| without(host)).collect())
        } else {
            Self::Listed(vec![without(&listens.to_string())])
        }
    }

    fn include(&self, authority: &str) -> bool {
        match self {
            Self::Listed(listed) => listed.iter().any(|host| host == authority),
            Self::Any { port, may_be_left_out } => {
                let named = authority.rsplit_once(':').and_then(|(_, p)| p.parse().ok());
                named.map_or(*may_be_left_out, |named: u16| named == *port)
            }
        }
    }
}

/// A request whose signature holds; its body is still to be compared.
pub(super) struct Caller {
    pub(super) key: VerificationKey,
    pub(super) headers: SignatureHeaders,
}

/// Authenticates the head of a request.
pub(super) fn authenticate(
    shared: &Shared,
    parts: &Parts,
    now: Timestamp,
) -> Result<Caller, Refused> {
    let authority = header(&parts.headers, HOST.as_str())?.to_lowercase();
    if !shared.authorities.include(&authority) {
        return Err(Rejection::WrongAuthority.into());
    }
    if parts.uri.query().is_some() {
        return Err(Rejection::Malformed.into());
    }
    let headers = SignatureHeaders {
        content_digest: header(&parts.headers, CONTENT_DIGEST)?.to_owned(),
        signature_input: header(&parts.headers, SIGNATURE_INPUT)?.to_owned(),
        signature: header(&parts.headers, SIGNATURE)?.to_owned(),
    };
    let target =
        Target { method: parts.method.as_str(), authority: &authority, path: parts.uri.path() };
    let caller = verify(&target, &headers).map_err(rejection)?;
    let mut replay = shared.replay.lock().unwrap_or_else(PoisonError::into_inner);
    replay.admit(&caller, now).map_err(rejection)?;
    drop(replay);
    shared.pace.key(&caller.key).map_err(Refused::later)?;
    Ok(Caller { key: caller.key, headers })
}

/// A header that is there exactly once.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| Rejection::BadSignature),
        _ => Err(Rejection::BadSignature),
    }
}

pub(super) fn rejection(error: SignatureError) -> Rejection {
    match error {
        SignatureError::Stale | SignatureError::Replayed => Rejection::Stale,
        SignatureError::Overloaded => Rejection::Unavailable,
        SignatureError::Form | SignatureError::Digest | SignatureError::Signature => {
            Rejection::BadSignature
        }
    }
}
