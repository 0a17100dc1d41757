//! Receipts: who received and opened what.

use passport_core::epoch::Right;
use passport_core::keys::{OrganisationKind, Signed};
use passport_core::letter::Letter;
use passport_core::organisation::AuditRecord;
use passport_core::receipt::{Access, Receipt};
use passport_core::section::SectionName;
use passport_core::time::Timestamp;

use super::office::*;

fn opened(student: &Student, section: &SectionName, at: Timestamp) -> AuditRecord {
    AuditRecord {
        at,
        actor: "j.smith".to_owned(),
        role: "nurse".to_owned(),
        student: student.passport(),
        section: section.clone(),
        what: Access::Opened,
    }
}

#[test]
fn the_holder_sees_on_every_device_who_received_and_opened_what() {
    let mut rng = rng(31);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let medicines = section("medications");
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(1), &mut rng);
    let epoch = phone.fold().current(&medicines)[0];
    office.sync(&mut phone, day(1), &mut rng);
    assert!(phone.not_received(gp.id(), &medicines).unwrap() > 0);
    assert!(!phone.has_received(gp.id(), epoch).unwrap());

    office.sync(&mut gp, day(2), &mut rng);
    let record = opened(&phone, &medicines, day(2));
    gp.audit(std::slice::from_ref(&record)).unwrap();
    office.sync(&mut gp, day(2), &mut rng);
    office.sync(&mut phone, day(3), &mut rng);
    assert!(phone.has_received(gp.id(), epoch).unwrap());
    assert_eq!(phone.not_received(gp.id(), &medicines).unwrap(), 0);
    let told: Vec<_> =
        phone.access_log(None).unwrap().into_iter().map(|l| (l.what, l.role, l.at)).collect();
    let expected =
        [(Access::Opened, "nurse".to_owned(), day(2)), (Access::Received, String::new(), day(2))];
    assert_eq!(told, expected);
    office.sync(&mut laptop, day(3), &mut rng);
    assert_eq!(laptop.access_log(None).unwrap(), phone.access_log(None).unwrap());
    assert_eq!(gp.audited().unwrap(), [record]);

    // What is written afterwards has not been received until they say so; one word for all of it.
    for n in 0..3 {
        medication(&mut phone, &format!("item {n}"), "1 mg", day(4), &mut rng);
    }
    assert_eq!(phone.not_received(gp.id(), &medicines).unwrap(), 3);
    office.sync(&mut phone, day(4), &mut rng);
    let letters = office.letters.len();
    office.sync(&mut gp, day(4), &mut rng);
    assert_eq!(office.letters.len(), letters + 1);
    office.sync(&mut gp, day(4), &mut rng);
    assert_eq!(office.letters.len(), letters + 1, "nothing new, nothing said");
    office.sync(&mut phone, day(4), &mut rng);
    assert_eq!(phone.not_received(gp.id(), &medicines).unwrap(), 0);
    assert_eq!(phone.access_log(Some(gp.id())).unwrap().len(), 3);
}

#[test]
fn a_device_that_comes_later_and_one_that_is_recovered_know_who_opened_what_before() {
    let mut rng = rng(33);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let medicines = section("medications");
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(1), &mut rng);
    let mut open = |gp: &mut Practice, phone: &mut Student, office: &mut Office, at: Timestamp| {
        office.sync(phone, at, &mut rng);
        office.sync(gp, at, &mut rng);
        gp.audit(&[opened(phone, &medicines, at)]).unwrap();
        office.sync(gp, at, &mut rng);
        office.sync(phone, at, &mut rng);
        phone.access_log(None).unwrap()
    };
    let log = open(&mut gp, &mut phone, &mut office, day(2));
    assert_eq!(log.len(), 2);
    // What was read is forgotten by the relay.
    office.letters.clear();

    let mut rng = super::office::rng(34);
    let mut tablet = second_device(&mut phone, &mut office, day(3), &mut rng);
    office.sync(&mut tablet, day(3), &mut rng);
    assert_eq!(tablet.access_log(None).unwrap(), log);
    // Under a new key of the ledger too, without which the tablet is left.
    phone.remove_device(tablet.device(), day(4), &mut rng).unwrap();
    office.sync(&mut phone, day(4), &mut rng);
    let log = open(&mut gp, &mut phone, &mut office, day(5));
    assert!(log.len() > 2);
    office.sync(&mut tablet, day(5), &mut rng);
    assert_eq!(tablet.access_log(None).unwrap().len(), 2, "it was removed");
    let mut laptop = second_device(&mut phone, &mut office, day(6), &mut rng);
    office.sync(&mut laptop, day(6), &mut rng);
    assert_eq!(laptop.access_log(None).unwrap(), log);

    // Nothing but the words.
    let mut again = recover(&phrase, &office, &mut rng);
    assert_eq!(again.access_log(None).unwrap(), log);
    office.sync(&mut again, day(7), &mut rng);
    assert_eq!(again.access_log(None).unwrap(), log);
}

#[test]
fn nobody_signs_a_receipt_for_another_or_for_what_was_not_shared() {
    let mut rng = rng(32);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let other = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(1), &mut rng);
    share(&mut phone, &other, &["allergies"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    let honest = Receipt {
        version: Receipt::VERSION,
        passport: phone.passport(),
        organisation: gp.id(),
        section: section("medications"),
        epoch: phone.fold().current(&section("medications"))[0],
        what: Access::Opened,
        role: "nurse".to_owned(),
        at: day(1),
        heads: Vec::new(),
    };
    let keys = [&gp, &other].map(|party| {
        use passport_core::vault::{Table, Vault as _};
        let seed = party.journal().vault().get(Table::Key, b"instance").unwrap().unwrap();
        passport_core::keys::SigningKey::from_seed(&seed.as_slice().try_into().unwrap())
    });
    let epoch = phone.fold().current(&section("allergies"))[0];
    let allergies = Receipt { section: section("allergies"), epoch, ..honest.clone() };
    let forged = [
        Signed::new(&honest, &keys[1]),
        Signed::new(&Receipt { organisation: other.id(), ..honest.clone() }, &keys[1]),
        Signed::new(&allergies, &keys[0]),
        Signed::new(&Receipt { epoch, ..honest.clone() }, &keys[0]),
        Signed::new(&Receipt { what: Access::Recorded, ..honest.clone() }, &keys[0]),
        Signed::new(&Receipt { role: "x".repeat(Receipt::ROLE + 1), ..honest.clone() }, &keys[0]),
    ];
    let own = phone.fold().devices[&phone.device()].verified.clone();
    let mut leave = |receipts: Vec<Signed<Receipt>>| {
        let letter = Letter::Receipts { receipts };
        let sealed = letter.seal(&own.key(), own.receiving(), &mut rng).unwrap();
        office.letters.push((own.key(), sealed));
    };
    leave(forged.to_vec());
    leave(vec![Signed::new(&honest, &keys[0])]);
    office.sync(&mut phone, day(2), &mut rng);
    assert_eq!(phone.access_log(None).unwrap().len(), 1);
}
