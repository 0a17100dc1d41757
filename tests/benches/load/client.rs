//! A client that costs little beside the relay it measures: HTTP/1.1 and frames by hand.

use std::io;
use std::time::Duration;

use passport_core::codec;
use passport_core::keys::SigningKey;
use passport_sync::signature::{Target, sign};
use passport_sync::wire::{
    Cursor, LIVE_PATH, LIVE_PROTOCOL, LiveFrame, Outcome, Refusal, SYNC_PATH, Said, SyncRequest,
    SyncResponse,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::relay::now;

/// Longest wait for anything from a relay.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a relay answered.
pub(crate) enum Answer {
    /// Its response.
    Done(Box<SyncResponse>),
    /// It said no: the HTTP status, the number of the reason, and when to come again.
    Refused(u16, u16, Option<u64>),
}

/// A connection of one key.
pub(crate) struct Caller {
    stream: TcpStream,
    authority: String,
    key: SigningKey,
    buffer: Vec<u8>,
    sent: u64,
    /// How far it has read.
    pub(crate) cursor: Option<Cursor>,
}

impl Caller {
    pub(crate) async fn connect(authority: &str, key: SigningKey) -> io::Result<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let authority = authority.to_owned();
        Ok(Self { stream, authority, key, buffer: Vec::new(), sent: 0, cursor: None })
    }

    fn head(&mut self, method: &'static str, path: &'static str, body: &[u8]) -> String {
        self.sent += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.sent.to_be_bytes());
        nonce[8..].copy_from_slice(
            &std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos().to_be_bytes()[8..],
        );
        let target = Target { method, authority: &self.authority, path };
        let signed = sign(&target, body, &self.key, now(), &nonce);
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-digest: {}\r\nsignature-input: {}\r\n\
             signature: {}\r\ncontent-length: {}\r\n",
            self.authority,
            signed.content_digest,
            signed.signature_input,
            signed.signature,
            body.len()
        )
    }

    async fn fill(&mut self) -> io::Result<()> {
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await??;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Status, wished delay and body of a response.
    async fn response(&mut self) -> io::Result<(u16, Option<u64>, Vec<u8>)> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_lowercase();
        let number =
            |name: &str| head.lines().find_map(|l| l.strip_prefix(name)?.trim().parse().ok());
        let status = head[9..12].parse().unwrap();
        let (length, delay) = (number("content-length:").unwrap_or(0), number("retry-after:"));
        let whole = end + usize::try_from(length).unwrap();
        while self.buffer.len() < whole {
            self.fill().await?;
        }
        let body = self.buffer[end..whole].to_vec();
        self.buffer.drain(..whole);
        Ok((status, delay, body))
    }

    /// Sends a request from where it has read to, and goes on from where the answer ends.
    pub(crate) async fn sync(&mut self, request: SyncRequest) -> io::Result<Answer> {
        let body = codec::encode(&SyncRequest { cursor: self.cursor, ..request });
        let mut bytes = self.head("POST", SYNC_PATH, &body).into_bytes();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        self.stream.write_all(&bytes).await?;
        let (status, delay, body) = self.response().await?;
        if status != 200 {
            let code = codec::decode::<Refusal>(&body, 64).map_or(0, |refusal| refusal.code);
            return Ok(Answer::Refused(status, code, delay));
        }
        let response = SyncResponse::decode(&body).map_err(|_| io::ErrorKind::InvalidData)?;
        self.cursor = Some(response.cursor);
        Ok(Answer::Done(Box::new(response)))
    }

    /// The same where nothing but success will do; all that was pushed is held.
    pub(crate) async fn must(&mut self, request: SyncRequest) -> SyncResponse {
        match self.sync(request).await.unwrap() {
            Answer::Done(response) => {
                let results = &response.results;
                assert!(results.access_lists.iter().all(Outcome::is_held), "{results:?}");
                assert!(results.envelopes.iter().all(Outcome::is_held), "{results:?}");
                *response
            }
            Answer::Refused(status, code, _) => panic!("status {status}, code {code}"),
        }
    }

    /// Makes the connection a live one.
    pub(crate) async fn live(mut self, first: SyncRequest) -> io::Result<Live> {
        let mut head = self.head("GET", LIVE_PATH, &[]);
        head.push_str("connection: upgrade\r\nupgrade: ");
        head.push_str(LIVE_PROTOCOL);
        head.push_str("\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        let (status, _, _) = self.response().await?;
        if status != 101 {
            return Err(io::Error::other(format!("status {status}")));
        }
        let mut live = Live { caller: self, said: Said::default(), heard: Said::default() };
        live.send(&first).await?;
        live.next().await?;
        Ok(live)
    }
}

/// A live connection.
pub(crate) struct Live {
    caller: Caller,
    said: Said,
    heard: Said,
}

impl Live {
    async fn send(&mut self, request: &SyncRequest) -> io::Result<()> {
        let bytes = self.said.request(request.clone());
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        self.caller.stream.write_all(&[&length[..], &bytes].concat()).await
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> io::Result<LiveFrame> {
        let caller = &mut self.caller;
        while caller.buffer.len() < 4 {
            caller.fill().await?;
        }
        let length = u32::from_be_bytes(caller.buffer[..4].try_into().unwrap());
        let whole = 4 + usize::try_from(length).unwrap();
        while caller.buffer.len() < whole {
            caller.fill().await?;
        }
        let frame = self.heard.read_frame(&caller.buffer[4..whole]);
        caller.buffer.drain(..whole);
        frame.map_err(|_| io::ErrorKind::InvalidData.into())
    }
}
