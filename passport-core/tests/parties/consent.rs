//! Sharing, ending, revoking: who reads what.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::keys::OrganisationKind;
use passport_core::party::PartyError;

use super::office::*;

/// Every key that a party holds, tried on every envelope: the sections that open.
fn opens(practice: &Practice, office: &Office) -> Vec<(String, passport_core::id::EnvelopeId)> {
    let mut opened = Vec::new();
    for bytes in &office.envelopes {
        let envelope = SealedEnvelope::decode(bytes).unwrap().verify().unwrap();
        for epoch in practice.epochs().values() {
            for key in epoch.keys.values() {
                if envelope.open(key).is_ok() {
                    opened.push((epoch.charter.section.to_string(), envelope.id()));
                }
            }
        }
    }
    opened
}

#[test]
fn an_organisation_reads_what_was_shared_and_nothing_else() {
    let mut rng = rng(1);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);

    let ours = phone.view(&section("medications")).unwrap();
    let theirs = gp.view(phone.passport(), &section("medications")).unwrap();
    assert_eq!(theirs.entries.len(), 1);
    assert_eq!(shown(&ours), shown(&theirs));
    assert_eq!(ours.digest(), theirs.digest());
    assert_eq!(gp.view(phone.passport(), &section("allergies")).unwrap_err(), PartyError::NoGrant);
    assert!(opens(&gp, &office).iter().all(|(section, _)| section == "medications"));
    let fields = [code("item", "sertraline")];
    assert_eq!(
        gp.contribute(
            phone.passport(),
            &section("medications"),
            "medication",
            &fields,
            day(1),
            &mut rng
        ),
        Err(PartyError::NoGrant)
    );
}

#[test]
fn what_an_organisation_records_is_attested_and_the_holders_change_shows() {
    let mut rng = rng(2);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    let fields = [code("item", "sertraline"), text("dose", "50 mg")];
    let added = gp
        .contribute(
            phone.passport(),
            &section("medications"),
            "medication",
            &fields,
            day(2),
            &mut rng,
        )
        .unwrap();
    office.sync(&mut gp, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    let view = phone.view(&section("medications")).unwrap().to_json();
    assert!(view.entries[0].attested);
    assert_eq!(view.entries[0].author.name, "Elm Street Surgery");

    let entry = added[0].1;
    let dose = text("dose", "100 mg");
    phone.edit(entry, &[(dose.0, Some(dose.1))], day(3), &mut rng).unwrap();
    office.sync(&mut phone, day(3), &mut rng);
    office.sync(&mut gp, day(3), &mut rng);
    let view = gp.view(phone.passport(), &section("medications")).unwrap().to_json();
    assert!(!view.entries[0].attested);
    assert_eq!(view.entries[0].changed[0].field, "dose");
}

#[test]
fn revoked_readers_open_nothing_written_after() {
    let mut rng = rng(3);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    share(&mut phone, &home, &["medications"], Right::Contribute, None, day(1), &mut rng);
    share(&mut phone, &campus, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut home, day(1), &mut rng);
    office.sync(&mut campus, day(1), &mut rng);
    phone.revoke(campus.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut campus, day(2), &mut rng);
    office.sync(&mut home, day(2), &mut rng);
    let before = opens(&campus, &office);

    let dose = text("dose", "40 mg");
    phone.edit(entry, &[(dose.0, Some(dose.1))], day(3), &mut rng).unwrap();
    home.annotate(phone.passport(), entry, "reviewed", day(3), &mut rng).unwrap();
    for _ in 0..2 {
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut home, day(3), &mut rng);
        office.sync(&mut campus, day(3), &mut rng);
    }
    assert!(opens(&campus, &office).iter().all(|envelope| before.contains(envelope)));
    let view = campus.view(phone.passport(), &section("medications")).unwrap();
    assert!(!shown(&view).contains("40 mg"));
    let view = home.view(phone.passport(), &section("medications")).unwrap();
    assert!(shown(&view).contains("40 mg"));
    assert_eq!(
        campus.annotate(phone.passport(), entry, "still here", day(3), &mut rng),
        Err(PartyError::NoGrant)
    );
}

#[test]
fn a_grant_ends_by_itself_while_every_device_is_off() {
    let mut rng = rng(4);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut home = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let mut campus = practice("Campus Medical", OrganisationKind::Gp, &mut rng);
    let mut uni = practice("Northbridge Wellbeing", OrganisationKind::University, &mut rng);
    let both = ["discharges"];
    share(&mut phone, &home, &both, Right::Contribute, None, day(0), &mut rng);
    share(&mut phone, &home, &["discharge-notice"], Right::Contribute, None, day(0), &mut rng);
    share(&mut phone, &campus, &both, Right::Contribute, Some(day(5)), day(0), &mut rng);
    share(&mut phone, &uni, &["discharge-notice"], Right::Read, None, day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    for party in [&mut home, &mut campus, &mut uni] {
        office.sync(party, day(0), &mut rng);
    }
    let before = opens(&campus, &office).len();
    let fields = [
        (
            "discharged_on".to_owned(),
            passport_core::section::Value::Date("2026-10-07".parse().unwrap()),
        ),
        code("reason", "overdose"),
    ];
    let added = home
        .contribute(
            phone.passport(),
            &section("discharges"),
            "discharge",
            &fields,
            day(6),
            &mut rng,
        )
        .unwrap();
    assert_eq!(added.len(), 2, "the notice goes along");
    for party in [&mut home, &mut campus, &mut uni] {
        office.sync(party, day(6), &mut rng);
    }
    let check = uni.discharges(day(-30), None, day(6)).unwrap();
    assert_eq!(check.discharges.len(), 1);
    assert_eq!(check.discharges[0].discharged_on, "2026-10-07");
    assert_eq!(check.discharges[0].reason, None);
    assert_eq!(check.discharges[0].attested_by.as_deref(), Some("Elm Street Surgery"));
    assert_eq!(opens(&campus, &office).len(), before, "nothing of day 6 opens");
    assert!(opens(&uni, &office).iter().all(|(s, _)| s == "discharge-notice"));
}

#[test]
fn a_new_reader_gets_nothing_that_was_removed_or_overwritten() {
    let mut rng = rng(5);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "SECRETDOSE", day(0), &mut rng);
    let gone = medication(&mut phone, "SECRETDRUG", "1 mg", day(0), &mut rng);
    let dose = text("dose", "20 mg");
    phone.edit(entry, &[(dose.0, Some(dose.1))], day(0), &mut rng).unwrap();
    phone.remove(gone, day(0), &mut rng).unwrap();
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Read, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    let mut bytes = Vec::new();
    for sealed in &office.envelopes {
        let envelope = SealedEnvelope::decode(sealed).unwrap().verify().unwrap();
        for key in gp.epochs().values().flat_map(|e| e.keys.values()) {
            bytes.extend(envelope.open(key).map(|o| o.body().to_vec()).unwrap_or_default());
        }
    }
    let holds = |needle: &str| bytes.windows(needle.len()).any(|w| w == needle.as_bytes());
    assert!(holds("fluoxetine"));
    assert!(!holds("SECRETDOSE"));
    assert!(!holds("SECRETDRUG"));
}

#[test]
fn a_consent_goes_on_until_a_later_end_and_is_never_brought_back() {
    let mut rng = rng(6);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, Some(day(5)), day(1), &mut rng);
    let first = phone.grants(day(1))[0].grant.clone();
    let sooner = phone.extend(first.id, day(4), day(2), &mut rng);
    assert_eq!(sooner, Err(PartyError::NotLater));
    assert_eq!(phone.extend(first.id, day(1), day(2), &mut rng), Err(PartyError::Ended));
    let second = phone.extend(first.id, day(9), day(2), &mut rng).unwrap();
    let given = phone.grants(day(2)).into_iter().find(|g| g.grant.id == second).unwrap().grant;
    assert_eq!((given.until, given.purpose, given.can), (Some(day(9)), first.purpose, first.can));
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    medication(&mut phone, "in the time added", "1 mg", day(7), &mut rng);
    office.sync(&mut phone, day(7), &mut rng);
    office.sync(&mut gp, day(7), &mut rng);
    let medicines = section("medications");
    assert!(shown(&gp.view(phone.passport(), &medicines).unwrap()).contains("in the time added"));
    assert!(gp.may_write(phone.passport(), &medicines, day(7)));
    phone.revoke(gp.id(), &[], day(8), &mut rng).unwrap();
    assert_eq!(phone.extend(second, day(20), day(8), &mut rng), Err(PartyError::NoGrant));
}
