//! Frozen: the encodings that are signed and sealed, and what Automerge makes of a fixed history.
//!
//! A changed value here is a changed format: old envelopes would no longer open, or replicas of
//! two versions would show different things. It needs a new version, not a new constant.

use std::collections::BTreeSet;

use passport_core::attestation::{Attestation, Subject};
use passport_core::author::Author;
use passport_core::codec;
use passport_core::edit::{Edit, EditBody, NamedValue, Remark, RemarkContent};
use passport_core::envelope::OpenedEnvelope;
use passport_core::fhir::proof::Proof;
use passport_core::id::{EntryId, RemarkId};
use passport_core::keys::{Card, OrganisationKind, SigningKey};
use passport_core::replica::{Admission, Replica};
use passport_core::view::View;
use passport_tests::kit::{Epoch, Founding, START, World, admit, prose, text};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

fn hash(bytes: &[u8]) -> String {
    passport_core::id::ObjectId::of(bytes).to_string()
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

/// Two devices and a practice write at once: Unicode, a conflict, a removal that met a change.
fn history() -> (World, Epoch, Vec<OpenedEnvelope>) {
    let mut world = World::new(42, 1);
    let epoch = world.found(Founding::new("plan", &[0]));
    let mut replica = epoch.replica();
    let (phone, laptop) = (world.devices[0].clone(), world.devices[1].clone());
    let gp = world.organisations[0].clone();
    let fields = [("action", prose("Ring the ward 🙂e\u{301}")), ("who", text("GP"))];
    let (entry, add) = world.add(&gp, "action", START, &fields);
    let mut log = vec![epoch.edits(&mut world, &gp, &replica, START, add)];
    admit(&mut replica, &log[0]);
    let fields = [("action", prose("Rest"))];
    let (second, add) = world.add(&phone, "action", START.plus_days(1), &fields);
    log.push(epoch.edits(&mut world, &phone, &replica, START.plus_days(1), add));
    let splice = |at, delete, insert: &str| Edit::Splice {
        entry,
        field: "action".into(),
        at,
        delete,
        insert: insert.into(),
    };
    let who = |t: &str| Edit::Set { entry, field: "who".into(), value: Some(text(t)) };
    let left = vec![splice(14, 1, "👩\u{200d}⚕"), who("me")];
    log.push(epoch.edits(&mut world, &laptop, &replica, START.plus_days(2), left));
    for envelope in &log[1..2] {
        admit(&mut replica, envelope);
    }
    let right = vec![splice(15, 2, "ñ"), who("us"), Edit::Remove { entry: second }];
    log.push(epoch.edits(&mut world, &phone, &replica, START.plus_days(3), right));
    (world, epoch, log)
}

/// The changes that an envelope made, by the entry it names.
fn changes(replica: &Replica, envelope: &OpenedEnvelope) -> String {
    let node = replica.node(&envelope.id()).unwrap();
    let named: BTreeSet<EntryId> =
        node.edits.iter().map(|edit| edit.entry(&node.header.author)).collect();
    let changes = named.iter().filter_map(|entry| replica.change(&envelope.id(), *entry));
    changes.map(|hash| hex(&hash[..8])).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_automerge_makes_of_a_history_is_frozen() {
    let (_, epoch, log) = history();
    let mut replica = epoch.replica();
    let outcome = replica.admit(log.iter().rev().cloned());
    assert!(outcome.iter().all(|(_, a)| *a == Admission::Applied), "{outcome:?}");
    let changed: Vec<String> = log.iter().map(|e| changes(&replica, e)).collect();
    let view = View::of(&replica);
    let json = serde_json::to_string(&view.to_json()).unwrap();
    assert!(json.contains("\"conflicts\":{\"who\":"), "{json}");
    assert_eq!(changed, CHANGES);
    assert_eq!(hex(&view.digest()), DIGEST);
    assert_eq!(hash(json.as_bytes()), JSON);
}

#[test]
fn what_automerge_makes_of_a_snapshot_is_frozen() {
    let (mut world, epoch, log) = history();
    let mut replica = epoch.replica();
    replica.admit(log);
    let mut founding = Founding::new("plan", &[0]);
    founding.records = replica.records();
    let next = world.found(founding);
    let mut replica = next.replica();
    let (phone, laptop) = (world.devices[0].clone(), world.devices[1].clone());
    let before = replica.position(&laptop.key.verification_key());
    let entries: Vec<EntryId> = replica.entries().iter().map(|e| e.id).collect();
    let note = |t: &str| RemarkContent::Note(t.to_owned());
    let first = world.remark(&phone, entries[0], START, note("one"));
    let first = next.edits(&mut world, &phone, &replica, START, vec![Edit::Remark(first)]);
    assert_eq!(admit(&mut replica, &first), Admission::Applied);
    let splice = |entry: &EntryId| Edit::Splice {
        entry: *entry,
        field: "note".into(),
        at: 0,
        delete: 0,
        insert: "two".into(),
    };
    let second = entries.iter().map(splice).collect();
    let second = next.edits_at(&mut world, &laptop, before, START, second);
    assert_eq!(admit(&mut replica, &second), Admission::Applied);
    let changed: Vec<String> = [first, second].iter().map(|e| changes(&replica, e)).collect();
    assert_eq!(changed, SNAPSHOT_CHANGES);
}

#[test]
fn encodings_are_frozen() {
    let (_, epoch, log) = history();
    let mut replica = epoch.replica();
    replica.admit(log.clone());
    let bodies: Vec<String> = log.iter().map(|e| hash(e.body())).collect();
    assert_eq!(bodies, BODIES);
    assert_eq!(log.iter().map(|e| e.id().to_string()).collect::<Vec<_>>(), ENVELOPES);
    assert_eq!(epoch.charter.id().to_string(), CHARTER);
    let records: Vec<u8> = replica.records().iter().flat_map(codec::encode).collect();
    assert_eq!(hash(&records), RECORDS);
}

#[test]
fn every_kind_of_edit_has_one_encoding() {
    let entry = EntryId::from_bytes([0xee; 16]);
    let key = SigningKey::from_seed(&[1; 32]);
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let dose = text("20 mg");
    let world = World::new(1, 1);
    let attestation = Attestation::new(
        Subject { passport: world.passport, entry, kind: "medication" },
        world.organisations[0].organisation.unwrap(),
        START,
        true,
        [("dose", &dose)],
        &key,
        &mut rng,
    );
    let field = || "dose".to_owned();
    let suggestion = RemarkId::from_bytes([0xdd; 16]);
    let content = RemarkContent::Suggestion { field: field(), value: None };
    let version = passport_core::edit::FieldVersion {
        value: dose.clone(),
        author: Author::Holder,
        at: START,
    };
    let fields = vec![NamedValue { name: field(), value: dose.clone() }];
    let remark =
        Remark { id: suggestion, entry, author: Author::Holder, at: START, content, proof: None };
    let edits = vec![
        Edit::Add { nonce: [1; 16], kind: "medication".into(), fields },
        Edit::Set { entry, field: field(), value: None },
        Edit::Splice { entry, field: "note".into(), at: 1, delete: 2, insert: "ñ".into() },
        Edit::Remove { entry },
        Edit::Remark(remark),
        Edit::Settle { entry, suggestion, accepted: true },
        Edit::Resolve { entry, field: field(), value: Some(dose) },
        Edit::Restore { entry },
        Edit::Contest { entry, field: field(), version },
    ];
    let written: Vec<String> = edits.iter().map(|e| hex(&codec::encode(e))).collect();
    assert_eq!(written, EDITS);
    assert_eq!(hex(&codec::encode(&attestation)), ATTESTATION);
    let attested = attestation.clone();
    let attest = hash(&codec::encode(&Edit::Attest { entry, attestation }));
    assert_eq!(attest, ATTEST);
    let signer =
        Card::new(key.verification_key(), "Elm Street".into(), OrganisationKind::Gp, START);
    let card = signer.sign(&key).unwrap().signed().clone();
    let section = "medications".parse().unwrap();
    let proof =
        Proof::new(world.passport, entry, section, "medication".into(), attested.clone(), card);
    assert_eq!(hash(&codec::encode(&proof)), PROOF);
    let body = EditBody { at: START, chain: None, edits, carries: None };
    let bytes = codec::encode(&body);
    assert_eq!(codec::decode::<EditBody>(&bytes, 10_000).unwrap(), body);
}

const CHANGES: [&str; 4] = [
    "4ddd589780f62522",
    "a0f8be119b5ea035",
    "4091d0ca2617843e",
    "bf277d294f5e84cc 41a0a8598a64b142",
];
const SNAPSHOT_CHANGES: [&str; 2] = ["592359656ef28212", "0a31d80c42cb0653"];
const DIGEST: &str = "668188e4b1ce09ccb277c33b0e7ec85634c4f78e09a14c339c30e902f081bfee";
const JSON: &str = "f762a85e6dd7040ab21443919665fa2f01452a1a9cb496f4d96c5321bd839fdf";
const BODIES: [&str; 4] = [
    "bb0b07d75a832d46987e4a5365e5639e82b379da1e31f9143b864fd3cd034701",
    "85bb894662c2a4267e052929a62537fe402bc926062b00f3a947d2f72707cf01",
    "989765a7e2a2c749e1b6fba080ac78a5e3a7172c2ee6e0c40dbd456bc896bcaf",
    "5ced5d13db8b755c2f0c3fa6267e0d408ca8e8f862caa516e6ffa3c033d62741",
];
const ENVELOPES: [&str; 4] = [
    "43c1e17ff2e40f5cc11efe108c66ec7242cab867c542733926770c406f3eaf18",
    "3939339f4dd1edf5cbeb8dc7b088bf1ff4a483ec7e14108d26a2be666799366f",
    "4d4d34439332fe9d1d97b09764912e32dab86078331175ee62a1ba6390c6646c",
    "12579bd65b84481ffacd0cb364c67115837de9749e3cd71541a09559dfcf00cd",
];
const CHARTER: &str = "2bcf81f1dc58e3143ded21df7296597afbabe30a87cf094cf8a8139fd57a1509";
const RECORDS: &str = "2cbfbc365e5540ccf75dd10a7bc8cf6662985d1e8c9ba1691b5c8f2ae4658bd6";
const EDITS: [&str; 9] = [
    "840050010101010101010101010101010101016a6d656469636174696f6e818264646f73658200653230206d67",
    "830150eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee64646f7365",
    "860250eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee646e6f7465010262c3b1",
    "820350eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "82048550dddddddddddddddddddddddddddddddd50eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee81001a6b49d200820164646f7365",
    "840550eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee50ddddddddddddddddddddddddddddddddf5",
    "840650eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee64646f73658200653230206d67",
    "820750eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "840a50eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee64646f7365838200653230206d6781001a6b49d200",
];
const ATTESTATION: &str = "865820471a967ad32984ac6fecd054497750fe5ad58db03fd9963166617bd8300e447858208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1a6b49d200f5818364646f73655820382d92d36e2af65dcf38b5d70e9c2916b58cdce1c12ef133127217c181956aa65019454a27b752f905909507d6160ddc885840c22b01ffd3cca95f9f7edcfc3a4be9240b5752491e70cf71a3b14252fccf33a3592bbee8859bc590dbbbfa0983ec1ce102b0eb6fa3f049007ca7e489a33dfa09";
const PROOF: &str = "c2d73f972ce0ff2aefe906e6bda3d2af606a2e5c911326a04dd3a57895f7a3c5";
const ATTEST: &str = "ea02b2ee8b727c448bcba27ff47e0637aebbd1ff016e279911926c5f14a2e102";
