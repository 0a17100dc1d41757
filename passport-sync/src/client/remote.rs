//! A relay over HTTP, blocking.

use std::time::Duration;

use data_encoding::HEXLOWER;
use minicbor::Decode;
use passport_core::codec;
use passport_core::id::ObjectId;
use passport_core::keys::{EnrolmentCode, SigningKey};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;
use ureq::tls::{Certificate, RootCerts};

use crate::session::{ProtocolError, Reset, check};
use crate::signature::{SignatureHeaders, Target, sign};
use crate::tls::{self, TlsError, Trust};
use crate::wire::{
    BLOB_MAX, LINKS_PATH, LinkState, MEDIA_TYPE, NewLink, OBJECTS_PATH, RESPONSE_MAX, Refusal,
    Rejection, SYNC_PATH, SyncRequest, SyncResponse, object_id,
};

/// How relays are reached: whom to believe, and how long to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Who may say which relay is which, for `https`.
    pub trust: Trust,
    /// Whether `http` may leave this machine. What is sent is sealed and signed in any case, but
    /// everybody between sees which keys use which channels.
    pub allow_http: bool,
    /// Until it accepts a connection.
    pub connect_timeout: Duration,
    /// Until a whole response has arrived, however slowly it comes.
    pub response_timeout: Duration,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            trust: Trust::default(),
            allow_http: false,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_mins(2),
        }
    }
}

/// An exchange with a relay failed. Nothing is lost; offers stay offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// Not a URL of the form `https://host[:port]` or `http://host[:port]`.
    #[error("use an address that is not of the form https://host:port")]
    Url,
    /// Plain `http` to another machine, which is not allowed unless somebody says so.
    #[error("speak in the open to another machine")]
    Plain,
    /// It is not known whom to believe.
    #[error("begin with TLS")]
    Tls(#[from] TlsError),
    /// It could not be reached, or did not answer in time.
    #[error("reach the relay")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It said no.
    #[error("be admitted by the relay (code {code})")]
    Refused {
        /// The number of the reason.
        code: u16,
        /// The reason, if this software knows it.
        #[source]
        rejection: Option<Rejection>,
        /// In how many seconds it wishes to be asked again, if it said so.
        retry_after: Option<u32>,
    },
    /// It answered something that is not of the protocol, or too much.
    #[error("understand the answer (status {status})")]
    Answer {
        /// The HTTP status.
        status: u16,
    },
    /// Its answer contradicts the protocol.
    #[error("accept the relay's answer")]
    Protocol(#[from] ProtocolError),
    /// It had more than is read at a time. What was read stays read.
    #[error("come to the end of what the relay has")]
    Endless,
}

impl From<std::io::Error> for RemoteError {
    fn from(error: std::io::Error) -> Self {
        Self::Unreachable(Box::new(ureq::Error::Io(error)))
    }
}

impl RemoteError {
    fn refused(code: u16, retry_after: Option<u32>) -> Self {
        Self::Refused { code, rejection: Rejection::from_code(code), retry_after }
    }

    /// In how many seconds the relay wishes to be asked again, if it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            Self::Unreachable(_)
            | Self::Url
            | Self::Plain
            | Self::Tls(_)
            | Self::Answer { .. }
            | Self::Protocol(_)
            | Self::Endless => None,
        }
    }

    /// Whether it is certain that nothing of the request has left this machine, so that nobody
    /// can have acted on it.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        match self {
            Self::Url | Self::Plain | Self::Tls(_) => true,
            Self::Unreachable(source) => source.downcast_ref().is_some_and(is_before_sending),
            Self::Refused { .. } | Self::Answer { .. } | Self::Protocol(_) | Self::Endless => false,
        }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { rejection, .. } => rejection.is_some_and(Rejection::is_transient),
            Self::Url
            | Self::Plain
            | Self::Tls(_)
            | Self::Answer { .. }
            | Self::Protocol(_)
            | Self::Endless => false,
        }
    }
}

/// Whether there was no connection, or none to somebody who is believed.
fn is_before_sending(error: &ureq::Error) -> bool {
    use ureq::{Error, Timeout};
    if let Error::Io(error) = error {
        let distrust =
            error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>);
        return distrust || error.kind() == std::io::ErrorKind::ConnectionRefused;
    }
    matches!(
        error,
        Error::HostNotFound
            | Error::ConnectionFailed
            | Error::Rustls(_)
            | Error::Timeout(Timeout::Resolve | Timeout::Connect)
    )
}

/// Where a relay is: `https://host[:port]`, or `http://host[:port]` where that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    tls: bool,
    /// As requests are signed for: lower case, without the port that is the scheme's own.
    authority: String,
}

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// Returns [`RemoteError::Url`] when it is of another form, [`RemoteError::Plain`] when it is
    /// `http` to another machine and that is not allowed.
    pub fn new(url: &str, allow_http: bool) -> Result<Self, RemoteError> {
        let uri: http::Uri = url.parse().map_err(|_| RemoteError::Url)?;
        if !matches!(uri.path(), "" | "/") {
            return Err(RemoteError::Url);
        }
        Self::of(&uri, allow_http)
    }

    /// Where a page is, whatever its path.
    pub(super) fn of(uri: &http::Uri, allow_http: bool) -> Result<Self, RemoteError> {
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (true, ":443"),
            Some("http") => (false, ":80"),
            _ => return Err(RemoteError::Url),
        };
        let authority = uri.authority().ok_or(RemoteError::Url)?;
        if authority.as_str().contains('@') {
            return Err(RemoteError::Url);
        }
        if !tls && !allow_http && !is_loopback(authority.host()) {
            return Err(RemoteError::Plain);
        }
        let authority = authority.as_str().to_lowercase();
        let authority = authority.strip_suffix(usual).unwrap_or(&authority).to_owned();
        Ok(Self { tls, authority })
    }

    /// Whether by TLS.
    pub(super) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, as a name or an address without brackets.
    pub(super) fn host(&self) -> &str {
        let bracketed = self.authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let plain = || self.authority.split(':').next().unwrap_or_default();
        bracketed.map_or_else(plain, |(host, _)| host)
    }

    /// The port.
    pub(super) fn port(&self) -> u16 {
        let named = self.authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        named.unwrap_or(if self.tls { 443 } else { 80 })
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |a| a.is_loopback())
}

/// A relay at an address, and the key to speak to it with.
#[derive(Debug)]
pub struct Remote {
    agent: ureq::Agent,
    address: Address,
    key: SigningKey,
    /// Seconds to add to our time for the relay to take a request as fresh.
    skew_seconds: i64,
}

/// What speaks HTTP with one address: no redirects, no proxy, and only whom `config` trusts.
pub(super) fn agent(address: &Address, config: &RemoteConfig) -> Result<ureq::Agent, RemoteError> {
    let mut agent = ureq::Agent::config_builder()
        .timeout_connect(Some(config.connect_timeout))
        .timeout_global(Some(config.response_timeout))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent("student-passport");
    if address.is_tls() {
        let authorities = config.trust.authorities()?;
        let roots = authorities.iter().map(|der| Certificate::from_der(der).to_owned());
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(RootCerts::from(roots))
            .unversioned_rustls_crypto_provider(tls::provider())
            .build();
        agent = agent.https_only(true).tls_config(tls);
    }
    Ok(agent.build().new_agent())
}

struct Answer {
    status: u16,
    retry_after: Option<u32>,
    body: Vec<u8>,
}

impl Remote {
    /// A relay at `url`, spoken to as `key`. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`Address::new`]; or [`RemoteError::Tls`] when it is not known whom to believe.
    pub fn new(url: &str, key: SigningKey, config: &RemoteConfig) -> Result<Self, RemoteError> {
        let address = Address::new(url, config.allow_http)?;
        Ok(Self { agent: agent(&address, config)?, address, key, skew_seconds: 0 })
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.address.authority
    }

    /// Sends one request, and checks that the response answers it; says with it whether the
    /// relay started from the beginning.
    ///
    /// # Errors
    /// Returns [`RemoteError`].
    pub fn exchange(
        &mut self,
        request: &SyncRequest,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(SyncResponse, Option<Reset>), RemoteError> {
        let body = codec::encode(request);
        let answer = self.send("POST", SYNC_PATH, &body, now, rng)?;
        let answer = answer.accept()?;
        let response =
            SyncResponse::decode(&answer).map_err(|_| RemoteError::Answer { status: 200 })?;
        let reset = check(request, &response)?;
        Ok((response, reset))
    }

    /// Leaves a small object at the relay for an hour, for whoever knows its id.
    ///
    /// # Errors
    /// Returns [`RemoteError`].
    pub fn put_object(
        &mut self,
        bytes: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<ObjectId, RemoteError> {
        let id = object_id(bytes);
        let path = format!("{OBJECTS_PATH}{id}");
        self.send("PUT", &path, bytes, now, rng)?.accept()?;
        Ok(id)
    }

    /// Fetches an object that was left at the relay; none if it is not there, or no longer.
    ///
    /// # Errors
    /// Returns [`RemoteError`]; [`RemoteError::Answer`] when the bytes are not those of the id.
    pub fn get_object(
        &mut self,
        id: &ObjectId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let found = self.get(&format!("{OBJECTS_PATH}{id}"), now, rng)?;
        match found {
            Some(bytes) if object_id(&bytes) != *id => Err(RemoteError::Answer { status: 200 }),
            found => Ok(found),
        }
    }

    /// Leaves an encrypted file at the relay for whoever has a link to it. Its id is 32 random
    /// bytes.
    ///
    /// # Errors
    /// Returns [`RemoteError`].
    pub fn put_link(
        &mut self,
        id: &ObjectId,
        link: &NewLink,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), RemoteError> {
        let path = format!("{LINKS_PATH}{id}");
        self.send("PUT", &path, &codec::encode(link), now, rng)?.accept()?;
        Ok(())
    }

    /// What has become of a link that this key made; none if the relay does not have it.
    ///
    /// # Errors
    /// Returns [`RemoteError`].
    pub fn link(
        &mut self,
        id: &ObjectId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<LinkState>, RemoteError> {
        let found = self.send("GET", &format!("{LINKS_PATH}{id}"), &[], now, rng)?.found()?;
        let state = found.map(|bytes| LinkState::decode(&bytes)).transpose();
        state.map_err(|_| RemoteError::Answer { status: 200 })
    }

    /// Has the relay forget a link that this key made; says whether it had it.
    ///
    /// # Errors
    /// Returns [`RemoteError`].
    pub fn drop_link(
        &mut self,
        id: &ObjectId,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<bool, RemoteError> {
        let answer = self.send("DELETE", &format!("{LINKS_PATH}{id}"), &[], now, rng)?;
        Ok(answer.found()?.is_some())
    }

    fn get(
        &mut self,
        path: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        match self.send("GET", path, &[], now, rng)?.found()? {
            Some(bytes) if bytes.len() > BLOB_MAX => Err(RemoteError::Answer { status: 200 }),
            found => Ok(found),
        }
    }

    /// Fetches the enrolment request that a code stands for; none if it is not there, or no
    /// longer.
    ///
    /// # Errors
    /// Returns [`RemoteError`]; [`RemoteError::Answer`] when the bytes are not those of the code.
    pub fn find_request(
        &mut self,
        code: &EnrolmentCode,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let path = format!("{OBJECTS_PATH}{}", HEXLOWER.encode(code.as_bytes()));
        let found = self.get(&path, now, rng)?;
        match found {
            Some(bytes) if !code.matches(&bytes) => Err(RemoteError::Answer { status: 200 }),
            found => Ok(found),
        }
    }

    /// Sends a signed request. Where the relay's clock and ours differ, it is signed once more
    /// for the relay's: its clock rules what it takes as fresh, and nothing else.
    fn send(
        &mut self,
        method: &'static str,
        path: &str,
        body: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Answer, RemoteError> {
        let answer = self.attempt(method, path, body, now, rng)?;
        let stale = answer.refusal().filter(|r| r.code == Rejection::Stale.code());
        let Some(refusal) = stale else { return Ok(answer) };
        self.accept_time(refusal, now)?;
        self.attempt(method, path, body, now, rng)
    }

    fn attempt(
        &self,
        method: &'static str,
        path: &str,
        body: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Answer, RemoteError> {
        let signed = self.signed(method, path, body, now, rng);
        let response = self.run(method, path, body, &signed);
        let mut response = response.map_err(|error| RemoteError::Unreachable(Box::new(error)))?;
        let status = response.status().as_u16();
        let retry_after = retry_after(response.headers());
        let limit = RESPONSE_MAX as u64;
        match response.body_mut().with_config().limit(limit).read_to_vec() {
            Ok(body) => Ok(Answer { status, retry_after, body }),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(RemoteError::Answer { status }),
            Err(error) => Err(RemoteError::Unreachable(Box::new(error))),
        }
    }

    /// The headers that sign a request, in the relay's time as far as it is known.
    pub(super) fn signed(
        &self,
        method: &'static str,
        path: &str,
        body: &[u8],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> SignatureHeaders {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let target = Target { method, authority: &self.address.authority, path };
        let created = Timestamp::from_seconds(now.as_seconds().saturating_add(self.skew_seconds));
        sign(&target, body, &self.key, created, &nonce)
    }

    /// Learns the relay's time from a refusal that was about time alone.
    pub(super) fn accept_time(
        &mut self,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<(), RemoteError> {
        let Refusal { code, time } = refusal;
        if code != Rejection::Stale.code() {
            return Err(RemoteError::refused(code, None));
        }
        self.skew_seconds = time.as_seconds().saturating_sub(now.as_seconds());
        Ok(())
    }

    /// Where it is.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    fn run(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        signed: &SignatureHeaders,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let request = http::Request::builder().method(method).uri(format!(
            "{}://{}{path}",
            self.address.scheme(),
            self.address.authority
        ));
        let request = signed.on(request);
        if matches!(method, "GET" | "DELETE") {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.header(http::header::CONTENT_TYPE, MEDIA_TYPE).body(body)?)
        }
    }
}

impl Answer {
    fn refusal(&self) -> Option<Refusal> {
        if self.status == 200 { None } else { decoded(&self.body) }
    }

    /// The body; none where there is no such thing.
    fn found(self) -> Result<Option<Vec<u8>>, RemoteError> {
        if self.refusal().is_some_and(|r| r.code == Rejection::NotFound.code()) {
            return Ok(None);
        }
        self.accept().map(Some)
    }

    fn accept(self) -> Result<Vec<u8>, RemoteError> {
        match self.refusal() {
            Some(Refusal { code, .. }) => Err(RemoteError::refused(code, self.retry_after)),
            None if self.status == 200 => Ok(self.body),
            None => Err(RemoteError::Answer { status: self.status }),
        }
    }
}

/// The seconds of `Retry-After` (RFC 9110 §10.2.3); a relay sends no date.
fn retry_after(headers: &http::HeaderMap) -> Option<u32> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

fn decoded<T: for<'b> Decode<'b, ()> + minicbor::Encode<()>>(bytes: &[u8]) -> Option<T> {
    codec::decode(bytes, 64).ok()
}
