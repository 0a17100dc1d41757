//! What a sync costs against how much a relay has.

use std::path::Path;
use std::time::{Duration, Instant};

use passport_core::access::AccessList;
use passport_core::keys::{Signed, Verified};
use passport_sync::store::{Object, SqliteStore, write};
use passport_sync::wire::{Cursor, object_id};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use super::client::Caller;
use super::plot::{Axis, Chart, Series, draw};
use super::rates::{folder, quantile};
use super::relay::Relay;
use super::work::{Writer, asking, in_parallel, reader};

/// Syncs of a kind in a measurement.
const RUNS: usize = 300;
/// What each kind of sync is called.
const KINDS: [&str; 3] = ["push one", "ask, nothing new", "fetch 100 new"];

/// Medians of the kinds, with what each cost the relay's processor.
type Costs = [(Duration, Duration); 3];

/// Measures relays of 1,000 to a million envelopes, ten in a channel.
pub(crate) async fn measure() {
    let mut all: Vec<(usize, Costs)> = Vec::new();
    println!("| envelopes | channels | {} | {} | {} | memory |", KINDS[0], KINDS[1], KINDS[2]);
    println!("|---|---|---|---|---|---|");
    for envelopes in [1_000, 10_000, 100_000, 1_000_000] {
        let (costs, resident) = cost(envelopes, envelopes / 10).await;
        let told = costs.map(|(median, worked)| format!("{median:.2?} ({worked:.2?})"));
        println!("| {envelopes} | {} | {} | {resident:.0} MiB |", envelopes / 10, told.join(" | "));
        all.push((envelopes, costs));
    }
    let first = all[0].1;
    let last = all[all.len() - 1].1;
    let ratio = |n: usize| last[n].0.as_secs_f64() / first[n].0.as_secs_f64();
    let ratios: Vec<String> =
        (0..3).map(|n| format!("{} {:.2} times", KINDS[n], ratio(n))).collect();
    println!("most against least: {}", ratios.join(", "));
    draw("relay-cost.svg", &chart(&all, &ratios));
}

fn chart(all: &[(usize, Costs)], ratios: &[String]) -> Chart<'static> {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    let series = |n: usize| Series {
        name: KINDS[n].to_owned(),
        points: all.iter().map(|(x, c)| (number(*x), c[n].0.as_secs_f64() * 1e3)).collect(),
    };
    Chart {
        title: "What a sync costs, by what a relay has stored",
        description: format!(
            "Median milliseconds of three kinds of sync, each a line, at a relay of 1,000 to 1 \
             million envelopes in 100 to 100,000 channels. From the least to the most: {}.",
            ratios.join(", ")
        ),
        x: Axis {
            label: "envelopes stored, ten in a channel",
            from: 1e3,
            to: 1e6,
            logarithmic: true,
            ticks: vec![1e3, 1e4, 1e5, 1e6],
        },
        y: Axis {
            label: "milliseconds, median",
            from: 0.1,
            to: 100.0,
            logarithmic: true,
            ticks: vec![0.1, 1.0, 10.0, 100.0],
        },
        series: (0..3).map(series).collect(),
    }
}

async fn cost(envelopes: usize, channels: usize) -> (Costs, f64) {
    let folder = folder();
    let file = folder.path().join("relay.sqlite");
    fill(&file, envelopes, channels);
    let relay = Relay::start(&file);
    let mut practice = Caller::connect(&relay.authority, reader()).await.unwrap();
    let start = practice.must(asking(None)).await.cursor;
    practice.cursor = Some(Cursor { position: envelopes as u64, ..start });
    // Writers from all over what is stored, each connected before it is measured.
    let mut writers = Vec::new();
    for n in 0..RUNS {
        let mut writer = Writer::new((n * channels / RUNS) as u64);
        let caller = Caller::connect(&relay.authority, writer.key.clone()).await.unwrap();
        let request = writer.requests(2, 1);
        writers.push((caller, request));
    }
    for (caller, requests) in &mut writers {
        caller.must(requests.pop().unwrap()).await;
    }
    practice.must(asking(None)).await;
    let (mut times, worked) = ([const { Vec::new() }; 3], relay.processor());
    for (caller, requests) in &mut writers {
        let request = requests.pop().unwrap();
        times[0].push(timed(caller.must(request)).await);
    }
    let pushed = relay.processor().saturating_sub(worked);
    practice.must(asking(None)).await;
    let worked = relay.processor();
    for _ in 0..RUNS {
        times[1].push(timed(practice.must(asking(None))).await);
    }
    let asked = relay.processor().saturating_sub(worked);
    let end = practice.cursor.unwrap();
    let worked = relay.processor();
    for _ in 0..RUNS {
        practice.cursor = Some(Cursor { position: end.position - 100, ..end });
        let start = Instant::now();
        assert_eq!(practice.must(asking(None)).await.items.len(), 100);
        times[2].push(start.elapsed());
    }
    let fetched = relay.processor().saturating_sub(worked);
    let [a, b, c] = times.map(|mut times| {
        times.sort_unstable();
        quantile(&times, 50)
    });
    let each = |worked: Duration| worked / u32::try_from(RUNS).unwrap();
    ([(a, each(pushed)), (b, each(asked)), (c, each(fetched))], relay.resident())
}

async fn timed<R>(work: impl Future<Output = R>) -> Duration {
    let start = Instant::now();
    work.await;
    start.elapsed()
}

/// Fills a database as if so much had been pushed; what envelopes say is never looked at again.
fn fill(file: &Path, envelopes: usize, channels: usize) {
    let store = SqliteStore::open(file, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let practice = reader().verification_key();
    let size = Writer::new(0).envelope().len();
    let opened = in_parallel((0..channels as u64).collect(), |n| {
        let writer = Writer::new(n);
        let signed = writer.list(&practice);
        (n, writer.key.verification_key(), AccessList::check(&signed).unwrap(), signed)
    });
    let mut opened: Vec<(u64, _, Verified<AccessList>, Signed<AccessList>)> = opened;
    opened.sort_by_key(|(n, ..)| *n);
    let mut keys = Vec::new();
    let mut lists = opened.into_iter();
    loop {
        let some: Vec<_> = lists.by_ref().take(1_000).collect();
        if some.is_empty() {
            break;
        }
        keys.extend(some.iter().map(|(_, key, list, _)| (*key, list.channel, list.live[0])));
        write(&store, move |tx| {
            some.iter().try_for_each(|(_, _, list, signed)| {
                tx.put_channel(list, &list.payload_hash(), &passport_core::codec::encode(signed))
            })
        })
        .unwrap();
    }
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for some in (0..envelopes).collect::<Vec<_>>().chunks(1_000) {
        let some: Vec<_> = some
            .iter()
            .map(|n| {
                let mut bytes = vec![0; size];
                rng.fill_bytes(&mut bytes);
                (keys[n % channels], bytes)
            })
            .collect();
        write(&store, move |tx| {
            some.iter().try_for_each(|((key, channel, epoch), bytes)| {
                let id = object_id(bytes);
                let object = Object::Envelope { channel: *channel, epoch: *epoch, bytes };
                tx.put_object(&id, &object)?;
                tx.append_feed(&[*key, practice], &id)
            })
        })
        .unwrap();
    }
}
