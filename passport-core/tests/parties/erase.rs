//! What was erased is nowhere any more, and what was not is still there.

use passport_core::archive::Archive;
use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::{PhaseKeys, Right, VerifiedCharter};
use passport_core::holder::Holder;
use passport_core::id::{EntryId, EpochId};
use passport_core::journal::Journal;
use passport_core::keys::{OrganisationKind, RecoveryPhrase};
use passport_core::party::{Pace, Party as _};
use passport_core::receipt::Access;
use passport_core::vault::{MemoryVault, Vault};
use rand_chacha::ChaCha20Rng;

use super::office::*;

/// What must be gone: an entry, a note on it, and a value that was overwritten.
const WORDS: [&str; 3] = ["Secretol", "told nobody", "666 mg"];

/// The sections that anything was written in.
const WRITTEN: [&str; 3] = ["medications", "x-diary", "x-other"];

/// What keys open of sealed envelopes, packs included.
fn opened(
    keys: &[(&VerifiedCharter, &PhaseKeys)],
    envelopes: impl IntoIterator<Item = SealedEnvelope>,
) -> String {
    let mut bytes = Vec::new();
    for envelope in envelopes {
        for (charter, keys) in keys {
            for key in keys.values() {
                let opened = envelope.clone().verify().unwrap().open(key);
                bytes.extend(opened.map(|o| o.body().to_vec()).unwrap_or_default());
            }
            let archive = Archive::of(charter, keys);
            let packed = archive.and_then(|a| a.open(&envelope, charter, keys));
            bytes.extend(packed.iter().flatten().flat_map(|o| o.body().to_vec()));
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a device's keys open.
fn reach(device: &Student, envelopes: impl IntoIterator<Item = SealedEnvelope>) -> String {
    let epochs = device.fold().epochs.values();
    let epochs = epochs.filter(|e| WRITTEN.contains(&e.charter.section.as_str()));
    let epochs: Vec<_> = epochs.map(|e| (&e.charter, &e.keys)).collect();
    opened(&epochs, envelopes)
}

fn all_of<V: Vault>(journal: &Journal<V>) -> Vec<SealedEnvelope> {
    let epochs: Vec<EpochId> = journal.epochs().copied().collect();
    epochs.iter().flat_map(|epoch| journal.envelopes(epoch).unwrap()).collect()
}

fn at_relay(office: &Office) -> Vec<SealedEnvelope> {
    office.envelopes.iter().map(|e| SealedEnvelope::decode(e).unwrap()).collect()
}

fn words_in(text: &str) -> Vec<&'static str> {
    WORDS.into_iter().filter(|word| text.contains(word)).collect()
}

/// Where the erased words are, by whoever could open them.
fn found(office: &Office, devices: &[&Student], practices: &[&Practice]) -> Vec<String> {
    let keys = devices[0];
    let mut places = vec![("relay".to_owned(), reach(keys, at_relay(office)))];
    for (n, device) in devices.iter().enumerate() {
        places.push((format!("device {n}"), reach(keys, all_of(device.journal()))));
    }
    for (n, practice) in practices.iter().enumerate() {
        // The office hands everybody everything; what it cannot open it would not be handed.
        let own = practice.epochs().values().map(|e| (&e.charter, &e.keys));
        let own: Vec<_> = own.collect();
        places.push((format!("practice {n}"), opened(&own, all_of(practice.journal()))));
    }
    let said = places.iter().flat_map(|(place, text)| {
        words_in(text).into_iter().map(move |word| format!("{word} at {place}"))
    });
    said.collect()
}

struct Story {
    rng: ChaCha20Rng,
    office: Office,
    phone: Student,
    laptop: Student,
    gp: Practice,
    phrase: RecoveryPhrase,
    secret: EntryId,
    kept: EntryId,
}

/// Two devices and a practice that writes, with an entry that is to go and one that stays.
fn story(seed: u64) -> Story {
    let mut rng = rng(seed);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let secret = medication(&mut phone, "Secretol", "666 mg", day(0), &mut rng);
    let kept = medication(&mut phone, "Sertraline", "50 mg", day(0), &mut rng);
    let dose = [("dose".to_owned(), Some(text("dose", "5 mg").1))];
    phone.edit(secret, &dose, day(0), &mut rng).unwrap();
    phone.annotate(secret, "told nobody", day(0), &mut rng).unwrap();
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    let mut gp = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut gp, day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    Story { rng, office, phone, laptop, gp, phrase, secret, kept }
}

impl Story {
    fn erase(&mut self, now: i64) {
        erase(&mut self.phone, self.secret, now, &mut self.rng);
    }

    fn rounds(&mut self, now: i64) {
        for _ in 0..3 {
            self.office.sync(&mut self.phone, day(now), &mut self.rng);
            self.office.sync(&mut self.gp, day(now), &mut self.rng);
            self.office.sync(&mut self.laptop, day(now), &mut self.rng);
        }
    }

    fn nowhere(&self) {
        let left = found(&self.office, &[&self.phone, &self.laptop], &[&self.gp]);
        assert!(left.is_empty(), "{left:?}");
    }

    fn agree(&mut self) -> String {
        let medicines = section("medications");
        let mine = shown(&self.phone.view(&medicines).unwrap());
        assert_eq!(shown(&self.laptop.view(&medicines).unwrap()), mine);
        let student = self.phone.passport();
        assert_eq!(shown(&self.gp.view(student, &medicines).unwrap()), mine);
        mine
    }
}

fn erase(device: &mut Student, entry: EntryId, now: i64, rng: &mut ChaCha20Rng) {
    let what = device.erasing_entry(entry, day(now)).unwrap();
    device.erase(&what, day(now), rng).unwrap();
}

#[test]
fn what_is_erased_is_nowhere_once_all_have_heard() {
    let mut s = story(101);
    let before = found(&s.office, &[&s.phone, &s.laptop], &[&s.gp]);
    assert_eq!(before.len(), 11, "an epoch before the sharing, and one since: {before:?}");
    let what = s.phone.erasing_entry(s.secret, day(2)).unwrap();
    assert_eq!((what.len(), what[0].shown, what[0].told.len()), (1, 1, 1));
    assert!(what[0].changes >= 4 && what[0].since == Some(day(0)), "{what:?}");
    s.erase(2);
    assert!(!shown(&s.phone.view(&section("medications")).unwrap()).contains("Secretol"));
    assert!(s.phone.history(&section("medications")).unwrap().is_empty());
    // The relay forgets with the next exchange, though nobody else has heard.
    for _ in 0..2 {
        s.office.sync(&mut s.phone, day(2), &mut s.rng);
    }
    assert_eq!(words_in(&reach(&s.phone, at_relay(&s.office))), [""; 0]);
    s.rounds(2);
    s.nowhere();
    let left = s.agree();
    assert!(left.contains("Sertraline"));
    let told = s.phone.access_log(Some(s.gp.id())).unwrap();
    assert!(told.iter().any(|line| line.what == Access::Erased), "{told:?}");
    assert!(s.gp.audited().unwrap().iter().any(|line| line.what == Access::Erased));
    // The history begins anew, also for who comes back with the phrase.
    let dose = [("dose".to_owned(), Some(text("dose", "75 mg").1))];
    s.phone.edit(s.kept, &dose, day(3), &mut s.rng).unwrap();
    s.rounds(3);
    let mut again = recover(&s.phrase, &s.office, &mut s.rng);
    s.office.sync(&mut again, day(3), &mut s.rng);
    let medicines = section("medications");
    assert_eq!(shown(&again.view(&medicines).unwrap()), s.agree());
    assert_eq!(again.history(&medicines).unwrap(), s.phone.history(&medicines).unwrap());
    assert_eq!(again.history(&medicines).unwrap().len(), 1);
}

#[test]
fn what_others_wrote_meanwhile_is_carried_over_and_nothing_of_the_erased() {
    let mut s = story(102);
    // Neither the laptop nor the practice has heard when they write where it was.
    let dose = [("dose".to_owned(), Some(text("dose", "666 mg").1))];
    s.laptop.edit(s.secret, &dose, day(2), &mut s.rng).unwrap();
    let dose = [("dose".to_owned(), Some(text("dose", "100 mg").1))];
    s.laptop.edit(s.kept, &dose, day(2), &mut s.rng).unwrap();
    medication(&mut s.laptop, "Ibuprofen", "200 mg", day(2), &mut s.rng);
    let (student, medicines) = (s.phone.passport(), section("medications"));
    let fields = [code("item", "Lithium")];
    s.gp.contribute(student, &medicines, "medication", &fields, day(2), &mut s.rng).unwrap();
    s.gp.annotate(student, s.secret, "told nobody", day(2), &mut s.rng).unwrap();
    s.erase(2);
    s.rounds(4);
    s.nowhere();
    let left = s.agree();
    for word in ["Ibuprofen", "Lithium", "100 mg"] {
        assert!(left.contains(word), "{word} was lost: {left}");
    }
}

#[test]
fn a_copy_that_is_put_back_and_an_epoch_that_was_archived_bring_nothing_back() {
    let mut s = story(103);
    // Long enough for the first epoch to be in the archive alone.
    s.rounds(2);
    s.rounds(40);
    let archives = s.phone.fold().epochs.values().filter_map(|e| e.archive.as_ref());
    let packed: u64 = archives.map(|a| s.phone.journal().extent(&a.id()).count).sum();
    assert!(packed > 0 && found(&s.office, &[&s.phone], &[]).len() == 6);
    let copies = [s.phone.journal().vault().clone(), s.laptop.journal().vault().clone()];
    s.erase(41);
    s.rounds(41);
    s.nowhere();
    for copy in copies {
        let mut back = Holder::open(copy).unwrap();
        assert!(!words_in(&reach(&s.phone, all_of(back.journal()))).is_empty());
        for _ in 0..2 {
            s.office.sync(&mut back, day(42), &mut s.rng);
        }
        let left = found(&s.office, &[&s.phone, &back], &[]);
        assert!(left.is_empty(), "{left:?}");
        let medicines = section("medications");
        assert_eq!(shown(&back.view(&medicines).unwrap()), s.agree());
    }
}

#[test]
fn an_old_epoch_that_somebody_brings_to_a_relay_is_dropped_there_too() {
    let mut s = story(104);
    let old = s.gp.journal().vault().clone();
    let before = s.office.envelopes.clone();
    s.erase(2);
    s.rounds(2);
    s.nowhere();
    // A copy of the practice's vault fills another relay, and the old one has all it ever had.
    let mut other = Office { relay: [9; 16], ..Office::default() };
    let mut put_back = passport_core::organisation::Organisation::open(old).unwrap();
    other.sync(&mut s.phone, day(3), &mut s.rng);
    other.sync(&mut put_back, day(3), &mut s.rng);
    let epochs = |e: &Vec<u8>| SealedEnvelope::decode(e).unwrap().header().epoch;
    let stale = s.phone.fold().stale.clone();
    for envelope in before.iter().filter(|e| stale.contains(&epochs(e))) {
        other.envelopes.push(envelope.clone());
        s.office.envelopes.push(envelope.clone());
    }
    assert!(found(&other, &[&s.phone], &[]).len() >= 3);
    for _ in 0..2 {
        other.sync(&mut s.phone, day(4), &mut s.rng);
        s.office.sync(&mut s.laptop, day(4), &mut s.rng);
        other.sync(&mut s.laptop, day(4), &mut s.rng);
    }
    s.nowhere();
    let left = found(&other, &[&s.phone, &s.laptop], &[]);
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn two_devices_that_erase_and_found_at_once_lose_what_was_erased_and_nothing_else() {
    for turn in 0..4_u64 {
        let mut s = story(105 + turn);
        let other = medication(&mut s.laptop, "666 mg", "1 mg", day(2), &mut s.rng);
        medication(&mut s.laptop, "Ibuprofen", "200 mg", day(2), &mut s.rng);
        medication(&mut s.phone, "Paracetamol", "500 mg", day(2), &mut s.rng);
        s.erase(2);
        if turn % 2 == 0 {
            erase(&mut s.laptop, other, 2, &mut s.rng);
        } else {
            // It shares instead, with what the phone erases in it.
            let campus = practice("Campus Medical", OrganisationKind::Gp, &mut s.rng);
            let laptop = &mut s.laptop;
            share(laptop, &campus, &["medications"], Right::Read, None, day(2), &mut s.rng);
            laptop.remove(other, day(2), &mut s.rng).unwrap();
            let _ = laptop;
        }
        if turn < 2 {
            s.office.sync(&mut s.laptop, day(2), &mut s.rng);
        }
        s.rounds(2);
        if turn % 2 == 1 {
            let history = s.phone.erasing_section(&section("medications"), true, day(3)).unwrap();
            s.phone.erase(&[history], day(3), &mut s.rng).unwrap();
            s.rounds(3);
        }
        s.nowhere();
        let left = s.agree();
        for word in ["Sertraline", "Ibuprofen", "Paracetamol"] {
            assert!(left.contains(word), "turn {turn}: {word} was lost: {left}");
        }
    }
}

#[test]
fn a_device_that_is_never_heard_of_again_keeps_nothing_from_going() {
    let mut s = story(110);
    s.erase(2);
    for now in [2, 20, 33, 33] {
        s.office.sync(&mut s.phone, day(now), &mut s.rng);
        s.office.sync(&mut s.gp, day(now), &mut s.rng);
        let left = found(&s.office, &[&s.phone], &[]);
        let waits = !words_in(&reach(&s.phone, all_of(s.phone.journal()))).is_empty();
        assert_eq!(waits, now < 30, "day {now}: {left:?}");
    }
    // It comes back after all: what it wrote where nobody follows any more stays with it alone,
    // unless it can bring it over itself.
    let dose = [("dose".to_owned(), Some(text("dose", "100 mg").1))];
    s.laptop.edit(s.kept, &dose, day(20), &mut s.rng).unwrap();
    s.rounds(40);
    s.nowhere();
    assert!(s.agree().contains("100 mg"));
}

#[test]
fn a_section_is_erased_whole_and_what_was_added_beside_stays() {
    let mut s = story(111);
    medication(&mut s.laptop, "Ibuprofen", "200 mg", day(2), &mut s.rng);
    let what = s.phone.erasing_section(&section("medications"), false, day(2)).unwrap();
    assert_eq!(what.shown, 2);
    s.phone.erase(&[what], day(2), &mut s.rng).unwrap();
    assert!(s.phone.view(&section("medications")).unwrap().entries.is_empty());
    s.rounds(2);
    s.nowhere();
    let left = s.agree();
    assert!(left.contains("Ibuprofen") && !left.contains("Sertraline"), "{left}");
}

#[test]
fn an_entry_that_was_moved_is_erased_where_it_came_from_too() {
    let mut rng = rng(112);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let note = passport_core::holder::NewEntry {
        section: section("x-diary"),
        kind: "note".to_owned(),
        fields: vec![text("title", "Secretol")],
    };
    let entry = phone.add(&[note], day(0), &mut rng).unwrap()[0];
    phone.move_entry(entry, &section("x-other"), day(0), &mut rng).unwrap();
    office.sync(&mut phone, day(0), &mut rng);
    erase(&mut phone, entry, 1, &mut rng);
    for _ in 0..2 {
        office.sync(&mut phone, day(1), &mut rng);
    }
    assert!(found(&office, &[&phone], &[]).is_empty());
    assert!(phone.erasing_entry(entry, day(1)).is_err(), "it is nowhere");
    let _ = phone.tidy(Pace::Quiet, day(2), &mut rng).unwrap();
    let reopened: Holder<MemoryVault> = Holder::open(phone.journal().vault().clone()).unwrap();
    assert_eq!(reopened.fold().stale, phone.fold().stale);
}
