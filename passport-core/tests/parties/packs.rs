//! Packs in an epoch that is written in: fewer envelopes, and nothing of them lost.

use passport_core::envelope::{Header, Kind, PackError, SealedEnvelope, Stretch, parts, seal};
use passport_core::epoch::Right;
use passport_core::id::{EntryId, EpochId};
use passport_core::keys::OrganisationKind;
use passport_core::party::Party as _;
use passport_core::vault::Vault as _;

use super::office::*;

/// A student who sets one dose so many times, each in an envelope of its own.
fn doses(phone: &mut Student, entry: EntryId, doses: core::ops::Range<u32>, rng: &mut Rng) {
    for n in doses {
        let dose = [("dose".to_owned(), Some(text("dose", &format!("{n} mg")).1))];
        phone.edit(entry, &dose, day(0), rng).unwrap();
    }
}

type Rng = rand_chacha::ChaCha20Rng;

fn medications(phone: &Student) -> EpochId {
    phone.fold().current(&section("medications"))[0]
}

/// What a relay has of an epoch after packs took the place of their runs.
fn at_a_relay(office: &mut Office, epoch: &EpochId) -> Vec<Stretch> {
    let mut left: Vec<(usize, Stretch)> = Vec::new();
    let mut gone = Vec::new();
    for (index, bytes) in office.envelopes.iter().enumerate() {
        let stretch = Stretch::of(&SealedEnvelope::decode(bytes).unwrap());
        let Some(stretch) = stretch.filter(|stretch| stretch.epoch == *epoch) else { continue };
        if stretch.packed {
            let parts = parts(&stretch, |last| {
                let ends = left.iter().filter(|(_, one)| one.last == *last);
                Ok::<_, PackError>(ends.cloned().collect())
            });
            gone.extend(parts.unwrap());
            left.retain(|(index, _)| !gone.contains(index));
        }
        left.push((index, stretch));
    }
    let mut index = 0;
    office.envelopes.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
    left.into_iter().map(|(_, stretch)| stretch).collect()
}

#[test]
fn many_small_edits_come_to_few_envelopes_whether_sent_one_by_one_or_at_once() {
    for at_once in [false, true] {
        let mut rng = rng(40);
        let mut office = Office::default();
        let (mut phone, phrase) = student(&mut rng);
        let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
        for n in 0..150 {
            doses(&mut phone, entry, n..n + 1, &mut rng);
            if !at_once {
                office.sync(&mut phone, day(0), &mut rng);
                at_a_relay(&mut office, &medications(&phone));
            }
        }
        for _ in 0..2 {
            office.sync(&mut phone, day(0), &mut rng);
        }
        let epoch = medications(&phone);
        let there = at_a_relay(&mut office, &epoch);
        assert!(there.len() < 32, "{} envelopes of 150 edits", there.len());
        assert_eq!(there.len(), phone.journal().envelopes(&epoch).unwrap().len());
        assert_eq!(phone.journal().extent(&epoch).held, 152);

        // A recovered device has all of it, and goes on where the other was.
        let mut again = recover(&phrase, &office, &mut rng);
        office.sync(&mut again, day(1), &mut rng);
        let medications = section("medications");
        let told = |phone: &mut Student| {
            serde_json::to_string(&phone.history(&medications).unwrap()).unwrap()
        };
        assert_eq!(told(&mut again), told(&mut phone));
        assert_eq!(again.gaps(&medications).unwrap(), (0, 0));

        // From its packs alone it fills another relay, and that another device.
        let mut emptied = Office { relay: [9; 16], ..Office::default() };
        emptied.sync(&mut again, day(2), &mut rng);
        assert_eq!(at_a_relay(&mut emptied, &epoch).len(), there.len());
        let mut third = recover(&phrase, &emptied, &mut rng);
        emptied.sync(&mut third, day(2), &mut rng);
        assert_eq!(told(&mut third), told(&mut phone));
        let reopened = Student::open(third.journal().vault().clone()).unwrap();
        assert_eq!(reopened.journal().extent(&epoch), third.journal().extent(&epoch));
    }
}

#[test]
fn a_burst_is_packed_and_no_reason_to_begin_its_section_anew() {
    let mut rng = rng(43);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let epoch = medications(&phone);
    // More than half a mebibyte, sealed one by one.
    doses(&mut phone, entry, 0..1_500, &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(0), &mut rng);
    }
    assert_eq!(medications(&phone), epoch);
    assert!(at_a_relay(&mut office, &epoch).len() < 20);
}

#[test]
fn who_has_the_envelopes_takes_a_pack_in_their_place_and_shows_the_same() {
    let mut rng = rng(41);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(0), &mut rng);
    let epoch = medications(&phone);
    for n in 0..8 {
        doses(&mut phone, entry, n..n + 1, &mut rng);
        office.sync(&mut phone, day(0), &mut rng);
        office.sync(&mut gp, day(0), &mut rng);
        // Only now the phone packs what is there.
        office.sync(&mut phone, day(0), &mut rng);
    }
    let student = phone.passport();
    let shown_to = |gp: &mut Practice| shown(&gp.view(student, &section("medications")).unwrap());
    let before = shown_to(&mut gp);
    let held = gp.journal().extent(&epoch).held;
    assert!(gp.journal().envelopes(&epoch).unwrap().len() > 8);
    office.sync(&mut phone, day(0), &mut rng);
    office.sync(&mut gp, day(0), &mut rng);
    let records = gp.journal().envelopes(&epoch).unwrap();
    let records: Vec<_> =
        records.iter().filter_map(Stretch::of).map(|s| (s.seq, s.packed)).collect();
    assert_eq!(records, [(1, false), (9, true)], "the pack is the record");
    assert_eq!((shown_to(&mut gp), gp.journal().extent(&epoch).held), (before, held));
    // What the office hands out again is known.
    let received = gp.receive(URL, office.incoming(gp.instance()), day(0)).unwrap();
    assert_eq!(received.new, 0);
    // The practice packs what it wrote too.
    for n in 0..40 {
        gp.annotate(student, entry, &format!("note {n}"), day(1), &mut rng).unwrap();
    }
    for _ in 0..2 {
        office.sync(&mut gp, day(1), &mut rng);
        office.sync(&mut phone, day(1), &mut rng);
    }
    assert_eq!(phone.gaps(&section("medications")).unwrap(), (0, 0));
    assert!(shown(&phone.view(&section("medications")).unwrap()).contains("note 39"));
    assert!(phone.journal().envelopes(&epoch).unwrap().len() < 8);
}

#[test]
fn an_author_whose_pack_does_not_hold_harms_their_own_edits_and_those_are_brought_forward() {
    let mut rng = rng(42);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let entry = medication(&mut phone, "fluoxetine", "20 mg", day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    office.sync(&mut gp, day(0), &mut rng);
    gp.annotate(phone.passport(), entry, "seen on Monday", day(1), &mut rng).unwrap();
    office.sync(&mut gp, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    let epoch = medications(&phone);

    // The practice has the relay put nonsense in the place of what it wrote.
    let seed = gp.journal().vault().get(passport_core::vault::Table::Key, b"instance");
    let seed: [u8; 32] = seed.unwrap().unwrap().as_slice().try_into().unwrap();
    let key = passport_core::keys::SigningKey::from_seed(&seed);
    let own = gp.journal().envelopes(&epoch).unwrap();
    let own = own.iter().find(|e| e.header().author == gp.instance()).unwrap();
    let header = Header {
        seq: 2,
        prev: Some(own.id()),
        deps: Vec::new(),
        kind: Kind::Pack,
        ..own.header().clone()
    };
    let sealing = gp.epochs()[&epoch].keys[&header.phase].clone();
    let false_pack = seal(&header, b"nothing".to_vec(), &sealing, &key, &mut rng).unwrap();
    office.envelopes.push(false_pack.encode());
    assert!(at_a_relay(&mut office, &epoch).iter().all(|s| s.last != own.id() || s.packed));

    let taken = phone.receive(URL, office.incoming(phone.device()), day(2)).unwrap();
    assert_eq!((taken.new, taken.unusable), (0, 1), "it is seen");
    let medications_now =
        |phone: &mut Student| shown(&phone.view(&section("medications")).unwrap());
    assert!(medications_now(&mut phone).contains("seen on Monday"));
    office.sync(&mut phone, day(2), &mut rng);
    assert_ne!(medications(&phone), epoch, "and the section goes on without it");
    let mut again = recover(&phrase, &office, &mut rng);
    office.sync(&mut again, day(2), &mut rng);
    assert!(medications_now(&mut again).contains("seen on Monday"));
    let epochs = phone.fold().epochs.len();
    office.sync(&mut phone, day(2), &mut rng);
    assert_eq!(phone.fold().epochs.len(), epochs, "once");
}
