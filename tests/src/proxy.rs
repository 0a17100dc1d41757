//! A loopback proxy that counts requests, and can stop the world at one of them.
#![expect(
    clippy::missing_panics_doc,
    clippy::expect_used,
    reason = "the proxy serves tests, and may panic as tests do"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Where in a request the world stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The relay has not heard of it.
    Before,
    /// The relay has acted on it; the client has not heard.
    After,
    /// The client has heard half of the answer.
    Midway,
}

/// Passes requests on to a relay.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    target: Option<SocketAddr>,
    seen: usize,
    stop: Option<Stop>,
}

#[derive(Debug)]
struct Stop {
    at: usize,
    moment: Moment,
    hit: Sender<()>,
    resume: Receiver<()>,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    #[must_use]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A side that goes away in the middle is what the tests are about.
                std::thread::spawn(move || serve(client, &state).ok());
            }
        });
        Self { address, state }
    }

    /// Its address, for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its host and port.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Where requests go from now on.
    pub fn lead_to(&self, authority: &str) {
        let target = authority.parse().expect("a relay listens on an address");
        self.state.lock().expect("nobody panicked").target = Some(target);
    }

    /// The number of requests since it was last asked to stop, or since it started.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.state.lock().expect("nobody panicked").seen
    }

    /// Counts anew, and stops at this request, the first being 1. The receiver hears of it; the
    /// request goes on, or breaks off, when the sender is dropped.
    #[must_use]
    pub fn stop_at(&self, at: usize, moment: Moment) -> (Receiver<()>, Sender<()>) {
        let (hit, heard) = channel();
        let (go_on, resume) = channel();
        let mut state = self.state.lock().expect("nobody panicked");
        state.seen = 0;
        state.stop = Some(Stop { at, moment, hit, resume });
        (heard, go_on)
    }

    /// Counts anew, and stops no more.
    pub fn pass(&self) {
        let mut state = self.state.lock().expect("nobody panicked");
        state.seen = 0;
        state.stop = None;
    }
}

fn serve(client: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    let mut client = client;
    loop {
        let Some(request) = message(&mut from_client)? else { return Ok(()) };
        let (target, stop) = {
            let mut state = state.lock().expect("nobody panicked");
            state.seen += 1;
            let due = state.stop.as_ref().is_some_and(|s| s.at == state.seen);
            (state.target.expect("it leads somewhere"), if due { state.stop.take() } else { None })
        };
        if let Some(stop) = stop.as_ref().filter(|s| s.moment == Moment::Before) {
            hold(stop);
        }
        let mut relay = TcpStream::connect(target)?;
        relay.write_all(&request)?;
        let Some(answer) = message(&mut BufReader::new(relay))? else { return Ok(()) };
        match &stop {
            Some(stop) if stop.moment == Moment::After => hold(stop),
            Some(stop) if stop.moment == Moment::Midway => {
                client.write_all(answer.get(..answer.len() / 2).unwrap_or(&[]))?;
                hold(stop);
                return Ok(());
            }
            _ => {}
        }
        client.write_all(&answer)?;
    }
}

fn hold(stop: &Stop) {
    let _ = stop.hit.send(());
    // Woken by the sender's end; nothing is ever sent.
    let _ = stop.resume.recv();
}

/// One HTTP/1.1 message with a content length; none at the end of the stream.
fn message(from: &mut BufReader<TcpStream>) -> std::io::Result<Option<Vec<u8>>> {
    let mut whole = Vec::new();
    let mut length = 0;
    loop {
        let start = whole.len();
        if from.read_until(b'\n', &mut whole)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(whole.get(start..).unwrap_or(&[])).to_lowercase();
        assert!(!line.starts_with("transfer-encoding:"), "a length is told beforehand");
        if let Some(told) = line.strip_prefix("content-length:") {
            length = told.trim().parse().expect("a length is a number");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let head = whole.len();
    whole.resize(head + length, 0);
    from.read_exact(whole.get_mut(head..).unwrap_or(&mut []))?;
    Ok(Some(whole))
}
