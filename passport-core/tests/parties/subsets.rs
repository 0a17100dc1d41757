//! Choices of sections, each shared with an organisation of its own: what an organisation was not
//! given, none of its keys opens, and nothing of it is in what it could show or export.

use std::collections::BTreeSet;

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::{Holder, NewEntry};
use passport_core::keys::{OrganisationKind, ReceivingKey};
use passport_core::letter::Letter;
use passport_core::section::table::SECTIONS;
use passport_core::section::{Code, FieldKind, FieldSpec, Value};
use passport_core::vault::{Table, Vault as _};

use super::office::*;

/// Sections that say much about each other: a notice is of a discharge, which is of a problem.
const CLOSE: [&str; 4] = ["problems", "discharges", "discharge-notice", "risks"];

/// A section of the holder's own making.
const OWN: &str = "x-diary";

/// Choices of any number of sections, beside those that follow a rule.
const AT_RANDOM: usize = 60;

/// Every section that can be shared.
fn shareable() -> Vec<&'static str> {
    SECTIONS.iter().filter(|s| s.shareable).map(|s| s.name).chain([OWN]).collect()
}

/// Words that are nowhere else.
fn words(name: &str, word: &str) -> String {
    format!("{word} in {name}")
}

/// An entry of a section with a word that is nowhere else: in the first field that has room for
/// one, beside what must be there.
fn planted(name: &str, word: &str) -> NewEntry {
    let section = section(name);
    let kind = section.spec().kinds.first().unwrap();
    let has_room = |f: &&FieldSpec| {
        matches!(f.kind, FieldKind::Text | FieldKind::Prose | FieldKind::Code)
            && f.name != "identifier"
    };
    let at = kind.fields.iter().find(has_room).unwrap().name;
    let fields = kind.fields.iter().filter(|f| f.required || f.name == at);
    let fields = fields.map(|f| (f.name.to_owned(), any(f.kind, &words(name, word)))).collect();
    NewEntry { section, kind: kind.name.to_owned(), fields }
}

/// A value of a kind, of these words where it can be.
fn any(kind: FieldKind, words: &str) -> Value {
    match kind {
        FieldKind::Text => Value::Text(words.to_owned()),
        FieldKind::Prose => Value::Prose(words.to_owned()),
        FieldKind::Code => Value::Code(Code::text(words)),
        FieldKind::Date => Value::Date("2026-10-01".parse().unwrap()),
        FieldKind::Choice(choices) => Value::Choice(choices[0].name.to_owned()),
        FieldKind::Period
        | FieldKind::Quantity
        | FieldKind::Boolean
        | FieldKind::Entry
        | FieldKind::Attachment
        | FieldKind::Source => panic!("no entry needs one"),
    }
}

fn holds(bytes: &[u8], words: &str) -> bool {
    bytes.windows(words.len()).any(|w| w == words.as_bytes())
}

/// All that an organisation has, and all that its keys open of what everybody sent.
fn reach(practice: &Practice, office: &Office) -> Vec<u8> {
    let vault = practice.journal().vault();
    let mut bytes = Vec::new();
    for table in Table::ALL {
        for (_, value) in vault.scan(table).unwrap() {
            bytes.extend_from_slice(&value);
        }
    }
    let mut keys: Vec<_> =
        practice.epochs().values().flat_map(|e| e.keys.values().cloned()).collect();
    let seed = vault.get(Table::Key, b"receiving").unwrap().unwrap();
    let receiving = ReceivingKey::from_seed(seed.as_slice().try_into().unwrap());
    // Letters to others are tried too.
    for (_, letter) in &office.letters {
        let Ok(Letter::Offer(offer)) = Letter::open(letter, &practice.instance(), &receiving)
        else {
            continue;
        };
        let wraps = offer.history.iter().chain([&offer.epoch]).flat_map(|epoch| &epoch.wraps);
        let wraps = wraps.filter_map(|wrap| wrap.verify().ok());
        keys.extend(wraps.filter_map(|wrap| wrap.into_inner().open(&receiving).ok()));
    }
    for envelope in &office.envelopes {
        let envelope = SealedEnvelope::decode(envelope).unwrap().verify().unwrap();
        let opened = keys.iter().find_map(|key| envelope.open(key).ok());
        bytes.extend(opened.map(|o| o.body().to_vec()).unwrap_or_default());
    }
    bytes
}

#[test]
fn of_every_choice_among_close_sections_nothing_else_opens() {
    let mut rng = rng(81);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    phone.add(&CLOSE.map(|name| planted(name, "BEFORE")), day(0), &mut rng).unwrap();
    let mut practices = Vec::new();
    for choice in 0..1 << CLOSE.len() {
        let name = format!("Practice {choice}");
        let chosen = |n: &usize| choice & (1 << n) != 0;
        let sections: Vec<&str> = (0..CLOSE.len()).filter(chosen).map(|n| CLOSE[n]).collect();
        let with = practice(&name, OrganisationKind::Gp, &mut rng);
        if !sections.is_empty() {
            share(&mut phone, &with, &sections, Right::Contribute, None, day(1), &mut rng);
        }
        practices.push((with, sections));
    }
    phone.add(&CLOSE.map(|name| planted(name, "AFTER")), day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    for (practice, _) in &mut practices {
        office.sync(practice, day(2), &mut rng);
    }
    for (practice, sections) in &practices {
        let reach = reach(practice, &office);
        for name in CLOSE {
            for word in ["BEFORE", "AFTER"] {
                let words = words(name, word);
                assert_eq!(
                    holds(&reach, &words),
                    sections.contains(&name),
                    "{words} with {sections:?}"
                );
            }
        }
    }
}

/// Choices among so many sections, one bit for each: none, each alone, every two, all but one,
/// all, and others at random.
fn choices(of: usize, rng: &mut impl rand_core::Rng) -> BTreeSet<u32> {
    let all = (1 << of) - 1;
    let one = |n: usize| 1u32 << n;
    let mut choices = BTreeSet::from([0, all]);
    for n in 0..of {
        choices.extend([one(n), all ^ one(n)]);
        choices.extend((0..n).map(|other| one(n) | one(other)));
    }
    let ruled = choices.len();
    while choices.len() < ruled + AT_RANDOM {
        choices.insert(rng.next_u32() & all);
    }
    choices
}

#[test]
fn of_choices_among_all_sections_nothing_else_opens_or_is_shown() {
    let mut rng = rng(82);
    let all = shareable();
    let (mut phone, _) = student(&mut rng);
    let entries = |word| all.iter().map(|name| planted(name, word)).collect::<Vec<_>>();
    phone.add(&entries("BEFORE"), day(0), &mut rng).unwrap();
    phone.keep_back("a door behind the books", day(0), &mut rng).unwrap();
    phone.add(&[planted("private", "BEFORE")], day(0), &mut rng).unwrap();
    let with = practice("Elm Street Surgery", OrganisationKind::Gp, &mut rng);
    let (phone, practice) = (phone.journal().vault().clone(), with.journal().vault().clone());
    let choices = choices(all.len(), &mut rng);
    println!("{} choices among {} sections", choices.len(), all.len());
    for choice in choices {
        let (mut phone, mut practice) =
            (Holder::open(phone.clone()).unwrap(), Practice::open(practice.clone()).unwrap());
        let is_chosen = |n: usize| choice & (1 << n) != 0;
        let chosen: Vec<&str> =
            all.iter().enumerate().filter(|(n, _)| is_chosen(*n)).map(|(_, name)| *name).collect();
        if !chosen.is_empty() {
            share(&mut phone, &practice, &chosen, Right::Contribute, None, day(1), &mut rng);
        }
        phone.add(&entries("AFTER"), day(2), &mut rng).unwrap();
        let mut office = Office::default();
        office.sync(&mut phone, day(2), &mut rng);
        office.sync(&mut practice, day(2), &mut rng);
        let reach = reach(&practice, &office);
        let student = phone.passport();
        let listed: Vec<String> =
            practice.sections(student).iter().map(ToString::to_string).collect();
        assert_eq!(listed, chosen);
        let views: String = all
            .iter()
            .filter_map(|n| practice.view(student, &section(n)).ok())
            .map(|v| shown(&v))
            .collect();
        for name in all.iter().chain(&["private"]) {
            for word in ["BEFORE", "AFTER"] {
                let words = words(name, word);
                let is_given = chosen.contains(name);
                assert_eq!(holds(&reach, &words), is_given, "{words} with {chosen:?}");
                assert_eq!(views.contains(&words), is_given, "{words} is shown with {chosen:?}");
            }
        }
    }
}
