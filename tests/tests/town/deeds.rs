//! What people do.

use passport_core::author::Author;
use passport_core::epoch::Right;
use passport_core::holder::{NewEntry, Share};
use passport_core::id::EntryId;
use passport_core::party::PartyError;
use passport_core::section::{Code, SectionName, Value};
use passport_core::time::Timestamp;
use passport_tests::histories::below;
use rand_chacha::ChaCha20Rng;

use crate::oracle::Added;
use crate::people::{Practice, SECTIONS, Student, join, section};
use crate::streets::{DEVICES_MAX, HOUR, Town, Who};
use crate::without::Without;

/// The kind of entry of a section, its first field, and one that is changed.
fn kind_of(name: &str) -> (&'static str, &'static str, &'static str) {
    if name == "medications" {
        ("medication", "item", "dose")
    } else {
        ("allergy", "agent", "reaction")
    }
}

fn value(field: &str, word: &str) -> (String, Value) {
    let value =
        if field == "dose" { Value::Text(word.to_owned()) } else { Value::Code(Code::text(word)) };
    (field.to_owned(), value)
}

fn changed(field: &str, word: &str) -> [(String, Option<Value>); 1] {
    let (field, value) = value(field, word);
    [(field, Some(value))]
}

fn some_section(rng: &mut ChaCha20Rng) -> &'static str {
    SECTIONS[below(rng, SECTIONS.len())]
}

impl Town {
    /// A command on a device. The program starts again after one that failed, and now and then
    /// because it crashed.
    fn on_device<T>(
        &mut self,
        n: usize,
        rng: &mut ChaCha20Rng,
        command: impl FnOnce(&mut Student, Timestamp, &mut ChaCha20Rng) -> Result<T, PartyError>,
    ) -> Option<T> {
        let at = self.clock(self.devices[n].skew);
        let crash = below(rng, 8) == 0;
        let device = &mut self.devices[n];
        let forgets = crash && self.run.without == Some(Without::Disk);
        let before = forgets.then(|| device.party.journal().vault().clone());
        let done = command(&mut device.party, at, rng).ok();
        match before {
            Some(before) => device.restart_from(before),
            None if crash || done.is_none() => device.restart(),
            None => {}
        }
        if crash {
            self.tell("crash", &format!("device {n}"));
        }
        done
    }

    /// A command at an organisation.
    fn at_office<T>(
        &mut self,
        o: usize,
        rng: &mut ChaCha20Rng,
        command: impl FnOnce(&mut Practice, Timestamp, &mut ChaCha20Rng) -> Result<T, PartyError>,
    ) -> Option<T> {
        let at = self.clock(self.offices[o].skew);
        let done = command(&mut self.offices[o].party, at, rng).ok();
        if done.is_none() {
            self.offices[o].restart();
        }
        done
    }

    pub(crate) fn add(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let name = some_section(rng);
        let (kind, first, second) = kind_of(name);
        let author = Author::Holder;
        let (word, other) = (self.oracle.word(author), self.oracle.word(author));
        let fields = vec![value(first, &word), value(second, &other)];
        let entry = NewEntry { section: section(name), kind: kind.to_owned(), fields };
        let added = self.on_device(n, rng, |party, at, rng| party.add(&[entry], at, rng));
        let Some(entries) = added else { return Vec::new() };
        for word in [&word, &other] {
            self.oracle.wrote_apart(name, word, n, self.now, &self.devices, &self.offices);
        }
        self.tell("add", &format!("device {n}, {name}, {word}"));
        let entry = entries[0];
        self.oracle.added.push(Added { section: name, entry, word, device: Some(n), author });
        vec![Who::Device(n)]
    }

    /// An entry that a device shows, with its section.
    fn some(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Option<Added> {
        let mut shown: Vec<EntryId> = Vec::new();
        for name in SECTIONS {
            let Ok(view) = self.devices[n].party.view(&section(name)) else { continue };
            shown.extend(view.entries.iter().map(|e| e.id));
        }
        let known: Vec<&Added> =
            self.oracle.added.iter().filter(|a| shown.contains(&a.entry)).collect();
        known.get(below(rng, known.len())).map(|added| (*added).clone())
    }

    pub(crate) fn change(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let Some(added) = self.some(n, rng) else { return Vec::new() };
        let (_, _, field) = kind_of(added.section);
        let word = self.oracle.word(Author::Holder);
        let fields = changed(field, &word);
        let edit = |party: &mut Student, at, rng: &mut ChaCha20Rng| {
            party.edit(added.entry, &fields, at, rng)
        };
        if self.on_device(n, rng, edit).is_some() {
            self.oracle.changed.insert(added.entry);
            let name = added.section;
            self.oracle.wrote_apart(name, &word, n, self.now, &self.devices, &self.offices);
            self.tell("edit", &format!("device {n}, {}, {word}", added.word));
        }
        vec![Who::Device(n)]
    }

    pub(crate) fn remove(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let Some(added) = self.some(n, rng) else { return Vec::new() };
        let entry = added.entry;
        if self.on_device(n, rng, |party, at, rng| party.remove(entry, at, rng)).is_some() {
            self.oracle.removed.entry(entry).or_default().insert(n);
            self.tell("remove", &format!("device {n}, {}", added.word));
        }
        vec![Who::Device(n)]
    }

    pub(crate) fn share(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let name = some_section(rng);
        let o = below(rng, self.offices.len());
        let to = self.offices[o].party.id();
        if self.devices[n].removed {
            return Vec::new();
        }
        let can = if below(rng, 3) > 0 { Right::Contribute } else { Right::Read };
        let until = (below(rng, 3) == 0).then(|| {
            let hours = i64::try_from(6 + below(rng, 96)).unwrap();
            self.clock(hours * HOUR)
        });
        let share = Share {
            sections: vec![section(name)],
            organisation: to,
            can,
            until,
            purpose: "care".to_owned(),
            history: self.lacks(Without::Forgetting),
            nhs_number: None,
            unverified: false,
        };
        self.oracle.gives(n, &mut self.devices[n], name, to, self.now);
        if self.on_device(n, rng, |party, at, rng| party.share(&share, at, rng)).is_some() {
            let writes = can == Right::Contribute;
            self.oracle.gave(name, to, until, writes.then_some(&self.devices[n]));
            self.oracle.founded(1);
            let what = if until.is_some() { "share until" } else { "share" };
            self.tell(what, &format!("device {n}, {name}, organisation {o}, {until:?}"));
        }
        vec![Who::Device(n)]
    }

    pub(crate) fn revoke(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let name = some_section(rng);
        let o = below(rng, self.offices.len());
        let from = self.offices[o].party.id();
        if self.devices[n].removed {
            return Vec::new();
        }
        let sections: [SectionName; 1] = [section(name)];
        let (had, before) = (self.oracle.has(name, from), self.known_to(n));
        let ended = self.on_device(n, rng, |party, at, rng| party.revoke(from, &sections, at, rng));
        if ended.is_some() {
            self.oracle.took(name, from);
            self.oracle.founded(1);
            if had && self.lacks(Without::Revoking) {
                self.hand_out(n, &before, Who::Office(o));
            }
            self.tell("revoke", &format!("device {n}, {name}, organisation {o}"));
        }
        vec![Who::Device(n)]
    }

    pub(crate) fn contribute(&mut self, o: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let name = some_section(rng);
        let (kind, first, second) = kind_of(name);
        let passport = self.devices[0].party.passport();
        let author = Author::Organisation(self.offices[o].party.id());
        let (word, other) = (self.oracle.word(author), self.oracle.word(author));
        let fields = [value(first, &word), value(second, &other)];
        let made = self.at_office(o, rng, |party, at, rng| {
            party.contribute(passport, &section(name), kind, &fields, at, rng)
        });
        if let Some(made) = made {
            self.tell("contribute", &format!("organisation {o}, {name}, {word}"));
            self.oracle.wrote_at_office(name, [&word, &other], &self.offices);
            let entry = made[0].1;
            self.oracle.added.push(Added { section: name, entry, word, device: None, author });
        }
        vec![Who::Office(o)]
    }

    /// An organisation changes an entry of its own, or writes beside another's.
    pub(crate) fn work_on(&mut self, o: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let passport = self.devices[0].party.passport();
        let author = Author::Organisation(self.offices[o].party.id());
        let name = some_section(rng);
        let shown = self.offices[o].party.view(passport, &section(name));
        let entries = shown.map(|view| view.entries).unwrap_or_default();
        let Some(entry) = entries.get(below(rng, entries.len())) else { return Vec::new() };
        let (id, own) = (entry.id, entry.author == author);
        let word = self.oracle.word(author);
        let (_, _, field) = kind_of(name);
        let done = self.at_office(o, rng, |party, at, rng| {
            if own {
                party.edit(passport, id, &changed(field, &word), at, rng).map(drop)
            } else {
                party.annotate(passport, id, &word, at, rng).map(drop)
            }
        });
        if done.is_some() {
            self.oracle.wrote_at_office(name, [&word], &self.offices);
            self.oracle.changed.insert(id);
            let what = if own { "change by an organisation" } else { "annotate" };
            self.tell(what, &format!("organisation {o}, {name}, {word}"));
        }
        vec![Who::Office(o)]
    }

    pub(crate) fn join(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        if self.devices.len() >= DEVICES_MAX || self.devices[n].removed {
            return Vec::new();
        }
        let at = self.clock(0);
        let p = self.relay_of(Who::Device(n), rng);
        if let Some((device, stood_by)) = join(&mut self.devices[n], &mut self.posts[p], at, rng) {
            self.devices.push(device);
            self.oracle.stood_by(&stood_by);
            self.oracle.let_in();
            self.tell("join", &format!("device {n} lets in another"));
        }
        vec![Who::Device(n)]
    }

    pub(crate) fn expel(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let other = below(rng, self.devices.len());
        let key = self.devices[other].party.device();
        if self.devices[n].removed || self.devices[n].party.device() == key {
            return Vec::new();
        }
        let before = self.known_to(n);
        let removed =
            |party: &mut Student, at, rng: &mut ChaCha20Rng| party.remove_device(key, at, rng);
        if self.on_device(n, rng, removed).is_some() {
            // Whom it let in goes with it.
            let fold = self.devices[n].party.fold();
            let gone = |d: &Student| fold.devices.get(&d.device()).is_none_or(|f| f.removed);
            let gone: Vec<bool> = self.devices.iter().map(|d| gone(&d.party)).collect();
            for other in gone.iter().zip(&self.devices).filter(|(gone, _)| **gone) {
                self.oracle.expelled(other.1.party.device(), &self.devices[n]);
            }
            for other in (0..gone.len()).filter(|other| gone[*other]) {
                self.devices[other].removed = true;
                if self.lacks(Without::Expelling) {
                    self.hand_out(n, &before, Who::Device(other));
                }
            }
            self.oracle.rekeyed(self.devices[n].party.sections().len());
            self.tell("expel", &format!("device {n} removes device {other}"));
        }
        vec![Who::Device(n)]
    }

    /// The passport goes to other relays.
    pub(crate) fn move_relays(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        let first = below(rng, self.posts.len());
        let count = 1 + below(rng, 2);
        let urls: Vec<String> =
            (first..first + count).map(|p| self.posts[p % self.posts.len()].url.clone()).collect();
        let told = format!("device {n}, {urls:?}");
        if self.devices[n].removed {
            return Vec::new();
        }
        if self.on_device(n, rng, |party, at, rng| party.set_relays(urls, at, rng)).is_some() {
            self.tell("moved to other relays", &told);
        }
        vec![Who::Device(n)]
    }

    /// New words for the old ones, which lie at home beside all that came before them.
    pub(crate) fn replace_phrase(&mut self, n: usize, rng: &mut ChaCha20Rng) -> Vec<Who> {
        if self.devices[n].removed {
            return Vec::new();
        }
        for at in 0..self.phrases.len() {
            let old = self.phrases[at].clone();
            let replaced = |party: &mut Student, at, rng: &mut ChaCha20Rng| {
                party.replace_phrase(&old, at, rng)
            };
            if let Some(new) = self.on_device(n, rng, replaced) {
                self.phrases.push(new);
                self.oracle.replaced(at, &self.devices[n]);
                self.oracle.rekeyed(self.devices[n].party.sections().len());
                self.tell("replace the phrase", &format!("device {n}"));
                break;
            }
        }
        vec![Who::Device(n)]
    }
}
