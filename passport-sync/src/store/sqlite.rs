//! A store in one SQLite file: write-ahead log, `synchronous=FULL`, one writer thread.
//!
//! Writes queue up for the writer, which commits all that wait as one transaction (each in its
//! own savepoint) and answers after the commit: many small writes share one flush to disk.
//! Readers have connections of their own and are never blocked by the writer.

mod file;
mod schema;
mod snapshot;
mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand_core::CryptoRng;
use rusqlite::Connection;

pub use self::file::{Checked, SqliteFile, Stats};
use self::transaction::View;
use super::{Read, Store, StoreError, Write};

/// Most writes committed together.
const GROUP_MAX: usize = 256;
/// Most statements a connection keeps ready; more than there are.
const STATEMENTS_MAX: usize = 64;
/// How long a read or write waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing is written before the log is emptied: then it takes no room, and keeps nothing
/// of what was dropped.
const LULL: Duration = Duration::from_secs(1);
/// Most idle reading connections kept.
const READERS_MAX: usize = 8;

/// Everything a relay keeps, in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// None once the store is being dropped.
    jobs: Mutex<Option<Sender<Job>>>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Vec<Connection>>,
}

struct Job {
    write: Write,
    done: SyncSender<Result<(), StoreError>>,
}

impl SqliteStore {
    /// Opens the file, making it with a new random identity if it is not there, and brings its
    /// schema up to date.
    ///
    /// # Errors
    /// Returns [`StoreError`] when it cannot be opened or was written by newer software.
    pub fn open(path: &Path, rng: &mut dyn CryptoRng) -> Result<Self, StoreError> {
        keep_private(path)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection, rng)?;
        schema::begin(&connection, rng)?;
        let (jobs, queue) = channel();
        let writer = std::thread::Builder::new()
            .name("relay-writer".to_owned())
            .spawn(move || work(&connection, &queue))
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Self {
            path: path.to_owned(),
            jobs: Mutex::new(Some(jobs)),
            writer: Some(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Gives the relay of a file a new identity, so that every client offers again what it
    /// holds.
    ///
    /// # Errors
    /// Returns [`StoreError`] when the database cannot be written.
    pub fn renew(path: &Path, rng: &mut dyn CryptoRng) -> Result<(), StoreError> {
        keep_private(path)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection, rng)?;
        schema::renew(&connection, rng)
    }
}

impl Store for SqliteStore {
    fn write(&self, write: Write) -> Result<(), StoreError> {
        let (done, answer) = sync_channel(1);
        {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let jobs = jobs.as_ref().ok_or(StoreError::Stopped)?;
            jobs.send(Job { write, done }).map_err(|_| StoreError::Stopped)?;
        }
        answer.recv().map_err(|_| StoreError::Stopped)?
    }

    fn read(&self, read: Read<'_>) -> Result<(), StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)?,
        };
        run(&connection, "BEGIN DEFERRED")?;
        let outcome = read(&View::new(&connection));
        run(&connection, "ROLLBACK")?;
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
        outcome
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = self.writer.take() {
            // The writer answers what is queued and ends; it has nothing to report.
            let _ended = writer.join();
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

/// Makes a new database file its owner's alone; SQLite gives its other files the same mode. What
/// is in them is sealed, but who may read which channel is nobody else's business.
fn keep_private(path: &Path) -> Result<(), StoreError> {
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop).map_err(|error| StoreError::Database(Box::new(error)))
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// Runs a statement that is needed again and again.
fn run(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Commits what is queued, until nobody is left to queue anything; empties the log in a lull.
fn work(connection: &Connection, queue: &Receiver<Job>) {
    let mut logged = false;
    loop {
        let first = if logged {
            queue.recv_timeout(LULL)
        } else {
            queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        logged = match first {
            Ok(first) => {
                let mut group = vec![first];
                group.extend(queue.try_iter().take(GROUP_MAX - 1));
                commit(connection, group);
                true
            }
            Err(RecvTimeoutError::Timeout) => {
                empty_log(connection);
                false
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
    }
}

/// Moves what is in the log into the database. Where somebody still reads an older state, such as
/// a backup, nobody waits for them: what is left is moved after the next lull.
fn empty_log(connection: &Connection) {
    let _at_once = connection.busy_timeout(Duration::ZERO);
    let _emptied = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    let _patient = connection.busy_timeout(PATIENCE);
}

/// Does a group of writes as one transaction, and answers each after the commit.
fn commit(connection: &Connection, group: Vec<Job>) {
    let mut answers = Vec::with_capacity(group.len());
    let begun = run(connection, "BEGIN IMMEDIATE").is_ok();
    for job in group {
        let outcome = if begun { attempt(connection, job.write) } else { Err(StoreError::Stopped) };
        answers.push((job.done, outcome));
    }
    let committed = begun && run(connection, "COMMIT").is_ok();
    if begun && !committed {
        // When this fails too there is no transaction left to undo.
        let _undone = run(connection, "ROLLBACK");
    }
    for (done, outcome) in answers {
        let outcome = if committed { outcome } else { outcome.and(Err(StoreError::Stopped)) };
        // Whoever asked may be gone: what was committed stays.
        let _heard = done.try_send(outcome);
    }
}

/// Does one write in a savepoint, undone if it fails.
fn attempt(connection: &Connection, write: Write) -> Result<(), StoreError> {
    run(connection, "SAVEPOINT job")?;
    let all = AssertUnwindSafe(|| {
        let mut view = View::new(connection);
        write(&mut view)?;
        view.finish()
    });
    let outcome = catch_unwind(all).unwrap_or(Err(StoreError::Stopped));
    if outcome.is_err() {
        run(connection, "ROLLBACK TO job")?;
    }
    run(connection, "RELEASE job")?;
    outcome
}
