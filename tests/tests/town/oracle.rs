//! What must be true, from what was done in plain words.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::author::Author;
use passport_core::codec;
use passport_core::holder::GrantState;
use passport_core::id::{EntryId, OrganisationId};
use passport_core::time::Timestamp;

use crate::people::{Device, Office, SECTIONS, section};

/// An entry that somebody added, with a word that is in it alone.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) section: &'static str,
    pub(crate) entry: EntryId,
    pub(crate) word: String,
    /// Which device, or none for an organisation.
    pub(crate) device: Option<usize>,
    pub(crate) author: Author,
}

/// Everything that was done.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    pub(crate) added: Vec<Added>,
    /// Entries that somebody removed.
    pub(crate) removed: BTreeSet<EntryId>,
    /// Who wrote each word.
    pub(crate) wrote: BTreeMap<String, Author>,
    /// Sections given to each organisation and not taken back.
    pub(crate) given: BTreeSet<(&'static str, OrganisationId)>,
    /// Sections an organisation was ever given.
    pub(crate) ever_given: BTreeSet<(&'static str, OrganisationId)>,
    /// Sections an organisation was ever taken away.
    pub(crate) taken: BTreeSet<(&'static str, OrganisationId)>,
    /// Words that an organisation must not come to read, and why.
    pub(crate) secret: BTreeMap<(OrganisationId, String), &'static str>,
    /// Words that each device has shown, of a section.
    shown: BTreeMap<(usize, &'static str), BTreeSet<String>>,
    words: usize,
}

/// The words in some bytes: `w`, a number, `w`.
fn words_in(bytes: &[u8]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (n, _) in bytes.iter().enumerate().filter(|(_, b)| **b == b'w') {
        let digits = bytes[n + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 && bytes.get(n + 1 + digits) == Some(&b'w') {
            all.insert(String::from_utf8_lossy(&bytes[n..n + digits + 2]).into_owned());
        }
    }
    all
}

impl Oracle {
    /// A word that nobody has written yet.
    pub(crate) fn word(&mut self, author: Author) -> String {
        self.words += 1;
        let word = format!("w{}w", self.words);
        self.wrote.insert(word.clone(), author);
        word
    }

    /// What a device shows of a section; notes it, and that what is seen again is no secret.
    pub(crate) fn look(
        &mut self,
        n: usize,
        device: &mut Device,
        name: &'static str,
    ) -> BTreeSet<String> {
        let Ok(view) = device.party.view(&section(name)) else { return BTreeSet::new() };
        let words = words_in(&serde_json::to_vec(&view.to_json()).unwrap());
        self.shown.entry((n, name)).or_default().extend(words.iter().cloned());
        self.secret.retain(|(_, word), why| *why != GONE || !words.contains(word));
        words
    }

    /// A device is about to give a section: what it knows to be gone must not go along.
    pub(crate) fn gives(
        &mut self,
        n: usize,
        device: &mut Device,
        name: &'static str,
        to: OrganisationId,
    ) {
        let now = self.look(n, device, name);
        if !self.ever_given.contains(&(name, to)) {
            let seen = self.shown.get(&(n, name)).cloned().unwrap_or_default();
            for word in seen.difference(&now) {
                self.secret.insert((to, word.clone()), GONE);
            }
        }
    }

    /// A section was given.
    pub(crate) fn gave(&mut self, name: &'static str, to: OrganisationId) {
        self.given.insert((name, to));
        self.ever_given.insert((name, to));
        let of: BTreeSet<&String> =
            self.added.iter().filter(|a| a.section == name).map(|a| &a.word).collect();
        self.secret.retain(|(who, word), why| {
            *why == GONE || *who != to || !(of.contains(word) || self.wrote.contains_key(word))
        });
    }

    /// A section was taken back.
    pub(crate) fn took(&mut self, name: &'static str, from: OrganisationId) {
        self.given.remove(&(name, from));
        self.taken.insert((name, from));
    }

    /// A device wrote a word: a secret to organisations that nobody has given the section, as far
    /// as the device knows, nor anybody else.
    pub(crate) fn wrote_apart(
        &mut self,
        name: &'static str,
        word: &str,
        by: &Device,
        at: Timestamp,
        offices: &[Office],
    ) {
        for office in offices {
            let id = office.party.id();
            if !self.given.contains(&(name, id)) && !has_grant(by, name, id, at) {
                self.secret.insert((id, word.to_owned()), UNGIVEN);
            }
        }
    }
}

/// Whether a device knows of a grant in force.
fn has_grant(device: &Device, name: &str, to: OrganisationId, at: Timestamp) -> bool {
    device.party.grants(at).iter().any(|g| {
        let of = g.grant.section.as_str() == name && g.grant.organisation == to;
        of && g.state == GrantState::Active
    })
}

/// It was removed or overwritten before the organisation first got the section.
const GONE: &str = "was gone before the grant";
/// It was written when the organisation had no grant.
const UNGIVEN: &str = "was written without a grant";

/// Every word that an organisation can open.
pub(crate) fn reach(office: &mut Office) -> BTreeSet<String> {
    let epochs: Vec<_> = office.party.epochs().keys().copied().collect();
    let mut all = BTreeSet::new();
    for epoch in epochs {
        let Ok(replica) = office.party.replica(epoch) else { continue };
        for (_, node) in replica.history() {
            for edit in &node.edits {
                // What is signed of a field that was not shown is a hash.
                all.extend(words_in(&codec::encode(edit)));
            }
        }
        for record in replica.records() {
            all.extend(words_in(&codec::encode(&record)));
        }
    }
    all
}

/// Promise 2 and 4: no organisation opens what it was never given. Holds at any moment.
pub(crate) fn nobody_reads_without_a_grant(oracle: &Oracle, offices: &mut [Office]) {
    for office in offices {
        let (id, reach) = (office.party.id(), reach(office));
        for ((who, word), why) in &oracle.secret {
            assert!(*who != id || !reach.contains(word), "an organisation reads {word}: it {why}");
        }
    }
}

/// Promise 3: nothing stands in the name of somebody who did not write it. At any moment.
pub(crate) fn nobody_speaks_for_another(oracle: &Oracle, device: &mut Device) {
    for name in SECTIONS {
        let Ok(view) = device.party.view(&section(name)) else { continue };
        for entry in &view.entries {
            for version in entry.fields.values().flat_map(|field| &field.versions) {
                for word in words_in(&codec::encode(&version.value)) {
                    let wrote = oracle.wrote.get(&word);
                    let other = version.author != Author::Holder;
                    assert!(
                        !other || wrote == Some(&version.author),
                        "{word} of {wrote:?} stands in the name of {:?}",
                        version.author
                    );
                }
            }
        }
    }
}

/// Promise 5: what was written and not removed is there. When all is healed.
pub(crate) fn nothing_is_lost(oracle: &Oracle, device: &mut Device, removed: &BTreeSet<usize>) {
    for added in &oracle.added {
        // Whoever was removed or lost a right waits in quarantine for the holder.
        let may = match (added.device, added.author) {
            (Some(n), _) => !removed.contains(&n),
            (None, Author::Organisation(o)) => !oracle.taken.contains(&(added.section, o)),
            (None, Author::Holder) => false,
        };
        if !may || oracle.removed.contains(&added.entry) {
            continue;
        }
        let view = device.party.view(&section(added.section)).unwrap();
        let there = view.entries.iter().find(|e| e.id == added.entry);
        let record = there.map(|e| codec::encode(&e.to_record())).unwrap_or_default();
        assert!(words_in(&record).contains(&added.word), "{added:?} is lost");
    }
}

/// Promise 6: who has the same shows the same. When all is healed.
pub(crate) fn all_show_the_same(
    at: Timestamp,
    devices: &mut [&mut Device],
    offices: &mut [Office],
) {
    for name in SECTIONS {
        let mut shown = Vec::new();
        for device in devices.iter_mut() {
            shown.push(device.party.view(&section(name)).ok().map(|v| (v.epoch, v.digest())));
        }
        for (n, other) in shown.iter().enumerate() {
            assert_eq!(other, &shown[0], "device {n} shows another {name}");
        }
        let passport = devices[0].party.passport();
        for office in offices.iter_mut() {
            if has_grant(devices[0], name, office.party.id(), at) {
                let view = office.party.view(passport, &section(name)).ok();
                let view = view.map(|v| (v.epoch, v.digest()));
                assert_eq!(view, shown[0], "an organisation shows another {name}");
            }
        }
    }
}
