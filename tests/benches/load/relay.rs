//! The relay's process, and what the system says of it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use passport_core::time::Timestamp;
use passport_sync::relay::{RelayConfig, serve};
use passport_sync::session::RelayLimits;
use passport_sync::store::SqliteStore;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Most connections that a measured relay holds.
const CONNECTIONS: usize = 8_000;

/// Lets this process open as many files as the system allows it.
pub(crate) fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The machine's time.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap())
}

/// Serves from a database until the process is ended; says where, and then nothing.
pub(crate) fn run(file: &Path, address: &str) {
    let mut seed = [0; 32];
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    seed[..16].copy_from_slice(&nanos.to_be_bytes());
    let store = SqliteStore::open(file, &mut ChaCha20Rng::from_seed(seed)).unwrap();
    let limits = RelayLimits { letters_per_day: 1_000_000_000, ..RelayLimits::default() };
    let config = RelayConfig { limits, connections_max: CONNECTIONS, ..RelayConfig::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let never = core::future::pending::<()>();
        serve(listener, config, Arc::new(store), Arc::new(now), never).await.unwrap();
    });
}

/// A relay's process, which ends when this is dropped.
pub(crate) struct Relay {
    child: Child,
    /// The host and port it listens on.
    pub(crate) authority: String,
    /// Its database.
    pub(crate) file: PathBuf,
}

impl Relay {
    /// Starts one on a database, which is made if it is not there.
    pub(crate) fn start(file: &Path) -> Self {
        Self::start_at(file, "127.0.0.1:0")
    }

    fn start_at(file: &Path, address: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let command = command.arg("relay").arg(file).arg(address).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut authority = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut authority).unwrap();
        Self { child, authority: authority.trim().to_owned(), file: file.to_owned() }
    }

    /// Ends it at once, and starts it again where it was.
    pub(crate) fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = Self::start_at(&self.file.clone(), &self.authority.clone());
    }

    /// Its resident memory, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib / 1024.0
    }

    /// How long it was on a processor so far.
    pub(crate) fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 =
            after_name[11].parse::<u64>().unwrap() + after_name[12].parse::<u64>().unwrap();
        // Linux counts hundredths of a second here, on every architecture (proc(5)).
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have been ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
