//! Where our own runs take place: a real relay process, vaults on disk, and what counts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use passport_core::time::Timestamp;
use passport_core::vault::{KdfFloor, KdfParams, SqliteVault};
use passport_tests::Cli;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(since.as_secs().try_into().unwrap())
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A vault on disk, whose key is derived cheaply.
pub(crate) fn vault(home: &Path, rng: &mut ChaCha20Rng) -> SqliteVault {
    let (params, floor) = (KdfParams::weak_for_tests(), KdfFloor::SkippedForTests);
    SqliteVault::create_with(home, "six tins of paint", params, rng, floor).unwrap()
}

/// A relay process with its database on disk.
pub(crate) struct Relay {
    child: Child,
    folder: tempfile::TempDir,
    pub(crate) url: String,
}

impl Relay {
    /// Starts it, answering as these hosts, or else as the address it listens on.
    pub(crate) fn start(authorities: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authorities: Vec<String> = authorities.iter().map(ToString::to_string).collect();
        let mut arguments = vec!["--json", "relay", "serve", "--listen", "127.0.0.1:0"];
        arguments.extend(authorities.iter().flat_map(|a| ["--authority", a.as_str()]));
        let mut command = Cli::new(folder.path()).command(&arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = said["listening"].as_str().unwrap().to_owned();
        Self { child, folder, url }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().unwrap()
    }

    /// Its memory in use, in MB.
    pub(crate) fn memory(&self) -> f64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.unwrap_or(f64::NAN) / 1024.0
    }

    /// Its files, in KB.
    pub(crate) fn disk(&self) -> f64 {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap());
        files.map(|file| file.metadata().unwrap().len()).sum::<u64>() as f64 / 1024.0
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Passes bytes on to the relay, and counts them.
pub(crate) struct Counter {
    pub(crate) address: SocketAddr,
    pub(crate) to: Arc<OnceLock<SocketAddr>>,
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
}

impl Counter {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (to, sent, received) = <(Arc<OnceLock<SocketAddr>>, Arc<_>, Arc<_>)>::default();
        let counter = Self {
            address,
            to: Arc::clone(&to),
            sent: Arc::clone(&sent),
            received: Arc::clone(&received),
        };
        // Ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().map(Result::unwrap) {
                let relay = TcpStream::connect(to.get().unwrap()).unwrap();
                for (from, to, count) in [(&client, &relay, &sent), (&relay, &client, &received)] {
                    to.set_nodelay(true).unwrap();
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let count = Arc::clone(count);
                    std::thread::spawn(move || pass_on(from, to, &count));
                }
            }
        });
        counter
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Bytes sent and received so far.
    pub(crate) fn bytes(&self) -> (f64, f64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        (read(&self.sent), read(&self.received))
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer) {
        count.fetch_add(read as u64, Ordering::Relaxed);
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _closed = to.shutdown(std::net::Shutdown::Write);
}
