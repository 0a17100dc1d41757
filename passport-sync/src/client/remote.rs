//! A relay over HTTP, blocking.

use std::time::Duration;

use data_encoding::HEXLOWER;
use minicbor::Decode;
use passport_core::codec;
use passport_core::id::ObjectId;
use passport_core::keys::{EnrolmentCode, SigningKey};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use crate::session::{ProtocolError, Reset, check};
use crate::signature::{
    CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT, SignatureHeaders, Target, sign,
};
use crate::wire::{
    BLOB_MAX, MEDIA_TYPE, OBJECTS_PATH, RESPONSE_MAX, Refusal, Rejection, SYNC_PATH, SyncRequest,
    SyncResponse, object_id,
};

/// How long a relay is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Until it accepts a connection.
    pub connect_timeout: Duration,
    /// Until a whole response has arrived, however slowly it comes.
    pub response_timeout: Duration,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), response_timeout: Duration::from_mins(2) }
    }
}

/// An exchange with a relay failed. Nothing is lost; offers stay offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// Not a URL of the form `http://host[:port]`.
    #[error("use an address that is not of the form http://host:port")]
    Url,
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
    },
    /// It answered something that is not of the protocol, or too much.
    #[error("understand the relay's answer (status {status})")]
    Answer {
        /// The HTTP status.
        status: u16,
    },
    /// Its answer contradicts the protocol.
    #[error("accept the relay's answer")]
    Protocol(#[from] ProtocolError),
}

impl RemoteError {
    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { rejection, .. } => rejection.is_some_and(Rejection::is_transient),
            Self::Url | Self::Answer { .. } | Self::Protocol(_) => false,
        }
    }
}

/// A relay at an address, and the key to speak to it with.
#[derive(Debug)]
pub struct Remote {
    agent: ureq::Agent,
    authority: String,
    key: SigningKey,
    /// Seconds to add to our time for the relay to take a request as fresh.
    skew_seconds: i64,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Remote {
    /// A relay at `url` (`http://host[:port]`), spoken to as `key`. Nothing is sent yet.
    ///
    /// # Errors
    /// Returns [`RemoteError::Url`] when the address is of another form.
    pub fn new(url: &str, key: SigningKey, config: RemoteConfig) -> Result<Self, RemoteError> {
        let uri: http::Uri = url.parse().map_err(|_| RemoteError::Url)?;
        let plain = uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/");
        let host = uri.authority().filter(|a| plain && !a.as_str().contains('@'));
        let authority = host.ok_or(RemoteError::Url)?.as_str().to_lowercase();
        let authority = authority.strip_suffix(":80").unwrap_or(&authority).to_owned();
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(config.connect_timeout))
            .timeout_global(Some(config.response_timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent("student-passport")
            .build()
            .new_agent();
        Ok(Self { agent, authority, key, skew_seconds: 0 })
    }

    /// Host and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
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

    fn get(
        &mut self,
        path: &str,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Vec<u8>>, RemoteError> {
        let answer = self.send("GET", path, &[], now, rng)?;
        if answer.refusal().is_some_and(|r| r.code == Rejection::NotFound.code()) {
            return Ok(None);
        }
        let bytes = answer.accept()?;
        if bytes.len() > BLOB_MAX {
            return Err(RemoteError::Answer { status: 200 });
        }
        Ok(Some(bytes))
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
        self.skew_seconds = refusal.time.as_seconds().saturating_sub(now.as_seconds());
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
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let target = Target { method, authority: &self.authority, path };
        let created = Timestamp::from_seconds(now.as_seconds().saturating_add(self.skew_seconds));
        let signed = sign(&target, body, &self.key, created, &nonce);
        let response = self.run(method, path, body, &signed);
        let mut response = response.map_err(|error| RemoteError::Unreachable(Box::new(error)))?;
        let status = response.status().as_u16();
        let limit = RESPONSE_MAX as u64;
        match response.body_mut().with_config().limit(limit).read_to_vec() {
            Ok(body) => Ok(Answer { status, body }),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(RemoteError::Answer { status }),
            Err(error) => Err(RemoteError::Unreachable(Box::new(error))),
        }
    }

    fn run(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
        signed: &SignatureHeaders,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.authority))
            .header(CONTENT_DIGEST, &signed.content_digest)
            .header(SIGNATURE_INPUT, &signed.signature_input)
            .header(SIGNATURE, &signed.signature);
        if method == "GET" {
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

    fn accept(self) -> Result<Vec<u8>, RemoteError> {
        match self.refusal() {
            Some(Refusal { code, .. }) => {
                Err(RemoteError::Refused { code, rejection: Rejection::from_code(code) })
            }
            None if self.status == 200 => Ok(self.body),
            None => Err(RemoteError::Answer { status: self.status }),
        }
    }
}

fn decoded<T: for<'b> Decode<'b, ()> + minicbor::Encode<()>>(bytes: &[u8]) -> Option<T> {
    codec::decode(bytes, 64).ok()
}
