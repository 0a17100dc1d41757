//! A new reader sees the state of the day, and what came before only where that was agreed.

use std::time::Duration;

use passport_core::organisation::Organisation;
use passport_core::vault::{SqliteVault, Table, Vault as _};
use passport_tests::spy::{Loot, Spy};
use passport_tests::stage::PASSPHRASE;
use passport_tests::{Person, Stage};

const NOW: &str = "2026-09-20T09:00:00Z";

/// What was there and is not any more.
const GONE: [&str; 2] = ["Quetiapine", "37.25 mg"];
/// What is there now.
const THERE: [&str; 2] = ["Sertraline", "62.5 mg"];

/// Every byte that an organisation holds or can open.
fn reach(person: &Person, loot: &Loot) -> Vec<Vec<u8>> {
    let mut spy = Spy::default();
    spy.take(person.cli.home());
    spy.read_letters(loot, person.cli.home());
    let mut all: Vec<Vec<u8>> = spy.open(loot).iter().map(|e| e.body().to_vec()).collect();
    let vault = SqliteVault::open(person.cli.home(), PASSPHRASE, Duration::from_secs(10)).unwrap();
    let party = Organisation::open(vault).unwrap();
    for table in [Table::Meta, Table::Envelope, Table::Charter, Table::Grant, Table::Letter]
        .into_iter()
        .chain([Table::Cache, Table::Organisation, Table::Remote, Table::Outbox])
    {
        let records = party.journal().vault().scan(table).unwrap();
        all.extend(records.iter().map(|(_, value)| value.to_vec()));
    }
    all
}

fn holds(reach: &[Vec<u8>], word: &str) -> bool {
    reach.iter().any(|bytes| bytes.windows(word.len()).any(|w| w == word.as_bytes()))
}

#[test]
fn a_new_reader_sees_today_and_with_history_what_came_before() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let campus = stage.organisation("campus", "Campus Medical", "gp");
    let phone = stage.student("phone", "Ada Example");
    phone.meet(&home);
    phone.meet(&campus);
    let dose = format!("dose={}", GONE[1]);
    let kept = phone.record(&phone, "medications", &["item=Sertraline", &dose]);
    let removed = phone.record(&phone, "medications", &["item=Quetiapine"]);
    phone.sync();
    phone.json(&["edit", &kept, "--set", "dose=62.5 mg"]);
    phone.json(&["remove", &removed]);
    phone.sync();
    phone.share(&["medications"], &home, &[]);
    phone.share(&["medications"], &campus, &["--include-history"]);
    for party in [&phone, &home, &campus] {
        party.sync();
    }
    let today = phone.digest(&phone, "medications", 1);
    assert_eq!(home.digest(&phone, "medications", 1), today);
    assert_eq!(campus.digest(&phone, "medications", 1), today);

    let loot = Loot::of(&stage.relay.database());
    let [without, with] = [&home, &campus].map(|o| reach(o, &loot));
    for word in THERE {
        assert!(holds(&without, word) && holds(&with, word), "both read {word} of today");
    }
    for word in GONE {
        assert!(!holds(&without, word), "{word} was there before the consent");
        assert!(holds(&with, word), "{word} is in the history that was agreed to");
    }
    let history = |o: &Person| o.json(&["history", &phone.id]).to_string();
    for word in GONE {
        assert!(!history(&home).contains(word), "{word}");
        assert!(history(&campus).contains(word), "{word} in {}", history(&campus));
    }
}
