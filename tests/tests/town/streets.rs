//! The town and its time: one number at a time, and in the end rest.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::id::EpochId;
use passport_core::keys::RecoveryPhrase;
use passport_core::time::Timestamp;
use passport_tests::histories::{Counts, below};
use passport_tests::post::{Post, Weather};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::hoard::Hoard;
use crate::oracle::{self, Oracle};
use crate::people::{Device, Office, SECTIONS, first_device, office};
use crate::without::Without;

pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DEVICES_MAX: usize = 5;
const POSTS: usize = 3;
/// Rounds of everybody with every relay after which nothing may be left to do.
const ROUNDS_MAX: usize = 20;

/// Which run it is.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    pub(crate) seed: u64,
    pub(crate) without: Option<Without>,
    /// Whether each step is told.
    pub(crate) told: bool,
}

/// Somebody, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Device(usize),
    Office(usize),
}

pub(crate) struct Town {
    pub(crate) now: i64,
    pub(crate) posts: Vec<Post>,
    pub(crate) devices: Vec<Device>,
    pub(crate) offices: Vec<Office>,
    pub(crate) oracle: Oracle,
    /// What former readers keep.
    pub(crate) hoard: Hoard,
    /// Recovery phrases, those that were replaced too.
    pub(crate) phrases: Vec<RecoveryPhrase>,
    pub(crate) folder: tempfile::TempDir,
    /// Who cannot reach which relay, until when.
    pub(crate) walls: BTreeMap<(Who, usize), i64>,
    pub(crate) run: Run,
    counts: Counts,
}

impl Run {
    /// Runs the steps, heals everything, and checks what must be true; how often each thing
    /// happened.
    pub(crate) fn through(&self, steps: &[u64]) -> Counts {
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        let mut town = Town::new(*self, &mut rng);
        for number in steps {
            town.step(&mut ChaCha20Rng::seed_from_u64(*number));
        }
        town.heal(&mut rng);
        town.counts
    }
}

impl Town {
    fn new(run: Run, rng: &mut ChaCha20Rng) -> Self {
        let now = 1_800_000_000;
        let at = Timestamp::from_seconds(now);
        let urls: Vec<String> = (0..POSTS).map(|n| format!("http://relay-{n}.example")).collect();
        let posts = (0..).zip(&urls).map(|(n, url)| Post::new(url, [n; 16])).collect();
        let (mut first, phrase) = first_device(&urls[..2], at, rng);
        let offices = ["Practice", "Clinic"].map(|name| office(name, &urls, at, rng));
        for office in &offices {
            first.party.add_contact(office.party.card(), true, at, rng).unwrap();
        }
        let oracle = Oracle::of_new(first.party.fold().epochs.len());
        Self {
            now,
            posts,
            devices: vec![first],
            offices: offices.into(),
            oracle,
            hoard: Hoard::default(),
            phrases: vec![phrase],
            folder: tempfile::tempdir().unwrap(),
            walls: BTreeMap::new(),
            run,
            counts: Counts::new(),
        }
    }

    pub(crate) fn tell(&mut self, what: &str, more: &str) {
        self.count(what, 1);
        if self.run.told {
            println!("{} {what} {more}", self.now);
        }
    }

    pub(crate) fn count(&mut self, what: &str, times: usize) {
        if times > 0 {
            *self.counts.entry(what.to_owned()).or_default() += times;
        }
    }

    /// A moment by a clock that is wrong by so much.
    pub(crate) fn clock(&self, skew: i64) -> Timestamp {
        Timestamp::from_seconds(self.now + skew)
    }

    pub(crate) fn lacks(&self, what: Without) -> bool {
        self.run.without == Some(what)
    }

    /// One of the parties.
    pub(crate) fn anybody(&self, rng: &mut ChaCha20Rng) -> Who {
        if below(rng, 2) == 0 {
            Who::Device(below(rng, self.devices.len()))
        } else {
            Who::Office(below(rng, self.offices.len()))
        }
    }

    fn step(&mut self, rng: &mut ChaCha20Rng) {
        self.now += i64::try_from(below(rng, 6 * 3_600)).unwrap();
        let n = below(rng, self.devices.len());
        let o = below(rng, self.offices.len());
        let met = match below(rng, 100) {
            0..12 => self.add(n, rng),
            12..18 => self.change(n, rng),
            18..22 => self.remove(n, rng),
            22..30 => self.share(n, rng),
            30..33 => self.revoke(n, rng),
            33..40 => self.contribute(o, rng),
            40..44 => self.work_on(o, rng),
            44..47 => self.join(n, rng),
            47..48 => self.expel(n, rng),
            48..49 => self.move_relays(n, rng),
            49..83 => self.meet(rng),
            83..86 => self.carry(rng),
            86..88 => self.restart(rng),
            88..89 => self.clone_device(n),
            89..92 => self.step_clock(rng),
            92..94 => self.wall(rng),
            94..99 => self.harm_relay(rng),
            _ => self.replace_phrase(n, rng),
        };
        for who in met {
            self.look_at(who);
        }
    }

    /// What must hold at any moment, of somebody who did or received something.
    fn look_at(&mut self, who: Who) {
        match who {
            Who::Device(n) => {
                let device = &mut self.devices[n];
                let epochs = device.party.fold().epochs.values();
                self.hoard.keep(who, epochs.map(|e| (&e.charter, &e.keys)));
                for name in SECTIONS {
                    self.oracle.look(n, device, name, self.now);
                }
                oracle::nobody_speaks_for_another(&self.oracle, device);
                oracle::a_removed_device_reads_nothing_new(&self.oracle, n, device);
                self.oracle.who_knows_the_same_shows_the_same(n, device);
            }
            Who::Office(o) => {
                let epochs = self.offices[o].party.epochs().values();
                self.hoard.keep(who, epochs.map(|e| (&e.charter, &e.keys)));
                oracle::nobody_reads_without_a_grant(&self.oracle, &mut self.offices[o]);
            }
        }
    }

    /// Somebody gets the keys of the epochs that a device knows and did not know before.
    pub(crate) fn hand_out(&mut self, n: usize, before: &BTreeSet<EpochId>, to: Who) {
        let new = self.devices[n].party.fold().epochs.values();
        let new = new.filter(|e| !before.contains(&e.charter.id()));
        self.hoard.keep(to, new.map(|e| (&e.charter, &e.keys)));
    }

    /// The epochs that a device knows of.
    pub(crate) fn known_to(&self, n: usize) -> BTreeSet<EpochId> {
        self.devices[n].party.fold().epochs.keys().copied().collect()
    }

    /// Whoever has a key to an epoch gets those of all its phases.
    fn hand_out_all_phases(&mut self) {
        for device in &self.devices {
            for o in (0..self.offices.len()).map(Who::Office) {
                for epoch in device.party.fold().epochs.values() {
                    if self.hoard.has(o, &epoch.charter.id()) {
                        self.hoard.keep(o, [(&epoch.charter, &epoch.keys)]);
                    }
                }
            }
        }
    }

    /// The epochs that anybody knows of.
    pub(crate) fn epochs(&self) -> BTreeSet<EpochId> {
        self.devices.iter().flat_map(|d| d.party.fold().epochs.keys().copied()).collect()
    }

    /// Everything works again, and everybody exchanges until nothing is left to do.
    fn heal(&mut self, rng: &mut ChaCha20Rng) {
        self.now += 24 * HOUR;
        self.walls.clear();
        let everybody = (0..self.devices.len()).map(Who::Device);
        let everybody: Vec<Who> =
            everybody.chain((0..self.offices.len()).map(Who::Office)).collect();
        // An exchange that only changed who may do what moves nothing, and the next one does.
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            let mut moved = Vec::new();
            for (who, p) in everybody.iter().flat_map(|w| (0..POSTS).map(move |p| (*w, p))) {
                let done = self.exchange(who, p, Weather::default(), rng);
                let removed = matches!(who, Who::Device(n) if self.devices[n].removed);
                assert!(done.failed.is_none() || removed, "{:?}", done.failed);
                if done.received + done.sent > 0 {
                    self.look_at(who);
                    moved.push((who, p, done.received, done.sent));
                }
            }
            quiet = if moved.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 {
                break;
            }
            self.tell("round", &format!("who, relay, received, sent: {moved:?}"));
        }
        assert!(quiet == 2, "the town never comes to rest");
        self.check(&everybody);
    }

    /// Whether a device was removed; or let in on a line of phrases that did not prevail, so that
    /// no other knows it (ADR 0047).
    fn is_shut_out(&self, n: usize) -> bool {
        let device = &self.devices[n];
        let first = self.devices.iter().find(|device| !device.removed);
        let known = first.and_then(|d| d.party.fold().devices.get(&device.party.device()));
        device.removed || self.oracle.forked && known.is_none_or(|known| known.removed)
    }

    fn check(&mut self, everybody: &[Who]) {
        for who in everybody {
            self.look_at(*who);
        }
        if self.lacks(Without::Ending) {
            self.hand_out_all_phases();
        }
        oracle::no_former_reader_opens_what_is_new(
            &self.oracle,
            &self.hoard,
            &self.devices,
            &self.offices,
            &self.posts,
        );
        // What ends within the time by which clocks are wrong has ended for some.
        let (at, epochs) = (self.clock(2 * HOUR), self.epochs().len());
        self.count("epochs", epochs);
        self.count("expiry", self.oracle.ended(at));
        let most = self.oracle.epochs_most(self.devices.len());
        assert!(epochs <= most, "{epochs} epochs, where {most} are enough");
        let removed: BTreeSet<usize> =
            (0..self.devices.len()).filter(|n| self.is_shut_out(*n)).collect();
        let mut aside = 0;
        let current = self.devices.iter_mut().enumerate();
        let current = current.filter(|(n, _)| !removed.contains(n));
        let mut current: Vec<&mut Device> = current.map(|(_, device)| device).collect();
        for device in &mut current {
            oracle::nothing_is_lost(&self.oracle, device, &removed);
            oracle::nothing_comes_back(&self.oracle, device, &removed);
            oracle::receipts_tell_the_truth(device, &mut self.offices);
            aside += oracle::what_is_put_aside_shows_nowhere(device);
        }
        oracle::all_show_the_same(&self.oracle, at, &mut current, &mut self.offices);
        self.count("quarantined", aside);
    }
}
