//! What is kept back: under a passphrase of its own, on every device, after a recovery.

use passport_core::envelope::SealedEnvelope;
use passport_core::holder::{Holder, NewEntry};
use passport_core::party::PartyError;
use passport_core::section::Value;
use passport_core::vault::{Table, Vault};
use rand_chacha::ChaCha20Rng;

use super::office::*;

const PASSPHRASE: &str = "a door behind the books";

fn keep(student: &mut Student, words: &str, rng: &mut ChaCha20Rng) -> Result<(), PartyError> {
    let fields = vec![("text".to_owned(), Value::Prose(words.to_owned()))];
    let entry = NewEntry { section: section("private"), kind: "note".to_owned(), fields };
    student.add(&[entry], day(1), rng).map(|_| ())
}

fn kept(student: &mut Student) -> String {
    shown(&student.view(&section("private")).unwrap())
}

/// Everything that a vault holds, and whatever opens of it with keys that lie in it.
fn within_reach(student: &Student) -> Vec<u8> {
    let vault = student.journal().vault();
    let mut bytes = Vec::new();
    for table in Table::ALL {
        for (key, value) in vault.scan(table).unwrap() {
            bytes.extend(key);
            bytes.extend_from_slice(&value);
        }
    }
    for epoch in student.fold().epochs.values() {
        for envelope in student.journal().envelopes(&epoch.charter.id()).unwrap() {
            let envelope = envelope.verify().unwrap();
            let opened = epoch.keys.values().find_map(|key| envelope.open(key).ok());
            bytes.extend(opened.map(|o| o.body().to_vec()).unwrap_or_default());
        }
    }
    bytes
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|w| w == words.as_bytes())
}

#[test]
fn the_vault_alone_neither_opens_nor_lists_it() {
    let mut rng = rng(61);
    let (mut phone, _) = student(&mut rng);
    assert_eq!(keep(&mut phone, "PLANTED", &mut rng), Err(PartyError::Closed));
    phone.keep_back(PASSPHRASE, day(0), &mut rng).unwrap();
    keep(&mut phone, "PLANTED", &mut rng).unwrap();
    medication(&mut phone, "in the open", "1 mg", day(1), &mut rng);
    assert!(holds(&within_reach(&phone), "PLANTED"), "the search finds what is open");

    let mut phone = Holder::open(phone.journal().vault().clone()).unwrap();
    let reach = within_reach(&phone);
    assert!(holds(&reach, "in the open") && !holds(&reach, "PLANTED"));
    assert!(!phone.sections().contains(&section("private")));
    assert!(phone.history(&section("private")).unwrap().is_empty());
    assert_eq!(phone.view(&section("private")).err(), Some(PartyError::NoEpoch));
    let wrong = phone.open_kept_back("a door behind the hooks", day(2), &mut rng);
    assert_eq!(wrong, Err(PartyError::Closed));
    phone.open_kept_back(PASSPHRASE, day(2), &mut rng).unwrap();
    assert!(kept(&mut phone).contains("PLANTED"));
    let again = phone.keep_back(PASSPHRASE, day(2), &mut rng);
    assert_eq!(again, Err(PartyError::AlreadyKept));
}

#[test]
fn it_reaches_other_devices_and_outlives_the_loss_of_all_of_them() {
    let mut rng = rng(62);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    phone.keep_back(PASSPHRASE, day(0), &mut rng).unwrap();
    keep(&mut phone, "PLANTED", &mut rng).unwrap();
    office.sync(&mut phone, day(1), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    assert!(!holds(&within_reach(&laptop), "PLANTED"));
    laptop.open_kept_back(PASSPHRASE, day(1), &mut rng).unwrap();
    keep(&mut laptop, "FROM THE LAPTOP", &mut rng).unwrap();
    office.sync(&mut laptop, day(2), &mut rng);
    office.sync(&mut phone, day(2), &mut rng);
    assert!(kept(&mut phone).contains("FROM THE LAPTOP"));

    let mut again = recover(&phrase, &office, &mut rng);
    office.sync(&mut again, day(3), &mut rng);
    assert!(!holds(&within_reach(&again), "PLANTED"), "the phrase alone opens it");
    again.open_kept_back(PASSPHRASE, day(3), &mut rng).unwrap();
    assert_eq!(kept(&mut again), kept(&mut phone));
}

#[test]
fn under_a_new_passphrase_the_old_one_opens_nothing_new() {
    let mut rng = rng(63);
    let (mut phone, _) = student(&mut rng);
    phone.keep_back(PASSPHRASE, day(0), &mut rng).unwrap();
    keep(&mut phone, "BEFORE", &mut rng).unwrap();
    phone.change_kept_back("another door", day(1), &mut rng).unwrap();
    keep(&mut phone, "AFTER", &mut rng).unwrap();
    let vault = phone.journal().vault().clone();
    let mut old = Holder::open(vault.clone()).unwrap();
    assert_eq!(old.open_kept_back(PASSPHRASE, day(2), &mut rng), Err(PartyError::Closed));
    assert!(!holds(&within_reach(&old), "AFTER"));
    let mut new = Holder::open(vault).unwrap();
    new.open_kept_back("another door", day(2), &mut rng).unwrap();
    assert!(kept(&mut new).contains("BEFORE") && kept(&mut new).contains("AFTER"));
    let history = new.history(&section("private")).unwrap();
    assert!(history.iter().any(|e| e.at == day(1)), "what was before has its history");
}

#[test]
fn begun_on_two_devices_at_once_it_is_one_under_one_passphrase_and_two_under_two() {
    let mut rng = rng(64);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    office.sync(&mut laptop, day(0), &mut rng);
    for (device, passphrase, words) in [
        (0, PASSPHRASE, "OF THE PHONE"),
        (1, PASSPHRASE, "OF THE LAPTOP"),
        (0, "a drawer", "APART"),
    ] {
        let device = if device == 0 { &mut phone } else { &mut laptop };
        let mut open = Holder::open(device.journal().vault().clone()).unwrap();
        open.keep_back(passphrase, day(0), &mut rng).unwrap();
        keep(&mut open, words, &mut rng).unwrap();
        *device = Holder::open(open.journal().vault().clone()).unwrap();
    }
    office.sync(&mut laptop, day(1), &mut rng);
    office.sync(&mut phone, day(1), &mut rng);
    let vault = phone.journal().vault().clone();
    phone.open_kept_back(PASSPHRASE, day(1), &mut rng).unwrap();
    assert!(kept(&mut phone).contains("OF THE PHONE"));
    assert!(kept(&mut phone).contains("OF THE LAPTOP"));
    assert!(!kept(&mut phone).contains("APART"));
    let mut apart = Holder::open(vault).unwrap();
    apart.open_kept_back("a drawer", day(1), &mut rng).unwrap();
    assert!(kept(&mut apart).contains("APART") && !kept(&mut apart).contains("PHONE"));
}

#[test]
fn a_device_removed_while_it_was_closed_reads_nothing_that_comes_after() {
    let mut rng = rng(65);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    phone.keep_back(PASSPHRASE, day(0), &mut rng).unwrap();
    office.sync(&mut phone, day(0), &mut rng);
    let mut laptop = second_device(&mut phone, &mut office, day(0), &mut rng);
    office.sync(&mut laptop, day(0), &mut rng);
    let mut phone = Holder::open(phone.journal().vault().clone()).unwrap();
    phone.remove_device(laptop.device(), day(1), &mut rng).unwrap();
    phone.open_kept_back(PASSPHRASE, day(1), &mut rng).unwrap();
    keep(&mut phone, "AFTERWARDS", &mut rng).unwrap();
    office.sync(&mut phone, day(1), &mut rng);
    office.sync(&mut laptop, day(1), &mut rng);
    laptop.open_kept_back(PASSPHRASE, day(1), &mut rng).unwrap();
    for sealed in &office.envelopes {
        let envelope = SealedEnvelope::decode(sealed).unwrap().verify().unwrap();
        for key in laptop.fold().epochs.values().flat_map(|e| e.keys.values()) {
            let body = envelope.open(key).map(|o| o.body().to_vec()).unwrap_or_default();
            assert!(!holds(&body, "AFTERWARDS"));
        }
    }
    // What is moved there leaves its old place.
    let entry = medication(&mut phone, "moved", "1 mg", day(2), &mut rng);
    phone.move_entry(entry, &section("private"), day(2), &mut rng).unwrap();
    assert_eq!(phone.find(entry).unwrap().0, section("private"));
}
