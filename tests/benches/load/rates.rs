//! How much a relay takes in a second, and how long somebody waits for it.

use std::time::{Duration, Instant};

use passport_sync::wire::SyncRequest;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::client::Caller;
use super::disk;
use super::relay::Relay;
use super::work::{Writer, asking, in_parallel, key, reader};

/// A folder on the disk of the build.
pub(crate) fn folder() -> tempfile::TempDir {
    let beside = std::env::current_exe().unwrap();
    tempfile::tempdir_in(beside.parent().unwrap()).unwrap()
}

/// The share `of` in a hundred of sorted times.
pub(crate) fn quantile(sorted: &[Duration], of: usize) -> Duration {
    sorted[(sorted.len() * of / 100).min(sorted.len() - 1)]
}

/// Single envelopes of 200 clients.
pub(crate) async fn single() {
    rate("single", 200, 150, 1).await;
}

/// Envelopes by the hundred.
pub(crate) async fn batch() {
    rate("batch", 20, 50, 100).await;
}

/// Clients that each push so many requests of so many envelopes, as fast as they are answered.
async fn rate(name: &str, clients: u64, requests: usize, envelopes: usize) {
    let folder = folder();
    let relay = Relay::start(&folder.path().join("relay.sqlite"));
    let writers: Vec<Writer> = (0..clients).map(Writer::new).collect();
    let prepared = in_parallel(writers, |mut w| (w.requests(requests, envelopes), w));
    let mut ready = Vec::new();
    for (requests, writer) in prepared {
        ready.push((requests, begun(&relay, &writer).await));
    }
    let before = disk::flushes_per_second(folder.path());
    let (start, worked) = (Instant::now(), relay.processor());
    let mut running = JoinSet::new();
    for (requests, caller) in ready {
        running.spawn(push(requests, caller));
    }
    let mut times: Vec<Duration> = running.join_all().await.concat();
    let (took, worked) = (start.elapsed(), relay.processor().saturating_sub(worked));
    let after = disk::flushes_per_second(folder.path());
    times.sort_unstable();
    let all = u32::try_from(times.len() * envelopes).unwrap();
    let rate = f64::from(all) / took.as_secs_f64();
    let flushes = f64::midpoint(before, after);
    println!(
        "{name}: {clients} clients, {all} envelopes in {took:.1?}: {rate:.0}/s, {:.1} times the \
         disk's {flushes:.0} flushes/s ({before:.0} before, {after:.0} after); each answer p50 \
         {:.1?}, p99 {:.1?}; relay {:.1?} of a processor for an envelope, {:.0} MiB",
        rate / flushes,
        quantile(&times, 50),
        quantile(&times, 99),
        worked / all,
        relay.resident()
    );
}

/// A connection of a writer whose channel is open.
pub(crate) async fn begun(relay: &Relay, writer: &Writer) -> Caller {
    let mut caller = Caller::connect(&relay.authority, writer.key.clone()).await.unwrap();
    let lists = vec![writer.list(&reader().verification_key())];
    caller.must(SyncRequest { access_lists: lists, ..asking(None) }).await;
    caller
}

async fn push(requests: Vec<SyncRequest>, mut caller: Caller) -> Vec<Duration> {
    let mut times = Vec::with_capacity(requests.len());
    for request in requests {
        let start = Instant::now();
        caller.must(request).await;
        times.push(start.elapsed());
    }
    times
}

/// Writes of 50 clients, 500 in a second, while 5,000 others hold live connections.
pub(crate) async fn idle() {
    const HELD: u64 = 5_000;
    const CLIENTS: u64 = 50;
    let folder = folder();
    let relay = Relay::start(&folder.path().join("relay.sqlite"));
    let alone = paced(&relay, 0, CLIENTS).await;
    let mut held = JoinSet::new();
    for n in 0..HELD {
        let caller = Caller::connect(&relay.authority, key(1_000_000 + n)).await.unwrap();
        let mut live = caller.live(asking(None)).await.unwrap();
        held.spawn(async move { while live.next().await.is_ok() {} });
    }
    let connected = relay.resident();
    let beside = paced(&relay, CLIENTS, CLIENTS).await;
    let lost = std::iter::from_fn(|| held.try_join_next()).count();
    for (name, times) in [("nobody else", alone), ("5,000 live connections", beside)] {
        println!(
            "idle: {} writes beside {name}: p50 {:.1?}, p99 {:.1?}, most {:.1?}",
            times.len(),
            quantile(&times, 50),
            quantile(&times, 99),
            quantile(&times, 100)
        );
    }
    let resident = relay.resident();
    println!("idle: {lost} connections lost; {connected:.0} MiB held, {resident:.0} MiB after");
}

/// How long writes took that came ten in a second from each of so many new clients.
async fn paced(relay: &Relay, first: u64, clients: u64) -> Vec<Duration> {
    let mut running = JoinSet::new();
    for n in first..first + clients {
        let mut writer = Writer::new(n);
        let (requests, mut caller) = (writer.requests(300, 1), begun(relay, &writer).await);
        running.spawn(async move {
            let mut tick = interval(Duration::from_millis(100));
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut times = Vec::new();
            for request in requests {
                // From when it was due, so that a stall counts for all who came meanwhile.
                let due = tick.tick().await.into_std();
                caller.must(request).await;
                times.push(due.elapsed());
            }
            times
        });
    }
    let mut times = running.join_all().await.concat();
    times.sort_unstable();
    times
}
