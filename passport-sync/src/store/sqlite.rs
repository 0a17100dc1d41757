//! A store in one SQLite file: write-ahead log, `synchronous=FULL`, one writer thread.
//!
//! Writes queue up for the writer, which commits all that wait as one transaction (each in its
//! own savepoint) and answers after the commit: many small writes share one flush to disk.
//! Readers have connections of their own and are never blocked by the writer.

mod copy;
mod file;
mod schema;
mod snapshot;
mod transaction;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rand_core::CryptoRng;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

pub use self::copy::Copied;
pub use self::file::{Checked, SqliteFile, Stats};
use self::transaction::View;
use super::{Read, Store, StoreError, Write};

/// Most writes committed together.
const GROUP_MAX: usize = 256;
/// Most statements a connection keeps ready; more than there are.
const STATEMENTS_MAX: usize = 64;
/// The writer alone has room for a whole group of writes in memory, 16 MiB, and moves the log
/// into the database when it has grown to that.
const WRITER: &str = "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4096;";
/// A reader reads a page of a feed, of which little is read again: what it keeps is bounded by
/// 512 KiB, as there are many of them.
const READER: &str = "PRAGMA cache_size = -512;";
/// How long a read or write waits for another process.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing is written before the log is emptied, and what became free given back: then
/// they take no room, and keep nothing of what was dropped.
const LULL: Duration = Duration::from_secs(1);
/// Most pages given back in one lull, so that whoever writes next need not wait.
const FREED_MAX: usize = 4_096;
/// Most connections that read at once, and are then kept: opening one costs more than to wait for
/// one that reads a page of a feed.
const READERS_MAX: usize = 16;

/// Everything a relay keeps, in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// None once the store is being dropped.
    jobs: Mutex<Option<Sender<Job>>>,
    waiting: Arc<AtomicUsize>,
    writer: Option<JoinHandle<()>>,
    readers: Mutex<Readers>,
    /// Notified when a reader is idle again.
    reader: Condvar,
}

#[derive(Debug, Default)]
struct Readers {
    idle: Vec<Connection>,
    open: usize,
}

/// Told of each commit: how many writes were in it, and how many wait for the next.
pub type Watch = Box<dyn Fn(usize, usize) + Send>;

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
        Self::open_watched(path, rng, Box::new(|_, _| ()))
    }

    /// The same, and tells `watch` of each commit: how many writes were in it, and how many wait
    /// for the next.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_watched(
        path: &Path,
        rng: &mut dyn CryptoRng,
        watch: Watch,
    ) -> Result<Self, StoreError> {
        keep_private(path)?;
        let mut connection = connect(path)?;
        schema::migrate(&mut connection, rng)?;
        schema::begin(&connection, rng)?;
        connection.execute_batch(WRITER)?;
        let (jobs, queue) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let writer = std::thread::Builder::new()
            .name("relay-writer".to_owned())
            .spawn(move || work(&connection, &queue, &left, &watch))
            .map_err(|error| StoreError::Database(Box::new(error)))?;
        Ok(Self {
            path: path.to_owned(),
            jobs: Mutex::new(Some(jobs)),
            waiting,
            writer: Some(writer),
            readers: Mutex::default(),
            reader: Condvar::new(),
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

/// A connection that reads, until this is dropped.
struct Reader<'a> {
    store: &'a SqliteStore,
    connection: Option<Connection>,
}

impl Reader<'_> {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Stopped)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // One in the midst of a transaction was left by an error or a panic, and is closed.
        let idle = self.connection.take().filter(Connection::is_autocommit);
        let mut readers = self.store.readers.lock().unwrap_or_else(PoisonError::into_inner);
        match idle {
            Some(connection) => readers.idle.push(connection),
            None => readers.open = readers.open.saturating_sub(1),
        }
        drop(readers);
        self.store.reader.notify_one();
    }
}

impl SqliteStore {
    /// An idle reader, or a new one while there are few; else waits for one.
    fn reader(&self) -> Result<Reader<'_>, StoreError> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let none = |readers: &mut Readers| readers.idle.is_empty() && readers.open >= READERS_MAX;
        let waited = self.reader.wait_while(readers, none);
        let mut readers = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = readers.idle.pop() {
            return Ok(Reader { store: self, connection: Some(connection) });
        }
        readers.open += 1;
        drop(readers);
        let mut reader = Reader { store: self, connection: None };
        let connection = connect(&self.path)?;
        connection.execute_batch(READER)?;
        reader.connection = Some(connection);
        Ok(reader)
    }
}

impl Store for SqliteStore {
    fn write(&self, write: Write) -> Result<(), StoreError> {
        let (done, answer) = sync_channel(1);
        {
            let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            let jobs = jobs.as_ref().ok_or(StoreError::Stopped)?;
            self.waiting.fetch_add(1, Ordering::Relaxed);
            jobs.send(Job { write, done }).map_err(|_| StoreError::Stopped)?;
        }
        answer.recv().map_err(|_| StoreError::Stopped)?
    }

    fn read(&self, read: Read<'_>) -> Result<(), StoreError> {
        let reader = self.reader()?;
        run(reader.connection()?, "BEGIN DEFERRED")?;
        let outcome = read(&View::new(reader.connection()?));
        run(reader.connection()?, "ROLLBACK")?;
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
    // Else SQLite plans a statement anew whenever its parameters change.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(connection)
}

/// Runs a statement that is needed again and again.
fn run(connection: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

/// Commits what is queued, until nobody is left to queue anything; rests in a lull.
fn work(connection: &Connection, queue: &Receiver<Job>, waiting: &AtomicUsize, watch: &Watch) {
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
                let writes = group.len();
                commit(connection, group);
                watch(writes, waiting.fetch_sub(writes, Ordering::Relaxed).saturating_sub(writes));
                true
            }
            Err(RecvTimeoutError::Timeout) => rest(connection),
            Err(RecvTimeoutError::Disconnected) => {
                rest(connection);
                return;
            }
        };
    }
}

/// Gives back pages that are free, and moves what is in the log into the database; whether more
/// may be free. Where somebody still reads an older state, such as a backup, nobody waits for
/// them: what is left is moved after the next lull.
fn rest(connection: &Connection) -> bool {
    let _at_once = connection.busy_timeout(Duration::ZERO);
    let freed = free(connection).unwrap_or(0);
    let _emptied = connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    let _patient = connection.busy_timeout(PATIENCE);
    freed == FREED_MAX
}

/// Gives back pages that are free; how many.
fn free(connection: &Connection) -> Result<usize, rusqlite::Error> {
    let pages = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let before = pages("PRAGMA freelist_count")?;
    if before == 0 {
        return Ok(0);
    }
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({FREED_MAX})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    let after = pages("PRAGMA freelist_count")?;
    Ok(usize::try_from(before - after).unwrap_or(0))
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
