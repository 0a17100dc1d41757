//! Somebody's own FHIR server, to which a transaction is sent.

use super::page::{PageAnswer, read};
use super::remote::{Address, RemoteConfig, RemoteError, agent};

/// FHIR's media type.
const FHIR: &str = "application/fhir+json";
/// Longest answer that is read, in bytes.
const ANSWER_MAX: usize = 16 * 1024 * 1024;

/// Posts a transaction Bundle in JSON to the base address of a FHIR server (HL7 FHIR R4, `RESTful`
/// API), with a bearer token (RFC 6750) if there is one. Redirects are not followed: they could
/// lead the record elsewhere. The answer is a resource in JSON, or whatever it was.
///
/// # Errors
/// As [`Address::new`] of the address without its path; [`RemoteError::Unreachable`] when there
/// is no answer.
pub fn transact(
    base: &str,
    bundle: &[u8],
    token: Option<&str>,
    config: &RemoteConfig,
) -> Result<PageAnswer, RemoteError> {
    let uri: http::Uri = base.parse().map_err(|_| RemoteError::Url)?;
    let address = Address::of(&uri, config.allow_http)?;
    let agent = agent(&address, config)?;
    let send = || {
        let mut request = http::Request::post(&uri)
            .header(http::header::CONTENT_TYPE, FHIR)
            .header(http::header::ACCEPT, FHIR);
        if let Some(token) = token {
            request = request.header(http::header::AUTHORIZATION, format!("Bearer {token}"));
        }
        agent.run(request.body(bundle)?)
    };
    read(send(), ANSWER_MAX)
}
