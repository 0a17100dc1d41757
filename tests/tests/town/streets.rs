//! What happens in the town, one number at a time.

use std::collections::BTreeSet;

use passport_core::author::Author;
use passport_core::epoch::Right;
use passport_core::holder::{NewEntry, Share};
use passport_core::section::{Code, Value};
use passport_core::time::Timestamp;
use passport_sync::client::exchange::via;
use passport_sync::client::via::Via;
use passport_tests::post::{Post, Weather};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::Counts;
use crate::oracle::{self, Added, Oracle};
use crate::people::{Device, Office, SECTIONS, exchange, first_device, join, office, section};

const HOUR: i64 = 3_600;
const DEVICES_MAX: usize = 5;
/// Exchanges of everybody with every relay after which nothing may be left to do.
const ROUNDS_MAX: usize = 12;

struct Town {
    now: i64,
    posts: Vec<Post>,
    devices: Vec<Device>,
    offices: Vec<Office>,
    oracle: Oracle,
    folder: tempfile::TempDir,
    told: bool,
    counts: Counts,
}

/// The kind of entry of a section, its first field, and one that is changed.
fn kind_of(name: &str) -> (&'static str, &'static str, &'static str) {
    if name == "medications" {
        ("medication", "item", "dose")
    } else {
        ("allergy", "agent", "reaction")
    }
}

fn value(field: &str, word: &str) -> Value {
    if field == "dose" { Value::Text(word.to_owned()) } else { Value::Code(Code::text(word)) }
}

/// Runs the steps, heals everything, and checks what must be true.
pub(crate) fn run(seed: u64, steps: &[u64], counts: &mut Counts, told: bool) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let now = 1_800_000_000;
    let at = Timestamp::from_seconds(now);
    let urls: Vec<String> = (0..2).map(|n| format!("http://relay-{n}.example")).collect();
    let posts = (0..).zip(&urls).map(|(n, url)| Post::new(url, [n; 16])).collect();
    let devices = vec![first_device(&urls, at, &mut rng)];
    let offices =
        ["Practice", "Clinic"].map(|name| office(name, &urls, at, &mut rng)).into_iter().collect();
    let (oracle, folder) = (Oracle::default(), tempfile::tempdir().unwrap());
    let counted = Counts::new();
    let mut town = Town { now, posts, devices, offices, oracle, folder, told, counts: counted };
    for office in &town.offices {
        let card = office.party.card().clone();
        town.devices[0].party.add_contact(&card, true, at, &mut rng).unwrap();
    }
    for number in steps {
        town.step(&mut ChaCha20Rng::seed_from_u64(*number));
    }
    town.heal(&mut rng);
    *counts = town.counts;
}

fn below(rng: &mut ChaCha20Rng, n: usize) -> usize {
    let n = u64::try_from(n.max(1)).unwrap();
    usize::try_from(rng.next_u64() % n).unwrap()
}

impl Town {
    fn tell(&mut self, what: &str, more: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
        if self.told {
            println!("{} {what} {more}", self.now);
        }
    }

    fn step(&mut self, rng: &mut ChaCha20Rng) {
        self.now += i64::try_from(below(rng, 6 * 3_600)).unwrap();
        let n = below(rng, self.devices.len());
        match below(rng, 100) {
            0..14 => self.add(n, rng),
            14..22 => self.change(n, rng),
            22..26 => self.remove(n, rng),
            26..33 => self.share(n, rng),
            33..35 => self.revoke(n, rng),
            35..45 => self.contribute(rng),
            45..48 => self.join(n, rng),
            48..49 => self.expel(n, rng),
            49..84 => self.meet(rng),
            84..87 => self.carry(rng),
            87..90 => self.restart(rng),
            90..91 => self.clone_device(n),
            91..94 => self.step_clock(n, rng),
            _ => self.harm_relay(rng),
        }
        let n = n.min(self.devices.len() - 1);
        for name in SECTIONS {
            self.oracle.look(n, &mut self.devices[n], name);
        }
        oracle::nobody_speaks_for_another(&self.oracle, &mut self.devices[n]);
        oracle::nobody_reads_without_a_grant(&self.oracle, &mut self.offices);
    }

    fn clock(&self, skew: i64) -> Timestamp {
        Timestamp::from_seconds(self.now + skew)
    }

    fn add(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let name = SECTIONS[below(rng, SECTIONS.len())];
        let (kind, first, second) = kind_of(name);
        let word = self.oracle.word(Author::Holder);
        let other = self.oracle.word(Author::Holder);
        let fields = vec![
            (first.to_owned(), value(first, &word)),
            (second.to_owned(), value(second, &other)),
        ];
        let entry = NewEntry { section: section(name), kind: kind.to_owned(), fields };
        let at = self.clock(self.devices[n].skew);
        let Ok(entries) = self.devices[n].party.add(&[entry], at, rng) else { return };
        if !self.devices[n].removed {
            for word in [&word, &other] {
                self.oracle.wrote_apart(name, word, &self.devices[n], at, &self.offices);
            }
        }
        self.tell("add", &format!("device {n}, {name}, {word}"));
        let author = Author::Holder;
        let entry = entries[0];
        self.oracle.added.push(Added { section: name, entry, word, device: Some(n), author });
    }

    /// An entry that a device shows, with its section.
    fn some(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Option<Added> {
        let mut shown = Vec::new();
        for name in SECTIONS {
            let Ok(view) = self.devices[n].party.view(&section(name)) else { continue };
            shown.extend(view.entries.iter().map(|e| e.id));
        }
        let known: Vec<&Added> =
            self.oracle.added.iter().filter(|a| shown.contains(&a.entry)).collect();
        known.get(below(rng, known.len())).map(|added| (*added).clone())
    }

    fn change(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let Some(added) = self.some(n, rng) else { return };
        let (_, _, field) = kind_of(added.section);
        let word = self.oracle.word(Author::Holder);
        let at = self.clock(self.devices[n].skew);
        let fields = [(field.to_owned(), Some(value(field, &word)))];
        if self.devices[n].party.edit(added.entry, &fields, at, rng).is_ok() {
            if !self.devices[n].removed {
                self.oracle.wrote_apart(added.section, &word, &self.devices[n], at, &self.offices);
            }
            self.tell("edit", &format!("device {n}, {}, {word}", added.word));
        }
    }

    fn remove(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let Some(added) = self.some(n, rng) else { return };
        let at = self.clock(self.devices[n].skew);
        if self.devices[n].party.remove(added.entry, at, rng).is_ok() {
            self.oracle.removed.insert(added.entry);
            self.tell("remove", &format!("device {n}, {}", added.word));
        }
    }

    fn share(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let name = SECTIONS[below(rng, SECTIONS.len())];
        let o = below(rng, self.offices.len());
        let to = self.offices[o].party.id();
        if self.devices[n].removed {
            return;
        }
        let can = if below(rng, 3) > 0 { Right::Contribute } else { Right::Read };
        let share = Share {
            sections: vec![section(name)],
            organisation: to,
            can,
            until: None,
            purpose: "care".to_owned(),
            history: false,
            nhs_number: None,
            unverified: false,
        };
        let at = self.clock(self.devices[n].skew);
        self.oracle.gives(n, &mut self.devices[n], name, to);
        if self.devices[n].party.share(&share, at, rng).is_ok() {
            self.oracle.gave(name, to);
            self.tell("share", &format!("device {n}, {name}, organisation {o}"));
        }
    }

    fn revoke(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let name = SECTIONS[below(rng, SECTIONS.len())];
        let o = below(rng, self.offices.len());
        let from = self.offices[o].party.id();
        let at = self.clock(self.devices[n].skew);
        if self.devices[n].removed {
            return;
        }
        let ended = self.devices[n].party.revoke(from, &[section(name)], at, rng);
        if ended.is_ok_and(|grants| !grants.is_empty()) {
            self.oracle.took(name, from);
            self.tell("revoke", &format!("device {n}, {name}, organisation {o}"));
        }
    }

    fn contribute(&mut self, rng: &mut ChaCha20Rng) {
        let name = SECTIONS[below(rng, SECTIONS.len())];
        let (kind, first, second) = kind_of(name);
        let o = below(rng, self.offices.len());
        let passport = self.devices[0].party.passport();
        let author = Author::Organisation(self.offices[o].party.id());
        let (word, other) = (self.oracle.word(author), self.oracle.word(author));
        let fields =
            [(first.to_owned(), value(first, &word)), (second.to_owned(), value(second, &other))];
        let at = self.clock(self.offices[o].skew);
        let office = &mut self.offices[o].party;
        let Ok(made) = office.contribute(passport, &section(name), kind, &fields, at, rng) else {
            return;
        };
        self.tell("contribute", &format!("organisation {o}, {name}, {word}"));
        let entry = made[0].1;
        self.oracle.added.push(Added { section: name, entry, word, device: None, author });
    }

    fn join(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        if self.devices.len() < DEVICES_MAX && !self.devices[n].removed {
            let at = self.clock(0);
            let p = below(rng, self.posts.len());
            if let Some(device) = join(&mut self.devices[n], &mut self.posts[p], at, rng) {
                self.devices.push(device);
                self.tell("join", &format!("device {n} lets in another"));
            }
        }
    }

    fn expel(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let other = below(rng, self.devices.len());
        let key = self.devices[other].party.device();
        let at = self.clock(self.devices[n].skew);
        if self.devices[n].removed || self.devices[n].party.device() == key {
            return;
        }
        if self.devices[n].party.remove_device(key, at, rng).is_ok() {
            // Whom it let in goes with it.
            let fold = self.devices[n].party.fold();
            let gone = |d: &Device| fold.devices.get(&d.party.device()).is_none_or(|f| f.removed);
            let gone: Vec<bool> = self.devices.iter().map(gone).collect();
            for (device, gone) in self.devices.iter_mut().zip(gone) {
                device.removed |= gone;
            }
            self.tell("expel", &format!("device {n} removes device {other}"));
        }
    }

    /// Somebody exchanges with a relay, on a way where anything may happen.
    fn meet(&mut self, rng: &mut ChaCha20Rng) {
        let p = below(rng, self.posts.len());
        let crash = below(rng, 8) == 0;
        let weather = Weather {
            request_lost: 5,
            answer_lost: 5,
            late: 3,
            twice: 3,
            parted: below(rng, 10) == 0,
            crash_after: crash.then(|| u32::try_from(below(rng, 5)).unwrap()),
        };
        let (devices, offices) = (self.devices.len(), self.offices.len());
        let who = match below(rng, 2) {
            0 => below(rng, devices),
            _ => devices + below(rng, offices),
        };
        let (now, posts) = (self.now, &mut self.posts);
        let failed = if let Some(device) = self.devices.get_mut(who) {
            let at = Timestamp::from_seconds(now + device.skew);
            let done = exchange(&mut device.party, &mut posts[p], weather, at, rng);
            if crash {
                device.restart();
            }
            done.failed
        } else {
            let office = &mut self.offices[who - self.devices.len()];
            let at = Timestamp::from_seconds(now + office.skew);
            let done = exchange(&mut office.party, &mut posts[p], weather, at, rng);
            if crash {
                office.restart();
            }
            done.failed
        };
        let what = if failed.is_some() { "exchange that was cut" } else { "exchange" };
        self.tell(what, &format!("party {who}, relay {p}"));
        if crash {
            self.tell("crash", &format!("party {who}"));
        }
        if below(rng, 3) == 0 {
            let at = self.clock(0);
            self.posts[p].arrive(at);
        }
    }

    /// Two parties meet over a folder.
    fn carry(&mut self, rng: &mut ChaCha20Rng) {
        let place = Via::Folder(self.folder.path().to_owned());
        for _ in 0..2 {
            let who = below(rng, self.devices.len() + self.offices.len());
            let at = self.clock(0);
            if let Some(device) = self.devices.get_mut(who) {
                via(&mut device.party, &place, "folder", at, rng).unwrap();
            } else {
                let office = &mut self.offices[who - self.devices.len()];
                via(&mut office.party, &place, "folder", at, rng).unwrap();
            }
            self.tell("folder", &format!("party {who}"));
        }
    }

    fn restart(&mut self, rng: &mut ChaCha20Rng) {
        let who = below(rng, self.devices.len() + self.offices.len());
        if let Some(device) = self.devices.get_mut(who) {
            device.restart();
        } else {
            self.offices[who - self.devices.len()].restart();
        }
        self.tell("restart", &format!("party {who}"));
    }

    fn clone_device(&mut self, n: usize) {
        if self.devices.len() < DEVICES_MAX {
            let copied = self.devices[n].copied();
            self.devices.push(copied);
            self.tell("clone", &format!("device {n}"));
        }
    }

    fn step_clock(&mut self, n: usize, rng: &mut ChaCha20Rng) {
        let skew = i64::try_from(below(rng, 4 * 3_600)).unwrap() - 2 * HOUR;
        self.devices[n].skew = skew;
        self.tell("clock", &format!("device {n}, {skew} s"));
    }

    fn harm_relay(&mut self, rng: &mut ChaCha20Rng) {
        let p = below(rng, self.posts.len());
        match below(rng, 4) {
            0 => {
                let mut id = [0; 16];
                rng.fill_bytes(&mut id);
                self.posts[p].empty(id);
                self.tell("relay emptied", &format!("{p}"));
            }
            1 => {
                self.posts[p].copy();
                self.tell("relay copied", &format!("{p}"));
            }
            2 => {
                if self.posts[p].roll_back() {
                    self.tell("relay rolled back", &format!("{p}"));
                }
            }
            _ => {
                self.posts[p].restart();
                self.tell("relay restarted", &format!("{p}"));
            }
        }
    }

    /// Everything works again, and everybody exchanges until nothing is left to do.
    fn heal(&mut self, rng: &mut ChaCha20Rng) {
        self.now += 24 * HOUR;
        let at = self.clock(0);
        // An exchange that only changed who may do what moves nothing, and the next one does.
        let mut quiet = 0;
        for _ in 0..ROUNDS_MAX {
            let mut moved = Vec::new();
            // With one relay. Over two, devices that each brought epochs together before they
            // heard of the other's found new ones past each other without end: a known limit.
            let post = &mut self.posts[0];
            for (n, device) in self.devices.iter_mut().enumerate() {
                let done = exchange(&mut device.party, post, Weather::default(), at, rng);
                assert!(done.failed.is_none() || device.removed, "{:?}", done.failed);
                moved.push((n, done.received, done.sent));
            }
            for (n, office) in self.offices.iter_mut().enumerate() {
                let done = exchange(&mut office.party, post, Weather::default(), at, rng);
                assert!(done.failed.is_none(), "{:?}", done.failed);
                moved.push((self.devices.len() + n, done.received, done.sent));
            }
            moved.retain(|(_, received, sent)| received + sent > 0);
            quiet = if moved.is_empty() { quiet + 1 } else { 0 };
            if quiet == 3 {
                break;
            }
            self.tell("round", &format!("party, received, sent: {moved:?}"));
        }
        assert!(quiet == 3, "the town never comes to rest");
        self.check();
    }

    fn check(&mut self) {
        let at = self.clock(0);
        let removed: BTreeSet<usize> =
            (0..self.devices.len()).filter(|n| self.devices[*n].removed).collect();
        oracle::nobody_reads_without_a_grant(&self.oracle, &mut self.offices);
        let mut current: Vec<&mut Device> =
            self.devices.iter_mut().filter(|device| !device.removed).collect();
        for device in &mut current {
            oracle::nobody_speaks_for_another(&self.oracle, device);
            oracle::nothing_is_lost(&self.oracle, device, &removed);
        }
        oracle::all_show_the_same(at, &mut current, &mut self.offices);
    }
}
