//! A relay that was set back before a recovery, and who tells on it.

use passport_core::epoch::Right;
use passport_core::holder::{GrantState, Holder, Recovery};
use passport_core::keys::RecoveryPhrase;
use passport_core::vault::MemoryVault;
use rand_chacha::ChaCha20Rng;

use crate::office::*;

/// A phone, a practice that writes in the medications, and a relay that has everything.
struct Scene {
    rng: ChaCha20Rng,
    office: Office,
    phone: Student,
    phrase: RecoveryPhrase,
    gp: Practice,
}

fn scene(seed: u64) -> Scene {
    let mut rng = seeded(seed);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    medication(&mut phone, "before", day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    Scene { rng, office, phone, phrase, gp }
}

/// A device with nothing but the phrase and what these relays have.
fn recovered(phrase: &RecoveryPhrase, relays: &[&Office], rng: &mut ChaCha20Rng) -> Student {
    let mut recovery = Recovery::new(phrase);
    for relay in relays {
        recovery.receive(relay.incoming(recovery.request_key().verification_key()));
    }
    recovery.complete(MemoryVault::new(), "new", &[], day(3), rng).unwrap()
}

/// The relay as it is seen by whoever thinks it is another one: all is offered there again.
fn elsewhere(office: &Office, relay: u8) -> Office {
    Office { relay: [relay; 16], ..office.clone() }
}

#[test]
fn a07_a_recovered_device_says_that_it_may_be_behind_until_another_device_has_heard_of_it() {
    let Scene { mut rng, mut office, mut phone, phrase, .. } = scene(701);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let old = office.clone();
    medication(&mut phone, "AFTERWARDS", day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut laptop, day(2), &mut rng);
    assert_eq!(phone.recovered(), Ok(None), "who was never recovered needs no confirming");

    let mut rolled_back = old;
    let mut back = recovered(&phrase, &[&rolled_back], &mut rng);
    rolled_back.sync(&mut back, day(3), &mut rng);
    assert!(!mine(&mut back, "medications").contains("AFTERWARDS"));
    let said = back.recovered().unwrap().expect("it may be behind");
    assert_eq!((said.at, &said.sections), (day(3), &back.sections()));
    // Devices that have it from the same place confirm nothing: one that it lets in, and another
    // that was recovered there and heard of it.
    let mut minion = another(&mut back, &mut rolled_back, None, &mut rng);
    let mut second = recovered(&phrase, &[&rolled_back], &mut rng);
    for device in [&mut minion, &mut second] {
        rolled_back.sync(device, day(3), &mut rng);
        let stranger = practice("Campus Medical", &mut rng);
        device.add_contact(stranger.card(), true, day(3), &mut rng).unwrap();
        rolled_back.sync(device, day(3), &mut rng);
    }
    rolled_back.sync(&mut back, day(3), &mut rng);
    assert_eq!(back.recovered(), Ok(Some(said.clone())));

    // The laptop comes by another way. That it has been there is not yet its word.
    let mut stick = elsewhere(&rolled_back, 9);
    stick.sync(&mut laptop, day(4), &mut rng);
    stick.sync(&mut back, day(4), &mut rng);
    assert!(mine(&mut back, "medications").contains("AFTERWARDS"));
    assert!(back.recovered().unwrap().is_some());
    let known = practice("Town Hospital", &mut rng);
    laptop.add_contact(known.card(), true, day(4), &mut rng).unwrap();
    for device in [&mut laptop, &mut back, &mut second] {
        stick.sync(device, day(4), &mut rng);
    }
    assert_eq!(back.recovered(), Ok(None));
    assert_eq!(second.recovered(), Ok(None), "the word reaches whoever it cites");
    let reopened = Holder::open(back.journal().vault().clone()).unwrap();
    assert_eq!(reopened.recovered(), Ok(None));
}

#[test]
fn a07_what_a_removed_device_says_afterwards_confirms_nothing() {
    let Scene { mut rng, mut office, mut phone, phrase, gp } = scene(702);
    let mut back = recovered(&phrase, &[&office], &mut rng);
    office.sync(&mut back, day(3), &mut rng);
    // Whoever found the phone has heard of the new device, and not yet that the phone is out.
    office.sync(&mut phone, day(3), &mut rng);
    back.remove_device(phone.device(), day(3), &mut rng).unwrap();
    phone.revoke(gp.id(), &[], day(4), &mut rng).unwrap();
    let thief = practice("Thief's practice", &mut rng);
    phone.add_contact(thief.card(), true, day(4), &mut rng).unwrap();
    office.take(&mut phone, day(4));
    office.sync(&mut back, day(4), &mut rng);
    assert!(back.grants(day(4)).iter().all(|g| g.state != GrantState::Active), "it was heard");
    assert!(back.recovered().unwrap().is_some());
}

#[test]
fn a07_a_practice_that_goes_on_from_there_confirms_the_section_that_it_writes_in() {
    let Scene { mut rng, mut office, mut phone, phrase, mut gp } = scene(703);
    let old = office.clone();
    let to = section("medications");
    // What the relay hides is that somebody else reads too, and so a new epoch.
    let other = practice("Campus Medical", &mut rng);
    share(&mut phone, &other, &["medications"], Right::Read, None, &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    let contribute = |gp: &mut Practice, rng: &mut ChaCha20Rng| {
        let fields = [code("item", "from the practice")];
        gp.contribute(phone.passport(), &to, "medication", &fields, day(3), rng).unwrap();
    };
    for (mut relay, is_latest) in [(old, false), (office, true)] {
        let mut gp =
            passport_core::organisation::Organisation::open(gp.journal().vault().clone()).unwrap();
        let mut back = recovered(&phrase, &[&relay], &mut rng);
        relay.sync(&mut back, day(3), &mut rng);
        medication(&mut back, "written here", day(3), &mut rng);
        relay.sync(&mut back, day(3), &mut rng);
        relay.sync(&mut gp, day(3), &mut rng);
        contribute(&mut gp, &mut rng);
        relay.take(&mut gp, day(3));
        // The rolled back relay hands on only what looks as if nothing had been before.
        let hidden = |bytes: &Vec<u8>| {
            let epoch = header_of(bytes).epoch;
            !is_latest && phone.fold().current(&to).contains(&epoch)
        };
        relay.envelopes.retain(|bytes| !hidden(bytes));
        relay.sync(&mut back, day(3), &mut rng);
        let said = back.recovered().unwrap().expect("no other device has said anything");
        assert_eq!(!said.sections.contains(&to), is_latest);
        assert!(said.sections.contains(&section("allergies")));
    }
}

#[test]
fn a07_two_relays_that_have_the_same_need_no_confirming() {
    let Scene { mut rng, mut office, mut phone, phrase, .. } = scene(704);
    let old = elsewhere(&office, 9);
    let gp = practice("Campus Medical", &mut rng);
    share(&mut phone, &gp, &["allergies"], Right::Read, None, &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    let other = elsewhere(&office, 8);
    let agreed = recovered(&phrase, &[&office, &other], &mut rng);
    assert_eq!(agreed.recovered(), Ok(None));
    for relays in [&[&office][..], &[&office, &office], &[&old, &office]] {
        let back = recovered(&phrase, relays, &mut rng);
        assert!(back.recovered().unwrap().is_some());
    }
}
