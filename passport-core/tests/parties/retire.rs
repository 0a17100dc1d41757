//! Epochs that everybody has left go into the archive, and nothing of them is lost.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::NewEntry;
use passport_core::holder::Share;
use passport_core::id::EpochId;
use passport_core::keys::OrganisationKind;
use passport_core::party::{Pace, Party as _};
use passport_core::section::Value;

use super::office::*;

/// The epoch of a section that is written in.
fn current(phone: &Student) -> EpochId {
    phone.fold().current(&section("medications"))[0]
}

fn told(phone: &mut Student) -> String {
    serde_json::to_string(&phone.history(&section("medications")).unwrap()).unwrap()
}

/// A student with an entry that was changed, shared with a practice and changed again: what was
/// before the sharing is in an epoch that was superseded on day 1.
fn shared(office: &mut Office, can: Right, seed: u64) -> Story {
    let mut rng = rng(seed);
    let (mut phone, phrase) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let first = current(&phone);
    let dose = [("dose".to_owned(), Some(text("dose", "30 mg").1))];
    phone.edit(entry, &dose, day(0), &mut rng).unwrap();
    office.sync(&mut phone, day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], can, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    Story { rng, phone, phrase, gp, entry, first }
}

struct Story {
    rng: rand_chacha::ChaCha20Rng,
    phone: Student,
    phrase: passport_core::keys::RecoveryPhrase,
    gp: Practice,
    entry: passport_core::id::EntryId,
    first: EpochId,
}

#[test]
fn a_recovered_device_tells_the_history_of_an_epoch_that_the_relay_forgot() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 51);
    assert_eq!(office.of(&s.first), 3, "a snapshot, an entry and a change");
    s.gp.annotate(s.phone.passport(), s.entry, "stable", day(2), &mut s.rng).unwrap();
    office.sync(&mut s.gp, day(2), &mut s.rng);
    office.sync(&mut s.phone, day(2), &mut s.rng);
    office.sync(&mut s.phone, day(2), &mut s.rng);
    assert_eq!(office.of(&s.first), 0, "everybody writes in the next");

    let mut again = recover(&s.phrase, &office, &mut s.rng);
    office.sync(&mut again, day(3), &mut s.rng);
    let before = told(&mut s.phone);
    assert!(before.contains("20 mg") && before.contains("30 mg"));
    assert_eq!(told(&mut again), before);
    for name in s.phone.sections() {
        assert_eq!(shown(&again.view(&name).unwrap()), shown(&s.phone.view(&name).unwrap()));
    }
    // A relay that lost everything is given the archive and not what it stands for.
    let mut emptied = Office { relay: [9; 16], ..Office::default() };
    emptied.sync(&mut s.phone, day(4), &mut s.rng);
    assert_eq!(emptied.of(&s.first), 0);
    let mut once_more = recover(&s.phrase, &emptied, &mut s.rng);
    emptied.sync(&mut once_more, day(4), &mut s.rng);
    assert_eq!(told(&mut once_more), before);
}

#[test]
fn an_epoch_stays_while_a_reader_may_be_in_it_until_long_after() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Read, 52);
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut s.rng);
    share(&mut s.phone, &campus, &["medications"], Right::Read, None, day(2), &mut s.rng);
    for now in [2, 10, 29] {
        office.sync(&mut s.phone, day(now), &mut s.rng);
        office.sync(&mut s.gp, day(now), &mut s.rng);
        assert_eq!(office.of(&s.first), 3, "on day {now} nobody has heard of the campus");
    }
    for _ in 0..2 {
        office.sync(&mut s.phone, day(31), &mut s.rng);
    }
    assert_eq!(office.of(&s.first), 0);
}

#[test]
fn a_receipt_tells_that_a_reader_has_left() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Read, 58);
    for _ in 0..2 {
        office.sync(&mut s.phone, day(2), &mut s.rng);
    }
    assert_eq!(office.of(&s.first), 0);
}

#[test]
fn nothing_is_dropped_before_the_relay_has_the_archive() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 53);
    s.gp.annotate(s.phone.passport(), s.entry, "stable", day(2), &mut s.rng).unwrap();
    office.sync(&mut s.gp, day(2), &mut s.rng);
    // The relay has room for nothing more.
    office.full = true;
    for _ in 0..3 {
        office.sync(&mut s.phone, day(3), &mut s.rng);
        assert_eq!(office.of(&s.first), 3);
    }
    office.full = false;
    office.sync(&mut s.phone, day(4), &mut s.rng);
    office.sync(&mut s.phone, day(4), &mut s.rng);
    assert_eq!(office.of(&s.first), 0);
}

#[test]
fn what_was_written_in_a_dropped_epoch_is_carried_over_and_archived() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 54);
    let second = current(&s.phone);
    // The surgery writes offline for six weeks, in an epoch that ended and was dropped meanwhile.
    let fields = [code("item", "sertraline")];
    let (student, medications) = (s.phone.passport(), section("medications"));
    s.gp.contribute(student, &medications, "medication", &fields, day(2), &mut s.rng).unwrap();
    let campus = practice("Campus Medical", OrganisationKind::Gp, &mut s.rng);
    share(&mut s.phone, &campus, &["medications"], Right::Read, None, day(2), &mut s.rng);
    for now in [2, 40, 40] {
        office.sync(&mut s.phone, day(now), &mut s.rng);
    }
    assert_eq!(office.of(&second), 0);
    office.sync(&mut s.gp, day(42), &mut s.rng);
    for _ in 0..2 {
        office.sync(&mut s.phone, day(43), &mut s.rng);
    }
    assert!(shown(&s.phone.view(&medications).unwrap()).contains("sertraline"));
    assert_eq!(office.of(&second), 0, "it was dropped again");
    let mut again = recover(&s.phrase, &office, &mut s.rng);
    office.sync(&mut again, day(43), &mut s.rng);
    assert_eq!(told(&mut again), told(&mut s.phone));
    assert!(told(&mut again).contains("sertraline"));
}

#[test]
fn a_consent_with_history_reaches_what_was_dropped_before_it() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 55);
    for now in [2, 40, 40] {
        office.sync(&mut s.phone, day(now), &mut s.rng);
    }
    assert_eq!(office.of(&s.first), 0);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut s.rng);
    s.phone.add_contact(campus.card(), true, day(41), &mut s.rng).unwrap();
    let consent = Share {
        sections: vec![section("medications")],
        organisation: campus.id(),
        can: Right::Read,
        until: None,
        purpose: "care".to_owned(),
        history: true,
        nhs_number: None,
        unverified: false,
    };
    s.phone.share(&consent, day(41), &mut s.rng).unwrap();
    office.sync(&mut s.phone, day(41), &mut s.rng);
    for party in [&mut campus, &mut s.gp] {
        office.sync(party, day(41), &mut s.rng);
    }
    let history = |practice: &mut Practice| {
        let events = practice.history(s.phone.passport(), &section("medications")).unwrap();
        serde_json::to_string(&events).unwrap()
    };
    assert!(history(&mut campus).contains("20 mg"));
    assert!(!history(&mut s.gp).contains("20 mg"), "no archive for who has no history");
}

#[test]
fn an_epoch_that_grew_long_is_followed_by_one_with_the_same_members_and_no_more() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 57);
    let mut laptop = second_device(&mut s.phone, &mut office, day(1), &mut s.rng);
    let long = current(&s.phone);
    for n in 0..10 {
        let note = ("note".to_owned(), Value::Prose(n.to_string().repeat(60_000)));
        let fields = vec![("item".to_owned(), code("item", "long").1), note];
        let (section, kind) = (section("medications"), "medication".to_owned());
        let entry = NewEntry { section, kind, fields };
        s.phone.add(&[entry], day(1), &mut s.rng).unwrap();
    }
    let dose = [("dose".to_owned(), Some(text("dose", "9 mg").1))];
    s.phone.edit(s.entry, &dose, day(1), &mut s.rng).unwrap();
    // Both devices learn how long it is before either founds: then both do, and one follows.
    let mut beside =
        Office { relay: [2; 16], envelopes: office.envelopes.clone(), ..Office::default() };
    let out = s.phone.outgoing(URL, day(1)).unwrap();
    beside.envelopes.extend(out.envelopes.iter().map(|e| e.bytes.clone()));
    beside.sync(&mut laptop, day(1), &mut s.rng);
    for _ in 0..3 {
        office.sync(&mut s.phone, day(1), &mut s.rng);
        office.sync(&mut laptop, day(1), &mut s.rng);
    }
    let epochs = s.phone.fold().epochs.len();
    assert_ne!(current(&s.phone), long);
    assert_eq!(current(&s.phone), current(&laptop));
    for _ in 0..3 {
        office.sync(&mut laptop, day(2), &mut s.rng);
        office.sync(&mut s.phone, day(2), &mut s.rng);
        office.sync(&mut s.gp, day(2), &mut s.rng);
    }
    assert_eq!(s.phone.fold().epochs.len(), epochs, "one founding does not call for another");
    let on_phone = shown(&s.phone.view(&section("medications")).unwrap());
    assert!(on_phone.contains("9 mg"));
    assert_eq!(shown(&laptop.view(&section("medications")).unwrap()), on_phone);
    let student = s.phone.passport();
    assert_eq!(shown(&s.gp.view(student, &section("medications")).unwrap()), on_phone);
    s.gp.annotate(student, s.entry, "still here", day(2), &mut s.rng).unwrap();
}

#[test]
fn two_devices_that_archive_at_once_make_the_same() {
    let mut office = Office::default();
    let mut s = shared(&mut office, Right::Contribute, 56);
    let mut laptop = second_device(&mut s.phone, &mut office, day(2), &mut s.rng);
    // Apart from each other, both find that it is long ago.
    for device in [&mut s.phone, &mut laptop] {
        device.tidy(Pace::Quiet, day(40), &mut s.rng).unwrap();
    }
    let archive = s.phone.fold().epochs[&s.first].archive.as_ref().unwrap().id();
    let packs = |device: &Student| -> Vec<Vec<u8>> {
        device.journal().envelopes(&archive).unwrap().iter().map(SealedEnvelope::encode).collect()
    };
    assert!(!packs(&s.phone).is_empty());
    assert_eq!(packs(&s.phone), packs(&laptop));
}
