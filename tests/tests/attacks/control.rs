//! A removed device that still has an old control key, against a relay that keeps its rules.

use passport_core::access::{AccessList, Member, Rights};
use passport_core::codec;
use passport_core::envelope::SealedEnvelope;
use passport_core::epoch::Right;
use passport_core::holder::Recovery;
use passport_core::journal::{Incoming, IncomingItem, KnownList, Position, Verdict, Verdicts};
use passport_core::keys::{PhaseKey, Signed, SigningKey};
use passport_core::ledger::{channel_nonce, control_key};
use passport_core::party::{Pace, Party};
use passport_core::vault::{MemoryVault, Table, Vault as _};
use passport_sync::session::{RelayLimits, handle};
use passport_sync::store::MemoryStore;
use passport_sync::wire::{
    DeliveredLetter, ItemKind, Letter, Outcome, Rejection, SyncRequest, SyncResponse,
};
use rand_chacha::ChaCha20Rng;

use crate::office::*;

/// A relay as it is, without the network.
struct Relay(MemoryStore);

impl Relay {
    fn ask(&self, key: &SigningKey, request: SyncRequest) -> SyncResponse {
        let request = SyncRequest { max_bytes: u32::MAX, ..request };
        let sender = key.verification_key();
        handle(request, &sender, day(1), &RelayLimits::default(), &self.0).unwrap().response
    }

    fn set(&self, key: &SigningKey, list: &Signed<AccessList>) -> Outcome {
        let access_lists = vec![list.clone()];
        self.ask(key, SyncRequest { access_lists, ..SyncRequest::default() }).results.access_lists
            [0]
    }

    fn incoming(response: SyncResponse) -> Incoming {
        let item = |item: passport_sync::wire::Item| match item.kind {
            ItemKind::Envelope => IncomingItem::Envelope(item.bytes.into()),
            ItemKind::AccessList => IncomingItem::AccessList(item.bytes.into()),
            ItemKind::Letter => {
                IncomingItem::Letter(DeliveredLetter::decode(&item.bytes).unwrap().body.into())
            }
        };
        let position =
            Position { generation: response.cursor.generation, at: response.cursor.position };
        let items = response.items.into_iter().map(item).collect();
        Incoming { relay: response.relay, position, items }
    }

    /// What an exchange does, round by round.
    fn sync(&self, party: &mut impl Party, rng: &mut ChaCha20Rng) {
        for _ in 0..8 {
            let all = self.ask(party.request_key(), SyncRequest::default());
            party.met(URL, all.relay, false).unwrap();
            party.receive(URL, Self::incoming(all), day(1)).unwrap();
            party.tidy(Pace::Quiet, day(1), rng).unwrap();
            let out = party.outgoing(URL, day(1)).unwrap();
            let letter = |l: &passport_core::journal::OutgoingLetter| Letter {
                to: l.to,
                body: l.bytes.clone().into(),
            };
            let request = SyncRequest {
                access_lists: out.lists.clone(),
                envelopes: out.envelopes.iter().map(|e| e.bytes.clone().into()).collect(),
                letters: out.letters.iter().map(letter).collect(),
                ..SyncRequest::default()
            };
            let mut response = self.ask(party.request_key(), request);
            let results = core::mem::take(&mut response.results);
            party.receive(URL, Self::incoming(response), day(1)).unwrap();
            let kept = |outcomes: &[Outcome]| -> Vec<Verdict> {
                let verdict = |o: &Outcome| match o.rejection() {
                    None => Verdict::Kept,
                    Some(_) => Verdict::Later,
                };
                outcomes.iter().map(verdict).collect()
            };
            let verdicts = Verdicts {
                lists: kept(&results.access_lists),
                envelopes: kept(&results.envelopes),
                letters: kept(&results.letters),
                drops: kept(&results.drop_epochs),
            };
            party.settle_with(URL, &out, &verdicts, day(1)).unwrap();
            let mut learned = false;
            for told in &results.conflicts {
                learned |= party.learn_list(URL, &told.current).unwrap();
            }
            let conflict = |o: &&Outcome| o.rejection() == Some(Rejection::AccessConflict);
            if results.access_lists.iter().filter(conflict).count() > results.conflicts.len() {
                for key in party.list_keys() {
                    for item in self.ask(&key, SyncRequest::default()).items {
                        let list = codec::decode(&item.bytes, item.bytes.len());
                        learned |= list.is_ok_and(|list| party.learn_list(URL, &list).unwrap());
                    }
                }
            }
            if !learned && !out.more {
                return;
            }
        }
        panic!("a party never comes to rest");
    }
}

/// The control key that a device was given when it joined.
fn old_control(vault: &MemoryVault) -> SigningKey {
    let key = vault.get(Table::Key, b"ledger").unwrap().unwrap();
    control_key(&PhaseKey::from_slice(&key).unwrap())
}

/// A list under the old control key that lets only its maker in.
fn usurping(
    control: &SigningKey,
    thief: &SigningKey,
    label: &str,
    serial: u64,
    replaces: Option<[u8; 32]>,
) -> Signed<AccessList> {
    let nonce = channel_nonce(control, label);
    let key = thief.verification_key();
    let only = Member { key, can: Rights::ReadWrite, until: None, history: true };
    let mut list = AccessList::new(control.verification_key(), nonce, serial, replaces, [], [only]);
    list.successor = Some(key);
    Signed::new(&list, control)
}

struct Scene {
    relay: Relay,
    phone: Student,
    phrase: passport_core::keys::RecoveryPhrase,
    gp: Practice,
    thief: SigningKey,
    control: SigningKey,
    rng: ChaCha20Rng,
}

/// A practice that writes, and a laptop that is about to be removed, with all its keys stolen.
fn scene(seed: u64) -> Scene {
    let mut rng = seeded(seed);
    let mut office = Office::default();
    let (mut phone, phrase) = student(&mut rng);
    let laptop = another(&mut phone, &mut office, None, &mut rng);
    let mut gp = practice("Elm Street Surgery", &mut rng);
    share(&mut phone, &gp, &["medications"], Right::Contribute, None, &mut rng);
    medication(&mut phone, "before", day(1), &mut rng);
    let relay = Relay(MemoryStore::new([9; 16]));
    relay.sync(&mut phone, &mut rng);
    relay.sync(&mut gp, &mut rng);
    let vault = laptop.journal().vault();
    let (thief, control) = (stolen(vault).0, old_control(vault));
    phone.remove_device(laptop.device(), day(1), &mut rng).unwrap();
    Scene { relay, phone, phrase, gp, thief, control, rng }
}

/// The list that a relay has, as the phone knows it.
fn current(phone: &Student, control: &SigningKey, label: &str) -> KnownList {
    let nonce = channel_nonce(control, label);
    let channel = passport_core::access::channel_id(&control.verification_key(), &nonce);
    phone.remote(URL).unwrap().list(&channel).unwrap().clone()
}

#[test]
fn a46_a_removed_device_sets_no_more_lists() {
    let Scene { relay, mut phone, mut gp, thief, control, mut rng, .. } = scene(4611);
    relay.sync(&mut phone, &mut rng);
    for label in ["ledger", "medications"] {
        let now = current(&phone, &control, label);
        let serial = now.list.serial + 1;
        let list = usurping(&control, &thief, label, serial, Some(now.hash));
        for asker in [&control, &thief] {
            assert_eq!(relay.set(asker, &list), Outcome::from(Rejection::NotPermitted));
        }
        assert_eq!(current(&phone, &control, label), now);
    }
    // The old key is handed no envelope any more, and the practice, writing in the old epoch
    // because it has not heard, is not shut out.
    let seen = relay.ask(&control, SyncRequest::default()).items;
    assert!(seen.iter().all(|i| i.kind != ItemKind::Envelope));
    let id = phone.passport();
    gp.contribute(
        id,
        &section("medications"),
        "medication",
        &[code("item", "late")],
        day(1),
        &mut rng,
    )
    .unwrap();
    relay.sync(&mut gp, &mut rng);
    relay.sync(&mut phone, &mut rng);
    relay.sync(&mut gp, &mut rng);
    assert!(mine(&mut phone, "medications").contains("late"));
    assert_eq!(theirs(&mut gp, id, "medications"), mine(&mut phone, "medications"));
}

#[test]
fn a46_a_removed_device_that_was_first_has_only_what_is_past() {
    let Scene { relay, mut phone, phrase, mut gp, thief, control, mut rng } = scene(4612);
    // Before the phone is heard, the thief names a successor of its own everywhere.
    for label in ["ledger", "medications", "allergies"] {
        let now = current(&phone, &control, label);
        let serial = now.list.serial + 1;
        let list = usurping(&control, &thief, label, serial, Some(now.hash));
        assert_eq!(relay.set(&control, &list), Outcome::Stored);
    }
    medication(&mut phone, "AFTERWARDS", day(1), &mut rng);
    relay.sync(&mut phone, &mut rng);
    relay.sync(&mut gp, &mut rng);
    let id = phone.passport();
    assert_eq!(theirs(&mut gp, id, "medications"), mine(&mut phone, "medications"));
    gp.contribute(
        id,
        &section("medications"),
        "medication",
        &[code("item", "new")],
        day(1),
        &mut rng,
    )
    .unwrap();
    relay.sync(&mut gp, &mut rng);
    relay.sync(&mut phone, &mut rng);
    assert!(mine(&mut phone, "medications").contains("new"));
    // The thief reads nothing of what came since, and the phrase finds everything.
    for item in relay.ask(&thief, SyncRequest::default()).items {
        if item.kind == ItemKind::Envelope {
            let header = SealedEnvelope::decode(&item.bytes).unwrap().header().clone();
            let old = |name: &str| {
                let nonce = channel_nonce(&control, name);
                passport_core::access::channel_id(&control.verification_key(), &nonce)
            };
            assert!(["ledger", "medications", "allergies"].map(old).contains(&header.channel));
        }
    }
    let mut recovery = Recovery::new(&phrase);
    let found = relay.ask(recovery.request_key(), SyncRequest::default());
    recovery.receive(Relay::incoming(found));
    let mut again = recovery.complete(MemoryVault::new(), "new", &[], day(1), &mut rng).unwrap();
    relay.sync(&mut again, &mut rng);
    assert_eq!(mine(&mut again, "medications"), mine(&mut phone, "medications"));
    // Another relay has all of it, the past included.
    let other = Relay(MemoryStore::new([8; 16]));
    other.sync(&mut phone, &mut rng);
    let list = usurping(&control, &thief, "medications", 2, None);
    assert_ne!(other.set(&control, &list), Outcome::Stored);
}
