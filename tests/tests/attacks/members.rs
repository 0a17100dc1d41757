//! Foundings, members and their keys: who reads what, and the same epoch on both sides.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::{Charter, Right, WrapContext, plan_phases};
use passport_core::keys::{PhaseKey, ReceivingKey, WrapError};
use passport_core::party::PartyError;
use passport_core::section::Value;
use passport_core::time::Timestamp;
use passport_tests::kit::{Founding, START, World};

use crate::office::*;

/// The bodies that a practice's keys open, of all that was ever sent.
fn opened(practice: &Practice, office: &Office) -> String {
    let mut bytes = Vec::new();
    for sealed in &office.envelopes {
        let envelope = SealedEnvelope::decode(sealed).unwrap().verify().unwrap();
        for key in practice.epochs().values().flat_map(|e| e.keys.values()) {
            bytes.extend(envelope.open(key).map(|o| o.body().to_vec()).unwrap_or_default());
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a19_the_charter_commits_to_one_key_for_all() {
    println!("seed 19");
    let mut world = World::new(19, 2);
    let epoch = world.found(Founding::new("medications", &[0]));
    let (good, other) = (epoch.keys[&0].clone(), PhaseKey::generate(&mut world.rng));
    assert!(epoch.charter.admits_key(0, &good));
    for (phase, key) in [(0, &other), (1, &good), (u32::MAX, &good)] {
        assert!(!epoch.charter.admits_key(phase, key));
    }
    // A wrap opens for its recipient, its epoch and its phase alone.
    let mine = ReceivingKey::generate(&mut world.rng);
    let recipient = world.organisations[0].key.verification_key();
    let context = WrapContext { epoch: epoch.charter.id(), phase: 0, recipient };
    let wrap = context.wrap(&mine.public_key(), &good, &mut world.rng).unwrap();
    assert_eq!(wrap.open(&mine).unwrap().as_bytes(), good.as_bytes());
    let elsewhere = [
        WrapContext { phase: 1, ..context },
        WrapContext { epoch: passport_core::id::EpochId::from_bytes([1; 32]), ..context },
        WrapContext { recipient: world.organisations[1].key.verification_key(), ..context },
    ];
    for context in elsewhere {
        let moved = passport_core::epoch::PhaseWrap { context, sealed: wrap.sealed.clone() };
        assert_eq!(moved.open(&mine).unwrap_err(), WrapError::Open);
    }
    let stranger = ReceivingKey::generate(&mut world.rng);
    assert_eq!(wrap.open(&stranger).unwrap_err(), WrapError::Open);
}

#[test]
fn a16_a_charter_that_does_not_fit_together_is_refused() {
    println!("seed 16");
    let mut world = World::new(16, 2);
    let end = START.plus_days(10);
    let mut founding = Founding::new("medications", &[1]);
    founding.writers.push((0, Some(end)));
    let epoch = world.found(founding);
    let key = &world.devices[0].key;
    let good: Charter = (*epoch.charter).clone();
    assert!(good.sign(key).is_ok());
    let changes: [fn(&mut Charter); 12] = [
        |c| c.writers.reverse(),
        |c| c.writers[0].can = Right::Read,
        |c| c.writers[0].until = Some(START.plus_days(3)),
        |c| c.phases.reverse(),
        |c| c.phases.clear(),
        |c| c.phases = vec![c.phases[0]; 300],
        |c| c.founded_at = START.plus_days(1),
        |c| c.cards.clear(),
        |c| c.section = "private".parse().unwrap(),
        |c| c.height = 1,
        |c| c.parents = vec![passport_core::id::EpochId::from_bytes([1; 32]); 2],
        |c| c.schema += 1,
    ];
    for (n, change) in changes.iter().enumerate() {
        let mut bad = good.clone();
        change(&mut bad);
        assert!(bad.sign(key).is_err(), "change {n}");
    }
    let mut removed = good.clone();
    removed.removed_devices = vec![key.verification_key()];
    assert!(removed.sign(key).is_err(), "founded by a device that it removes");
    let mut of_another = good;
    of_another.passport = passport_core::id::PassportId::from_bytes([1; 32]);
    assert!(of_another.sign(key).is_err());
    let at = |n| Timestamp::from_seconds(n);
    assert_eq!(plan_phases(at(5), [at(9), at(5), at(1), at(9)]), [at(5), at(9)]);
}

#[test]
fn a46_a_revoked_reader_with_everything_the_relay_has_opens_nothing_new() {
    let mut rng = seeded(46);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    medication(&mut phone, "shared", day(0), &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    phone.revoke(gp.id(), &[], day(2), &mut rng).unwrap();
    medication(&mut phone, "AFTERWARDS", day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    let reach = opened(&gp, &office);
    assert!(reach.contains("shared") && !reach.contains("AFTERWARDS"));
    assert!(!theirs(&mut gp, phone.passport(), "medications").contains("AFTERWARDS"));
}

#[test]
fn a53_an_expired_reader_cannot_open_the_next_phase_whatever_its_clock_says() {
    let mut rng = seeded(53);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, Some(day(5)), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    medication(&mut phone, "AFTERWARDS", day(6), &mut rng);
    office.sync(&mut phone, day(6), &mut rng);
    for now in [day(6), day(-3650), day(3650), day(1)] {
        office.sync(&mut gp, now, &mut rng);
        assert!(!opened(&gp, &office).contains("AFTERWARDS"));
    }
    let fields = [("item".to_owned(), Value::Code(passport_core::section::Code::text("x")))];
    for now in [day(5), day(3650)] {
        let to = section("medications");
        let late = gp.contribute(phone.passport(), &to, "medication", &fields, now, &mut rng);
        assert_eq!(late, Err(PartyError::NoGrant));
    }
}

#[test]
fn a54_two_devices_that_found_at_once_end_in_one_epoch() {
    let mut rng = seeded(54);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut home = practice("Elm Street Surgery", &mut rng);
    let mut campus = practice("Campus Medical", &mut rng);
    share(&mut phone, &home, &["medications"], Right::Read, None, &mut rng);
    share(&mut laptop, &campus, &["medications"], Right::Read, None, &mut rng);
    medication(&mut phone, "by phone", day(1), &mut rng);
    medication(&mut laptop, "by laptop", day(1), &mut rng);
    for _ in 0..3 {
        office.sync(&mut phone, day(2), &mut rng);
        office.sync(&mut laptop, day(2), &mut rng);
    }
    office.sync(&mut home, day(2), &mut rng);
    office.sync(&mut campus, day(2), &mut rng);
    assert_eq!(phone.fold().current(&section("medications")).len(), 1);
    let shown = mine(&mut phone, "medications");
    assert!(shown.contains("by phone") && shown.contains("by laptop"));
    assert_eq!(shown, mine(&mut laptop, "medications"));
    for practice in [&mut home, &mut campus] {
        assert_eq!(theirs(practice, phone.passport(), "medications"), shown);
    }
}

#[test]
fn a36_a55_what_a_former_writer_wrote_waits_for_the_holder_on_every_device() {
    let mut rng = seeded(55);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    // Revoked while the practice writes, which has not heard of it.
    phone.revoke(gp.id(), &[], day(2), &mut rng).unwrap();
    let (to, fields) = (section("medications"), [code("item", "RACED")]);
    gp.contribute(phone.passport(), &to, "medication", &fields, day(2), &mut rng).unwrap();
    office.sync(&mut gp, day(2), &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut laptop, day(3), &mut rng);
    }
    for device in [&mut phone, &mut laptop] {
        assert!(!mine(device, "medications").contains("RACED"));
        let aside = device.quarantined().unwrap();
        assert_eq!(aside.len(), 1);
        assert_eq!(aside[0].author, "Elm Street Surgery");
    }
    assert_eq!(mine(&mut phone, "medications"), mine(&mut laptop, "medications"));
}

#[test]
fn a09_a_long_history_arrives_whatever_its_length() {
    let mut rng = seeded(901);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let (gp, other) = (practice("Elm", &mut rng), practice("Campus", &mut rng));
    for n in 0..24 {
        medication(&mut phone, &format!("item {n}"), day(1), &mut rng);
        share(&mut phone, &other, &["medications"], Right::Read, None, &mut rng);
    }
    let mut gp = gp;
    phone.add_contact(gp.card(), true, day(1), &mut rng).unwrap();
    let share = passport_core::holder::Share {
        sections: vec![section("medications")],
        organisation: gp.id(),
        can: Right::Read,
        until: None,
        purpose: "everything".to_owned(),
        history: true,
        nhs_number: None,
        unverified: false,
    };
    phone.share(&share, day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    let largest = office.letters.iter().map(|(_, l)| l.len()).max().unwrap();
    assert!(largest <= passport_sync::wire::LETTER_MAX, "{largest} bytes in one letter");
    office.sync(&mut gp, day(2), &mut rng);
    let held = gp.epochs_of(phone.passport(), &section("medications"));
    assert_eq!(
        held.len(),
        phone
            .fold()
            .epochs
            .values()
            .filter(|e| e.charter.section == section("medications"))
            .count()
    );
    assert_eq!(theirs(&mut gp, phone.passport(), "medications"), mine(&mut phone, "medications"));
}
