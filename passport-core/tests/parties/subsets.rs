//! Every choice of sections at once, each shared with an organisation of its own: what an
//! organisation was not given, none of its keys opens.

use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::NewEntry;
use passport_core::keys::{OrganisationKind, ReceivingKey};
use passport_core::letter::Letter;
use passport_core::section::Value;
use passport_core::vault::{Table, Vault as _};

use super::office::*;

/// Sections that say much about each other: a notice is of a discharge, which is of a problem.
const SECTIONS: [&str; 4] = ["problems", "discharges", "discharge-notice", "risks"];

/// An entry of a section with a word that is nowhere else.
fn planted(name: &str, word: &str) -> NewEntry {
    let words = format!("{word} in {name}");
    let (kind, field) = match name {
        "problems" => ("problem", code("condition", &words)),
        "discharges" => ("discharge", code("reason", &words)),
        "discharge-notice" => ("notice", text("call", &words)),
        _ => ("risk", code("risk", &words)),
    };
    let mut fields = vec![field];
    if name.starts_with("discharge") {
        fields.push(("discharged_on".to_owned(), Value::Date("2026-10-01".parse().unwrap())));
        fields.push(("setting".to_owned(), Value::Choice("mental-health".to_owned())));
    }
    NewEntry { section: section(name), kind: kind.to_owned(), fields }
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
fn of_every_choice_of_sections_nothing_else_opens() {
    let mut rng = rng(81);
    let mut office = Office::default();
    let (mut phone, _) = student(&mut rng);
    let before: Vec<_> = SECTIONS.iter().map(|name| planted(name, "BEFORE")).collect();
    phone.add(&before, day(0), &mut rng).unwrap();
    let mut practices = Vec::new();
    for choice in 0..1 << SECTIONS.len() {
        let name = format!("Practice {choice}");
        let chosen = |n: &usize| choice & (1 << n) != 0;
        let sections: Vec<&str> = (0..SECTIONS.len()).filter(chosen).map(|n| SECTIONS[n]).collect();
        let with = practice(&name, OrganisationKind::Gp, &mut rng);
        if !sections.is_empty() {
            share(&mut phone, &with, &sections, Right::Contribute, None, day(1), &mut rng);
        }
        practices.push((with, sections));
    }
    let after: Vec<_> = SECTIONS.iter().map(|name| planted(name, "AFTER")).collect();
    phone.add(&after, day(2), &mut rng).unwrap();
    office.sync(&mut phone, day(2), &mut rng);
    for (practice, _) in &mut practices {
        office.sync(practice, day(2), &mut rng);
    }
    for (practice, sections) in &practices {
        let reach = reach(practice, &office);
        for name in SECTIONS {
            for word in ["BEFORE", "AFTER"] {
                let words = format!("{word} in {name}");
                let holds = reach.windows(words.len()).any(|w| w == words.as_bytes());
                assert_eq!(holds, sections.contains(&name), "{words} with {sections:?}");
            }
        }
    }
}
