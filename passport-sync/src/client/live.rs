//! A live connection to a relay: one thread of its own, frames both ways.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use passport_core::codec;
use passport_core::time::Timestamp;
use rand_core::CryptoRng;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::remote::{Remote, RemoteConfig, RemoteError};
use crate::frames::{FrameReader, write_frame};
use crate::signature::SignatureHeaders;
use crate::tls;
use crate::wire::{
    LIVE_PATH, LIVE_PROTOCOL, LIVE_SILENCE_SECONDS, LiveFrame, RESPONSE_MAX, Refusal, Said,
    SyncRequest,
};

/// Largest refusal that is read, in bytes.
const REFUSAL_MAX: usize = 1024;
/// How long a relay may take nothing of a frame.
const PATIENCE: Duration = Duration::from_secs(10);

/// What happens on a live connection.
#[derive(Debug)]
pub enum LiveEvent {
    /// A frame came.
    Frame(LiveFrame),
    /// The connection ended, and nothing more comes. What was sent and not answered may have
    /// been kept or not: offered again it is known.
    Lost(RemoteError),
}

/// Told what happens, on the connection's own thread; it waits meanwhile. Says whether to go on.
pub type LiveSink = Box<dyn FnMut(LiveEvent) -> bool + Send>;

/// A live connection. Dropped, it ends.
#[derive(Debug)]
pub struct LiveConnection(mpsc::UnboundedSender<SyncRequest>);

impl LiveConnection {
    /// Sends a request. Wait for its answer before the next.
    pub fn send(&self, request: &SyncRequest) {
        // Where the connection has ended, its event says so.
        let _sent = self.0.send(request.clone());
    }
}

impl Remote {
    /// Asks for a live connection, and begins it with `first`. Its answer, and everything after,
    /// goes to `sink`.
    ///
    /// # Errors
    /// Returns [`RemoteError`] when there can be none.
    pub fn live(
        &mut self,
        first: &SyncRequest,
        config: &RemoteConfig,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        sink: LiveSink,
    ) -> Result<LiveConnection, RemoteError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut upgraded = None;
        // Where the clocks differ, it is asked once more in the relay's time.
        for _ in 0..2 {
            let signed = self.signed("GET", LIVE_PATH, &[], now, rng);
            match runtime.block_on(self.upgrade(config, &signed))? {
                Ok(stream) => {
                    upgraded = Some(stream);
                    break;
                }
                Err(refusal) => self.accept_time(refusal, now)?,
            }
        }
        let Some(stream) = upgraded else { return Err(RemoteError::Answer { status: 401 }) };
        let (requests, queue) = mpsc::unbounded_channel();
        let live = LiveConnection(requests);
        live.send(first);
        let run = move || runtime.block_on(converse(stream, queue, sink));
        std::thread::Builder::new().name("relay-live".to_owned()).spawn(run)?;
        Ok(live)
    }

    async fn upgrade(
        &self,
        config: &RemoteConfig,
        signed: &SignatureHeaders,
    ) -> Result<Result<TokioIo<hyper::upgrade::Upgraded>, Refusal>, RemoteError> {
        let connecting = async {
            let address = self.address();
            let stream = TcpStream::connect((address.host(), address.port())).await?;
            let _set = stream.set_nodelay(true);
            if !address.is_tls() {
                return ask(stream, self.authority(), signed).await;
            }
            let name = ServerName::try_from(address.host().to_owned());
            let name = name.map_err(|_| RemoteError::Url)?;
            let connector = tokio_rustls::TlsConnector::from(tls::client(&config.trust)?);
            ask(connector.connect(name, stream).await?, self.authority(), signed).await
        };
        let late = |_| RemoteError::from(io::Error::from(io::ErrorKind::TimedOut));
        timeout(config.connect_timeout, connecting).await.map_err(late)?
    }
}

/// Asks for the upgrade; the relay's words if it refuses.
async fn ask<S>(
    stream: S,
    authority: &str,
    signed: &SignatureHeaders,
) -> Result<Result<TokioIo<hyper::upgrade::Upgraded>, Refusal>, RemoteError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    let request = signed
        .on(http::Request::get(LIVE_PATH).header(http::header::HOST, authority))
        .header(http::header::CONNECTION, "upgrade")
        .header(http::header::UPGRADE, LIVE_PROTOCOL)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    let status = response.status().as_u16();
    if status != 101 {
        let body = Limited::new(response.into_body(), REFUSAL_MAX).collect().await;
        let body = body.map_err(|_| RemoteError::Answer { status })?.to_bytes();
        let refusal = codec::decode(&body, REFUSAL_MAX);
        return Ok(Err(refusal.map_err(|_| RemoteError::Answer { status })?));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(io::Error::other)?;
    Ok(Ok(TokioIo::new(upgraded)))
}

/// Sends requests and tells frames until either ends.
async fn converse(
    stream: TokioIo<hyper::upgrade::Upgraded>,
    mut queue: mpsc::UnboundedReceiver<SyncRequest>,
    mut sink: LiveSink,
) {
    let (reader, mut writer) = tokio::io::split(stream);
    let memory = Arc::new(Semaphore::new(RESPONSE_MAX));
    let silence = Duration::from_secs(LIVE_SILENCE_SECONDS);
    let mut frames = FrameReader::new(reader, RESPONSE_MAX, memory, silence);
    let (mut said, mut heard) = (Said::default(), Said::default());
    let writing = async {
        while let Some(request) = queue.recv().await {
            write_frame(&mut writer, &said.request(request), PATIENCE).await?;
        }
        Ok(None)
    };
    let reading = async {
        while let Some(frame) = timeout(silence, frames.next()).await?? {
            let Ok(frame) = heard.read_frame(&frame.bytes) else {
                return Ok(Some(RemoteError::Answer { status: 101 }));
            };
            if !sink(LiveEvent::Frame(frame)) {
                return Ok(None);
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    };
    let ended: io::Result<Option<RemoteError>> = tokio::select! {
        ended = writing => ended,
        ended = reading => ended,
    };
    let lost = ended.unwrap_or_else(|error| Some(error.into()));
    if let Some(error) = lost {
        sink(LiveEvent::Lost(error));
    }
}
