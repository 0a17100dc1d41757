//! HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), in one narrow profile.
//!
//! Every request covers method, authority, path and the SHA-256 of its body, with `created`,
//! `nonce`, `keyid` (the hexadecimal key), `alg="ed25519"` and a `tag` of our own; there are no
//! queries. The profile fixes the order of everything, so a verifier rebuilds the one
//! signature input it accepts and compares, and parses no structured fields beyond that.
//!
//! The signature base begins with a quotation mark and `@method`; no message that is signed
//! under a domain of [`passport_core::domain`] does, so neither passes for the other.

mod replay;

pub use replay::ReplayGuard;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::Signer as _;
use passport_core::domain;
use passport_core::id::VerificationKey;
use passport_core::keys::SigningKey;
use passport_core::time::Timestamp;
use sha2::{Digest as _, Sha256};

/// Seconds by which a request's time may differ from the relay's.
pub const WINDOW_SECONDS: i64 = 60;
/// Header with the digest of the body.
pub const CONTENT_DIGEST: &str = "content-digest";
/// Header with what is covered.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Header with the signature.
pub const SIGNATURE: &str = "signature";

/// The label of the one signature.
const LABEL: &str = "passport";
const COVERED: &str = r#"("@method" "@authority" "@path" "content-digest")"#;

/// What of a request is covered, besides its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// Host and port as in the `Host` header, lower case.
    pub authority: &'a str,
    /// The path, without a query.
    pub path: &'a str,
}

/// The headers that sign a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// Value of [`CONTENT_DIGEST`].
    pub content_digest: String,
    /// Value of [`SIGNATURE_INPUT`].
    pub signature_input: String,
    /// Value of [`SIGNATURE`].
    pub signature: String,
}

impl SignatureHeaders {
    /// Puts them on a request.
    #[must_use]
    pub fn on(&self, request: http::request::Builder) -> http::request::Builder {
        request
            .header(CONTENT_DIGEST, &self.content_digest)
            .header(SIGNATURE_INPUT, &self.signature_input)
            .header(SIGNATURE, &self.signature)
    }
}

/// Who made a request, when, and under which nonce; whether it is fresh is not yet judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The key.
    pub key: VerificationKey,
    /// When, as it says.
    pub created: Timestamp,
    /// Random, never used twice by this key.
    pub nonce: [u8; 16],
}

/// Why a request is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The headers are not of the one form.
    #[error("signature headers are not of the expected form")]
    Form,
    /// The body is not the one that was signed.
    #[error("body does not match its digest")]
    Digest,
    /// Wrong, non-canonical or small-order key or signature, or something covered was changed.
    #[error("signature does not verify")]
    Signature,
    /// Made more than a minute before or after the relay's time.
    #[error("signature is not of this minute")]
    Stale,
    /// Seen before.
    #[error("request was seen before")]
    Replayed,
    /// Too many requests in a minute to tell new from old.
    #[error("too many requests to remember")]
    Overloaded,
}

/// Signs a request.
#[must_use]
pub fn sign(
    target: &Target<'_>,
    body: &[u8],
    key: &SigningKey,
    created: Timestamp,
    nonce: &[u8; 16],
) -> SignatureHeaders {
    let content_digest = digest(body);
    let params = params(&Authenticated { key: key.verification_key(), created, nonce: *nonce });
    let base = request_base(target, &content_digest, &params);
    let signature = sign_base(key, &base);
    SignatureHeaders {
        content_digest,
        signature_input: format!("{LABEL}={params}"),
        signature: format!("{LABEL}=:{}:", BASE64.encode(&signature)),
    }
}

/// Checks a request's signature strictly, for the target it arrived at, before its body is
/// read. The body must then pass [`check_body`], and the request [`ReplayGuard::admit`].
///
/// # Errors
/// Returns [`SignatureError`].
pub fn verify(
    target: &Target<'_>,
    headers: &SignatureHeaders,
) -> Result<Authenticated, SignatureError> {
    let params = labelled(&headers.signature_input)?;
    let claimed = parse(params)?;
    let signature = labelled(&headers.signature)?
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'))
        .and_then(|base64| BASE64.decode(base64.as_bytes()).ok())
        .ok_or(SignatureError::Form)?;
    let base = request_base(target, &headers.content_digest, params);
    verify_base(&claimed.key, &base, &signature)?;
    Ok(claimed)
}

/// Checks that a body is the one that was signed.
///
/// # Errors
/// Returns [`SignatureError::Digest`] when it is not.
pub fn check_body(headers: &SignatureHeaders, body: &[u8]) -> Result<(), SignatureError> {
    if headers.content_digest == digest(body) { Ok(()) } else { Err(SignatureError::Digest) }
}

/// The value of `Content-Digest` (RFC 9530 §2) for a body.
fn digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(&Sha256::digest(body)))
}

/// The parameters of the signature (RFC 9421 §2.3), in the profile's order.
fn params(of: &Authenticated) -> String {
    format!(
        r#"{COVERED};created={};nonce="{}";keyid="{}";alg="ed25519";tag="{}""#,
        of.created.as_seconds(),
        HEXLOWER.encode(&of.nonce),
        of.key,
        domain::REQUEST.tag(),
    )
}

/// Reads parameters, accepting only what [`params`] writes.
fn parse(text: &str) -> Result<Authenticated, SignatureError> {
    let field = |name: &str| {
        let start = text.find(name)? + name.len();
        let rest = text.get(start..)?;
        rest.get(..rest.find([';', '"'])?)
    };
    let read = || {
        let created = field(";created=")?.parse().ok()?;
        let nonce = HEXLOWER.decode(field(";nonce=\"")?.as_bytes()).ok()?;
        Some(Authenticated {
            key: field(";keyid=\"")?.parse().ok()?,
            created: Timestamp::from_seconds(created),
            nonce: nonce.try_into().ok()?,
        })
    };
    read().filter(|claimed| params(claimed) == text).ok_or(SignatureError::Form)
}

fn labelled(value: &str) -> Result<&str, SignatureError> {
    let value = value.strip_prefix(LABEL).and_then(|rest| rest.strip_prefix('='));
    value.ok_or(SignatureError::Form)
}

fn request_base(target: &Target<'_>, content_digest: &str, params: &str) -> String {
    let components = [
        ("@method", target.method),
        ("@authority", target.authority),
        ("@path", target.path),
        (CONTENT_DIGEST, content_digest),
    ];
    signature_base(&components, params)
}

/// The signature base of RFC 9421 §2.5.
fn signature_base(components: &[(&str, &str)], params: &str) -> String {
    let lines = components.iter().map(|(name, value)| format!("\"{name}\": {value}\n"));
    lines.chain([format!("\"@signature-params\": {params}")]).collect()
}

fn sign_base(key: &SigningKey, base: &str) -> [u8; 64] {
    ed25519_dalek::SigningKey::from_bytes(&key.to_seed()).sign(base.as_bytes()).to_bytes()
}

fn verify_base(key: &VerificationKey, base: &str, signature: &[u8]) -> Result<(), SignatureError> {
    let signature =
        ed25519_dalek::Signature::from_slice(signature).map_err(|_| SignatureError::Form)?;
    ed25519_dalek::VerifyingKey::from_bytes(key.as_bytes())
        .and_then(|key| key.verify_strict(base.as_bytes(), &signature))
        .map_err(|_| SignatureError::Signature)
}

#[cfg(test)]
mod tests;
