//! What was written offline arrives, whatever epoch it was written in.

use passport_core::codec;
use passport_core::epoch::Right;
use passport_core::keys::OrganisationKind;
use passport_core::party::PartyError;
use passport_core::replica::Stance;

use super::office::*;

#[test]
fn two_devices_edit_offline_and_both_values_stand() {
    let mut rng = rng(11);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let dose = |v: &str| [("dose".to_owned(), Some(text("dose", v).1))];
    phone.edit(entry, &dose("30 mg"), day(1), &mut rng).unwrap();
    laptop.edit(entry, &dose("40 mg"), day(1), &mut rng).unwrap();
    for _ in 0..2 {
        office.sync(&mut laptop, day(1), &mut rng);
        office.sync(&mut phone, day(1), &mut rng);
    }
    let on_phone = phone.view(&section("medications")).unwrap();
    let on_laptop = laptop.view(&section("medications")).unwrap();
    assert_eq!(shown(&on_phone), shown(&on_laptop));
    let conflicts = &on_phone.to_json().entries[0].conflicts;
    assert_eq!(conflicts["dose"].len(), 2);
    phone.resolve(entry, "dose", Some(text("dose", "40 mg").1), day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut laptop, day(2), &mut rng);
    let on_laptop = laptop.view(&section("medications")).unwrap();
    assert!(on_laptop.to_json().entries[0].conflicts.is_empty());
    assert!(shown(&on_laptop).contains("40 mg"));
}

#[test]
fn what_a_practice_wrote_before_it_heard_of_a_new_epoch_is_carried_over() {
    let mut rng = rng(12);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    share(&mut phone, &home, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut home, day(1), &mut rng);
    let fields = [code("item", "sertraline"), text("dose", "50 mg")];
    let own = home
        .contribute(
            phone.passport(),
            &section("medications"),
            "medication",
            &fields,
            day(1),
            &mut rng,
        )
        .unwrap()[0]
        .1;
    office.sync(&mut home, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);

    // The practice changes its own dose, notes and adds offline; meanwhile the student changes
    // the same dose and shares with another, which begins a new epoch.
    let dose = |v: &str| [("dose".to_owned(), Some(text("dose", v).1))];
    home.edit(phone.passport(), own, &dose("100 mg"), day(2), &mut rng).unwrap();
    home.annotate(phone.passport(), entry, "bloods due", day(2), &mut rng).unwrap();
    let fields = [code("item", "melatonin")];
    home.contribute(
        phone.passport(),
        &section("medications"),
        "medication",
        &fields,
        day(2),
        &mut rng,
    )
    .unwrap();
    phone.edit(own, &dose("75 mg"), day(2), &mut rng).unwrap();
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(2), &mut rng);

    for _ in 0..3 {
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut home, day(3), &mut rng);
        office.sync(&mut campus, day(3), &mut rng);
    }
    let on_phone = phone.view(&section("medications")).unwrap();
    assert_eq!(phone.quarantined().unwrap().len(), 0);
    for practice in [&mut home, &mut campus] {
        let theirs = practice.view(phone.passport(), &section("medications")).unwrap();
        assert_eq!(shown(&on_phone), shown(&theirs));
    }
    let json = on_phone.to_json();
    assert_eq!(json.entries.len(), 3);
    let dose = json.entries.iter().find(|e| e.id == own).unwrap();
    assert_eq!(dose.conflicts["dose"].len(), 2, "both sides changed it");
    assert!(json.entries.iter().any(|e| e.notes.iter().any(|n| n.text == "bloods due")));
    let melatonin =
        json.entries.iter().find(|e| shown(&on_phone).contains("melatonin") && e.attested);
    assert_eq!(melatonin.unwrap().author.name, "Elm Street Surgery");
    // Nothing is carried over twice.
    let before = office.envelopes.len();
    office.sync(&mut phone, day(4), &mut rng);
    assert_eq!(office.envelopes.len(), before);
}

#[test]
fn late_work_of_a_revoked_practice_waits_for_the_holders_word() {
    let mut rng = rng(13);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &campus, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut campus, day(1), &mut rng);
    let fields = [code("item", "propranolol")];
    campus
        .contribute(
            phone.passport(),
            &section("medications"),
            "medication",
            &fields,
            day(2),
            &mut rng,
        )
        .unwrap();
    phone.revoke(campus.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(3), &mut rng);
    office.sync(&mut campus, day(3), &mut rng);
    office.sync(&mut phone, day(3), &mut rng);
    assert!(!shown(&phone.view(&section("medications")).unwrap()).contains("propranolol"));
    let aside = phone.quarantined().unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].author, "Campus Medical");
    phone.judge(aside[0].envelope, true, day(4), &mut rng).unwrap();
    assert!(shown(&phone.view(&section("medications")).unwrap()).contains("propranolol"));
    assert!(phone.quarantined().unwrap().is_empty());
}

#[test]
fn two_devices_that_share_at_once_end_in_one_epoch_with_both_readers() {
    let mut rng = rng(14);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &home, &["medications"], Right::Contribute, None, day(1), &mut rng);
    share(&mut laptop, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    medication(&mut laptop, "melatonin", "2 mg", day(1), &mut rng);
    for _ in 0..3 {
        office.sync(&mut phone, day(2), &mut rng);
        office.sync(&mut laptop, day(2), &mut rng);
        office.sync(&mut home, day(2), &mut rng);
        office.sync(&mut campus, day(2), &mut rng);
    }
    let on_phone = phone.view(&section("medications")).unwrap();
    assert_eq!(on_phone.entries.len(), 2);
    assert_eq!(shown(&on_phone), shown(&laptop.view(&section("medications")).unwrap()));
    for practice in [&mut home, &mut campus] {
        let theirs = practice.view(phone.passport(), &section("medications")).unwrap();
        assert_eq!(shown(&on_phone), shown(&theirs));
    }
}

#[test]
fn a_command_that_is_refused_leaves_nothing_behind_however_often_it_is_given() {
    let mut rng = rng(90);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let nothing = [("no such field".to_owned(), Some(text("dose", "1 mg").1))];
    for _ in 0..2 {
        let refused = phone.edit(entry, &nothing, day(1), &mut rng);
        assert!(matches!(refused, Err(PartyError::Refused(_))), "{refused:?}");
    }
    let dose = text("dose", "10 mg");
    phone.edit(entry, &[(dose.0, Some(dose.1))], day(1), &mut rng).unwrap();
    let medications = section("medications");
    assert_eq!(phone.gaps(&medications).unwrap(), (0, 0), "it counts as a fork");
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    let (on_phone, on_laptop) = (phone.view(&medications), laptop.view(&medications));
    assert_eq!(on_phone.unwrap().digest(), on_laptop.unwrap().digest());
}

/// Who lost the right to write meanwhile finds no relay that takes what was written in time: it
/// goes by the mailbox of the student's device, which hands it on.
#[test]
fn what_a_practice_wrote_in_time_arrives_though_no_relay_takes_it_any_more() {
    let mut rng = rng(15);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    let (student, medications) = (phone.passport(), section("medications"));
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    let end = Some(day(5));
    share(&mut phone, &campus, &["medications"], Right::Contribute, end, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut campus, day(1), &mut rng);
    let fields = [code("item", "propranolol")];
    campus.contribute(student, &medications, "medication", &fields, day(4), &mut rng).unwrap();

    office.full = true;
    office.sync(&mut campus, day(6), &mut rng);
    let letters = office.letters.len();
    office.sync(&mut campus, day(6), &mut rng);
    assert_eq!(office.letters.len(), letters, "it went once");
    office.full = false;
    let before = office.envelopes.len();
    office.sync(&mut phone, day(6), &mut rng);
    let mine = shown(&phone.view(&medications).unwrap());
    assert!(mine.contains("propranolol"));
    assert!(office.envelopes.len() > before, "others get it from the relay");
    office.sync(&mut campus, day(6), &mut rng);
    assert_eq!(shown(&campus.view(student, &medications).unwrap()), mine);
}

/// An entry that was taken away again before it is carried is not carried: whoever reads there
/// never had a right to it.
#[test]
fn what_was_taken_away_in_the_older_epoch_is_not_carried_into_the_next() {
    let mut rng = rng(16);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    let known = medication(&mut phone, "stopped", "1 mg", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    office.sync(&mut laptop, day(0), &mut rng);
    laptop
        .edit(
            known,
            &[("dose".to_owned(), Some(text("dose", "words taken back").1))],
            day(1),
            &mut rng,
        )
        .unwrap();
    laptop.remove(known, day(1), &mut rng).unwrap();
    let gone = medication(&mut laptop, "taken back", "1 mg", day(1), &mut rng);
    laptop.remove(gone, day(1), &mut rng).unwrap();
    let kept = medication(&mut laptop, "changed", "1 mg", day(1), &mut rng);
    laptop
        .edit(kept, &[("dose".to_owned(), Some(text("dose", "2 mg").1))], day(1), &mut rng)
        .unwrap();
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut laptop, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut campus, day(2), &mut rng);
    let medications = section("medications");
    let theirs = campus.view(phone.passport(), &medications).unwrap();
    assert!(shown(&theirs).contains("changed") && !shown(&theirs).contains("stopped"));
    let history = campus.replica(theirs.epoch).unwrap().history();
    let said: Vec<u8> = history.flat_map(|(_, node)| codec::encode(&node.edits)).collect();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("changed"));
    assert!(!said.contains("taken back"), "the practice can open what was gone");

    // It was not gone for everybody: a change that comes later still brings it back.
    let (mut phone, _) = student(&mut rng);
    let mut office = Office::default();
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut tablet = second_device(&mut phone, &mut office, day(0), &mut rng);
    let entry = medication(&mut laptop, "disputed", "1 mg", day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    office.sync(&mut tablet, day(1), &mut rng);
    laptop.remove(entry, day(2), &mut rng).unwrap();
    tablet
        .edit(entry, &[("dose".to_owned(), Some(text("dose", "2 mg").1))], day(2), &mut rng)
        .unwrap();
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(2), &mut rng);
    office.sync(&mut laptop, day(3), &mut rng);
    office.sync(&mut phone, day(3), &mut rng);
    assert!(!shown(&phone.view(&medications).unwrap()).contains("disputed"));
    for _ in 0..2 {
        office.sync(&mut tablet, day(3), &mut rng);
        office.sync(&mut phone, day(3), &mut rng);
    }
    assert!(shown(&phone.view(&medications).unwrap()).contains("disputed"));
}

/// A late change that went along with the entry it is of stands already: it does not wait for the
/// holder's word once its author was removed.
#[test]
fn what_stands_already_is_not_put_aside() {
    let mut rng = rng(17);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut tablet = second_device(&mut phone, &mut office, day(0), &mut rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    let entry = medication(&mut laptop, "propranolol", "1 mg", day(1), &mut rng);
    laptop
        .edit(entry, &[("dose".to_owned(), Some(text("dose", "2 mg").1))], day(1), &mut rng)
        .unwrap();
    share(&mut phone, &campus, &["medications"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut laptop, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    tablet.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    for _ in 0..3 {
        office.sync(&mut tablet, day(3), &mut rng);
        office.sync(&mut phone, day(3), &mut rng);
    }
    let mine = shown(&phone.view(&section("medications")).unwrap());
    assert!(mine.contains("propranolol") && mine.contains("2 mg"));
    assert_eq!(phone.quarantined().unwrap().len(), 0);
    assert_eq!(tablet.quarantined().unwrap().len(), 0);
}

/// Two devices carried the same entry over at once, and a removal had seen one of the copies: it
/// is carried into the next epoch all the same.
#[test]
fn a_removal_that_saw_one_of_two_copies_is_carried() {
    let mut rng = rng(18);
    let mut offices = [0, 1, 2].map(|n| Office { relay: [n; 16], ..Office::default() });
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "stays", "1 mg", day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut offices[0], day(0), &mut rng);
    let mut tablet = second_device(&mut phone, &mut offices[0], day(0), &mut rng);
    for device in [&mut phone, &mut laptop, &mut tablet] {
        offices[0].sync(device, day(0), &mut rng);
    }
    let home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);

    let gone = medication(&mut laptop, "taken back", "1 mg", day(1), &mut rng);
    offices[0].sync(&mut laptop, day(1), &mut rng);
    offices[2].sync(&mut laptop, day(1), &mut rng);
    share(&mut phone, &home, &["medications"], Right::Read, None, day(1), &mut rng);
    offices[1].sync(&mut phone, day(1), &mut rng);
    offices[1].sync(&mut tablet, day(1), &mut rng);
    offices[0].sync(&mut phone, day(2), &mut rng);
    offices[2].sync(&mut tablet, day(2), &mut rng);
    let medications = section("medications");
    for device in [&mut phone, &mut tablet] {
        assert!(shown(&device.view(&medications).unwrap()).contains("taken back"), "carried");
    }
    phone.remove(gone, day(3), &mut rng).unwrap();
    share(&mut tablet, &campus, &["medications"], Right::Read, None, day(3), &mut rng);
    for _ in 0..3 {
        for device in [&mut phone, &mut tablet, &mut laptop] {
            offices[1].sync(device, day(4), &mut rng);
        }
    }
    for device in [&mut phone, &mut tablet, &mut laptop] {
        let stands = shown(&device.view(&medications).unwrap());
        assert!(stands.contains("stays") && !stands.contains("taken back"), "{stands}");
    }
}

/// A change that its author made before hearing of a removal brings the entry back, for the holder
/// to decide, be the removal of before the cut or of after it.
#[test]
fn a_late_change_of_what_was_removed_is_shown() {
    let medications = section("medications");
    let dose = |value: &str| [("dose".to_owned(), Some(text("dose", value).1))];
    for before_the_cut in [true, false] {
        let mut rng = rng(19);
        let mut office = Office::default();
        let (mut phone, _) = student(&mut rng);
        let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
        let entry = medication(&mut phone, "penicillin", "1 mg", day(0), &mut rng);
        let untouched = medication(&mut phone, "untouched", "1 mg", day(0), &mut rng);
        office.sync(&mut phone, day(0), &mut rng);
        office.sync(&mut laptop, day(0), &mut rng);
        let campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
        laptop.edit(entry, &dose("severe reaction"), day(1), &mut rng).unwrap();

        if before_the_cut {
            for gone in [entry, untouched] {
                phone.remove(gone, day(2), &mut rng).unwrap();
            }
        }
        share(&mut phone, &campus, &["medications"], Right::Read, None, day(2), &mut rng);
        if !before_the_cut {
            phone
                .edit(
                    entry,
                    &[("item".to_owned(), Some(code("item", "penicillin later").1))],
                    day(2),
                    &mut rng,
                )
                .unwrap();
            for gone in [entry, untouched] {
                phone.remove(gone, day(2), &mut rng).unwrap();
            }
        }
        for _ in 0..2 {
            office.sync(&mut laptop, day(3), &mut rng);
            office.sync(&mut phone, day(3), &mut rng);
        }
        for device in [&mut phone, &mut laptop] {
            let view = device.view(&medications).unwrap();
            let stands = shown(&view);
            assert!(!stands.contains("untouched"), "{stands}");
            let [entry] = view.entries.as_slice() else { panic!("one stands: {stands}") };
            assert_eq!(entry.stance, Stance::Disputed, "the holder is asked");
            assert!(stands.contains("severe reaction"), "{stands}");
            assert_eq!(stands.contains("later"), !before_the_cut, "{stands}");
        }
        phone.remove(entry, day(4), &mut rng).unwrap();
        office.sync(&mut phone, day(4), &mut rng);
        office.sync(&mut laptop, day(4), &mut rng);
        for device in [&mut phone, &mut laptop] {
            assert_eq!(device.view(&medications).unwrap().entries.len(), 0, "and it is decided");
        }
    }
}

/// What waits for the holder's word is brought in by nobody's change of it.
#[test]
fn a_change_brings_in_nothing_that_waits() {
    let mut rng = rng(20);
    let medications = section("medications");
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut tablet = second_device(&mut phone, &mut office, day(0), &mut rng);
    for device in [&mut phone, &mut laptop, &mut tablet] {
        office.sync(device, day(0), &mut rng);
    }
    let entry = medication(&mut laptop, "by a thief", "1 mg", day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    office.sync(&mut tablet, day(1), &mut rng);
    let dose = [("dose".to_owned(), Some(text("dose", "2 mg").1))];
    tablet.edit(entry, &dose, day(1), &mut rng).unwrap();
    phone.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    for _ in 0..2 {
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut tablet, day(3), &mut rng);
    }
    for device in [&mut phone, &mut tablet] {
        assert!(!shown(&device.view(&medications).unwrap()).contains("thief"));
        let aside = device.quarantined().unwrap();
        let [waits] = aside.as_slice() else { panic!("one waits: {aside:?}") };
        assert_eq!(waits.section, medications);
    }
    let waits = phone.quarantined().unwrap()[0].envelope;
    phone.judge(waits, true, day(4), &mut rng).unwrap();
    assert!(shown(&phone.view(&medications).unwrap()).contains("2 mg"));
}
