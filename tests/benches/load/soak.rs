//! A bounded load for many minutes: nothing is lost, nothing grows, and a backup taken under it
//! is good.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use passport_core::id::ObjectId;
use passport_core::keys::SigningKey;
use passport_sync::store::SqliteFile;
use passport_sync::wire::{
    Cursor, ItemKind, Letter, Outcome, SyncRequest, SyncResponse, object_id,
};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use super::client::{Answer, Caller};
use super::plot::{Axis, Chart, Series, draw};
use super::rates::folder;
use super::relay::Relay;
use super::work::{Writer, asking, key, reader};

const WRITERS: u64 = 60;
/// Between two writes of one writer.
const PACE: Duration = Duration::from_millis(200);
/// Live connections that are held, of which one leaves and another comes twenty times a second.
const HELD: u64 = 500;

/// What happened so far.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicU64,
    letters: AtomicU64,
    failed: AtomicU64,
    recovered: AtomicU64,
    ending: AtomicBool,
}

/// A client that begins anew whenever something fails, until it has its answer.
struct Steady {
    authority: String,
    key: SigningKey,
    caller: Option<Caller>,
    cursor: Option<Cursor>,
    tally: Arc<Tally>,
}

impl Steady {
    fn new(authority: &str, key: SigningKey, tally: &Arc<Tally>) -> Self {
        Self {
            authority: authority.to_owned(),
            key,
            caller: None,
            cursor: None,
            tally: Arc::clone(tally),
        }
    }

    /// The response; else in how many seconds the relay wishes to be asked again.
    async fn attempt(&mut self, request: SyncRequest) -> Result<SyncResponse, Option<u64>> {
        if self.caller.is_none() {
            let caller = Caller::connect(&self.authority, self.key.clone()).await;
            let mut caller = caller.map_err(|_| None)?;
            caller.cursor = self.cursor;
            self.caller = Some(caller);
        }
        let caller = self.caller.as_mut().ok_or(None)?;
        match caller.sync(request).await {
            Ok(Answer::Done(response)) => {
                self.cursor = Some(response.cursor);
                Ok(*response)
            }
            Ok(Answer::Refused(_, _, delay)) => Err(delay),
            Err(_) => {
                self.caller = None;
                Err(None)
            }
        }
    }

    async fn sync(&mut self, request: SyncRequest) -> SyncResponse {
        let (mut failures, mut wait) = (0, Duration::from_millis(50));
        loop {
            let delay = match self.attempt(request.clone()).await {
                Ok(response) => {
                    self.tally.recovered.fetch_add(failures, Ordering::Relaxed);
                    return response;
                }
                Err(delay) => delay,
            };
            failures += 1;
            self.tally.failed.fetch_add(1, Ordering::Relaxed);
            sleep(delay.map_or(wait, Duration::from_secs)).await;
            wait = (wait * 2).min(Duration::from_secs(5));
        }
    }
}

/// Runs the load for so many minutes.
pub(crate) async fn measure(minutes: u32) {
    let folder = folder();
    let mut relay = Relay::start(&folder.path().join("relay.sqlite"));
    let tally = Arc::new(Tally::default());
    let mut writing = JoinSet::new();
    for n in 0..WRITERS {
        writing.spawn(write(relay.authority.clone(), n, Arc::clone(&tally)));
    }
    let reading = tokio::spawn(read(relay.authority.clone(), Arc::clone(&tally)));
    let holding = tokio::spawn(hold(relay.authority.clone()));
    let (start, whole) = (Instant::now(), Duration::from_mins(1) * minutes);
    let (mut memory, mut killed, mut copied) = (Vec::new(), false, false);
    let mut tick = interval(Duration::from_secs(1));
    while start.elapsed() < whole {
        tick.tick().await;
        let past = start.elapsed();
        if !killed && past > whole / 10 {
            relay.kill_and_start();
            killed = true;
        } else if !copied && past > whole * 7 / 10 {
            back_up(&relay.file, &tally).await;
            copied = true;
        }
        if killed {
            memory.push((past.as_secs_f64() / 60.0, relay.resident()));
        }
    }
    tally.ending.store(true, Ordering::Relaxed);
    while writing.join_next().await.transpose().unwrap().is_some() {}
    let read = reading.await.unwrap();
    holding.abort();
    tell(&tally, read.len(), &memory);
    let checked = SqliteFile::open(&relay.file).unwrap().check().unwrap();
    println!("soak: the relay's own database: {checked:?}");
    assert!(checked.is_well());
    assert_eq!(read.len() as u64, tally.acknowledged.load(Ordering::Relaxed), "lost or invented");
}

fn tell(tally: &Tally, read: usize, memory: &[(f64, f64)]) {
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    // From when everything has been used once.
    let settled = &memory[memory.len() / 3..];
    let slope = slope(settled);
    let most = memory.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
    println!(
        "soak: {} envelopes acknowledged and {read} read, {} letters; {} requests failed, {} \
         recovered; memory {most:.0} MiB at most, {:.2} MiB more in an hour",
        count(&tally.acknowledged),
        count(&tally.letters),
        count(&tally.failed),
        count(&tally.recovered),
        slope * 60.0
    );
    assert_eq!(count(&tally.failed), count(&tally.recovered));
    let end = memory[memory.len() - 1].0.ceil();
    let top = (most / 50.0).ceil() * 50.0;
    let ticks = |to: f64| (0..=5).map(|n| f64::from(n) * to / 5.0).collect();
    let chart = Chart {
        title: "Memory of a relay under a steady load",
        description: format!(
            "Resident memory in MiB over {end} minutes of 300 writes in a second; the relay was \
             killed and started anew where the line begins, and a backup was taken under way. At \
             most {most:.0} MiB; {:.2} MiB more in an hour.",
            slope * 60.0
        ),
        x: Axis { label: "minutes", from: 0.0, to: end, logarithmic: false, ticks: ticks(end) },
        y: Axis {
            label: "MiB resident",
            from: 0.0,
            to: top,
            logarithmic: false,
            ticks: ticks(top),
        },
        series: vec![Series {
            name: "relay".to_owned(),
            points: memory.iter().step_by(memory.len().div_ceil(200)).copied().collect(),
        }],
    };
    draw("relay-memory.svg", &chart);
}

/// The slope of the line through these points that has the least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = f64::from(u32::try_from(points.len()).unwrap());
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let over: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    over / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

/// Writes an envelope at each step, and a letter at every tenth.
async fn write(authority: String, n: u64, tally: Arc<Tally>) {
    let mut writer = Writer::new(n);
    let mut client = Steady::new(&authority, writer.key.clone(), &tally);
    let practice = reader().verification_key();
    let access_lists = vec![writer.list(&practice)];
    client.sync(SyncRequest { access_lists, ..asking(None) }).await;
    let mut tick = interval(PACE);
    for step in 0_u64.. {
        tick.tick().await;
        if tally.ending.load(Ordering::Relaxed) {
            return;
        }
        let envelopes = vec![writer.envelope().into()];
        let body = [&n.to_be_bytes()[..], &step.to_be_bytes()[..]].concat();
        let letters = if step % 10 == 9 {
            // To one who never reads them, so that quotas are met too.
            vec![Letter { to: key(3_000_000 + n).verification_key(), body: body.into() }]
        } else {
            Vec::new()
        };
        let response = client.sync(SyncRequest { envelopes, letters, ..asking(None) }).await;
        assert!(response.results.envelopes.iter().all(Outcome::is_held), "{:?}", response.results);
        tally.acknowledged.fetch_add(1, Ordering::Relaxed);
        let held = response.results.letters.iter().filter(|o| o.is_held()).count();
        tally.letters.fetch_add(held as u64, Ordering::Relaxed);
    }
}

/// Reads everything that any writer wrote; complete once the writers have ended.
async fn read(authority: String, tally: Arc<Tally>) -> BTreeSet<ObjectId> {
    let mut client = Steady::new(&authority, reader(), &tally);
    let mut found = BTreeSet::new();
    loop {
        let ending = tally.ending.load(Ordering::Relaxed);
        sleep(PACE).await;
        loop {
            let page = client.sync(asking(None)).await;
            let envelopes = page.items.iter().filter(|item| item.kind == ItemKind::Envelope);
            found.extend(envelopes.map(|item| object_id(&item.bytes)));
            if !page.more {
                break;
            }
        }
        if ending && found.len() as u64 >= tally.acknowledged.load(Ordering::Relaxed) {
            return found;
        }
    }
}

/// Holds live connections, some of which always come and go.
async fn hold(authority: String) {
    let mut tick = interval(Duration::from_millis(50));
    let mut held = std::collections::VecDeque::new();
    for n in 0_u64.. {
        tick.tick().await;
        let authority = authority.clone();
        held.push_back(tokio::spawn(async move {
            let caller = Caller::connect(&authority, key(2_000_000 + n % (2 * HELD))).await;
            let Ok(caller) = caller else { return };
            let Ok(mut live) = caller.live(asking(None)).await else { return };
            while live.next().await.is_ok() {}
        }));
        if held.len() > usize::try_from(HELD).unwrap() {
            held.pop_front().unwrap().abort();
        }
    }
}

/// Copies the database while it is written to, checks the copy, and has a relay serve from it.
async fn back_up(file: &Path, tally: &Tally) {
    let (from, copy) = (file.to_owned(), file.with_extension("copy"));
    let before = tally.acknowledged.load(Ordering::Relaxed);
    let to = copy.clone();
    let start = Instant::now();
    let checked = tokio::task::spawn_blocking(move || {
        SqliteFile::open(&from).unwrap().backup(&to).unwrap();
        SqliteFile::open(&to).unwrap().check().unwrap()
    });
    let checked = checked.await.unwrap();
    let kept = SqliteFile::open(&copy).unwrap().stats().unwrap().envelopes;
    println!("soak: a backup of {kept} envelopes in {:.1?}: {checked:?}", start.elapsed());
    assert!(checked.is_well() && kept >= before);
    let restored = Relay::start(&copy);
    let mut practice = Caller::connect(&restored.authority, reader()).await.unwrap();
    let mut found = 0;
    loop {
        let page = practice.must(asking(None)).await;
        found += page.items.len() as u64;
        if !page.more {
            break;
        }
    }
    assert_eq!(found, kept, "a relay started from the backup serves all that is in it");
}
