//! Phrase and relay bring everything back.

use passport_core::epoch::Right;
use passport_core::holder::{Holder, Recovery};
use passport_core::keys::{OrganisationKind, RecoveryPhrase};
use passport_core::party::Party as _;
use passport_core::vault::MemoryVault;

use super::office::*;

#[test]
fn the_phrase_brings_back_views_grants_contacts_and_history() {
    let mut rng = rng(21);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    gp.annotate(phone.passport(), entry, "stable", day(1), &mut rng).unwrap();
    office.sync(&mut gp, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);

    let words: Vec<&str> = phrase.words().collect();
    let typed = RecoveryPhrase::parse(&words.join(" ")).unwrap();
    let mut again = recover(&typed, &office, &mut rng);
    office.sync(&mut again, day(2), &mut rng);
    assert_eq!(again.passport(), phone.passport());
    for name in phone.sections() {
        let before = phone.view(&name).unwrap();
        let after = again.view(&name).unwrap();
        assert_eq!(shown(&before), shown(&after), "{name}");
    }
    assert_eq!(again.grants(day(2)).len(), 1);
    assert_eq!(again.fold().contacts.len(), 1);
    // The device that came back writes, and the others accept it.
    medication(&mut again, "melatonin", "2 mg", day(2), &mut rng);
    office.sync(&mut again, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    let theirs = gp.view(phone.passport(), &section("medications")).unwrap();
    assert!(shown(&theirs).contains("melatonin"));
    assert_eq!(shown(&theirs), shown(&phone.view(&section("medications")).unwrap()));
}

#[test]
fn another_phrase_finds_nothing() {
    let mut rng = rng(22);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut recovery = Recovery::new(&RecoveryPhrase::generate(&mut rng));
    let key = recovery.request_key().verification_key();
    recovery.receive(office.incoming(key));
    let failed = recovery.complete(MemoryVault::new(), "x", &[], day(1), &mut rng);
    assert!(failed.is_err());
}

#[test]
fn a_removed_device_reads_and_writes_nothing_new() {
    let mut rng = rng(23);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    phone.remove_device(laptop.device(), day(1), &mut rng).unwrap();
    office.sync(&mut phone, day(1), &mut rng);
    medication(&mut laptop, "BADDRUG", "1 mg", day(2), &mut rng);
    // A relay hands it the ledger no more: what it hears comes by letter.
    let key = laptop.device();
    let mut told = office.incoming(key);
    told.items.retain(|item| matches!(item, passport_core::journal::IncomingItem::Letter(_)));
    assert!(!laptop.was_removed());
    laptop.receive(URL, told, day(2)).unwrap();
    assert!(laptop.was_removed());
    assert!(Holder::open(laptop.journal().vault().clone()).unwrap().was_removed());
    assert!(!phone.was_removed());
    office.sync(&mut laptop, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    assert!(!shown(&phone.view(&section("medications")).unwrap()).contains("BADDRUG"));
}
