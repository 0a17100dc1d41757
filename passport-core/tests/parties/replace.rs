//! A new recovery phrase takes the old one's place, and the old one opens and does nothing more.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, Recovery};
use passport_core::journal::IncomingItem;
use passport_core::keys::{OrganisationKind, RecoveryPhrase};
use passport_core::party::PartyError;
use passport_core::vault::MemoryVault;

use super::office::*;

fn recovery(phrase: &RecoveryPhrase, office: &Office) -> Recovery {
    let mut recovery = Recovery::new(phrase);
    let key = recovery.request_key().verification_key();
    recovery.receive(office.incoming(key));
    recovery
}

fn medicines(device: &mut Student) -> String {
    shown(&device.view(&section("medications")).unwrap())
}

/// What a device's keys open of all that the relay has.
fn reach(device: &Student, office: &Office) -> String {
    let mut bytes = Vec::new();
    for sealed in &office.envelopes {
        let envelope = SealedEnvelope::decode(sealed).unwrap().verify().unwrap();
        for key in device.fold().epochs.values().flat_map(|e| e.keys.values()) {
            bytes.extend(envelope.open(key).map(|o| o.body().to_vec()).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn the_old_phrase_ends_in_a_clear_error_and_the_new_one_brings_everything_back() {
    let mut rng = rng(201);
    let mut office = Office::default();
    let (mut phone, old) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    medication(&mut phone, "before", "1 mg", day(0), &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    office.sync(&mut gp, day(0), &mut rng);
    // A copy of what the relay had, for whoever kept it.
    let (envelopes, letters) = (office.envelopes.clone(), office.letters.clone());
    let kept = Office { envelopes, letters, ..Office::default() };

    let other = RecoveryPhrase::generate(&mut rng);
    let refused = phone.replace_phrase(&other, day(1), &mut rng);
    assert!(matches!(refused, Err(PartyError::WrongPhrase)));
    let new = phone.replace_phrase(&old, day(1), &mut rng).unwrap();
    assert!(phone.replace_phrase(&old, day(1), &mut rng).is_err(), "it is the old one now");
    medication(&mut phone, "AFTERWARDS", "1 mg", day(1), &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut laptop, day(1), &mut rng);
        office.sync(&mut gp, day(1), &mut rng);
    }
    // Devices and the practice go on, by the succession alone.
    medication(&mut laptop, "by the laptop", "1 mg", day(2), &mut rng);
    let (student, name) = (phone.passport(), section("medications"));
    let fields = [code("item", "by the surgery")];
    gp.contribute(student, &name, "medication", &fields, day(2), &mut rng).unwrap();
    for _ in 0..2 {
        office.sync(&mut laptop, day(2), &mut rng);
        office.sync(&mut gp, day(2), &mut rng);
        office.sync(&mut phone, day(2), &mut rng);
    }
    let mine = medicines(&mut phone);
    assert!(
        ["before", "AFTERWARDS", "by the laptop", "by the surgery"]
            .iter()
            .all(|w| mine.contains(w))
    );
    assert_eq!(medicines(&mut laptop), mine);
    assert_eq!(shown(&gp.view(student, &name).unwrap()), mine);

    // The old phrase is told that it was replaced; also where a relay keeps that back.
    let told = recovery(&old, &office);
    assert_eq!(told.replaced(), Some(day(1)));
    let failed = told.complete(MemoryVault::new(), "thief", &[], day(3), &mut rng);
    assert_eq!(failed.err(), Some(PartyError::PhraseReplaced { at: day(1) }));
    let mut quiet = Recovery::new(&old);
    let key = quiet.request_key().verification_key();
    quiet.receive(kept.incoming(key));
    let mut all = office.incoming(key);
    all.items.retain(|i| matches!(i, IncomingItem::Envelope(_)));
    quiet.receive(all);
    let failed = quiet.complete(MemoryVault::new(), "thief", &[], day(3), &mut rng);
    assert_eq!(failed.err(), Some(PartyError::PhraseReplaced { at: day(1) }));
    let mut thief =
        recovery(&old, &kept).complete(MemoryVault::new(), "thief", &[], day(3), &mut rng).unwrap();
    assert!(!reach(&thief, &office).contains("AFTERWARDS"), "it opens nothing written later");
    assert!(reach(&thief, &kept).contains("before"));
    // Nor does anybody heed what it says: not the devices, and not the practice.
    let others = practice("Thief's practice", OrganisationKind::Gp, &mut rng);
    share(&mut thief, &others, &["medications"], Right::Read, None, day(3), &mut rng);
    share(&mut thief, &gp, &["medications"], Right::Contribute, None, day(3), &mut rng);
    medication(&mut thief, "POISON", "1 mg", day(3), &mut rng);
    let _ = thief.remove_device(phone.device(), day(3), &mut rng);
    for _ in 0..2 {
        office.sync(&mut thief, day(3), &mut rng);
        office.sync(&mut gp, day(3), &mut rng);
        office.sync(&mut phone, day(3), &mut rng);
    }
    assert_eq!(medicines(&mut phone), mine);
    assert_eq!(shown(&gp.view(student, &name).unwrap()), mine);
    assert_eq!(phone.fold().contacts.len(), 1);
    assert!(!phone.was_removed() && phone.fold().live_devices().count() == 2);

    let mut again = recovery(&new, &office)
        .complete(MemoryVault::new(), "new phone", &[], day(4), &mut rng)
        .unwrap();
    office.sync(&mut again, day(4), &mut rng);
    assert_eq!(again.passport(), phone.passport());
    assert_eq!(medicines(&mut again), mine);
    medication(&mut again, "come back", "1 mg", day(4), &mut rng);
    for _ in 0..2 {
        office.sync(&mut again, day(4), &mut rng);
        office.sync(&mut phone, day(4), &mut rng);
    }
    assert!(medicines(&mut phone).contains("come back"));
    // And once more.
    let third = again.replace_phrase(&new, day(5), &mut rng).unwrap();
    office.sync(&mut again, day(5), &mut rng);
    office.sync(&mut phone, day(5), &mut rng);
    assert_eq!(phone.fold().roots.len(), 3);
    assert!(phone.phrase_is_void().unwrap() && !again.phrase_is_void().unwrap());
    assert!(recovery(&new, &office).replaced().is_some());
    assert!(recovery(&third, &office).is_found());
    let reopened = Holder::open(phone.journal().vault().clone()).unwrap();
    assert_eq!(reopened.fold().roots, phone.fold().roots);
}

#[test]
fn a_device_that_another_lets_in_beside_it_stays_and_one_of_the_old_phrase_does_not() {
    for turn in 0..2 {
        let mut rng = rng(202 + turn);
        let mut office = Office::default();
        let (mut phone, old) = student(&mut rng);
        let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
        office.sync(&mut phone, day(0), &mut rng);
        // Apart from each other: the phone replaces the phrase, the laptop lets a tablet in and
        // writes, and somebody comes with the old words.
        let mut beside = Office { relay: [2; 16], ..Office::default() };
        beside.envelopes.clone_from(&office.envelopes);
        beside.letters.clone_from(&office.letters);
        let mut tablet = second_device(&mut laptop, &mut beside, day(1), &mut rng);
        medication(&mut tablet, "by the tablet", "1 mg", day(1), &mut rng);
        let mut finder = recover(&old, &beside, &mut rng);
        beside.sync(&mut finder, day(1), &mut rng);
        medication(&mut finder, "POISON", "1 mg", day(1), &mut rng);
        if turn == 1 {
            finder.remove_device(phone.device(), day(1), &mut rng).unwrap();
        }
        beside.sync(&mut finder, day(1), &mut rng);
        let new = phone.replace_phrase(&old, day(1), &mut rng).unwrap();
        medication(&mut phone, "by the phone", "1 mg", day(1), &mut rng);
        office.sync(&mut phone, day(1), &mut rng);
        office.envelopes.extend(beside.envelopes);
        office.letters.extend(beside.letters);
        for _ in 0..3 {
            office.sync(&mut tablet, day(2), &mut rng);
            office.sync(&mut laptop, day(2), &mut rng);
            office.sync(&mut phone, day(2), &mut rng);
        }
        let live = |device: &Student| device.fold().live_devices().count();
        assert_eq!([live(&phone), live(&laptop), live(&tablet)], [3; 3], "turn {turn}");
        let mine = medicines(&mut phone);
        assert!(mine.contains("by the tablet") && mine.contains("by the phone"), "{mine}");
        assert!(!mine.contains("POISON"), "{mine}");
        assert_eq!(medicines(&mut tablet), mine);
        office.sync(&mut finder, day(3), &mut rng);
        assert!(finder.was_removed(), "it hears that it is not heeded");
        let mut again = recovery(&new, &office)
            .complete(MemoryVault::new(), "new", &[], day(3), &mut rng)
            .unwrap();
        office.sync(&mut again, day(3), &mut rng);
        assert_eq!(medicines(&mut again), mine);
    }
}

#[test]
fn of_two_new_phrases_made_apart_one_counts_and_the_other_is_told() {
    let mut rng = rng(210);
    let mut office = Office::default();
    let (mut phone, old) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let one = phone.replace_phrase(&old, day(1), &mut rng).unwrap();
    let two = laptop.replace_phrase(&old, day(1), &mut rng).unwrap();
    medication(&mut phone, "by the phone", "1 mg", day(1), &mut rng);
    medication(&mut laptop, "by the laptop", "1 mg", day(1), &mut rng);
    for _ in 0..3 {
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut laptop, day(1), &mut rng);
    }
    assert_eq!(phone.fold().roots, laptop.fold().roots);
    assert_eq!(phone.fold().generations, laptop.fold().generations);
    let mine = medicines(&mut phone);
    assert!(mine.contains("by the phone") && mine.contains("by the laptop"));
    assert_eq!(medicines(&mut laptop), mine);
    let void = [phone.phrase_is_void().unwrap(), laptop.phrase_is_void().unwrap()];
    assert!(void[0] != void[1], "exactly one of the two papers is worth nothing");
    let good = if void[0] { &two } else { &one };
    let mut again =
        recovery(good, &office).complete(MemoryVault::new(), "new", &[], day(2), &mut rng).unwrap();
    office.sync(&mut again, day(2), &mut rng);
    assert_eq!(medicines(&mut again), mine);
}

#[test]
fn a_phrase_is_kept_until_it_was_shown() {
    let mut rng = rng(211);
    let (mut phone, phrase) = student(&mut rng);
    let words = |phrase: &RecoveryPhrase| phrase.words().collect::<Vec<_>>();
    assert_eq!(words(&phone.unshown_phrase().unwrap().unwrap()), words(&phrase));
    phone.phrase_was_shown().unwrap();
    let mut phone = Holder::open(phone.journal().vault().clone()).unwrap();
    assert!(phone.unshown_phrase().unwrap().is_none());
    let new = phone.replace_phrase(&phrase, day(1), &mut rng).unwrap();
    assert_eq!(words(&phone.unshown_phrase().unwrap().unwrap()), words(&new));
}

/// Whoever was let in on a line of phrases that does not prevail is out, knows it, and founds
/// nothing.
#[test]
fn a_device_on_a_line_that_does_not_prevail_is_told_and_goes_on_without_a_fault() {
    let mut told = 0;
    for seed in 220..228 {
        let mut rng = rng(seed);
        let mut office = Office::default();
        let (mut phone, old) = student(&mut rng);
        let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
        let (envelopes, letters) = (office.envelopes.clone(), office.letters.clone());
        let mut apart = Office { envelopes, letters, relay: [2; 16], full: false };
        phone.replace_phrase(&old, day(1), &mut rng).unwrap();
        let mut tablet = second_device(&mut phone, &mut apart, day(1), &mut rng);
        laptop.replace_phrase(&old, day(1), &mut rng).unwrap();
        for _ in 0..3 {
            for office in [&mut office, &mut apart] {
                office.sync(&mut phone, day(2), &mut rng);
                office.sync(&mut laptop, day(2), &mut rng);
                office.sync(&mut tablet, day(2), &mut rng);
            }
        }
        let known = tablet.fold().devices.get(&tablet.device()).is_some_and(|d| !d.removed);
        assert_eq!(tablet.was_removed(), !known);
        told += usize::from(tablet.was_removed());
    }
    assert!(told > 0, "in some of these the laptop's phrase prevails");
}
