//! Small appends on one device, received live on another and cold on a third.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use passport_core::holder::{Holder, NewEntry, PendingDevice, Profile};
use passport_core::party::Party as _;
use passport_core::section::SectionName;
use passport_core::vault::{Grouped, SqliteVault};
use passport_sync::client::exchange::{
    Exchange, Exchanged, Http, LiveExchange, LiveTurn, fetch_all,
};
use passport_sync::client::{LiveConnection, LiveEvent, Remote, RemoteConfig};
use passport_sync::session::BackoffPolicy;
use passport_sync::wire::LiveFrame;
use passport_tests::kit::prose;
use rand_chacha::ChaCha20Rng;

use super::beside::Figures;
use super::place::{Counter, Relay, ms, now, rng, vault};

/// What everybody appends: 58 bytes.
pub(crate) const TEXT: &str = "Prefers morning appointments; hay fever, cetirizine 10 mg.";
/// Changes whose way is measured one by one, before the others.
const SINGLY: usize = 50;
const PATIENCE: Duration = Duration::from_mins(2);

type Device = Holder<Grouped<SqliteVault>>;

fn section() -> SectionName {
    "x-notes".parse().unwrap()
}

fn note(text: &str) -> NewEntry {
    let fields = vec![("text".to_owned(), prose(text))];
    NewEntry { section: section(), kind: "note".to_owned(), fields }
}

fn exchange(party: &mut Device, url: &str, rng: &mut ChaCha20Rng) {
    let mut exchange = Exchange {
        now: now(),
        policy: BackoffPolicy::default(),
        pause: &mut |_| (),
        config: RemoteConfig::default(),
        progress: &mut |_| (),
    };
    let done = exchange.with_relay(party, url, rng).unwrap();
    assert!(done.failed.is_none() && done.refused == 0, "{:?}", done.failed);
}

/// A student's first device, and two more: `urls` is how each reaches the relay.
fn devices(folder: &Path, urls: [&str; 3]) -> [Device; 3] {
    let mut rng = rng(1);
    let relays = vec![urls[0].to_owned()];
    let profile = Profile { name: "Amina".into(), relays: relays.clone(), ..Profile::default() };
    let mut first =
        Holder::create(Grouped::new(vault(&folder.join("a"), &mut rng)), &profile, now(), &mut rng)
            .unwrap()
            .0;
    first.add(&[note("first")], now(), &mut rng).unwrap();
    exchange(&mut first, urls[0], &mut rng);
    let config = RemoteConfig::default();
    let [second, third] = [("b", urls[1]), ("c", urls[2])].map(|(name, url)| {
        let vault = Grouped::new(vault(&folder.join(name), &mut rng));
        let pending = PendingDevice::create(vault, &relays, None, &mut rng).unwrap();
        first.approve_device(pending.request().0, name, now(), &mut rng).unwrap();
        exchange(&mut first, urls[0], &mut rng);
        let (mut way, mut found) = (Http::new(url, &config), Vec::new());
        let key = pending.request_key();
        fetch_all(&mut way, key, now(), &mut rng, &mut |incoming| found.push(incoming)).unwrap();
        let mut device = pending.receive(found.remove(0)).unwrap().ok().unwrap().accept().unwrap();
        exchange(&mut device, url, &mut rng);
        device
    });
    let mut all = [first, second, third];
    for (device, url) in all.iter_mut().zip(urls) {
        exchange(device, url, &mut rng);
    }
    all
}

/// A device on a live connection.
struct Live {
    party: Device,
    exchange: LiveExchange,
    connection: LiveConnection,
    events: Receiver<LiveEvent>,
    done: Exchanged,
    rng: ChaCha20Rng,
    unanswered: bool,
}

impl Live {
    fn begin(mut party: Device, url: &str, seed: u64) -> Self {
        let (sender, events) = sync_channel(16);
        let mut rng = rng(seed);
        let (exchange, first) = LiveExchange::begin(&mut party, url).unwrap();
        let sink = Box::new(move |event| sender.send(event).is_ok());
        let config = RemoteConfig::default();
        let mut remote = Remote::new(url, party.request_key().clone(), &config).unwrap();
        let connection = remote.live(&first, &config, now(), &mut rng, sink).unwrap();
        let done = Exchanged::default();
        let mut live = Self { party, exchange, connection, events, done, rng, unanswered: true };
        live.settle();
        live
    }

    fn take(&mut self, event: LiveEvent) {
        let LiveEvent::Frame(frame) = event else { panic!("{event:?}") };
        self.unanswered &= !matches!(frame, LiveFrame::Answer { .. });
        let turn = self.exchange.take(&mut self.party, frame, now(), &mut self.done).unwrap();
        assert!(turn != LiveTurn::Exchange, "the relay has everything it needs");
    }

    fn offer(&mut self) {
        let offered = self.exchange.offer(&mut self.party, now(), &mut self.rng).unwrap();
        if let Some(request) = offered {
            self.connection.send(&request);
            self.unanswered = true;
        }
    }

    /// Until everything was offered and answered.
    fn settle(&mut self) {
        while self.unanswered {
            let event = self.events.recv_timeout(PATIENCE).unwrap();
            self.take(event);
            self.offer();
        }
    }

    fn write(&mut self, text: &str) {
        self.party.add(&[note(text)], now(), &mut self.rng).unwrap();
        while let Ok(event) = self.events.try_recv() {
            self.take(event);
        }
        self.offer();
    }

    fn entries(&mut self) -> usize {
        self.party.view(&section()).unwrap().entries.len()
    }

    /// Takes what comes, and tells when so many entries are to be seen and when they are on its
    /// disk, each time it is asked.
    fn read(mut self, asked: &Receiver<usize>, seen: &Sender<[Instant; 2]>) -> Device {
        for wanted in asked {
            let mut there = self.entries();
            while there < wanted {
                // Looks once nothing more waits, as a screen would.
                let event = self.events.recv_timeout(PATIENCE).unwrap();
                self.take(event);
                while let Ok(event) = self.events.try_recv() {
                    self.take(event);
                }
                there = self.entries();
            }
            let shown = Instant::now();
            self.party.keep().unwrap();
            seen.send([shown, Instant::now()]).unwrap();
        }
        self.party
    }
}

/// A relay, and how three devices reach it.
struct Roads {
    relay: Relay,
    counters: Option<[Counter; 3]>,
    urls: [String; 3],
}

impl Roads {
    /// With what passes counted, or as straight as can be.
    fn to_a_relay(counted: bool) -> Self {
        let counters = counted.then(|| [(); 3].map(|()| Counter::start()));
        let addresses: Vec<_> = counters.iter().flatten().map(|c| c.address).collect();
        let relay = Relay::start(&addresses);
        let urls = counters.as_ref().map_or([(); 3].map(|()| relay.url.clone()), |all| {
            all.each_ref().map(|counter| {
                counter.to.set(relay.address()).unwrap();
                counter.url()
            })
        });
        Self { relay, counters, urls }
    }

    /// Bytes that each device sent and received so far.
    fn bytes(&self) -> [(f64, f64); 3] {
        self.counters.as_ref().map_or([(0.0, 0.0); 3], |all| all.each_ref().map(Counter::bytes))
    }
}

/// Appends changes on one device, received live on another and cold on a third.
pub(crate) fn run(changes: usize, counted: bool, varied: bool) -> Figures {
    let folder = tempfile::tempdir().unwrap();
    let roads = Roads::to_a_relay(counted);
    let idle = roads.relay.memory();
    let all = 1 + SINGLY + changes;
    let [first, second, mut third] =
        devices(folder.path(), roads.urls.each_ref().map(String::as_str));
    let mut writer = Live::begin(first, &roads.urls[0], 2);
    let reader = Live::begin(second, &roads.urls[1], 3);
    let ((ask, asked), (tell, seen)) = (channel(), channel());
    let reading = std::thread::spawn(move || reader.read(&asked, &tell));
    let text = |n: usize| if varied { words(n) } else { TEXT.to_owned() };
    let way = |writer: &mut Live, changes: core::ops::Range<usize>| {
        ask.send(1 + changes.end).unwrap();
        let start = Instant::now();
        changes.for_each(|n| writer.write(&text(n)));
        let written = ms(start.elapsed());
        // What was written while a request was unanswered is still to go.
        writer.settle();
        let [shown, kept] = seen.recv_timeout(PATIENCE).unwrap();
        (written, ms(shown - start), ms(kept - start))
    };
    let singly: Vec<_> = (0..SINGLY).map(|n| way(&mut writer, n..n + 1)).collect();
    let sorted = |of: fn(&(f64, f64, f64)) -> f64| {
        let mut all: Vec<f64> = singly.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all
    };
    let (lat, kept) = (sorted(|way| way.1), sorted(|way| way.2));

    let before = roads.bytes();
    let (written, _, live) = way(&mut writer, SINGLY..SINGLY + changes);
    drop(ask);
    let mut second = reading.join().unwrap();
    let after = roads.bytes();

    let start = Instant::now();
    exchange(&mut third, &roads.urls[2], &mut rng(4));
    let shown = third.view(&section()).unwrap();
    let cold = ms(start.elapsed());
    assert_eq!(shown.entries.len(), all);
    let digest = |device: &mut Device| device.view(&section()).unwrap().digest();
    assert!(digest(&mut second) == shown.digest() && digest(&mut writer.party) == shown.digest());
    // As with the others, whose servers have a moment to put things in order. Nobody unparks this.
    std::thread::park_timeout(Duration::from_millis(1_500));
    let mut figures: Figures = [
        ("rss0", idle),
        ("lat_p50", lat[SINGLY / 2]),
        ("lat_p95", lat[SINGLY * 95 / 100]),
        ("kept_p50", kept[SINGLY / 2]),
        ("write_ms", written),
        ("live_ms", live),
        ("cold_ms", cold),
        ("rss", roads.relay.memory()),
        ("kb", roads.relay.disk()),
    ]
    .map(|(name, figure)| (name.to_owned(), figure))
    .into();
    if counted {
        figures.insert("A_tx".to_owned(), after[0].0 - before[0].0);
        figures.insert("B_rx".to_owned(), after[1].1 - before[1].1);
        figures.insert("C_rx".to_owned(), roads.bytes()[2].1 - after[2].1);
    }
    figures
}

/// Another 58 bytes for each number, that do not repeat.
fn words(n: usize) -> String {
    const WORDS: [&str; 16] = [
        "morning", "evening", "tablet", "walk", "better", "worse", "sleep", "lecture", "exam",
        "nurse", "called", "again", "headache", "quiet", "garden", "friday",
    ];
    let mut state = n as u64 + 1;
    let mut text = String::new();
    while text.len() < TEXT.len() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        text.push(' ');
    }
    text.truncate(TEXT.len());
    text
}
