//! What others wrote where a device had founded that was removed by who had not heard.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry};
use passport_core::id::EpochId;
use passport_core::keys::OrganisationKind;
use passport_core::ledger::FoldedEpoch;
use passport_core::party::Party as _;
use passport_core::replica::Stance;
use passport_core::section::Value;
use rand_chacha::ChaCha20Rng;

use super::office::*;

/// Three devices that know the same. From then on the phone hears of nothing, until [`Apart::meet`].
struct Apart {
    rng: ChaCha20Rng,
    phone: Student,
    laptop: Student,
    tablet: Student,
    relay: Office,
}

fn apart(seed: u64, before: impl FnOnce(&mut Student, &mut ChaCha20Rng)) -> Apart {
    let mut rng = rng(seed);
    let mut relay = Office::default();
    let (mut phone, _) = student(&mut rng);
    before(&mut phone, &mut rng);
    let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
    let mut tablet = second_device(&mut phone, &mut relay, day(0), &mut rng);
    for _ in 0..2 {
        for device in [&mut phone, &mut laptop, &mut tablet] {
            relay.sync(device, day(0), &mut rng);
        }
    }
    Apart { rng, phone, laptop, tablet, relay }
}

impl Apart {
    /// The phone removes the laptop, of which it has heard nothing; then all hear of all.
    fn meet(&mut self, practices: &mut [&mut Practice]) {
        self.phone.remove_device(self.laptop.device(), day(3), &mut self.rng).unwrap();
        for _ in 0..3 {
            self.relay.sync(&mut self.phone, day(4), &mut self.rng);
            self.relay.sync(&mut self.tablet, day(4), &mut self.rng);
            for practice in practices.iter_mut() {
                self.relay.sync(*practice, day(4), &mut self.rng);
            }
        }
    }

    fn meet_again(&mut self) {
        self.relay.sync(&mut self.phone, day(5), &mut self.rng);
        self.relay.sync(&mut self.tablet, day(5), &mut self.rng);
    }

    fn current(&self) -> EpochId {
        self.phone.fold().current(&section("medications"))[0]
    }

    /// What both devices show.
    fn stands(&mut self) -> String {
        let medications = section("medications");
        let on_phone = shown(&self.phone.view(&medications).unwrap());
        assert_eq!(on_phone, shown(&self.tablet.view(&medications).unwrap()));
        on_phone
    }
}

fn dose(value: &str) -> [(String, Option<Value>); 1] {
    [("dose".to_owned(), Some(text("dose", value).1))]
}

/// The tablet went on in an epoch of the laptop's. What it wrote there is carried over, and
/// nothing that the laptop wrote beside it, also not in an entry of the tablet's.
#[test]
fn what_a_device_wrote_in_a_void_epoch_is_carried_as_it_wrote_it() {
    let mut kept = Vec::new();
    let mut town = apart(101, |phone, rng| {
        kept.push(medication(phone, "changed", "1 mg", day(0), rng));
        kept.push(medication(phone, "removed", "1 mg", day(0), rng));
        kept.push(medication(phone, "removed by the laptop", "1 mg", day(0), rng));
    });
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(laptop, &campus, &["medications"], Right::Read, None, day(1), rng);
    let foreign = medication(laptop, "BY THE LAPTOP", "1 mg", day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    let void = tablet.fold().current(&section("medications"))[0];
    let own = medication(tablet, "by the tablet", "2 mg", day(2), rng);
    tablet.edit(kept[0], &dose("3 mg"), day(2), rng).unwrap();
    tablet.remove(kept[1], day(2), rng).unwrap();
    tablet.annotate(kept[2], "as the tablet notes", day(2), rng).unwrap();
    tablet.annotate(foreign, "lost with its entry", day(2), rng).unwrap();
    tablet.edit(own, &dose("4 mg"), day(2), rng).unwrap();
    relay.sync(tablet, day(2), rng);
    relay.sync(laptop, day(2), rng);
    laptop.edit(own, &dose("999 mg"), day(2), rng).unwrap();
    laptop.edit(kept[0], &dose("888 mg"), day(2), rng).unwrap();
    laptop.remove(kept[2], day(2), rng).unwrap();
    relay.sync(laptop, day(2), rng);
    relay.sync(tablet, day(2), rng);
    assert_eq!(tablet.fold().current(&section("medications"))[0], void);

    town.meet(&mut []);
    assert!(town.phone.fold().void.contains_key(&void));
    assert_ne!(town.current(), void);
    let stands = town.stands();
    for there in ["by the tablet", "4 mg", "3 mg", "as the tablet notes"] {
        assert!(stands.contains(there), "{there} is lost: {stands}");
    }
    for gone in ["BY THE LAPTOP", "999 mg", "888 mg", "\"removed\"", "lost with its entry", "2 mg"]
    {
        assert!(!stands.contains(gone), "{gone}: {stands}");
    }
    let view = town.phone.view(&section("medications")).unwrap();
    assert!(view.entries.iter().all(|e| e.stance == Stance::Present));
    assert!(view.to_json().entries.iter().all(|e| e.conflicts.is_empty()), "{stands}");
    assert_eq!(town.phone.quarantined().unwrap().len(), 0);
    // Once, and then there is rest.
    let before = town.relay.envelopes.len();
    town.meet_again();
    assert_eq!(town.relay.envelopes.len(), before);
}

/// A section that the removed device began, and nobody else, begins again with what others wrote.
#[test]
fn a_section_that_was_begun_in_a_void_epoch_begins_again() {
    let diary = section("x-diary");
    let note = |words: &str| NewEntry {
        section: section("x-diary"),
        kind: "note".to_owned(),
        fields: vec![("text".to_owned(), Value::Prose(words.to_owned()))],
    };
    let mut town = apart(112, |_, _| {});
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    laptop.add(&[note("BY THE LAPTOP")], day(1), rng).unwrap();
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    tablet.add(&[note("by the tablet")], day(2), rng).unwrap();
    relay.sync(tablet, day(2), rng);

    town.meet(&mut []);
    for device in [&mut town.phone, &mut town.tablet] {
        let stands = shown(&device.view(&diary).unwrap());
        assert!(stands.contains("by the tablet") && !stands.contains("BY THE LAPTOP"), "{stands}");
        assert_eq!(device.fold().current(&diary).len(), 1);
    }
}

/// Of a text what the author left is carried, and not what stands there after another went on.
#[test]
fn a_text_is_carried_as_its_author_left_it() {
    let diary = section("x-diary");
    let prose = |words: &str| ("text".to_owned(), Value::Prose(words.to_owned()));
    let mut note = Vec::new();
    let mut town = apart(109, |phone, rng| {
        let fields = vec![prose("before")];
        let entry = NewEntry { section: section("x-diary"), kind: "note".to_owned(), fields };
        note = phone.add(&[entry], day(0), rng).unwrap();
    });
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(laptop, &campus, &["x-diary"], Right::Read, None, day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    let text = |words: &str| [prose(words)].map(|(name, value)| (name, Some(value)));
    tablet.edit(note[0], &text("before, and by the tablet"), day(2), rng).unwrap();
    relay.sync(tablet, day(2), rng);
    relay.sync(laptop, day(2), rng);
    laptop.edit(note[0], &text("before, and by the tablet, IT SAYS"), day(2), rng).unwrap();
    relay.sync(laptop, day(2), rng);
    relay.sync(tablet, day(2), rng);

    town.meet(&mut []);
    for device in [&mut town.phone, &mut town.tablet] {
        let view = device.view(&diary).unwrap();
        let entry = view.entries.iter().find(|e| e.id == note[0]).unwrap();
        let stands: Vec<_> = entry.fields["text"].versions.iter().map(|v| &v.value).collect();
        assert_eq!(stands, [&prose("before, and by the tablet").1]);
    }
}

/// What somebody removed who had not heard that another changed it in a void epoch is shown, with
/// that, for the holder to decide.
#[test]
fn a_change_in_a_void_epoch_brings_back_what_was_removed_beside_it() {
    let mut kept = Vec::new();
    let mut town =
        apart(102, |phone, rng| kept.push(medication(phone, "removed", "1 mg", day(0), rng)));
    let Apart { rng, phone, laptop, tablet, relay } = &mut town;
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(laptop, &campus, &["medications"], Right::Read, None, day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    tablet.edit(kept[0], &dose("3 mg"), day(2), rng).unwrap();
    relay.sync(tablet, day(2), rng);
    phone.remove(kept[0], day(2), rng).unwrap();
    town.meet(&mut []);
    let view = town.phone.view(&section("medications")).unwrap();
    let stance = view.entries.iter().find(|e| e.id == kept[0]).map(|e| e.stance);
    assert_eq!(stance, Some(Stance::Disputed));
    let stands = town.stands();
    assert!(stands.contains("3 mg") && !stands.contains("1 mg"), "{stands}");
}

/// An organisation that has the section by another consent finds its words again; of one that has
/// not, they wait for the holder's word.
#[test]
fn what_an_organisation_wrote_in_a_void_epoch_is_carried_or_waits() {
    for has_another in [true, false] {
        let mut rng = rng(103);
        let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
        let other = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
        let medications = section("medications");
        let mut town = apart(104, |phone, rng| {
            medication(phone, "before", "1 mg", day(0), rng);
            phone.add_contact(home.card(), true, day(0), rng).unwrap();
            if has_another {
                share(phone, &home, &["medications"], Right::Contribute, None, day(0), rng);
            }
        });
        let Apart { rng, laptop, relay, .. } = &mut town;
        let right = if has_another { &other } else { &home };
        share(laptop, right, &["medications"], Right::Contribute, None, day(1), rng);
        relay.sync(laptop, day(1), rng);
        relay.sync(&mut home, day(1), rng);
        let (passport, fields) = (laptop.passport(), [code("item", "by the surgery")]);
        let made =
            home.contribute(passport, &medications, "medication", &fields, day(2), rng).unwrap();
        relay.sync(&mut home, day(2), rng);

        town.meet(&mut [&mut home]);
        let waits = town.phone.quarantined().unwrap();
        if has_another {
            assert!(waits.is_empty());
            let theirs = home.view(passport, &medications).unwrap();
            assert_eq!(shown(&theirs), town.stands());
        } else {
            assert!(!town.stands().contains("by the surgery"));
            assert_eq!(waits.len(), 1);
            assert_eq!(waits[0].author, "Elm Street Surgery");
            town.phone.judge(waits[0].envelope, true, day(5), &mut town.rng).unwrap();
            town.meet_again();
        }
        let view = town.phone.view(&medications).unwrap();
        let entry = view.entries.iter().find(|e| e.id == made[0].1).unwrap();
        assert_eq!(entry.author.organisation(), Some(home.id()));
        assert!(town.stands().contains("by the surgery"));
        assert!(town.phone.quarantined().unwrap().is_empty());
    }
}

/// Somebody who had not heard founded upon the void epoch, and what they had seen there is in that
/// snapshot: what had been removed or changed before is not late because of it.
#[test]
fn what_was_founded_upon_a_void_epoch_follows_all_before_it() {
    let mut kept = Vec::new();
    let mut town = apart(110, |phone, rng| {
        kept.push(medication(phone, "removed", "1 mg", day(0), rng));
        kept.push(medication(phone, "changed twice", "1 mg", day(0), rng));
        phone.edit(kept[1], &dose("2 mg"), day(0), rng).unwrap();
    });
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    let practices = ["Campus Medical", "Elm Street Surgery"]
        .map(|name| practice(name, OrganisationKind::Gp, rng));
    share(laptop, &practices[0], &["medications"], Right::Read, None, day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    let void = tablet.fold().current(&section("medications"))[0];
    tablet.remove(kept[0], day(2), rng).unwrap();
    tablet.edit(kept[1], &dose("3 mg"), day(2), rng).unwrap();
    share(tablet, &practices[1], &["medications"], Right::Read, None, day(2), rng);
    relay.sync(tablet, day(2), rng);

    town.meet(&mut []);
    let fold = town.phone.fold();
    assert!(fold.void.contains_key(&void));
    let next = fold.epochs.values().find(|e| e.charter.parents.contains(&void)).unwrap();
    let joined = |e: &FoldedEpoch| e.charter.parents.contains(&next.charter.id());
    assert!(fold.epochs.values().any(joined));
    let stands = town.stands();
    assert!(stands.contains("3 mg") && !stands.contains("\"removed\""), "{stands}");
    let view = town.phone.view(&section("medications")).unwrap();
    assert!(view.to_json().entries.iter().all(|e| e.conflicts.is_empty()), "{stands}");
}

/// What is erased goes from void epochs too: their founders had it in the snapshot.
#[test]
fn what_is_erased_goes_from_void_epochs_too() {
    let mut secret = Vec::new();
    let mut town = apart(111, |phone, rng| {
        secret.push(medication(phone, "Secretol", "1 mg", day(0), rng));
    });
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(laptop, &campus, &["medications"], Right::Read, None, day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    let void = tablet.fold().current(&section("medications"))[0];
    medication(tablet, "by the tablet", "2 mg", day(2), rng);
    town.meet(&mut []);
    assert!(town.relay.of(&void) > 0);

    let erasures = town.phone.erasing_entry(secret[0], day(5)).unwrap();
    town.phone.erase(&erasures, day(5), &mut town.rng).unwrap();
    for _ in 0..3 {
        town.meet_again();
    }
    assert!(town.stands().contains("by the tablet"));
    assert_eq!(town.relay.of(&void), 0, "a relay has it");
    for device in [&town.phone, &town.tablet] {
        assert!(device.fold().void.contains_key(&void));
        assert_eq!(device.journal().extent(&void).count, 0, "a device has it");
    }
    // Whoever brings it again does not get rid of it here.
    town.relay.sync(&mut town.laptop, day(6), &mut town.rng);
    town.meet_again();
    assert_eq!(town.phone.journal().extent(&void).count, 0);
}

/// A device's word that comes before anybody tells of the device is carried once somebody does.
#[test]
fn the_word_of_a_device_that_was_let_in_elsewhere_waits_for_who_tells_of_it() {
    let mut town = apart(108, |phone, rng| {
        medication(phone, "before", "1 mg", day(0), rng);
    });
    let Apart { rng, phone, tablet, relay, .. } = &mut town;
    let mut far = Office { relay: [1; 16], ..Office::default() };
    far.envelopes.clone_from(&relay.envelopes);
    let mut watch = second_device(tablet, &mut far, day(1), rng);
    medication(&mut watch, "by the watch", "1 mg", day(1), rng);
    far.sync(&mut watch, day(1), rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(phone, &campus, &["medications"], Right::Read, None, day(2), rng);

    let key = watch.device();
    let medications = section("medications");
    let header = |bytes: &[u8]| SealedEnvelope::decode(bytes).unwrap().header().clone();
    let of_section = |bytes: &&Vec<u8>| {
        let header = header(bytes);
        header.author == key && phone.fold().epochs.contains_key(&header.epoch)
    };
    let first: Vec<_> = far.envelopes.iter().filter(of_section).cloned().collect();
    assert!(!first.is_empty());
    relay.envelopes.extend(first);
    relay.sync(phone, day(3), rng);
    assert!(!shown(&phone.view(&medications).unwrap()).contains("by the watch"));
    relay.envelopes.extend(far.envelopes);
    relay.sync(phone, day(4), rng);
    assert!(shown(&phone.view(&medications).unwrap()).contains("by the watch"));
    assert!(phone.quarantined().unwrap().is_empty());
}

/// What somebody carried into a void epoch is judged by where it came from: a removed device's
/// word does not come in as that of who carried it.
#[test]
fn what_was_carried_into_a_void_epoch_is_not_carried_on() {
    let mut kept = Vec::new();
    let mut town = apart(106, |phone, rng| {
        kept.push(medication(phone, "changed late", "1 mg", day(0), rng));
    });
    let Apart { rng, laptop, tablet, relay, .. } = &mut town;
    let mut copy = Holder::open(laptop.journal().vault().clone()).unwrap();
    copy.edit(kept[0], &dose("777 mg"), day(1), rng).unwrap();
    let campus = practice("Campus Medical", OrganisationKind::Gp, rng);
    share(laptop, &campus, &["medications"], Right::Read, None, day(1), rng);
    relay.sync(laptop, day(1), rng);
    relay.sync(tablet, day(1), rng);
    // It hears of nothing, and its word is late in the epoch that all know.
    let mut out = copy.outgoing(URL, day(1)).unwrap().envelopes;
    relay.envelopes.extend(out.drain(..).map(|envelope| envelope.bytes));
    relay.sync(tablet, day(2), rng);
    assert!(shown(&tablet.view(&section("medications")).unwrap()).contains("777 mg"));

    town.meet(&mut []);
    assert!(!town.stands().contains("777 mg"));
    assert_eq!(town.phone.quarantined().unwrap().len(), 1, "it waits for the holder's word");
}
