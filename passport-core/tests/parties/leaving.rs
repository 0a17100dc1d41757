//! Leaving an organisation, and an organisation that forgets a student.

use passport_core::epoch::Right;
use passport_core::holder::GrantState;
use passport_core::keys::OrganisationKind;
use passport_core::organisation::AuditRecord;
use passport_core::receipt::Access;
use passport_core::vault::{Table, Vault as _};

use super::office::*;

/// How many records an organisation has of consents, keys and what waits, and how many envelopes
/// of a student's medicines and allergies.
fn held(party: &Practice, of: &Student) -> (usize, u64) {
    let vault = party.journal().vault();
    let waits = vault.scan(Table::Letter).unwrap();
    let waits = waits.iter().filter(|(name, _)| name.starts_with(b"receipt ")).count();
    let tables = [Table::Grant, Table::Charter];
    let held: usize = tables.iter().map(|table| vault.scan(*table).unwrap().len()).sum();
    let records = held + waits;
    let shared = ["medications", "allergies"].map(section);
    let epochs = of.fold().epochs.values().filter(|e| shared.contains(&e.charter.section));
    (records, epochs.map(|e| party.journal().extent(&e.charter.id()).count).sum())
}

#[test]
fn who_is_left_deletes_everything_and_signs_that_it_did() {
    let mut rng = rng(71);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    medication(&mut phone, "Sertraline", "50 mg", day(1), &mut rng);
    let sections = ["medications", "allergies"];
    share(&mut phone, &gp, &sections, Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    let opened = AuditRecord {
        at: day(1),
        actor: "j.smith".to_owned(),
        role: "nurse".to_owned(),
        student: phone.passport(),
        section: section("medications"),
        what: Access::Opened,
    };
    gp.audit(std::slice::from_ref(&opened)).unwrap();
    assert!(held(&gp, &phone) > (4, 1));
    assert_eq!(gp.deletion_asked(phone.passport()).unwrap(), None);

    assert_eq!(phone.leave(gp.id(), day(2), &mut rng).unwrap().len(), 2);
    assert!(phone.grants(day(2)).iter().all(|g| g.state == GrantState::Revoked));
    let leaving = phone.leaving(gp.id()).unwrap().unwrap();
    assert_eq!((leaving.asked, leaving.outstanding.len()), (day(2), 2));
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    assert_eq!(gp.deletion_asked(phone.passport()).unwrap(), Some(day(2)));

    let by = ("j.smith", "manager");
    assert_eq!(gp.forget(phone.passport(), by, day(3), &mut rng).unwrap().len(), 2);
    assert_eq!(held(&gp, &phone), (0, 0));
    assert!(gp.epochs().is_empty() && gp.grants().is_empty());
    assert!(gp.view(phone.passport(), &section("medications")).is_err());
    let again = gp.forget(phone.passport(), by, day(3), &mut rng);
    assert!(again.is_err(), "there is nothing left");
    // Who did what stays in its own log.
    let log = gp.audited().unwrap();
    assert_eq!(log[0], opened);
    assert!(log[1..].iter().all(|r| r.what == Access::Deleted && r.actor == "j.smith"));
    assert_eq!(log.len(), 3);

    // Everything it was ever sent comes once more, by file: it takes nothing back.
    office.sync(&mut gp, day(3), &mut rng);
    assert!(gp.epochs().is_empty() && gp.grants().is_empty());
    assert!(gp.view(phone.passport(), &section("medications")).is_err());

    for device in [&mut phone, &mut laptop] {
        office.sync(device, day(4), &mut rng);
        let leaving = device.leaving(gp.id()).unwrap().unwrap();
        assert!(leaving.outstanding.is_empty(), "{leaving:?}");
        assert_eq!(leaving.deleted.len(), 2);
        let told = device.access_log(Some(gp.id())).unwrap();
        assert!(told.iter().any(|l| l.what == Access::Opened && l.role == "nurse"));
        let deleted: Vec<_> = told.iter().filter(|l| l.what == Access::Deleted).collect();
        assert_eq!((deleted.len(), deleted[0].role.as_str()), (2, "manager"));
    }

    // Whoever comes back shares anew, and is served as anybody.
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(5), &mut rng);
    assert_eq!(phone.leaving(gp.id()).unwrap(), None);
    office.sync(&mut phone, day(5), &mut rng);
    office.sync(&mut gp, day(5), &mut rng);
    assert_eq!(gp.deletion_asked(phone.passport()).unwrap(), None);
    let theirs = gp.view(phone.passport(), &section("medications")).unwrap();
    assert_eq!(shown(&theirs), shown(&phone.view(&section("medications")).unwrap()));
}

#[test]
fn deletion_is_asked_for_after_the_consent_has_ended_too() {
    let mut rng = rng(72);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let other = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    phone.add_contact(other.card(), true, day(1), &mut rng).unwrap();
    assert!(phone.leave(other.id(), day(1), &mut rng).is_err(), "nothing was ever shared");
    share(&mut phone, &gp, &["allergies"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    phone.revoke(gp.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    assert_eq!(gp.deletion_asked(phone.passport()).unwrap(), None);
    assert_eq!(phone.leave(gp.id(), day(3), &mut rng).unwrap(), []);
    office.sync(&mut phone, day(3), &mut rng);
    office.sync(&mut gp, day(3), &mut rng);
    assert_eq!(gp.deletion_asked(phone.passport()).unwrap(), Some(day(3)));
}
