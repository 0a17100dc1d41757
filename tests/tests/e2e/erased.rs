//! What is erased is on no machine any more, by real processes.

use std::time::Duration;

use passport_core::envelope::VerifiedEnvelope;
use passport_core::holder::Holder;
use passport_core::vault::SqliteVault;
use passport_tests::spy::Loot;
use passport_tests::stage::PASSPHRASE;
use passport_tests::{Person, Stage};
use serde_json::json;

const NOW: &str = "2026-09-20T09:00:00Z";

/// Everything that a device's keys open: of its own vault, and of what lies at the relay.
fn opens(person: &Person, stage: &Stage) -> [String; 2] {
    let vault = SqliteVault::open(person.cli.home(), PASSPHRASE, Duration::from_secs(10));
    let device = Holder::open(vault.unwrap()).unwrap();
    let own: Vec<_> = device.journal().epochs().copied().collect();
    let own = own.iter().flat_map(|epoch| device.journal().envelopes(epoch).unwrap());
    let own: Vec<VerifiedEnvelope> = own.map(|e| e.verify().unwrap()).collect();
    let relay = Loot::of(&stage.relay.database()).envelopes;
    [own, relay].map(|envelopes| {
        let mut text = Vec::new();
        for envelope in &envelopes {
            for epoch in device.fold().epochs.values() {
                let header = envelope.header();
                let key =
                    epoch.keys.get(&header.phase).filter(|_| header.epoch == epoch.charter.id());
                let opened = key.and_then(|key| envelope.open(key).ok());
                text.extend(opened.map(|o| o.body().to_vec()).unwrap_or_default());
                let archive = epoch.archive.as_ref().filter(|a| a.id() == header.epoch);
                let sealed = envelope.sealed();
                let packed = archive.and_then(|a| a.open(sealed, &epoch.charter, &epoch.keys));
                text.extend(packed.iter().flatten().flat_map(|o| o.body().to_vec()));
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

fn all_sync(parties: &[&Person]) {
    for party in parties.iter().chain(parties).chain(parties) {
        party.sync();
    }
}

#[test]
fn an_entry_that_is_erased_leaves_the_relay_and_every_device() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    let secret = phone.record(&phone, "medications", &["item=Secretol", "dose=666 mg"]);
    phone.json(&["edit", &secret, "--set", "dose=5 mg"]);
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    phone.meet(&home);
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.sync();
    let laptop = stage.join("laptop", &phone);
    all_sync(&[&home, &laptop, &phone]);
    for person in [&phone, &laptop] {
        let [own, relay] = opens(person, &stage);
        assert!(own.contains("Secretol") && relay.contains("666 mg"), "{}", person.name);
    }
    // The laptop is off, and writes.
    let _ = laptop.record(&laptop, "medications", &["item=Ibuprofen"]);
    let refused = phone.cli.run(&["erase", &secret]);
    assert_eq!(refused.code, Some(1), "it asks first: {refused:#?}");
    assert!(refused.stderr.contains("Elm Street Surgery"), "{refused:#?}");
    let erased = phone.json(&["erase", &secret]);
    assert_eq!(erased["told"], json!(["Elm Street Surgery"]));
    assert_eq!(erased["erased"][0]["entries"], 1);
    phone.sync();
    assert!(!opens(&phone, &stage)[1].contains("Secretol"), "the relay forgot at once");
    all_sync(&[&home, &laptop, &phone]);
    for person in [&phone, &laptop] {
        for text in opens(person, &stage) {
            assert!(!text.contains("Secretol") && !text.contains("666 mg"), "{}", person.name);
            assert!(text.contains("Sertraline") && text.contains("Ibuprofen"), "{}", person.name);
        }
    }
    for person in [&home, &laptop] {
        assert_eq!(person.digest(&phone, "medications", 2), phone.digest(&phone, "medications", 2));
    }
    let log = phone.json(&["access-log"]).to_string();
    assert!(log.contains("\"erased\""), "{log}");
}

#[test]
fn everything_that_is_erased_is_gone_and_the_vault_too_where_that_is_asked() {
    let stage = Stage::new(NOW);
    let home = stage.organisation("home", "Elm Street Surgery", "gp");
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Secretol"]);
    phone.meet(&home);
    phone.share(&["medications"], &home, &["--can", "contribute"]);
    phone.sync();
    let laptop = stage.join("laptop", &phone);
    all_sync(&[&home, &laptop, &phone]);
    let erased = phone.json(&["erase", "--all", "--delete-vault"]);
    assert_eq!(erased["vault_deleted"], true);
    assert_eq!(std::fs::read_dir(phone.cli.home()).unwrap().count(), 0);
    for party in [&laptop, &home, &laptop, &home] {
        party.sync();
    }
    for text in opens(&laptop, &stage) {
        assert!(!text.contains("Secretol") && !text.contains("Ada Example"));
    }
    let shown = laptop.json(&["show"]).to_string();
    assert!(!shown.contains("Secretol"), "{shown}");
    let students = home.json(&["students"]).to_string();
    assert!(students.contains("deletion_asked"), "{students}");
}
