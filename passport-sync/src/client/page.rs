//! A page that is no relay's, such as a card that an organisation has put on the web.

use super::remote::{Address, RemoteConfig, RemoteError, agent};

/// Fetches a page of at most `bytes_max` bytes over `https`, or `http` where `config` allows it
/// or from this machine itself, as relays are reached. It follows no redirect, and sends nothing
/// but the request.
///
/// # Errors
/// Returns [`RemoteError::Url`], [`RemoteError::Plain`] and [`RemoteError::Tls`] before anything
/// is sent; [`RemoteError::Unreachable`] when it does not arrive in time;
/// [`RemoteError::Answer`] when the answer is not a page, or too large.
pub fn fetch_page(
    url: &str,
    bytes_max: usize,
    config: &RemoteConfig,
) -> Result<Vec<u8>, RemoteError> {
    let uri: http::Uri = url.parse().map_err(|_| RemoteError::Url)?;
    let agent = agent(&Address::of(&uri, config.allow_http)?, config)?;
    let unreachable = |error| RemoteError::Unreachable(Box::new(error));
    let mut response = agent.get(uri).call().map_err(unreachable)?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(RemoteError::Answer { status });
    }
    match response.body_mut().with_config().limit(bytes_max as u64).read_to_vec() {
        Ok(body) => Ok(body),
        Err(ureq::Error::BodyExceedsLimit(_)) => Err(RemoteError::Answer { status }),
        Err(error) => Err(unreachable(error)),
    }
}
