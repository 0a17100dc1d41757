//! A relay gone bad, against a student's device and an organisation.

use passport_core::access::{AccessList, Member, Rights};
use passport_core::codec;
use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::Recovery;
use passport_core::id::EpochId;
use passport_core::journal::IncomingItem;
use passport_core::keys::{PhaseKey, ReceivingKey, Signed, SigningKey};
use passport_core::ledger::{control_key, section_channel};
use passport_core::letter::Letter;
use passport_core::party::Party as _;
use passport_core::vault::{MemoryVault, Table, Vault as _};
use rand_core::Rng as _;

use crate::office::*;

/// A student and a practice that shares, synced, and all that the relay has.
fn scene(seed: u64) -> (Student, Practice, Office, rand_chacha::ChaCha20Rng) {
    let mut rng = seeded(seed);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    for n in 0..3 {
        medication(&mut phone, &format!("item {n}"), day(1), &mut rng);
    }
    office.take(&mut phone, day(1));
    (phone, gp, office, rng)
}

fn items(office: &Office, gp: &Practice) -> Vec<IncomingItem> {
    office.incoming(gp.instance()).items
}

fn copy(item: &IncomingItem) -> IncomingItem {
    match item {
        IncomingItem::Envelope(b) => IncomingItem::Envelope(b.clone()),
        IncomingItem::Letter(b) => IncomingItem::Letter(b.clone()),
        IncomingItem::AccessList(b) => IncomingItem::AccessList(b.clone()),
    }
}

#[test]
fn a01_a_gap_is_seen() {
    let (phone, mut gp, office, _) = scene(1);
    let last = office.envelopes.iter().filter(|e| {
        let header = header_of(e);
        header.author == phone.device() && header.seq == 3
    });
    let withheld: Vec<_> = last.cloned().collect();
    let kept = items(&office, &gp)
        .into_iter()
        .filter(|i| !matches!(i, IncomingItem::Envelope(b) if withheld.contains(b)));
    office.hand(&mut gp, kept.collect());
    let view = gp.view(phone.passport(), &section("medications")).unwrap();
    let missing: Vec<_> = gp.replica(view.epoch).unwrap().missing().copied().collect();
    assert_eq!(missing.len(), 1);
    let ids = withheld.iter().map(|e| SealedEnvelope::decode(e).unwrap().id());
    assert!(ids.collect::<Vec<_>>().contains(&missing[0]));
    assert!(view.entries.len() < 3);
    office.hand(&mut gp, withheld.into_iter().map(IncomingItem::Envelope).collect());
    assert_eq!(gp.view(phone.passport(), &section("medications")).unwrap().entries.len(), 3);
}

#[test]
fn a02_a_relay_that_answers_and_holds_everything_back_is_told_by_its_last_news() {
    let (mut phone, mut gp, mut office, mut rng) = scene(2);
    office.sync(&mut gp, day(1), &mut rng);
    medication(&mut phone, "held back", day(2), &mut rng);
    office.take(&mut phone, day(2));
    let told = phone.remote(URL).unwrap().last_news;
    for n in 3..9 {
        let mut silent = Office { relay: office.relay, ..Office::default() };
        silent.sync(&mut gp, day(n), &mut rng);
        let seen = gp.remote(URL).unwrap();
        assert_eq!((seen.last_confirmed, seen.last_news), (Some(day(n)), Some(day(1))));
        silent.sync(&mut phone, day(n), &mut rng);
        let seen = phone.remote(URL).unwrap();
        assert_eq!((seen.last_confirmed, seen.last_news), (Some(day(n)), told));
    }
    office.sync(&mut gp, day(9), &mut rng);
    assert_eq!(gp.remote(URL).unwrap().last_news, Some(day(9)));
    office.sync(&mut phone, day(9), &mut rng);
    assert_eq!(phone.remote(URL).unwrap().last_news, Some(day(9)), "the practice's receipts");
}

#[test]
fn a05_what_was_shown_to_one_alone_comes_by_any_other_way_or_leaves_a_gap() {
    let mut rng = seeded(5);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut tablet = another(&mut phone, &mut office, None, &mut rng);
    // From here on each is shown what it wrote itself.
    let (mut to_phone, mut to_laptop) = (office.clone(), office.clone());
    medication(&mut phone, "on the phone", day(1), &mut rng);
    medication(&mut laptop, "on the laptop", day(1), &mut rng);
    to_phone.sync(&mut phone, day(1), &mut rng);
    to_laptop.sync(&mut laptop, day(1), &mut rng);
    let to = section("medications");
    assert_ne!(mine(&mut phone, "medications"), mine(&mut laptop, "medications"));
    assert_eq!((phone.gaps(&to), laptop.gaps(&to)), (Ok((0, 0)), Ok((0, 0))), "nothing tells yet");

    // Once they meet, both have both; and what is written then cites both.
    let mut stick = Office { relay: [9; 16], ..Office::default() };
    stick.sync(&mut phone, day(2), &mut rng);
    stick.sync(&mut laptop, day(2), &mut rng);
    stick.sync(&mut phone, day(2), &mut rng);
    assert_eq!(mine(&mut phone, "medications"), mine(&mut laptop, "medications"));
    medication(&mut laptop, "afterwards", day(3), &mut rng);
    to_laptop.take(&mut laptop, day(3));
    let hidden = |bytes: &Vec<u8>| {
        header_of(bytes).author == phone.device() && !office.envelopes.contains(bytes)
    };
    to_laptop.envelopes.retain(|bytes| !hidden(bytes));
    to_laptop.sync(&mut tablet, day(3), &mut rng);
    assert!(!mine(&mut tablet, "medications").contains("afterwards"), "it waits for what it cites");
    assert_eq!(tablet.gaps(&to), Ok((1, 0)), "and says so");
}

#[test]
fn a06_a_relay_that_was_set_back_leads_nobody_back_and_is_brought_up_to_date() {
    let mut rng = seeded(6);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    medication(&mut phone, "before", day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    let mut set_back = office.clone();
    medication(&mut phone, "latest", day(2), &mut rng);
    phone.revoke(gp.id(), &[], day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    office.sync(&mut gp, day(2), &mut rng);
    let before = stored(phone.journal().vault());
    let shown = theirs(&mut gp, phone.passport(), "medications");
    for party in [&mut phone as &mut dyn passport_core::party::Party, &mut gp] {
        party.met(URL, set_back.relay, true).unwrap();
        let old = set_back.incoming(party.request_key().verification_key());
        assert_eq!(party.receive(URL, old, day(3)).unwrap().new, 0);
    }
    assert_eq!(stored(phone.journal().vault()), before);
    assert_eq!(theirs(&mut gp, phone.passport(), "medications"), shown);
    assert!(!gp.may_write(phone.passport(), &section("medications"), day(3)));
    set_back.take(&mut phone, day(3));
    // All there is to know is there again: what everybody had left, in an archive.
    let mut recovery = Recovery::new(&phrase);
    recovery.receive(set_back.incoming(recovery.request_key().verification_key()));
    let mut again = recovery.complete(MemoryVault::new(), "new", &[], day(3), &mut rng).unwrap();
    set_back.sync(&mut again, day(3), &mut rng);
    assert_eq!(mine(&mut again, "medications"), mine(&mut phone, "medications"));
    let to = section("medications");
    assert_eq!(again.history(&to).unwrap().len(), phone.history(&to).unwrap().len());
}

#[test]
fn a03_a04_any_order_and_any_number_of_copies_show_the_same() {
    let (mut phone, mut gp, office, mut rng) = scene(3);
    let mut all = items(&office, &gp);
    for turn in 0..3 {
        for i in (1..all.len()).rev() {
            let j = usize::try_from(rng.next_u64() % (i as u64 + 1)).unwrap();
            all.swap(i, j);
        }
        let mut fresh =
            passport_core::organisation::Organisation::open(gp.journal().vault().clone()).unwrap();
        for page in all.chunks(1 + turn * 40) {
            office.hand(&mut fresh, page.iter().map(copy).collect());
        }
        let shown = theirs(&mut fresh, phone.passport(), "medications");
        assert_eq!(shown, mine(&mut phone, "medications"));
    }
    office.hand(&mut gp, all.iter().map(copy).collect());
    let before = stored(gp.journal().vault());
    let envelopes = all.iter().filter(|i| matches!(i, IncomingItem::Envelope(_)));
    let many: Vec<_> = envelopes.take(20).flat_map(|i| (0..50).map(move |_| copy(i))).collect();
    assert_eq!(many.len(), 1_000);
    assert_eq!(office.hand(&mut gp, many).new, 0);
    assert_eq!(stored(gp.journal().vault()), before);
}

#[test]
fn a24_a_copy_spoiled_on_the_way_keeps_the_good_one_out_of_nobodys_journal() {
    let (mut phone, mut gp, office, mut rng) = scene(2401);
    let good = items(&office, &gp);
    let letters: Vec<_> =
        good.iter().filter(|i| matches!(i, IncomingItem::Letter(_))).map(copy).collect();
    let spoil = |bytes: &[u8], by: u8| {
        // The last byte of the ciphertext: identity and signature are as they were.
        let mut spoiled = bytes.to_vec();
        let at = spoiled.len() - 64 - 2 - 1;
        spoiled[at] ^= by;
        let same = SealedEnvelope::decode(&spoiled).unwrap();
        assert_eq!(same.id(), SealedEnvelope::decode(bytes).unwrap().id());
        assert!(same.verify().is_ok());
        spoiled
    };
    let spoiled =
        |by| office.envelopes.iter().map(|e| IncomingItem::Envelope(spoil(e, by))).collect();
    // Before there is any key; after; and then from another relay the good ones.
    office.hand(&mut gp, spoiled(1));
    office.hand(&mut gp, letters);
    let received = office.hand(&mut gp, spoiled(2));
    assert!(received.unusable > 0, "what does not open is reported");
    office.hand(&mut gp, good);
    assert_eq!(theirs(&mut gp, phone.passport(), "medications"), mine(&mut phone, "medications"));

    // The same against a student's second device.
    let mut office = office;
    let mut laptop = another(&mut phone, &mut office, None, &mut rng);
    medication(&mut phone, "new", day(2), &mut rng);
    office.take(&mut phone, day(2));
    let bad = office.envelopes.iter().map(|e| IncomingItem::Envelope(spoil(e, 1))).collect();
    let before = stored(laptop.journal().vault());
    let received = office.hand(&mut laptop, bad);
    assert!(received.unusable > 0 && received.new == 0);
    assert_eq!(stored(laptop.journal().vault()), before);
    office.sync(&mut laptop, day(2), &mut rng);
    assert_eq!(mine(&mut laptop, "medications"), mine(&mut phone, "medications"));
}

#[test]
fn a13_access_lists_of_strangers_are_not_learned() {
    let (mut phone, _, office, mut rng) = scene(13);
    let ledger_key = phone.journal().vault().get(Table::Key, b"ledger").unwrap().unwrap();
    let control = control_key(&PhaseKey::from_slice(&ledger_key).unwrap());
    let channel = section_channel(&control, &section("medications"));
    let thief = SigningKey::generate(&mut rng);
    let forged = |serial, nonce: [u8; 16], key: &SigningKey| {
        let member = Member {
            key: thief.verification_key(),
            can: Rights::ReadWrite,
            until: None,
            history: true,
        };
        let none: [EpochId; 0] = [];
        AccessList::new(key.verification_key(), nonce, serial, None, none, [member])
    };
    // For a channel that is not its own, with a count that nothing follows; and many others.
    let mut claimed = forged(u64::MAX, [0; 16], &thief);
    claimed.channel = channel;
    let mut lists = vec![Signed::new(&claimed, &thief)];
    lists.extend((0..50).map(|n| Signed::new(&forged(u64::MAX, [n; 16], &thief), &thief)));
    // Under its own key the count may be anything: it must not overflow.
    let nonce = passport_core::ledger::channel_nonce(&control, "medications");
    let own = Signed::new(&forged(u64::MAX, nonce, &control), &control);
    let before = phone.remote(URL).unwrap();
    let told = |list: &Signed<AccessList>| IncomingItem::AccessList(codec::encode(list));
    office.hand(&mut phone, lists.iter().map(told).collect());
    for list in &lists {
        assert!(!phone.learn_list(URL, list).unwrap());
    }
    let mut after = phone.remote(URL).unwrap();
    assert_eq!(after.list(&channel), before.list(&channel));
    after.last_confirmed = before.last_confirmed;
    assert_eq!(codec::encode(&after).len(), codec::encode(&before).len());
    assert!(!phone.outgoing(URL, day(1)).unwrap().lists.iter().any(|l| lists.contains(l)));
    office.hand(&mut phone, vec![told(&own)]);
    assert!(phone.outgoing(URL, day(1)).is_ok());
}

#[test]
fn a16_a_charter_or_wrap_that_was_changed_is_no_offer() {
    let (phone, mut gp, office, mut rng) = scene(16);
    let seed = gp.journal().vault().get(Table::Key, b"receiving").unwrap().unwrap();
    let receiving = ReceivingKey::from_seed(&seed.as_slice().try_into().unwrap());
    let me = gp.instance();
    let letter = office.letters.iter().rev().find(|(to, _)| *to == me).unwrap().1.clone();
    let Letter::Offer(offer) = Letter::open(&letter, &me, &receiving).unwrap() else {
        panic!("an offer")
    };
    let thief = SigningKey::generate(&mut rng);
    let before = stored(gp.journal().vault());
    let own = gp.card().instances()[0].receiving().clone();
    let mut forgeries = Vec::new();
    // The relay's own charter in the place of the holder's, its own grant, its own wrap.
    let charter = offer.epoch.charter.verify().unwrap().into_inner();
    let mut forged = (*offer).clone();
    forged.epoch.charter = Signed::new(&charter, &thief);
    forgeries.push(forged);
    let mut grant = offer.grant.verify().unwrap().into_inner();
    grant.until = None;
    let mut forged = (*offer).clone();
    forged.grant = Signed::new(&grant, &thief);
    forgeries.push(forged);
    let wrap = offer.epoch.wraps[0].verify().unwrap();
    let other = PhaseKey::generate(&mut rng);
    let wrong = wrap.context.wrap(&own, &other, &mut rng).unwrap();
    let mut forged = (*offer).clone();
    forged.epoch.wraps = vec![Signed::new(&wrong, &thief)];
    forgeries.push(forged);
    // A19: even the holder cannot give two readers two keys: the charter commits to one.
    for forged in forgeries {
        let sealed = Letter::Offer(Box::new(forged)).seal(&me, &own, &mut rng).unwrap();
        let received = office.hand(&mut gp, vec![IncomingItem::Letter(sealed)]);
        assert_eq!((received.new, received.unusable), (0, 1));
    }
    assert_eq!(stored(gp.journal().vault()), before);
    office.hand(&mut gp, vec![IncomingItem::Letter(letter)]);
    assert_eq!(gp.grants()[0].grant.passport, phone.passport());
}

#[test]
fn a25_letters_and_envelopes_cut_anywhere_change_nothing() {
    let (_, mut gp, office, _) = scene(2501);
    let before = stored(gp.journal().vault());
    let me = gp.instance();
    let letter = &office.letters.iter().find(|(to, _)| *to == me).unwrap().1;
    let cuts = (0..letter.len()).step_by(7).map(|at| IncomingItem::Letter(letter[..at].to_vec()));
    let envelope = &office.envelopes[0];
    let more = (0..envelope.len()).step_by(3);
    let more = more.map(|at| IncomingItem::Envelope(envelope[..at].to_vec()));
    let all: Vec<_> = cuts.chain(more).collect();
    let count = all.len();
    let received = office.hand(&mut gp, all);
    assert_eq!((received.new, received.unusable), (0, count));
    assert_eq!(stored(gp.journal().vault()), before);
}

#[test]
fn a28_what_a_relay_lost_it_is_offered_again() {
    let (mut phone, mut gp, mut office, mut rng) = scene(28);
    office.sync(&mut phone, day(1), &mut rng);
    assert!(phone.outgoing(URL, day(1)).unwrap().is_empty());
    let had = office.envelopes.len();
    let mut empty = Office { relay: [9; 16], ..Office::default() };
    empty.sync(&mut phone, day(2), &mut rng);
    assert_eq!(empty.envelopes.len(), had);
    empty.sync(&mut gp, day(2), &mut rng);
    assert_eq!(theirs(&mut gp, phone.passport(), "medications"), mine(&mut phone, "medications"));
}

#[test]
fn a26_a_relays_clock_ends_and_begins_nothing() {
    let (mut phone, mut gp, mut office, mut rng) = scene(26);
    office.sync(&mut gp, day(1), &mut rng);
    let before = theirs(&mut gp, phone.passport(), "medications");
    // The party's own clock is the only one that is asked, and it is handed in.
    gp.receive(URL, office.only(Vec::new()), day(40_000)).unwrap();
    phone.receive(URL, office.only(Vec::new()), day(-40_000)).unwrap();
    assert_eq!(theirs(&mut gp, phone.passport(), "medications"), before);
    assert!(gp.may_write(phone.passport(), &section("medications"), day(1)));
}
