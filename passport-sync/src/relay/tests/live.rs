//! Live connections, over real sockets.

use std::sync::mpsc::{Receiver, sync_channel};

use super::*;
use crate::client::{LiveConnection, LiveEvent};
use crate::wire::LiveFrame;

const PATIENCE: Duration = Duration::from_secs(20);

/// A live connection and what came on it.
struct Watching {
    connection: LiveConnection,
    events: Receiver<LiveEvent>,
}

impl Watching {
    fn begin(server: &Server, n: u8, cursor: Option<Cursor>, seed: u8) -> Self {
        let (sender, events) = sync_channel(100);
        let sink = Box::new(move |event| sender.send(event).is_ok());
        let config = RemoteConfig::default();
        let connection =
            server.remote(n).live(&asking(cursor), &config, NOW, &mut rng(seed), sink).unwrap();
        Self { connection, events }
    }

    /// The next frame that is not a beat.
    fn next(&self) -> LiveFrame {
        loop {
            match self.events.recv_timeout(PATIENCE).unwrap() {
                LiveEvent::Frame(LiveFrame::Beat) => {}
                LiveEvent::Frame(frame) => return frame,
                LiveEvent::Lost(error) => panic!("{error:?}"),
            }
        }
    }

    fn answer(&self) -> SyncResponse {
        match self.next() {
            LiveFrame::Answer { response } => response,
            other @ (LiveFrame::Arrived { .. } | LiveFrame::Beat) => panic!("{other:?}"),
        }
    }

    fn arrived(&self) -> SyncResponse {
        match self.next() {
            LiveFrame::Arrived { response } => response,
            other @ (LiveFrame::Answer { .. } | LiveFrame::Beat) => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_pushed_on_one_connection_arrives_on_another_and_is_not_sent_back() {
    let server = Server::in_memory();
    ask(&mut server.remote(1), &SyncRequest { access_lists: vec![list()], ..asking(None) }, 10);
    let (writer, reader) =
        (Watching::begin(&server, 1, None, 11), Watching::begin(&server, 2, None, 12));
    let begun = (writer.answer(), reader.answer());
    assert_eq!((begun.0.items.len(), begun.1.items.len()), (0, 0));
    writer.connection.send(&SyncRequest {
        envelopes: vec![envelope(100).into()],
        ..asking(Some(begun.0.cursor))
    });
    assert_eq!(writer.answer().results.envelopes, [Outcome::Stored]);
    let arrived = reader.arrived();
    assert_eq!(arrived.items[0].bytes.to_vec(), envelope(100));
    // The writer's own is passed over; its next answer says how far it has been served.
    let again = SyncRequest { envelopes: vec![envelope(100).into()], ..asking(None) };
    writer.connection.send(&again);
    let known = writer.answer();
    assert_eq!((known.results.envelopes, known.items.len()), (vec![Outcome::Known], 0));
    // From where the reader left off there is nothing more, by whichever way it asks.
    let rest = ask(&mut server.remote(2), &asking(Some(arrived.cursor)), 13).0;
    assert_eq!(rest.items, []);
}

#[test]
fn whoever_begins_late_is_caught_up_first() {
    let server = Server::in_memory();
    ask(&mut server.remote(1), &offering(None), 10);
    let reader = Watching::begin(&server, 2, None, 11);
    assert_eq!(reader.answer().items.len(), 1);
    assert_eq!(Watching::begin(&server, 9, None, 12).answer().items, [], "a stranger gets nothing");
}

#[test]
fn a_live_connection_is_authenticated_by_its_first_request() {
    let server = Server::in_memory();
    let host = server.address.to_string();
    let target = Target { method: "GET", authority: &host, path: "/v1/live" };
    let signed = sign(&target, b"", &key(1), NOW, &[9; 16]);
    let asked = |signature: &str, upgrade: &str| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!(
            "GET /v1/live HTTP/1.1\r\nhost: {host}\r\ncontent-digest: {}\r\nsignature-input: {}\r\n\
             signature: {signature}\r\nconnection: {upgrade}\r\nupgrade: passport-live\r\n\r\n",
            signed.content_digest, signed.signature_input,
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        String::from_utf8(status[9..].to_vec()).unwrap()
    };
    assert_eq!(asked("passport=:AAAA:", "upgrade"), "401");
    assert_eq!(asked(&signed.signature, "upgrade"), "101");
    assert_eq!(asked(&signed.signature, "upgrade"), "401", "played again");
}

/// A live connection of a key that anybody may have, as bytes.
fn upgraded(server: &Server, n: u8, nonce: u8) -> TcpStream {
    let host = server.address.to_string();
    let target = Target { method: "GET", authority: &host, path: "/v1/live" };
    let signed = sign(&target, b"", &key(n), NOW, &[nonce; 16]);
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "GET /v1/live HTTP/1.1\r\nhost: {host}\r\ncontent-digest: {}\r\nsignature-input: {}\r\n\
         signature: {}\r\nconnection: upgrade\r\nupgrade: passport-live\r\n\r\n",
        signed.content_digest, signed.signature_input, signed.signature,
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stream
}

#[test]
fn a57_frames_that_are_announced_and_never_come_keep_no_memory_and_are_let_go() {
    let config = RelayConfig {
        body_bytes_max: 8 * 1024 * 1024,
        request_timeout: Duration::from_millis(300),
        ..RelayConfig::default()
    };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    let mut strangers: Vec<_> = (0..4).map(|n| upgraded(&server, 50 + n, n)).collect();
    for stranger in &mut strangers {
        let length = u32::try_from(crate::wire::REQUEST_MAX).unwrap();
        stranger.write_all(&length.to_be_bytes()).unwrap();
        stranger.write_all(b"and no more").unwrap();
    }
    for n in 10..20 {
        let (sent, _) = ask(&mut server.remote(1), &offering(None), n);
        assert!(sent.results.envelopes[0].is_held());
    }
    for stranger in &mut strangers {
        // Returns only when the relay closes the connection.
        stranger.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a57_what_is_asked_on_live_connections_counts_for_the_address() {
    let config = RelayConfig { requests_per_address: 5, ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    // Two connections begin, each with a request, under two keys.
    let (first, second) =
        (Watching::begin(&server, 50, None, 1), Watching::begin(&server, 51, None, 2));
    let (begun, _) = (first.answer(), second.answer());
    first.connection.send(&asking(Some(begun.cursor)));
    first.answer();
    let refused = Raw::new(&server, 3).send(&server);
    assert_eq!((refused.0, rejection(&refused)), (429, Some(Rejection::RateLimited)));
}

#[test]
fn a_relay_that_stops_says_so_to_whoever_watches() {
    let server = Server::in_memory();
    let watching = Watching::begin(&server, 2, None, 11);
    watching.answer();
    drop(server);
    let lost = watching.events.iter().find(|e| matches!(e, LiveEvent::Lost(_)));
    let Some(LiveEvent::Lost(error)) = lost else { panic!("no word of it") };
    assert!(error.is_transient(), "{error:?}");
}

#[test]
fn whoever_takes_nothing_is_let_go_and_finds_everything_later() {
    let config =
        RelayConfig { live_patience: Duration::from_millis(200), ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    ask(&mut server.remote(1), &SyncRequest { access_lists: vec![list()], ..asking(None) }, 10);
    // Takes one frame and then nothing, so that the sockets' buffers fill.
    let (sender, events) = sync_channel(0);
    let sink = Box::new(move |event| sender.send(event).is_ok());
    let config = RemoteConfig::default();
    let mut remote = server.remote(2);
    let _slow = remote.live(&asking(None), &config, NOW, &mut rng(11), sink).unwrap();
    assert!(matches!(events.recv(), Ok(LiveEvent::Frame(_))));
    let mut remote = server.remote(1);
    let sizes = 200_000..200_060;
    for size in sizes.clone() {
        let request = SyncRequest { envelopes: vec![envelope(size).into()], ..asking(None) };
        let (answer, _) = remote
            .exchange(&request, NOW, &mut rng(12 + u8::try_from(size % 100).unwrap()))
            .unwrap();
        assert_eq!(answer.results.envelopes, [Outcome::Stored]);
    }
    let mut cursor = None;
    let mut found = 0;
    loop {
        let seed = 100 + u8::try_from(found).unwrap();
        let (page, _) = ask(&mut server.remote(2), &asking(cursor), seed);
        found += page.items.len();
        cursor = Some(page.cursor);
        if !page.more {
            break;
        }
    }
    assert_eq!(found, sizes.count());
    // The slow one is told in the end that its connection is gone.
    assert!(events.iter().any(|event| matches!(event, LiveEvent::Lost(_))));
}
