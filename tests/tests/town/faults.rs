//! Exchanges, and what goes wrong in them and around them.

use std::collections::BTreeSet;

use passport_sync::client::exchange::{Exchanged, via};
use passport_sync::client::via::Via;
use passport_tests::histories::below;
use passport_tests::post::Weather;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;

use crate::oracle;
use crate::people::{Founder, exchange};
use crate::streets::{DEVICES_MAX, HOUR, Town, Who};
use crate::without::Lacking;

impl Town {
    /// Somebody exchanges with a relay, and what must hold after that is checked.
    pub(crate) fn exchange(
        &mut self,
        who: Who,
        p: usize,
        weather: Weather,
        rng: &mut ChaCha20Rng,
    ) -> Exchanged {
        let before = self.epochs();
        let (now, without, post) = (self.now, self.run.without, &mut self.posts[p]);
        let at = |skew| passport_core::time::Timestamp::from_seconds(now + skew);
        let done = match who {
            Who::Device(n) => {
                let device = &mut self.devices[n];
                let at = at(device.skew);
                let (done, stood_by) = exchange(&mut device.party, post, weather, without, at, rng);
                self.oracle.stood_by(&stood_by);
                oracle::few_are_founded(device, &before, at);
                if done.failed.is_none() && !device.removed {
                    oracle::what_counts_as_kept_is_there(&device.party, at, post);
                }
                done
            }
            Who::Office(o) => {
                let office = &mut self.offices[o];
                exchange(&mut office.party, post, weather, without, at(office.skew), rng).0
            }
        };
        let what = if done.failed.is_some() { "exchange that was cut" } else { "exchange" };
        self.tell(what, &format!("{who:?}, relay {p}"));
        done
    }

    /// Somebody exchanges with one of their relays, on a way where anything may happen.
    pub(crate) fn meet(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let who = self.anybody(rng);
        let p = self.relay_of(who, rng);
        let crash = below(rng, 8) == 0;
        let wall = self.walls.get(&(who, p)).is_some_and(|until| self.now < *until);
        let weather = Weather {
            request_lost: 5,
            answer_lost: 5,
            late: 3,
            twice: 3,
            parted: wall || below(rng, 20) == 0,
            crash_after: crash.then(|| u32::try_from(below(rng, 5)).unwrap()),
        };
        self.count("wall met", usize::from(wall));
        self.exchange(who, p, weather, rng);
        if crash {
            self.end(who);
            self.tell("crash", &format!("{who:?}"));
        }
        if below(rng, 3) == 0 {
            let at = self.clock(0);
            let arrived = self.posts[p].arrive(at);
            self.count("late request", usize::from(arrived));
        }
        vec![who]
    }

    /// A relay that somebody uses: a device one that its passport names, as far as it knows.
    pub(crate) fn relay_of(&self, who: Who, rng: &mut ChaCha20Rng) -> usize {
        let named = match who {
            Who::Device(n) => &self.devices[n].party.fold().relays[..],
            Who::Office(_) => &[],
        };
        let known = |p: &usize| named.is_empty() || named.contains(&self.posts[*p].url);
        let known: Vec<usize> = (0..self.posts.len()).filter(known).collect();
        known[below(rng, known.len())]
    }

    /// Two parties meet over a folder.
    pub(crate) fn carry(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let place = Via::Folder(self.folder.path().to_owned());
        let at = self.clock(0);
        let both = [self.anybody(rng), self.anybody(rng)];
        for who in both {
            let party: &mut dyn Founder = match who {
                Who::Device(n) => &mut self.devices[n].party,
                Who::Office(o) => &mut self.offices[o].party,
            };
            let mut party = Lacking { party, without: None, stood_by: BTreeSet::new() };
            via(&mut party, &place, "folder", at, rng).unwrap();
            self.oracle.stood_by(&party.stood_by);
            self.tell("folder", &format!("{who:?}"));
        }
        both.to_vec()
    }

    fn end(&mut self, who: Who) {
        match who {
            Who::Device(n) => self.devices[n].restart(),
            Who::Office(o) => self.offices[o].restart(),
        }
    }

    pub(crate) fn restart(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let who = self.anybody(rng);
        self.end(who);
        self.tell("restart", &format!("{who:?}"));
        vec![who]
    }

    pub(crate) fn clone_device(&mut self, n: usize) -> Vec<Who> {
        if self.devices.len() < DEVICES_MAX {
            let copied = self.devices[n].copied();
            self.devices.push(copied);
            self.tell("clone", &format!("device {n}"));
        }
        Vec::new()
    }

    pub(crate) fn step_clock(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let skew = i64::try_from(below(rng, 4 * 3_600)).unwrap() - 2 * HOUR;
        let who = self.anybody(rng);
        match who {
            Who::Device(n) => self.devices[n].skew = skew,
            Who::Office(o) => self.offices[o].skew = skew,
        }
        self.tell("clock", &format!("{who:?}, {skew} s"));
        Vec::new()
    }

    /// From now on somebody does not reach a relay for up to two days.
    pub(crate) fn wall(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let who = self.anybody(rng);
        let p = self.relay_of(who, rng);
        let until = self.now + i64::try_from(below(rng, 48)).unwrap() * HOUR;
        self.walls.insert((who, p), until);
        self.tell("wall", &format!("{who:?}, relay {p}"));
        Vec::new()
    }

    pub(crate) fn harm_relay(&mut self, rng: &mut ChaCha20Rng) -> Vec<Who> {
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
        Vec::new()
    }
}
