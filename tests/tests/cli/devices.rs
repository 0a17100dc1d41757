//! Several devices of one student: through a relay, and through a folder.

use std::path::Path;

use passport_core::envelope::{Kind, SealedEnvelope};
use passport_sync::client::via::{Parcel, Via};
use passport_tests::{Cli, Relay};
use serde_json::Value;

use super::{NOBODY, NOW, begun, home};

/// Lets a second device in through the relay.
fn joined(folder: &tempfile::TempDir, first: &Cli, name: &str, url: &str) -> Cli {
    let second = home(folder, name);
    let code = second.run(&["device", "add", "--remote", url, "--json"]).success().json();
    let code = code["code"].as_str().unwrap().to_owned();
    let early = second.run(&["sync"]);
    assert_eq!(early.code, Some(1), "{early:#?}");
    let approved =
        first.run(&["device", "approve", &code, "--name", name, "--yes", "--json"]).success();
    let _ = first.run(&["sync"]).success();
    // Nobody says that the words are the same: nothing is decided, and it can be asked again.
    let unsaid = second.run(&["sync"]);
    assert_eq!(unsaid.code, Some(21), "{unsaid:#?}");
    let synced = second.run(&["sync", "--yes"]).success();
    let words = approved.json()["words"].as_str().unwrap().to_owned();
    assert_eq!(words.split(' ').count(), 4);
    assert!(synced.stderr.contains(&words), "both show the same words: {synced:#?}");
    second
}

fn show(cli: &Cli, section: &str) -> Value {
    cli.run(&["show", section, "--json"]).success().json()
}

#[test]
fn two_devices_edit_apart_and_both_values_stand_until_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let _ = phone
        .run(&["add", "medications", "--set", "item=Sertraline", "--set", "dose=50 mg"])
        .success();
    let laptop = joined(&folder, &phone, "laptop", relay.url());
    assert_eq!(show(&laptop, "medications"), show(&phone, "medications"));
    let devices = phone.run(&["device", "list", "--json"]).success().json();
    assert_eq!(devices.as_array().unwrap().len(), 2);
    let _ = phone.run(&["edit", "sertraline", "--set", "dose=75 mg"]).success();
    let _ = laptop.run(&["edit", "sertraline", "--set", "dose=100 mg"]).success();
    for cli in [&phone, &laptop, &phone] {
        let _ = cli.run(&["sync"]).success();
    }
    let conflicts = phone.run(&["conflicts", "--json"]).success().json();
    assert_eq!(conflicts[0]["field"], "dose");
    assert_eq!(conflicts[0]["values"].as_array().unwrap().len(), 2);
    assert_eq!(show(&laptop, "medications"), show(&phone, "medications"));
    let _ = phone.run(&["resolve", "sertraline", "dose", "--value", "75 mg"]).success();
    for cli in [&phone, &laptop] {
        let _ = cli.run(&["sync"]).success();
    }
    assert_eq!(show(&laptop, "medications"), show(&phone, "medications"));
    let dose = &show(&laptop, "medications")["sections"][0]["entries"][0]["fields"]["dose"];
    assert_eq!(dose["value"], "75 mg");
    assert_eq!(laptop.run(&["conflicts", "--json"]).success().json(), serde_json::json!([]));
}

#[test]
fn a_removed_device_gets_nothing_new() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let laptop = joined(&folder, &phone, "laptop", relay.url());
    let _ = phone.run(&["device", "remove", "laptop"]).success();
    let _ = phone.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let _ = phone.run(&["sync"]).success();
    let _ = laptop.run(&["sync"]);
    assert!(!laptop.run(&["show", "--json"]).stdout.contains("Penicillin"));
}

#[test]
fn devices_join_and_sync_through_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (phone, _) = begun(&folder, "phone", NOBODY);
    let (stranger, _) = begun(&folder, "stranger", NOBODY);
    let stick = folder.path().join("stick");
    std::fs::create_dir(&stick).unwrap();
    let stick = stick.to_str().unwrap();
    let request = folder.path().join("request");
    let request = request.to_str().unwrap();
    let laptop = home(&folder, "laptop");
    let _ = laptop.run(&["device", "add", "--request", request]).success();
    let _ = phone.run(&["device", "approve", "--request", request, "--yes"]).success();
    let _ = phone.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let _ = stranger.run(&["sync", "--via", stick]).success();
    let sent = phone.run(&["sync", "--via", stick, "--json"]).success().json();
    assert_eq!(sent["received"], 0, "{sent}");
    let _ = laptop.run(&["sync", "--via", stick, "--yes"]).success();
    assert_eq!(show(&laptop, "allergies"), show(&phone, "allergies"));
    let _ = laptop.run(&["edit", "penicillin", "--set", "note=rash"]).success();
    let _ = laptop.run(&["sync", "--via", stick]).success();
    let taken = phone.run(&["sync", "--via", stick, "--json"]).success().json();
    assert!(taken["received"].as_u64().unwrap() >= 1, "{taken}");
    assert_eq!(show(&laptop, "allergies"), show(&phone, "allergies"));
    let again = phone.run(&["sync", "--via", stick, "--json"]).success().json();
    assert_eq!((&again["sent"], &again["received"]), (&0.into(), &0.into()), "{again}");
}

#[test]
fn a_section_that_began_anew_elsewhere_is_shown_as_it_was_until_that_has_come() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let _ = phone.run(&["add", "allergies", "--set", "agent=Penicillin"]).success();
    let laptop = joined(&folder, &phone, "laptop", relay.url());
    let _ = joined(&folder, &phone, "tablet", relay.url());
    let _ = phone.run(&["sync"]).success();
    let _ = laptop.run(&["sync"]).success();
    let _ = phone.run(&["device", "remove", "tablet"]).success();
    let [whole, part] = ["whole", "part"].map(|name| folder.path().join(name));
    for place in [&whole, &part] {
        std::fs::create_dir(place).unwrap();
    }
    let sync = |cli: &Cli, place: &Path| {
        let _ = cli.run(&["sync", "--via", place.to_str().unwrap()]).success();
    };
    sync(&phone, &whole);
    let all = Via::Folder(whole.clone()).pull(&mut |_| true).unwrap().parcels;
    let begins = |parcel: &Parcel| match parcel {
        Parcel::Envelope { bytes } => {
            SealedEnvelope::decode(bytes).unwrap().header().kind == Kind::Snapshot
        }
        Parcel::Letter { .. } | Parcel::AccessList { .. } => false,
    };
    let rest: Vec<Parcel> = all.into_iter().map(|(_, p)| p).filter(|p| !begins(p)).collect();
    Via::Folder(part.clone()).push(&rest).unwrap();
    sync(&laptop, &part);
    let behind = laptop.run(&["show", "allergies"]).success().stdout;
    assert!(behind.contains("Penicillin") && behind.contains("has come yet"), "{behind}");
    assert_eq!(show(&laptop, "allergies")["behind"], serde_json::json!(["allergies"]));
    let status = laptop.run(&["status"]).success().stdout;
    assert!(status.contains("did not arrive yet"), "{status}");
    let early = laptop.run(&["add", "allergies", "--set", "agent=Latex", "--json"]);
    assert_eq!(early.code, Some(1), "{early:#?}");
    sync(&laptop, &whole);
    assert_eq!(show(&laptop, "allergies"), show(&phone, "allergies"));
}

#[test]
fn without_its_relay_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start(&folder.path().join("relay"), NOW);
    let (phone, _) = begun(&folder, "phone", relay.url());
    let url = relay.url().to_owned();
    drop(relay);
    let down = phone.run(&["sync", "--json"]);
    assert_eq!(down.code, Some(30), "{down:#?}");
    assert_eq!(down.error_json()["error"]["code"], "relay_unreachable");
    let status = phone.run(&["status", "--json"]).success().json();
    assert!(status["unsent"].as_u64().unwrap() > 0, "{status}");
    let other = Relay::start(&folder.path().join("other"), NOW);
    let _ = phone.run(&["remote", "add", other.url()]).success();
    let partly = phone.run(&["sync", "--json"]).success().json();
    let ok: Vec<bool> =
        partly["remotes"].as_array().unwrap().iter().map(|r| r["ok"].as_bool().unwrap()).collect();
    assert_eq!(ok, [false, true], "one that is down does not stop the others");
    let _ = phone.run(&["remote", "remove", &url]).success();
    let _ = phone.run(&["sync"]).success();
    let status = phone.run(&["status", "--json"]).success().json();
    assert_eq!(status["unsent"], 0, "{status}");
}
