//! Epochs that devices found apart come together, and then there is rest.

use passport_core::envelope::{Kind, SealedEnvelope};
use passport_core::epoch::Right;
use passport_core::holder::{Holder, PendingDevice, Share};
use passport_core::id::EpochId;
use passport_core::journal::{Incoming, IncomingItem};
use passport_core::keys::OrganisationKind;
use passport_core::party::{Pace, Party, PartyError};
use passport_core::vault::MemoryVault;

use super::office::*;

/// Two devices that shared with different practices before they heard of each other, each having
/// told a relay of its own.
struct Apart {
    rng: rand_chacha::ChaCha20Rng,
    phone: Student,
    laptop: Student,
    practices: [Practice; 2],
    relays: [Office; 2],
}

fn apart(seed: u64) -> Apart {
    let mut rng = rng(seed);
    let mut relays = [Office::default(), Office { relay: [1; 16], ..Office::default() }];
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut relays[0], day(0), &mut rng);
    let home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &home, &["medications"], Right::Contribute, None, day(1), &mut rng);
    share(&mut laptop, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    medication(&mut phone, "by phone", "1 mg", day(1), &mut rng);
    medication(&mut laptop, "by laptop", "1 mg", day(1), &mut rng);
    relays[0].sync(&mut phone, day(1), &mut rng);
    relays[1].sync(&mut laptop, day(1), &mut rng);
    Apart { rng, phone, laptop, practices: [home, campus], relays }
}

impl Apart {
    /// Each device exchanges with the relay at which the other was last.
    fn cross(&mut self, round: usize, now: i64) {
        let (one, other) = (round % 2, (round + 1) % 2);
        self.relays[other].sync(&mut self.phone, day(now), &mut self.rng);
        self.relays[one].sync(&mut self.laptop, day(now), &mut self.rng);
    }

    fn epochs(&self) -> Vec<EpochId> {
        self.phone.fold().epochs.keys().copied().collect()
    }
}

#[test]
fn two_devices_at_two_relays_do_not_found_past_each_other_for_ever() {
    let mut town = apart(61);
    for round in 0..3 {
        town.cross(round, 2);
    }
    let settled = town.epochs();
    for round in 3..12 {
        town.cross(round, 2);
        assert_eq!(town.epochs(), settled, "round {round} founded another");
    }
    assert_eq!(town.laptop.fold().epochs.keys().copied().collect::<Vec<_>>(), settled);
    let medications = section("medications");
    let on_phone = shown(&town.phone.view(&medications).unwrap());
    assert_eq!(on_phone, shown(&town.laptop.view(&medications).unwrap()));
    for item in ["fluoxetine", "by phone", "by laptop"] {
        assert!(on_phone.contains(item), "{item}");
    }
    for practice in &mut town.practices {
        for relay in &mut town.relays {
            relay.sync(practice, day(2), &mut town.rng);
        }
        let theirs = practice.view(town.phone.passport(), &medications).unwrap();
        assert_eq!(shown(&theirs), on_phone);
    }
}

#[test]
fn what_is_written_in_an_epoch_that_comes_second_arrives_and_the_epoch_is_left() {
    let mut town = apart(62);
    town.cross(0, 2);
    // Each has brought together what both had founded, and has not heard of the other's.
    medication(&mut town.phone, "second by phone", "1 mg", day(2), &mut town.rng);
    medication(&mut town.laptop, "second by laptop", "1 mg", day(2), &mut town.rng);
    for round in 1..6 {
        town.cross(round, 3);
    }
    let medications = section("medications");
    let currents = town.phone.fold().current(&medications);
    assert_eq!(currents.len(), 2, "both know what there is to know");
    let on_phone = shown(&town.phone.view(&medications).unwrap());
    assert_eq!(on_phone, shown(&town.laptop.view(&medications).unwrap()));
    for item in ["second by phone", "second by laptop"] {
        assert!(on_phone.contains(item), "{item}");
    }
    // It goes the way of every epoch that was left.
    for round in 0..4 {
        town.cross(round, 40);
    }
    for relay in &town.relays {
        assert_eq!(relay.of(&currents[1]), 0, "a relay keeps what nobody writes in");
        assert!(relay.of(&currents[0]) > 0);
    }
    // The next founding follows both.
    let third = practice("Third Surgery", OrganisationKind::Gp, &mut town.rng);
    share(&mut town.phone, &third, &["medications"], Right::Read, None, day(41), &mut town.rng);
    assert_eq!(town.phone.fold().current(&medications).len(), 1);
}

/// A device has heard of an epoch, and the exchange was cut before the epoch's beginning came.
#[test]
fn nothing_is_founded_upon_what_has_not_come() {
    let mut rng = rng(64);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    office.sync(&mut laptop, day(0), &mut rng);
    let home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &home, &["medications"], Right::Contribute, None, day(1), &mut rng);
    medication(&mut laptop, "by laptop", "1 mg", day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    let medications = section("medications");
    let begun = phone.fold().current(&medications)[0];
    let is_of = |e: &Vec<u8>| SealedEnvelope::decode(e).unwrap().header().epoch == begun;
    let late: Vec<_> = office.envelopes.extract_if(.., |e| is_of(e)).collect();
    assert!(!late.is_empty());
    office.sync(&mut laptop, day(2), &mut rng);
    assert_eq!(laptop.fold().current(&medications), [begun]);
    // Until it comes, the section is shown as it was, and nobody takes that for all there is.
    let before = shown(&laptop.view(&medications).unwrap());
    assert!(before.contains("fluoxetine") && before.contains("by laptop"), "{before}");
    assert!(!laptop.is_here(&medications).unwrap() && laptop.gaps(&medications).unwrap().0 > 0);
    let entry = laptop.view(&medications).unwrap().entries[0].id;
    let refused = laptop.annotate(entry, "too early", day(2), &mut rng);
    assert!(matches!(refused, Err(PartyError::NotHere)), "{refused:?}");
    laptop.revoke(home.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut laptop, day(2), &mut rng);
    office.envelopes.extend(late);
    for _ in 0..3 {
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut laptop, day(3), &mut rng);
    }
    let on_phone = shown(&phone.view(&medications).unwrap());
    assert!(on_phone.contains("fluoxetine") && on_phone.contains("by laptop"), "{on_phone}");
    assert_eq!(on_phone, shown(&laptop.view(&medications).unwrap()));
    assert!(!on_phone.contains("too early") && laptop.is_here(&medications).unwrap());
    let current = phone.fold().current(&medications)[0];
    assert!(current != begun, "the practice is shut out once the beginning has come");
    assert!(phone.fold().epochs[&current].charter.writers.is_empty());
}

#[test]
fn a_copy_of_a_device_goes_on_under_the_new_key_of_the_ledger_too() {
    let mut rng = rng(63);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut copy = Holder::open(phone.journal().vault().clone()).unwrap();
    phone.remove_device(laptop.device(), day(1), &mut rng).unwrap();
    medication(&mut phone, "after the removal", "1 mg", day(1), &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut copy, day(1), &mut rng);
    }
    let medications = section("medications");
    let on_phone = phone.view(&medications).unwrap();
    assert!(shown(&on_phone).contains("after the removal"));
    assert_eq!(on_phone.epoch, copy.view(&medications).unwrap().epoch);
    assert_eq!(shown(&on_phone), shown(&copy.view(&medications).unwrap()));
}

#[test]
fn who_was_shut_out_by_a_device_that_is_removed_stays_out() {
    let mut rng = rng(64);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut laptop, day(1), &mut rng);
    }
    // Beside each other: the laptop takes the consent back, and the phone removes the laptop.
    laptop.revoke(campus.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut laptop, day(2), &mut rng);
    phone.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    let founded = phone.fold().current(&section("medications"));
    for _ in 0..2 {
        office.sync(&mut phone, day(3), &mut rng);
    }
    assert!(phone.fold().in_force(&section("medications"), day(3)).next().is_none());
    assert_ne!(phone.fold().current(&section("medications")), founded, "campus had its key");
}

/// One device removed something and then gave the section; the other, which has not heard of
/// either, gave it to somebody else. Whichever of the two epochs comes first.
#[test]
fn what_the_other_epoch_had_removed_is_in_no_snapshot_of_the_one_that_joins_them() {
    let medications = section("medications");
    let mut upon = [0; 2];
    for seed in 70..78 {
        let mut rng = rng(seed);
        let mut relay = Office::default();
        let (mut phone, _) = student(&mut rng);
        let gone = medication(&mut phone, "taken back", "1 mg", day(0), &mut rng);
        medication(&mut phone, "stays", "1 mg", day(0), &mut rng);
        let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
        relay.sync(&mut laptop, day(0), &mut rng);
        let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
        let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
        phone.remove(gone, day(1), &mut rng).unwrap();
        share(&mut phone, &home, &["medications"], Right::Read, None, day(1), &mut rng);
        share(&mut laptop, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
        let currents = phone.fold().current(&medications);
        for _ in 0..3 {
            relay.sync(&mut phone, day(2), &mut rng);
            relay.sync(&mut laptop, day(2), &mut rng);
        }
        relay.sync(&mut home, day(2), &mut rng);
        let first = phone.fold().current(&medications)[0];
        let base = phone.fold().epochs[&first].charter.parents.clone();
        let of_laptop = phone.fold().epochs.values().map(|e| &e.charter);
        let of_laptop = of_laptop.filter(|c| base.contains(&c.id()));
        let base = of_laptop.min_by_key(|c| c.precedence()).unwrap().id();
        upon[usize::from(currents.contains(&base))] += 1;
        let theirs = home.view(phone.passport(), &medications).unwrap();
        assert_eq!(theirs.epoch, first, "the practice reads the epoch that joins the two");
        assert!(shown(&theirs).contains("stays"));
        for epoch in home.epochs_of(phone.passport(), &medications) {
            let records = home.replica(epoch).unwrap();
            let mut founded = records.history().flat_map(|(_, node)| node.edits.clone());
            assert_eq!(founded.next(), None, "nothing had to be said after the snapshot");
            let ever = format!("{:?}", records.entries());
            assert!(!ever.contains("taken back"), "the practice can open what was gone");
        }
        let theirs = laptop.view(&medications).unwrap();
        assert!(!shown(&theirs).contains("taken back"), "the removal was lost");
    }
    assert!(upon.iter().all(|times| *times > 0), "founded upon each of the two: {upon:?}");
}

/// An edit that went into the snapshot is dealt with: what replaces it afterwards is no conflict
/// with it.
#[test]
fn what_went_into_a_snapshot_is_not_carried_over_once_more() {
    let medications = section("medications");
    let dose = |value: &str| [("dose".to_owned(), Some(text("dose", value).1))];
    let mut taken_in = 0;
    for seed in 80..88 {
        let mut rng = rng(seed);
        let mut relay = Office::default();
        let (mut phone, _) = student(&mut rng);
        let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
        let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
        let home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
        let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
        share(&mut phone, &home, &["medications"], Right::Read, None, day(1), &mut rng);
        share(&mut laptop, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
        laptop.edit(entry, &dose("30 mg"), day(1), &mut rng).unwrap();
        relay.sync(&mut laptop, day(2), &mut rng);
        relay.sync(&mut phone, day(2), &mut rng);
        let first = phone.fold().current(&medications)[0];
        taken_in += phone.fold().epochs[&first].carried.len();
        phone.edit(entry, &dose("40 mg"), day(3), &mut rng).unwrap();
        for _ in 0..2 {
            relay.sync(&mut phone, day(3), &mut rng);
            relay.sync(&mut laptop, day(3), &mut rng);
        }
        let on_laptop = laptop.view(&medications).unwrap();
        let versions = &on_laptop.entries[0].fields["dose"].versions;
        assert_eq!(versions.len(), 1, "a value that was replaced came back: {versions:?}");
        assert_eq!(on_laptop.digest(), phone.view(&medications).unwrap().digest());
    }
    assert!(taken_in > 0, "nothing went into a snapshot");
}

/// Whether a practice finds a word in what it can open of what a device is about to send.
fn opens(practice: &Practice, device: &Student, word: &str) -> bool {
    let sent = device.outgoing(URL, day(2)).unwrap().envelopes;
    let envelopes = sent.iter().filter_map(|e| SealedEnvelope::decode(&e.bytes).ok());
    envelopes.filter_map(|e| e.verify().ok()).any(|envelope| {
        let held = practice.epochs().get(&envelope.header().epoch);
        let key = held.and_then(|held| held.keys.get(&envelope.header().phase));
        let opened = key.and_then(|key| envelope.open(key).ok());
        opened.is_some_and(|o| o.body().windows(word.len()).any(|w| w == word.as_bytes()))
    })
}

/// Gives a party what a relay has, an envelope at a time, until it has heard of something; then
/// its program ends before anything is put in order.
fn cut_off(mut party: Student, relay: &Office, has_heard: impl Fn(&Student) -> bool) -> Student {
    let incoming = relay.incoming(party.request_key().verification_key());
    for item in incoming.items {
        let one = Incoming { relay: relay.relay, position: incoming.position, items: vec![item] };
        party.receive(URL, one, day(2)).unwrap();
        if has_heard(&party) {
            return Holder::open(party.journal().vault().clone()).unwrap();
        }
    }
    panic!("it never heard");
}

#[test]
fn whoever_has_heard_of_a_withdrawal_writes_past_it_though_the_exchange_was_cut() {
    let medications = section("medications");
    let mut rng = rng(65);
    let mut relay = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
    let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &home, &["medications"], Right::Read, None, day(1), &mut rng);
    relay.sync(&mut phone, day(1), &mut rng);
    relay.sync(&mut laptop, day(1), &mut rng);
    relay.sync(&mut home, day(1), &mut rng);
    phone.revoke(home.id(), &[], day(2), &mut rng).unwrap();
    relay.sync(&mut phone, day(2), &mut rng);
    let shared = laptop.fold().current(&medications);
    let mut laptop = cut_off(laptop, &relay, |party| party.fold().revocations(&medications) == 1);
    assert_eq!(laptop.fold().current(&medications), shared, "the next epoch was not heard of");
    medication(&mut laptop, "after the news", "1 mg", day(2), &mut rng);
    assert!(!opens(&home, &laptop, "after the news"), "the former reader opens it");
    relay.sync(&mut laptop, day(3), &mut rng);
    relay.sync(&mut phone, day(3), &mut rng);
    assert!(shown(&phone.view(&medications).unwrap()).contains("after the news"));
}

#[test]
fn whoever_has_heard_of_a_removal_says_nothing_to_the_removed_device() {
    let mut rng = rng(66);
    let mut relay = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
    let mut lost = second_device(&mut phone, &mut relay, day(0), &mut rng);
    for _ in 0..2 {
        relay.sync(&mut phone, day(0), &mut rng);
        relay.sync(&mut laptop, day(0), &mut rng);
        relay.sync(&mut lost, day(0), &mut rng);
    }
    phone.remove_device(lost.device(), day(1), &mut rng).unwrap();
    relay.sync(&mut phone, day(1), &mut rng);
    // The new key of the ledger, in a letter, comes later than the removal.
    relay.letters.clear();
    let mut laptop = cut_off(laptop, &relay, |party| party.fold().exposed);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    laptop.add_contact(campus.card(), true, day(1), &mut rng).unwrap();
    medication(&mut laptop, "after the news", "1 mg", day(1), &mut rng);
    relay.sync(&mut laptop, day(1), &mut rng);
    relay.sync(&mut lost, day(1), &mut rng);
    assert!(lost.fold().contacts.is_empty(), "the removed device reads the ledger on");
    assert!(!shown(&lost.view(&section("medications")).unwrap()).contains("after the news"));
}

/// The ledger tells of another founding before what led to it has come: within an exchange, the
/// epoch that joins the two waits for that.
#[test]
fn a_founding_waits_for_what_its_ledger_tells_of_while_more_may_come() {
    let medications = section("medications");
    let dose = |value: &str| [("dose".to_owned(), Some(text("dose", value).1))];
    let mut waited = 0;
    for seed in 90..98 {
        let mut rng = rng(seed);
        let mut relay = Office::default();
        let (mut phone, _) = student(&mut rng);
        let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
        let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
        relay.sync(&mut laptop, day(0), &mut rng);
        let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
        let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
        laptop.edit(entry, &dose("30 mg"), day(1), &mut rng).unwrap();
        share(&mut laptop, &home, &["medications"], Right::Read, None, day(1), &mut rng);
        share(&mut phone, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
        relay.sync(&mut laptop, day(2), &mut rng);
        // First comes what the phone's lists let it have already.
        let key = phone.request_key().verification_key();
        let current = laptop.fold().current(&medications)[0];
        let mut first = relay.incoming(key);
        let late = first.items.extract_if(.., |item| match item {
            IncomingItem::Envelope(bytes) => {
                let envelope = SealedEnvelope::decode(bytes).unwrap();
                let header = envelope.header();
                header.epoch == current || header.kind == Kind::Edits
            }
            IncomingItem::Letter(_) | IncomingItem::AccessList(_) => false,
        });
        drop(late.collect::<Vec<_>>());
        phone.met(URL, relay.relay, false).unwrap();
        phone.receive(URL, first, day(2)).unwrap();
        let before = phone.fold().epochs.len();
        let tidied = phone.tidy(Pace::Coming, day(2), &mut rng).unwrap();
        waited += usize::from(tidied.waits);
        if tidied.waits {
            assert_eq!(phone.fold().epochs.len(), before, "founded all the same");
        }
        relay.sync(&mut phone, day(2), &mut rng);
        relay.sync(&mut home, day(2), &mut rng);
        for epoch in home.epochs_of(phone.passport(), &medications) {
            let ever = format!("{:?}", home.replica(epoch).unwrap().records());
            assert!(!ever.contains("20 mg"), "the practice can open what was replaced");
        }
        // Where no more comes, it is founded without.
        assert!(!phone.tidy(Pace::Coming, day(2), &mut rng).unwrap().waits);
    }
    assert!(waited > 0, "there was never anything to wait for");
}

/// What a device got from a relay it brings back to it, should the relay lose it.
#[test]
fn what_came_from_a_relay_is_offered_to_it_once_it_has_lost_it() {
    let mut rng = rng(90);
    let mut relay = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
    let before = relay.envelopes.len();
    medication(&mut laptop, "by the laptop", "1 mg", day(1), &mut rng);
    relay.sync(&mut laptop, day(1), &mut rng);
    relay.sync(&mut phone, day(1), &mut rng);
    let lost = relay.envelopes.split_off(before);
    assert!(phone.outgoing(URL, day(2)).unwrap().envelopes.is_empty());

    phone.met(URL, relay.relay, true).unwrap();
    relay.sync(&mut phone, day(2), &mut rng);
    assert!(lost.iter().all(|envelope| relay.envelopes.contains(envelope)));
    assert!(phone.outgoing(URL, day(2)).unwrap().envelopes.is_empty(), "once is enough");
}

/// A device that has its letter, and not the record that says it was let in, says nothing: whoever
/// hears that would not know yet whether it counts.
#[test]
fn a_device_that_has_not_heard_that_it_was_let_in_says_nothing() {
    let mut rng = rng(91);
    let mut relay = Office::default();
    let (mut phone, _) = student(&mut rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    phone.add_contact(campus.card(), true, day(0), &mut rng).unwrap();
    relay.sync(&mut phone, day(0), &mut rng);
    let before = relay.envelopes.clone();
    let pending = PendingDevice::create(MemoryVault::new(), &[], None, &mut rng).unwrap();
    let request = pending.request().0.to_vec();
    phone.approve_device(&request, "laptop", day(0), &mut rng).unwrap();
    relay.sync(&mut phone, day(0), &mut rng);
    let key = pending.request_key().verification_key();
    let mut laptop = pending.receive(relay.incoming(key)).unwrap().unwrap().accept().unwrap();

    // The record as it was before, as from a folder that somebody carried.
    let mut folder = Office { envelopes: before, ..Office::default() };
    folder.sync(&mut laptop, day(1), &mut rng);
    let wanted = Share {
        sections: vec![section("medications")],
        organisation: campus.id(),
        can: Right::Contribute,
        until: None,
        purpose: "continuity of care".to_owned(),
        history: false,
        nhs_number: None,
        unverified: false,
    };
    let said = laptop.share(&wanted, day(1), &mut rng);
    assert!(matches!(said, Err(PartyError::NotIn)), "{said:?}");
    relay.sync(&mut laptop, day(1), &mut rng);
    laptop.share(&wanted, day(1), &mut rng).unwrap();
    let medications = section("medications");
    let current = laptop.fold().current(&medications)[0];
    assert_eq!(laptop.fold().epochs[&current].charter.writers.len(), 1);
}

/// What one device carried into an epoch of its own, the author removed meanwhile and founded the
/// next epoch upon the older one: carried there once more, it would be back. Somebody's change of
/// the copy is another matter.
#[test]
fn what_was_removed_before_the_cut_does_not_come_back_by_a_copy_of_it() {
    let medications = section("medications");
    let mut upon = [0; 2];
    for seed in 90..98 {
        for is_changed in [false, true] {
            let mut rng = rng(seed);
            let mut relay = Office::default();
            let mut elsewhere = Office { relay: [1; 16], ..Office::default() };
            let (mut phone, _) = student(&mut rng);
            medication(&mut phone, "stays", "1 mg", day(0), &mut rng);
            let mut laptop = second_device(&mut phone, &mut relay, day(0), &mut rng);
            relay.sync(&mut laptop, day(0), &mut rng);
            let home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
            let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);

            let gone = medication(&mut laptop, "taken back", "1 mg", day(1), &mut rng);
            relay.sync(&mut laptop, day(1), &mut rng);
            share(&mut phone, &home, &["medications"], Right::Read, None, day(1), &mut rng);
            relay.sync(&mut phone, day(1), &mut rng);
            let of_phone = phone.fold().current(&medications)[0];
            assert!(shown(&phone.view(&medications).unwrap()).contains("taken back"));
            if is_changed {
                let dose = [("dose".to_owned(), Some(text("dose", "2 mg").1))];
                phone.edit(gone, &dose, day(2), &mut rng).unwrap();
                relay.sync(&mut phone, day(2), &mut rng);
            }

            laptop.remove(gone, day(2), &mut rng).unwrap();
            share(&mut laptop, &campus, &["medications"], Right::Read, None, day(2), &mut rng);
            let of_laptop = laptop.fold().current(&medications)[0];
            assert_ne!(of_phone, of_laptop);
            elsewhere.sync(&mut laptop, day(2), &mut rng);
            for _ in 0..3 {
                relay.sync(&mut laptop, day(3), &mut rng);
                relay.sync(&mut phone, day(3), &mut rng);
            }
            let joined = phone.fold().current(&medications)[0];
            let charters = [of_phone, of_laptop].map(|e| phone.fold().epochs[&e].charter.clone());
            assert!(
                charters
                    .iter()
                    .all(|c| phone.fold().epochs[&joined].charter.parents.contains(&c.id()))
            );
            let first = charters.iter().min_by_key(|c| c.precedence()).unwrap().id();
            upon[usize::from(first == of_laptop)] += 1;
            for device in [&mut phone, &mut laptop] {
                let stands = shown(&device.view(&medications).unwrap());
                assert!(stands.contains("stays"));
                assert_eq!(stands.contains("taken back"), is_changed, "seed {seed}: {stands}");
            }
        }
    }
    assert!(upon.iter().all(|times| *times > 0), "founded upon each of the two: {upon:?}");
}
