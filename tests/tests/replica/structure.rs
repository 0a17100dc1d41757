//! Sequence, phases, dependencies, devices: what needs no document.

use passport_core::codec;
use passport_core::edit::EditBody;
use passport_core::envelope::Kind;
use passport_core::epoch::CharterError;
use passport_core::id::EnvelopeId;
use passport_core::keys::SigningKey;
use passport_core::replica::{Admission, Position, Refusal, Replica, WAITING};
use passport_tests::kit::{Founding, Party, START, admit, text};

use crate::{Scene, item, json, set};

#[test]
fn an_ended_right_and_a_wrong_phase_are_refused() {
    let end = START.plus_days(30);
    let mut founding = Founding::new("medications", &[1]);
    founding.writers.push((0, Some(end)));
    let mut s = Scene::founded(founding);
    let (holder, gp, other) = (s.device(0), s.service(0), s.service(1));
    assert_eq!(s.epoch.charter.phases.len(), 2);
    s.add(&gp, "medication", &[item("a")]);
    s.now = 31 * 86_400;
    let (_, edits) = s.world.add(&gp, "medication", end, &[item("b")]);
    assert_eq!(s.refused(&gp, edits), Refusal::Ended);
    let entry = s.add(&other, "medication", &[item("c")]);
    // Who has seen the later phase writes in no earlier one; nor in one that does not exist.
    let (_, edits) = s.world.add(&other, "medication", end, &[item("d")]);
    let mut position = s.replica.position(&other.key.verification_key());
    assert_eq!(position.phase, 1);
    for phase in [0, 2, u32::MAX] {
        position.phase = phase;
        let at = position.clone();
        let late = s.epoch.edits_at(&mut s.world, &other, at, START, edits.clone());
        assert_eq!(admit(&mut s.replica, &late), Admission::Quarantined(Refusal::Phase));
    }
    // Backdating gets nobody past the end, for the phase counts and not the claimed time.
    s.now = 0;
    assert_eq!(s.write(&holder, vec![set(entry, "dose", text("1"))]), Admission::Applied);
    let (_, edits) = s.world.add(&gp, "medication", START, &[item("b")]);
    assert_eq!(s.refused(&gp, edits), Refusal::Ended);
}

#[test]
fn strangers_readers_removed_devices_and_broken_sequences_are_refused() {
    let mut founding = Founding::new("medications", &[0]);
    founding.removed = vec![1];
    let mut s = Scene::founded(founding);
    let (holder, gp, reader, removed) = (s.device(0), s.service(0), s.service(1), s.device(1));
    let entry = s.add(&holder, "medication", &[item("a")]);
    let edit = || vec![set(entry, "dose", text("1"))];
    let stranger = Party { key: SigningKey::from_seed(&[9; 32]), chain: None, organisation: None };
    let mut borrower = stranger.clone();
    borrower.chain = s.device(1).chain;
    for party in [stranger, borrower, reader, removed] {
        assert_eq!(s.refused(&party, edit()), Refusal::Author);
    }
    // No parent at all; a predecessor by another author; a number left out.
    let mut free = s.replica.position(&gp.key.verification_key());
    free.deps = Vec::new();
    let mut skipping = s.replica.position(&holder.key.verification_key());
    skipping.seq += 1;
    let mut foreign = s.replica.position(&holder.key.verification_key());
    foreign.deps = Vec::new();
    for (party, position) in [(&gp, free), (&holder, skipping), (&gp, foreign)] {
        let envelope = s.epoch.edits_at(&mut s.world, party, position, START, edit());
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Quarantined(Refusal::Sequence));
    }
}

#[test]
fn another_device_shows_its_certificates_once() {
    let mut s = Scene::new("medications");
    let (laptop, gp) = (s.device(1), s.service(0));
    let entry = s.add(&gp, "medication", &[item("a")]);
    assert_eq!(s.write(&laptop, vec![set(entry, "dose", text("1"))]), Admission::Applied);
    assert_eq!(s.write(&laptop, vec![set(entry, "dose", text("2"))]), Admission::Applied);
    let mut bare = s.device(1);
    bare.chain = None;
    let mut other = Scene::new("medications");
    let entry = other.add(&gp, "medication", &[item("a")]);
    assert_eq!(other.refused(&bare, vec![set(entry, "dose", text("1"))]), Refusal::Author);
}

#[test]
fn a_lent_device_writes_until_its_certificate_ends() {
    let end = START.plus_days(7);
    let mut founding = Founding::new("medications", &[0]);
    founding.ends = vec![START.plus_days(3), end];
    let mut s = Scene::founded(founding);
    let (lent, lasting) = (s.world.lend(end), s.device(1));
    let entry = s.add(&lent, "medication", &[item("a")]);
    let edit = |n: &str| vec![set(entry, "dose", text(n))];
    s.now = 6 * 86_400;
    assert_eq!(s.write(&lent, edit("1")), Admission::Applied);
    let renewed = s.world.lend(end).chain;
    s.now = 8 * 86_400;
    assert_eq!(s.write(&lasting, edit("2")), Admission::Applied);
    assert_eq!(s.refused(&lent, edit("3")), Refusal::Ended);
    // Nor with what certifies another device, nor as one that shows itself for the first time.
    let late = s.world.lend(end);
    assert_eq!(s.refused(&late, edit("4")), Refusal::Ended);
    let position = s.replica.position(&lent.key.verification_key());
    let body = EditBody { at: START, chain: renewed, edits: edit("5"), carries: None };
    let body = codec::encode(&body);
    let envelope = s.epoch.seal(&mut s.world, &lent.key, position, Kind::Edits, body);
    assert_eq!(admit(&mut s.replica, &envelope), Admission::Quarantined(Refusal::Author));
    // An expired device founds nothing.
    let mut charter = (*s.epoch.charter).clone();
    charter.founder = late.chain.unwrap();
    assert!(charter.sign(&late.key).is_ok());
    charter.founded_at = end;
    assert!(matches!(charter.sign(&late.key), Err(CharterError::Founder(None))));
}

#[test]
fn what_waits_is_applied_when_its_dependencies_come() {
    let mut s = Scene::new("medications");
    let holder = s.device(0);
    let mut envelopes = Vec::new();
    for n in 0..5 {
        let at = s.tick();
        let (_, edits) = s.world.add(&holder, "medication", at, &[item(&n.to_string())]);
        let envelope = s.envelope(&holder, edits);
        admit(&mut s.replica, &envelope);
        envelopes.push(envelope);
    }
    // Everything before the snapshot, last first.
    let mut late = Replica::new(s.epoch.charter.clone());
    for envelope in envelopes.iter().rev() {
        assert_eq!(admit(&mut late, envelope), Admission::Waiting);
        assert_eq!(admit(&mut late, envelope), Admission::Known);
    }
    assert_eq!(late.missing().collect::<Vec<_>>(), [&s.epoch.parts[0].id()]);
    assert_eq!(admit(&mut late, &s.epoch.parts[0]), Admission::Applied);
    assert_eq!(json(&late), s.json());
    assert_eq!(late.missing().count(), 0);
    assert_eq!(admit(&mut late, &envelopes[2]), Admission::Known);

    // With one in the middle lost, what follows waits, and says for what.
    let mut gap = s.epoch.replica();
    for (n, envelope) in envelopes.iter().enumerate().filter(|(n, _)| *n != 1) {
        let expected = if n == 0 { Admission::Applied } else { Admission::Waiting };
        assert_eq!(admit(&mut gap, envelope), expected);
    }
    assert_eq!(gap.missing().collect::<Vec<_>>(), [&envelopes[1].id()]);
    assert_eq!(admit(&mut gap, &envelopes[1]), Admission::Applied);
    assert_eq!(json(&gap), s.json());
}

#[test]
fn what_builds_on_the_refused_is_refused_and_malformed_bodies_too() {
    let mut s = Scene::new("medications");
    let (gp, other) = (s.service(0), s.service(1));
    let position = s.replica.position(&gp.key.verification_key());
    for body in [Vec::new(), vec![0xff; 40], codec::encode(&1_u8)] {
        let bad = s.epoch.seal(&mut s.world, &gp.key, position.clone(), Kind::Edits, body);
        assert_eq!(admit(&mut s.replica, &bad), Admission::Quarantined(Refusal::Malformed));
        let (_, edits) = s.world.add(&other, "medication", START, &[item("a")]);
        let on = Position { seq: 1, prev: None, deps: vec![bad.id()], phase: 0 };
        let child = s.epoch.edits_at(&mut s.world, &other, on, START, edits);
        assert_eq!(admit(&mut s.replica, &child), Admission::Quarantined(Refusal::Dependency));
    }
    let body = codec::encode(&EditBody { at: START, chain: None, edits: vec![], carries: None });
    for kind in [Kind::Statements, Kind::Pack, Kind::Chunk, Kind::Receipts, Kind::Snapshot] {
        let bad = s.epoch.seal(&mut s.world, &gp.key, position.clone(), kind, body.clone());
        let refusal = if kind == Kind::Snapshot { Refusal::Snapshot } else { Refusal::Malformed };
        assert_eq!(admit(&mut s.replica, &bad), Admission::Quarantined(refusal));
    }
    // The pack is not among them: whoever takes one in opens it first.
    assert_eq!(s.replica.quarantined().count(), 10);
    assert_eq!(s.replica.tips().len(), 1);
}

#[test]
fn a_flood_of_what_never_settles_holds_nobody_up() {
    let mut s = Scene::new("medications");
    let (holder, hostile) = (s.device(0), s.service(1));
    let mut full = 0;
    for n in 0..WAITING + 50 {
        let mut never = [0; 32];
        never[..8].copy_from_slice(&n.to_be_bytes());
        let deps = vec![EnvelopeId::from_bytes(never)];
        let on = Position { seq: 1, prev: None, deps, phase: 0 };
        let envelope = s.epoch.edits_at(&mut s.world, &hostile, on, START, Vec::new());
        match admit(&mut s.replica, &envelope) {
            Admission::Waiting => {}
            Admission::Full => full += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(full, 50);
    s.add(&holder, "medication", &[item("a")]);
    s.add(&holder, "medication", &[item("b")]);
    assert_eq!(s.replica.entries().len(), 2);
}
