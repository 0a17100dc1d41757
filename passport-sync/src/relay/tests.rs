use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;

use passport_core::access::{AccessList, Member, Rights, channel_id};
use passport_core::codec;
use passport_core::envelope::{Header, Kind, seal};
use passport_core::id::EpochId;
use passport_core::keys::{EnrolmentCode, PhaseKey, Signed, SigningKey};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use tokio::sync::oneshot;

use super::*;
use crate::client::{Remote, RemoteConfig, RemoteError};
use crate::session::{PAGE_BYTES, Reset};
use crate::signature::{SignatureHeaders, Target, sign};
use crate::store::{MemoryStore, SqliteStore};
use crate::wire::{Cursor, Outcome, Refusal, Rejection, SyncRequest, SyncResponse};

mod live;
mod tls;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const NONCE: [u8; 16] = [6; 16];

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// A relay whose clock stands still.
    fn start(store: Arc<dyn Store>, config: RelayConfig) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let shutdown = async { stopped.await.unwrap_or(()) };
                serve(listener, config, store, Arc::new(|| NOW), shutdown).await.unwrap();
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    fn in_memory() -> Self {
        Self::start(Arc::new(MemoryStore::new([1; 16])), RelayConfig::default())
    }

    fn remote(&self, n: u8) -> Remote {
        Remote::new(&format!("http://{}", self.address), key(n), &RemoteConfig::default()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

fn rng(n: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([n; 32])
}

fn list() -> Signed<AccessList> {
    let control = key(100);
    let member =
        |n, can| Member { key: key(n).verification_key(), can, until: None, history: false };
    let members = [member(1, Rights::ReadWrite), member(2, Rights::Read)];
    let epoch = EpochId::from_bytes([1; 32]);
    let list = AccessList::new(control.verification_key(), NONCE, 1, None, [epoch], members);
    Signed::new(&list, &control)
}

fn envelope(size: usize) -> Vec<u8> {
    let header = Header {
        version: Header::VERSION,
        suite: Header::SUITE,
        channel: channel_id(&key(100).verification_key(), &NONCE),
        epoch: EpochId::from_bytes([1; 32]),
        phase: 0,
        author: key(1).verification_key(),
        seq: 1,
        prev: None,
        deps: Vec::new(),
        kind: Kind::Edits,
    };
    let phase_key = PhaseKey::generate(&mut rng(3));
    seal(&header, vec![0; size], &phase_key, &key(1), &mut rng(4)).unwrap().encode()
}

fn asking(cursor: Option<Cursor>) -> SyncRequest {
    SyncRequest { cursor, max_bytes: PAGE_BYTES, ..SyncRequest::default() }
}

fn offering(cursor: Option<Cursor>) -> SyncRequest {
    let (access_lists, envelopes) = (vec![list()], vec![envelope(100).into()]);
    SyncRequest { access_lists, envelopes, ..asking(cursor) }
}

fn ask(remote: &mut Remote, request: &SyncRequest, n: u8) -> (SyncResponse, Option<Reset>) {
    remote.exchange(request, NOW, &mut rng(n)).unwrap()
}

/// What became of the list and the envelope of [`offering`].
fn outcomes(response: &SyncResponse) -> [Outcome; 2] {
    [response.results.access_lists[0], response.results.envelopes[0]]
}

#[test]
fn what_one_device_pushes_another_fetches_and_a_lost_answer_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("relay.db"), &mut rng(1)).unwrap();
    let server = Server::start(Arc::new(store), RelayConfig::default());
    let (sent, _) = ask(&mut server.remote(1), &offering(None), 10);
    assert_eq!((outcomes(&sent), sent.items.len()), ([Outcome::Stored; 2], 0));
    // As if the answer had not arrived: all is offered again.
    let (again, _) = ask(&mut server.remote(1), &offering(None), 11);
    assert_eq!(outcomes(&again), [Outcome::Known; 2]);
    let (read, _) = ask(&mut server.remote(2), &asking(None), 12);
    let items: Vec<_> = read.items.iter().map(|i| i.bytes.to_vec()).collect();
    assert_eq!(items, [envelope(100)]);
    assert_eq!(ask(&mut server.remote(2), &asking(Some(read.cursor)), 13).0.items, []);
}

#[test]
fn a_device_that_moves_to_an_empty_relay_is_told_to_offer_everything() {
    let first = Server::in_memory();
    let (there, _) = ask(&mut first.remote(1), &offering(None), 10);
    let second = Server::start(Arc::new(MemoryStore::new([2; 16])), RelayConfig::default());
    let (moved, reset) = ask(&mut second.remote(1), &asking(Some(there.cursor)), 11);
    assert_eq!(reset, Some(Reset::NewRelay));
    let (offered, reset) = ask(&mut second.remote(1), &offering(Some(moved.cursor)), 12);
    assert_eq!((outcomes(&offered), reset), ([Outcome::Stored; 2], None));
    assert_eq!(offered.items.len(), 0);
}

#[test]
fn clocks_that_differ_by_years_do_not_stop_syncing() {
    let server = Server::in_memory();
    let now = NOW.plus_days(-4000);
    let (response, _) = server.remote(1).exchange(&offering(None), now, &mut rng(1)).unwrap();
    assert_eq!((outcomes(&response), response.time), ([Outcome::Stored; 2], NOW));
}

#[test]
fn a_rendezvous_object_is_found_by_whoever_knows_its_id() {
    let server = Server::in_memory();
    let id = server.remote(1).put_object(b"offer", NOW, &mut rng(1)).unwrap();
    let mut other = server.remote(9);
    let found = other.get_object(&id, NOW, &mut rng(2)).unwrap();
    assert_eq!(found, Some(b"offer".to_vec()));
    let code = EnrolmentCode::of(b"offer");
    assert_eq!(other.find_request(&code, NOW, &mut rng(5)).unwrap(), Some(b"offer".to_vec()));
    let absent = EnrolmentCode::of(b"absent");
    assert_eq!(other.find_request(&absent, NOW, &mut rng(6)).unwrap(), None);
    let absent = crate::wire::object_id(b"absent");
    assert_eq!(other.get_object(&absent, NOW, &mut rng(3)).unwrap(), None);
    let refused = other.put_object(&[0; 9000], NOW, &mut rng(4)).unwrap_err();
    assert!(matches!(refused, RemoteError::Refused { code: 2, .. }), "{refused:?}");
}

/// What goes over the wire, to be tampered with.
struct Raw {
    method: &'static str,
    path: String,
    host: String,
    signed: SignatureHeaders,
    body: Vec<u8>,
}

impl Raw {
    fn new(server: &Server, nonce: u8) -> Self {
        let host = server.address.to_string();
        let body = codec::encode(&SyncRequest { max_bytes: 1000, ..SyncRequest::default() });
        let target = Target { method: "POST", authority: &host, path: "/v1/sync" };
        let signed = sign(&target, &body, &key(1), NOW, &[nonce; 16]);
        Self { method: "POST", path: "/v1/sync".into(), host, signed, body }
    }

    fn head(&self, length: usize) -> String {
        format!(
            "{} {} HTTP/1.1\r\nhost: {}\r\ncontent-digest: {}\r\nsignature-input: {}\r\n\
             signature: {}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n",
            self.method,
            self.path,
            self.host,
            self.signed.content_digest,
            self.signed.signature_input,
            self.signed.signature
        )
    }

    /// Status and body of the answer.
    fn send(&self, server: &Server) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.write_all(self.head(self.body.len()).as_bytes()).unwrap();
        stream.write_all(&self.body).unwrap();
        answer(&mut stream)
    }
}

fn answer(stream: &mut TcpStream) -> (u16, Vec<u8>) {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let status = std::str::from_utf8(&bytes[9..12]).unwrap().parse().unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (status, bytes[end + 4..].to_vec())
}

fn rejection(answer: &(u16, Vec<u8>)) -> Option<Rejection> {
    let refusal: Refusal = codec::decode(&answer.1, 64).ok()?;
    Rejection::from_code(refusal.code)
}

#[test]
fn a_request_played_again_or_for_elsewhere_is_refused() {
    let server = Server::in_memory();
    let raw = Raw::new(&server, 1);
    let first = raw.send(&server);
    assert_eq!(first.0, 200);
    assert!(SyncResponse::decode(&first.1).is_ok());
    let again = raw.send(&server);
    assert_eq!((again.0, rejection(&again)), (401, Some(Rejection::Stale)));
    let other = Server::in_memory();
    let passed_on = Raw::new(&server, 2).send(&other);
    assert_eq!((passed_on.0, rejection(&passed_on)), (421, Some(Rejection::WrongAuthority)));
    let renamed = Raw { host: other.address.to_string(), ..Raw::new(&server, 2) }.send(&other);
    assert_eq!(rejection(&renamed), Some(Rejection::BadSignature));
}

#[test]
fn a_request_whose_body_path_or_method_was_changed_is_refused() {
    let server = Server::in_memory();
    let body = codec::encode(&SyncRequest { max_bytes: 1001, ..SyncRequest::default() });
    let id = crate::wire::object_id(b"");
    for changed in [
        Raw { body, ..Raw::new(&server, 1) },
        Raw { method: "PUT", path: format!("/v1/objects/{id}"), ..Raw::new(&server, 2) },
        Raw { path: format!("/v1/objects/{id}"), method: "GET", ..Raw::new(&server, 3) },
    ] {
        let answer = changed.send(&server);
        assert_eq!((answer.0, rejection(&answer)), (401, Some(Rejection::BadSignature)));
    }
    let query = Raw { path: "/v1/sync?x=1".into(), ..Raw::new(&server, 4) }.send(&server);
    assert_eq!(rejection(&query), Some(Rejection::Malformed));
    let unsigned = SignatureHeaders {
        content_digest: String::new(),
        signature_input: String::new(),
        signature: String::new(),
    };
    let stripped = Raw { signed: unsigned, ..Raw::new(&server, 5) }.send(&server);
    assert_eq!(rejection(&stripped), Some(Rejection::BadSignature));
}

#[test]
fn what_is_too_large_is_refused_before_it_is_received() {
    let server = Server::in_memory();
    let raw = Raw::new(&server, 1);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(raw.head(crate::wire::REQUEST_MAX + 1).as_bytes()).unwrap();
    let answer = answer(&mut stream);
    assert_eq!((answer.0, rejection(&answer)), (413, Some(Rejection::TooLarge)));
}

#[test]
fn bodies_beyond_the_memory_of_all_are_put_off() {
    let config = RelayConfig { body_bytes_max: 50, ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    assert_eq!(Raw::new(&server, 1).send(&server).0, 200);
    let mut remote = server.remote(1);
    let refused = remote.put_object(&[0; 51], NOW, &mut rng(1)).unwrap_err();
    assert!(matches!(refused, RemoteError::Refused { code: 13, .. }), "{refused:?}");
    assert!(refused.is_transient());
    assert!(remote.put_object(&[0; 50], NOW, &mut rng(2)).is_ok(), "memory is given back");
}

#[test]
fn a57_whoever_never_ends_a_header_is_let_go_while_others_are_served() {
    let config =
        RelayConfig { header_timeout: Duration::from_millis(50), ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    let mut slow: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address).unwrap();
            stream.write_all(b"POST /v1/sync HTTP/1.1\r\nhost: ").unwrap();
            stream
        })
        .collect();
    assert_eq!(Raw::new(&server, 1).send(&server).0, 200);
    for stream in &mut slow {
        // Returns only when the relay closes the connection.
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn a57_connections_held_open_keep_nobody_out() {
    let config = RelayConfig { connections_max: 4, ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    let held: Vec<_> = (0..50).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    assert_eq!(Raw::new(&server, 1).send(&server).0, 200);
    drop(held);
}

#[test]
fn a_client_that_vanishes_leaves_the_relay_as_it_was() {
    let server = Server::in_memory();
    let raw = Raw::new(&server, 1);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.write_all(raw.head(1000).as_bytes()).unwrap();
    stream.write_all(&[0; 10]).unwrap();
    drop(stream);
    assert_eq!(Raw::new(&server, 2).send(&server).0, 200);
}

#[test]
fn the_relay_says_that_it_is_well_and_ready() {
    let server = Server::in_memory();
    for (path, said) in [("healthz", "ok\n"), ("readyz", "ready\n")] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!("GET /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(answer(&mut stream), (200, said.as_bytes().to_vec()));
    }
}

#[test]
fn a_key_that_asks_too_often_is_told_when_to_come_again() {
    let config = RelayConfig { requests_per_key: 2, ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    let mut remote = server.remote(1);
    for n in 0..2 {
        ask(&mut remote, &asking(None), n);
    }
    let refused = remote.exchange(&asking(None), NOW, &mut rng(3)).unwrap_err();
    assert!(refused.is_transient(), "{refused:?}");
    let wait = refused.retry_after().unwrap();
    assert!((1..=31).contains(&wait), "{wait}");
    ask(&mut server.remote(2), &asking(None), 4);
}

#[test]
fn an_address_that_asks_too_often_is_refused_before_anything_is_verified() {
    let config = RelayConfig { requests_per_address: 1, ..RelayConfig::default() };
    let server = Server::start(Arc::new(MemoryStore::new([1; 16])), config);
    assert_eq!(Raw::new(&server, 1).send(&server).0, 200);
    let unsigned = Raw { body: Vec::new(), ..Raw::new(&server, 2) }.send(&server);
    assert_eq!((unsigned.0, rejection(&unsigned)), (429, Some(Rejection::RateLimited)));
}
