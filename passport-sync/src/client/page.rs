//! Pages that are no relay's: a card that an organisation has put on the web, the files of a
//! SMART Health Link.

use super::remote::{Address, RemoteConfig, RemoteError, agent};

/// What a server answered.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "it may hold health content")]
pub struct PageAnswer {
    /// The HTTP status.
    pub status: u16,
    /// What came with it.
    pub body: Vec<u8>,
}

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
    let answer = read(agent.get(uri).call(), bytes_max)?;
    if answer.status == 200 {
        Ok(answer.body)
    } else {
        Err(RemoteError::Answer { status: answer.status })
    }
}

/// Posts a question in JSON to a page, under the same terms as [`fetch_page`], and reads an answer
/// of at most `bytes_max` bytes, whatever its status.
///
/// # Errors
/// As [`fetch_page`].
pub fn ask_page(
    url: &str,
    question: &[u8],
    bytes_max: usize,
    config: &RemoteConfig,
) -> Result<PageAnswer, RemoteError> {
    let uri: http::Uri = url.parse().map_err(|_| RemoteError::Url)?;
    let agent = agent(&Address::of(&uri, config.allow_http)?, config)?;
    let json = "application/json";
    let request =
        agent.post(uri).header(http::header::CONTENT_TYPE, json).header(http::header::ACCEPT, json);
    read(request.send(question), bytes_max)
}

/// The answer to a request, with at most `bytes_max` bytes of it.
pub(super) fn read(
    answer: Result<http::Response<ureq::Body>, ureq::Error>,
    bytes_max: usize,
) -> Result<PageAnswer, RemoteError> {
    let unreachable = |error| RemoteError::Unreachable(Box::new(error));
    let mut response = answer.map_err(unreachable)?;
    let status = response.status().as_u16();
    match response.body_mut().with_config().limit(bytes_max as u64).read_to_vec() {
        Ok(body) => Ok(PageAnswer { status, body }),
        Err(ureq::Error::BodyExceedsLimit(_)) => Err(RemoteError::Answer { status }),
        Err(error) => Err(unreachable(error)),
    }
}
