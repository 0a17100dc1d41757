//! Devices that were removed, cloned or have ended; organisations against a holder's bad device.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, Recovery};
use passport_core::id::StatementId;
use passport_core::journal::IncomingItem;
use passport_core::keys::{CardError, PhraseError, RecoveryPhrase, SigningKey};
use passport_core::ledger::{Ledger, Statement, StatementBody};
use passport_core::organisation::HeldState;
use passport_core::party::PartyError;
use passport_core::vault::{MemoryVault, Table, Vault as _};

use crate::office::*;

/// What a device can open of all that a relay has, with every key in its vault's ledger.
fn words_in_reach(device: &mut Student, office: &Office) -> String {
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
fn a46_a_removed_device_with_the_relays_help_reads_nothing_new() {
    let mut rng = seeded(4601);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut tablet = another(&mut phone, &mut office, None, &mut rng);
    // As it goes on where it is kept from hearing of anything.
    let mut deaf = Holder::open(laptop.journal().vault().clone()).unwrap();
    let mut past = office.clone();
    medication(&mut phone, "before", day(1), &mut rng);
    phone.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    medication(&mut phone, "AFTERWARDS", day(3), &mut rng);
    office.sync(&mut phone, day(3), &mut rng);
    office.sync(&mut laptop, day(3), &mut rng);
    let reach = words_in_reach(&mut laptop, &office);
    assert!(reach.contains("before"));
    assert!(!reach.contains("AFTERWARDS"), "the ledger gave a removed device the new keys");
    // Nor does it get a word in: not itself, and not through a device that it lets in now.
    let mut minion = another(&mut deaf, &mut past, None, &mut rng);
    let thief = practice("Thief's practice", &mut rng);
    minion.add_contact(thief.card(), true, day(4), &mut rng).unwrap();
    office.sync(&mut minion, day(4), &mut rng);
    office.sync(&mut phone, day(4), &mut rng);
    assert!(phone.fold().contacts.is_empty());
    assert!(!phone.fold().live_devices().any(|d| d.verified.key() == minion.device()));
    // The others, and the phrase, go on.
    office.sync(&mut tablet, day(4), &mut rng);
    assert_eq!(mine(&mut tablet, "medications"), mine(&mut phone, "medications"));
    assert!(mine(&mut tablet, "medications").contains("AFTERWARDS"));
    medication(&mut tablet, "from the tablet", day(5), &mut rng);
    office.sync(&mut tablet, day(5), &mut rng);
    office.sync(&mut phone, day(5), &mut rng);
    assert!(mine(&mut phone, "medications").contains("from the tablet"));
    let mut recovery = Recovery::new(&phrase);
    recovery.receive(office.incoming(recovery.request_key().verification_key()));
    let mut again = recovery.complete(MemoryVault::new(), "new", &[], day(6), &mut rng).unwrap();
    office.sync(&mut again, day(6), &mut rng);
    assert_eq!(mine(&mut again, "medications"), mine(&mut phone, "medications"));
    let reopened = Holder::open(phone.journal().vault().clone()).unwrap();
    assert_eq!(reopened.fold().generations, phone.fold().generations);
}

/// Whoever has a removed device lets another in with it and tells nobody; a relay that helps hands
/// on what that one writes in an old epoch, and that alone.
#[test]
fn a64_a_device_that_nobody_tells_of_does_not_speak_for_the_holder() {
    let mut rng = seeded(6401);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "before", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let old = phone.fold().current(&section("medications"))[0];
    let mut den = office.clone();
    let mut minion = another(&mut laptop, &mut den, None, &mut rng);
    medication(&mut minion, "BY THE THIEF", day(1), &mut rng);
    den.sync(&mut minion, day(1), &mut rng);
    let by_minion = |bytes: &&Vec<u8>| {
        let header = header_of(bytes);
        header.author == minion.device() && header.epoch == old
    };
    let handed: Vec<_> = den.envelopes.iter().filter(by_minion).cloned().collect();
    assert_eq!(handed.len(), 1);

    phone.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    office.envelopes.extend(handed);
    for _ in 0..2 {
        office.sync(&mut phone, day(3), &mut rng);
    }
    assert!(mine(&mut phone, "medications").contains("before"));
    assert!(!mine(&mut phone, "medications").contains("BY THE THIEF"));
    assert_eq!(phone.quarantined().unwrap().len(), 1, "it waits for the holder's word");
}

#[test]
fn a46_what_a_device_wrote_before_it_heard_of_a_removal_comes_forward() {
    let mut rng = seeded(4602);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut tablet = another(&mut phone, &mut office, None, &mut rng);
    let mut desk = another(&mut phone, &mut office, None, &mut rng);
    phone.remove_device(laptop.device(), day(1), &mut rng).unwrap();
    let gp = practice("Elm Street Surgery", &mut rng);
    share(&mut tablet, &gp, &["allergies"], Right::Read, None, &mut rng);
    // Two removals at once: neither new key is safe, and a third takes their place.
    desk.remove_device(tablet.device(), day(1), &mut rng).unwrap();
    for _ in 0..3 {
        for device in [&mut phone, &mut tablet, &mut desk] {
            office.sync(device, day(2), &mut rng);
        }
    }
    assert!(!phone.fold().exposed);
    assert_eq!(phone.fold().generations, desk.fold().generations);
    assert_eq!(mine(&mut phone, "allergies"), mine(&mut desk, "allergies"));
    assert!(phone.fold().devices[&tablet.device()].removed);
}

#[test]
fn a46_a_grant_outlives_the_device_that_gave_it() {
    let mut rng = seeded(4603);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut laptop, &gp, &["medications"], Right::Contribute, None, &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    phone.remove_device(laptop.device(), day(2), &mut rng).unwrap();
    medication(&mut phone, "fluoxetine", day(3), &mut rng);
    office.sync(&mut phone, day(3), &mut rng);
    office.sync(&mut gp, day(3), &mut rng);
    let id = phone.passport();
    assert_eq!(theirs(&mut gp, id, "medications"), mine(&mut phone, "medications"));

    // The removed device founds on, more revocations claimed than ever were, and is not followed.
    let before = theirs(&mut gp, id, "medications");
    medication(&mut laptop, "POISON", day(4), &mut rng);
    for _ in 0..3 {
        laptop.revoke(gp.id(), &[], day(4), &mut rng).unwrap();
        share(&mut laptop, &gp, &["medications"], Right::Contribute, None, &mut rng);
    }
    office.sync(&mut laptop, day(4), &mut rng);
    office.sync(&mut gp, day(4), &mut rng);
    assert_eq!(theirs(&mut gp, id, "medications"), before);
    assert!(gp.may_write(id, &section("medications"), day(4)), "nor does its withdrawal count");
}

#[test]
fn a10_a_device_that_let_this_one_in_is_not_removed_by_it() {
    let mut rng = seeded(1001);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let before = stored(laptop.journal().vault());
    let refused = laptop.remove_device(phone.device(), day(1), &mut rng);
    assert_eq!(refused, Err(PartyError::Ancestor));
    assert_eq!(stored(laptop.journal().vault()), before);
    medication(&mut laptop, "still writes", day(1), &mut rng);
}

#[test]
fn a53_a_temporary_device_founds_nothing_after_its_end() {
    let mut rng = seeded(5301);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut library = another(&mut phone, &mut office, Some(day(2)), &mut rng);
    medication(&mut library, "in time", day(1), &mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    library.add_contact(gp.card(), true, day(3), &mut rng).unwrap();
    let share = passport_core::holder::Share {
        sections: vec![section("medications")],
        organisation: gp.id(),
        can: Right::Read,
        until: None,
        purpose: "x".to_owned(),
        history: false,
        nhs_number: None,
        unverified: false,
    };
    assert!(matches!(library.share(&share, day(3), &mut rng), Err(PartyError::Charter(_))));
}

#[test]
fn a14_letters_in_any_order_leave_a_withdrawn_grant_withdrawn() {
    let mut rng = seeded(1401);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    phone.revoke(gp.id(), &[], day(2), &mut rng).unwrap();
    office.take(&mut phone, day(2));
    let to_gp = office.letters.iter().filter(|(to, _)| *to == gp.instance());
    let mut letters: Vec<Vec<u8>> = to_gp.map(|(_, bytes)| bytes.clone()).collect();
    assert!(letters.len() >= 2);
    for pages in [1, letters.len()] {
        let mut gp =
            passport_core::organisation::Organisation::open(gp.journal().vault().clone()).unwrap();
        letters.reverse();
        for page in letters.chunks(letters.len().div_ceil(pages)) {
            let items = page.iter().cloned().map(IncomingItem::Letter).collect();
            office.hand(&mut gp, items);
        }
        letters.reverse();
        assert_eq!(gp.grants()[0].state(day(2)), HeldState::Revoked);
        assert!(!gp.may_write(phone.passport(), &section("medications"), day(2)));
        // Played again, and again.
        let items = letters.iter().cloned().map(IncomingItem::Letter).collect();
        office.hand(&mut gp, items);
        assert_eq!(gp.grants()[0].state(day(2)), HeldState::Revoked);
    }
}

#[test]
fn a06_an_organisation_that_missed_an_epoch_is_not_led_back_to_an_older_one() {
    let mut rng = seeded(601);
    for turn in 0..6 {
        let mut office = Office::default();
        let (mut phone, _) = student(&mut rng);
        let mut gp = practice("Elm Street Surgery", &mut rng);
        let other = practice("Campus Medical", &mut rng);
        share(&mut phone, &gp, &["medications"], Right::Read, None, &mut rng);
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut gp, day(1), &mut rng);
        // The letter of the epoch between is withheld.
        let held_back = office.letters.len();
        share(&mut phone, &other, &["medications"], Right::Read, None, &mut rng);
        office.take(&mut phone, day(2));
        office.letters.truncate(held_back);
        medication(&mut phone, "new", day(2), &mut rng);
        share(&mut phone, &other, &["medications"], Right::Contribute, None, &mut rng);
        office.sync(&mut phone, day(3), &mut rng);
        office.sync(&mut gp, day(3), &mut rng);
        let shown = theirs(&mut gp, phone.passport(), "medications");
        assert_eq!(shown, mine(&mut phone, "medications"), "turn {turn}");
    }
}

#[test]
fn a40_statements_whose_causes_never_come_hold_up_no_others() {
    let mut rng = seeded(4001);
    let (phone, _) = student(&mut rng);
    let thief = SigningKey::generate(&mut rng);
    let mut ledger = Ledger::new(phone.passport());
    let mut full = 0;
    for n in 0..5_000_u32 {
        let mut parent = [0xff; 32];
        parent[..4].copy_from_slice(&n.to_be_bytes());
        let statement = Statement {
            version: Statement::VERSION,
            passport: phone.passport(),
            parents: vec![StatementId::from_bytes(parent)],
            at: day(0),
            body: StatementBody::RelaysSet { relays: Vec::new() },
        };
        full += usize::from(
            ledger.insert(passport_core::keys::Signed::new(&statement, &thief)).is_err(),
        );
    }
    assert!(full > 0, "the queue is bounded");
    let draft = ledger.draft(day(0), StatementBody::RelaysSet { relays: Vec::new() }, &thief);
    assert_eq!(ledger.insert(draft), Ok(true));
    assert_eq!(ledger.heads().len(), 1);
}

#[test]
fn a41_statements_that_somebody_pours_out_keep_nobody_from_speaking() {
    let mut rng = seeded(4101);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let gone = SigningKey::generate(&mut rng);
    let mut ledger = Ledger::new(phone.passport());
    for (n, device) in [(1, &phone), (2, &laptop)] {
        let chain = device.fold().devices[&device.device()].chain.clone();
        let added = StatementBody::DeviceAdded { chain, name: "device".to_owned() };
        let (key, _) = stolen(device.journal().vault());
        ledger.insert(ledger.draft(day(n), added, &key)).unwrap();
    }
    // Whoever was removed has the key that older statements are sealed under.
    for n in 0..7_000 {
        let statement = Statement {
            version: Statement::VERSION,
            passport: phone.passport(),
            parents: Vec::new(),
            at: day(n),
            body: StatementBody::RelaysSet { relays: Vec::new() },
        };
        ledger.insert(passport_core::keys::Signed::new(&statement, &gone)).unwrap();
    }
    let (key, _) = stolen(phone.journal().vault());
    let before = ledger.heads();
    let said = ledger.draft(day(3), StatementBody::RelaysSet { relays: Vec::new() }, &key);
    assert_eq!(ledger.insert(said), Ok(true));
    let after = ledger.heads();
    assert!(after.len() < before.len());
    let of_laptop = |ids: &[StatementId]| {
        let all = ledger.statements().filter(|(id, _)| ids.contains(id));
        all.filter(|(_, signed)| signed.claimed_signer() == laptop.device()).count()
    };
    assert_eq!((of_laptop(&before), of_laptop(&after)), (1, 0), "what devices said is cited");
    medication(&mut laptop, "still writes", day(3), &mut rng);
}

#[test]
fn a15_a_statement_that_is_held_back_leaves_a_gap_once_another_cites_it() {
    let mut rng = seeded(1502);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Read, None, &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let known = office.envelopes.clone();
    phone.revoke(gp.id(), &[], day(1), &mut rng).unwrap();
    office.take(&mut phone, day(1));
    let held_back: Vec<_> =
        office.envelopes.iter().filter(|e| !known.contains(e)).cloned().collect();
    let other = practice("Campus Medical", &mut rng);
    phone.add_contact(other.card(), true, day(2), &mut rng).unwrap();
    office.take(&mut phone, day(2));
    office.envelopes.retain(|e| !held_back.contains(e));
    office.sync(&mut laptop, day(2), &mut rng);
    assert!(!laptop.fold().contacts.contains_key(&other.id()));
    assert_eq!(laptop.ledger_gaps(), 1);
    office.envelopes.extend(held_back);
    office.sync(&mut laptop, day(2), &mut rng);
    assert_eq!(laptop.ledger_gaps(), 0);
}

#[test]
fn a15_the_same_words_under_a_worthless_signature_keep_no_revocation_out() {
    let mut rng = seeded(1501);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let laptop = another(&mut phone, &mut office, None, &mut rng);
    let thief = SigningKey::generate(&mut rng);
    let mut ledger = Ledger::new(phone.passport());
    // Everything the phone says was said by a stranger first, word for word.
    let body = StatementBody::DeviceRemoved { device: laptop.device() };
    let vault = phone.journal().vault().clone();
    let (key, _) = stolen(&vault);
    let opened = phone.fold().devices[&phone.device()].chain.clone();
    let added = StatementBody::DeviceAdded { chain: opened, name: "phone".to_owned() };
    let first = ledger.draft(day(0), added, &key);
    ledger.insert(first).unwrap();
    let both = [ledger.draft(day(1), body.clone(), &thief), ledger.draft(day(1), body, &key)];
    for statement in both {
        assert_eq!(ledger.insert(statement), Ok(true));
    }
    assert_eq!(ledger.heads().len(), 2);
}

#[test]
fn a42_a_card_that_names_anothers_installation_is_refused() {
    let mut rng = seeded(4201);
    let (mut phone, _) = student(&mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    phone.add_contact(gp.card(), true, day(0), &mut rng).unwrap();
    let thief = SigningKey::generate(&mut rng);
    let mut card = passport_core::keys::Card::new(
        thief.verification_key(),
        "Usurper".to_owned(),
        passport_core::keys::OrganisationKind::Gp,
        day(0),
    );
    let theirs = &gp.card().instances()[0];
    let certificate = passport_core::keys::InstanceCertificate::new(
        card.id(),
        theirs.key(),
        theirs.receiving().clone(),
        day(0),
    );
    card.instances.push(passport_core::keys::Signed::new(&certificate, &thief));
    let card = card.sign(&thief).unwrap();
    let before = stored(phone.journal().vault());
    assert_eq!(
        phone.add_contact(&card, true, day(1), &mut rng),
        Err(PartyError::Card(CardError::ForeignInstance { position: 1 }))
    );
    assert_eq!(stored(phone.journal().vault()), before);
}

#[test]
fn a42_a_card_that_names_a_device_as_its_own_does_not_silence_the_device() {
    let mut rng = seeded(4202);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    let card_key = gp.journal().vault().get(Table::Key, b"card").unwrap().unwrap();
    let card_key = SigningKey::from_seed(&card_key.as_slice().try_into().unwrap());
    let mut card: passport_core::keys::Card = (**gp.card()).clone();
    card.serial += 1;
    let device = &phone.fold().devices[&laptop.device()].verified;
    let certificate = passport_core::keys::InstanceCertificate::new(
        card.id(),
        device.key(),
        device.receiving().clone(),
        day(0),
    );
    card.instances.push(passport_core::keys::Signed::new(&certificate, &card_key));
    let card = card.sign(&card_key).unwrap();
    phone.add_contact(&card, true, day(1), &mut rng).unwrap();
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    medication(&mut laptop, "by the laptop", day(2), &mut rng);
    let shown = mine(&mut laptop, "medications");
    assert!(shown.contains("by the laptop") && shown.contains("\"id\":\"holder\""));
}

#[test]
fn a56_a_wrong_phrase_is_named_and_leaves_nothing() {
    let mut rng = seeded(5601);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let words: Vec<&str> = phrase.words().collect();
    let parse = |words: &[&str]| RecoveryPhrase::parse(&words.join(" ")).map(|_| ());
    assert_eq!(parse(&words[..23]), Err(PhraseError::WordCount { count: 23 }));
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    assert!(words[0] == words[1] || parse(&swapped).is_err());
    let mut off = words.clone();
    off[4] = "zzzz";
    assert_eq!(parse(&off), Err(PhraseError::UnknownWord { position: 5 }));
    let other = Recovery::new(&RecoveryPhrase::generate(&mut rng));
    let failed = other.complete(MemoryVault::new(), "x", &[], day(1), &mut rng);
    assert_eq!(failed.err(), Some(PartyError::NothingToRecover));
}

#[test]
fn a52_a_restored_device_forks_in_plain_sight_and_both_branches_stand() {
    let mut rng = seeded(5201);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    medication(&mut phone, "first", day(0), &mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut clone = Holder::open(phone.journal().vault().clone()).unwrap();
    medication(&mut phone, "on the phone", day(1), &mut rng);
    medication(&mut clone, "on the clone", day(1), &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(1), &mut rng);
        office.sync(&mut clone, day(1), &mut rng);
    }
    let shown = mine(&mut phone, "medications");
    assert_eq!(shown, mine(&mut clone, "medications"));
    assert!(shown.contains("on the phone") && shown.contains("on the clone"));
}

#[test]
fn a17_a18_words_differ_when_a_key_does() {
    let mut rng = seeded(1701);
    let (gp, thief) = (practice("Elm", &mut rng), practice("Elm", &mut rng));
    let words = |p: &Practice| passport_core::keys::verification_phrase(&p.id()).unwrap();
    assert_ne!(words(&gp).to_string(), words(&thief).to_string());
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let (mut evil, _) = student(&mut rng);
    let vault = MemoryVault::new();
    let pending = passport_core::holder::PendingDevice::create(vault, &[], None, &mut rng).unwrap();
    let request = pending.request().0.to_vec();
    // Whoever sees the request may answer it first: then the words are not those of the phone.
    evil.approve_device(&request, "trap", day(0), &mut rng).unwrap();
    office.take(&mut evil, day(0));
    let key = pending.request_key().verification_key();
    let joined = pending.receive(office.incoming(key)).unwrap().unwrap();
    let shown = phone.words_for(&request).unwrap().unwrap().to_string();
    assert_ne!(joined.words().unwrap().to_string(), shown);
    phone.approve_device(&request, "laptop", day(0), &mut rng).unwrap();
    // A request that was altered on the way is not one.
    let mut altered = request;
    altered[40] ^= 1;
    assert!(matches!(phone.words_for(&altered), Err(PartyError::Enrolment)));
}
