//! Holders of valid keys who try more than they were given.

use passport_core::author::Author;
use passport_core::codec;
use passport_core::edit::{
    Edit, EditBody, EntryRecord, FieldVersion, RecordedField, RemarkContent, limits,
};
use passport_core::envelope::{Kind, OpenedEnvelope};
use passport_core::epoch::Charter;
use passport_core::id::{EntryId, EnvelopeId};
use passport_core::keys::SigningKey;
use passport_core::replica::{Admission, Refusal, Replica, WAITING};
use passport_core::section::{Code, Value, display};
use passport_core::time::Timestamp;
use passport_core::view::View;
use passport_tests::kit::{Epoch, Founding, Party, START, World, admit, prose, text};

struct Scene {
    world: World,
    epoch: Epoch,
    replica: Replica,
}

fn scene(seed: u64, name: &'static str) -> Scene {
    println!("seed {seed}");
    let mut world = World::new(seed, 3);
    let epoch = world.found(Founding::new(name, &[0, 1]));
    let replica = epoch.replica();
    Scene { world, epoch, replica }
}

fn shown(replica: &Replica) -> String {
    let view = View::of(replica);
    format!("{} {:?}", serde_json::to_string(&view.to_json()).unwrap(), view.digest())
}

fn item(name: &str) -> (&'static str, Value) {
    ("item", Value::Code(Code::text(name)))
}

impl Scene {
    fn seal(&mut self, party: &Party, edits: Vec<Edit>) -> OpenedEnvelope {
        self.epoch.edits(&mut self.world, party, &self.replica, START, edits)
    }

    fn add(&mut self, party: &Party, kind: &str, fields: &[(&str, Value)]) -> EntryId {
        let (entry, edits) = self.world.add(party, kind, START, fields);
        let envelope = self.seal(party, edits);
        assert_eq!(admit(&mut self.replica, &envelope), Admission::Applied);
        entry
    }

    /// Tries edits that must be put aside whole; the view stays, and the holder sees it.
    fn refused(&mut self, party: &Party, edits: Vec<Edit>) -> Refusal {
        let envelope = self.seal(party, edits);
        self.put_aside(&envelope)
    }

    fn put_aside(&mut self, envelope: &OpenedEnvelope) -> Refusal {
        let before = shown(&self.replica);
        let Admission::Quarantined(refusal) = admit(&mut self.replica, envelope) else {
            panic!("it was taken in")
        };
        assert_eq!(shown(&self.replica), before);
        let reported =
            self.replica.quarantined().any(|(id, _, why)| *id == envelope.id() && why == refusal);
        assert!(reported, "not shown to the holder");
        refusal
    }
}

#[test]
fn a29_a30_who_is_no_writer_writes_nothing() {
    let mut s = scene(29, "medications");
    let reader = s.world.organisations[2].clone();
    let stranger = Party { key: SigningKey::from_seed(&[3; 32]), chain: None, organisation: None };
    for party in [reader, stranger] {
        let (_, edits) = s.world.add(&party, "medication", START, &[item("x")]);
        assert_eq!(s.refused(&party, edits), Refusal::Author);
    }
    // A writer of one section with that section's envelope in another.
    let gp = s.world.organisations[0].clone();
    let elsewhere = s.world.found(Founding::new("allergies", &[]));
    let (_, edits) = s.world.add(&gp, "medication", START, &[item("x")]);
    let here = s.seal(&gp, edits);
    let mut other = elsewhere.replica();
    assert_eq!(admit(&mut other, &here), Admission::Quarantined(Refusal::Malformed));
    assert!(other.entries().is_empty());
}

#[test]
fn a31_a_contributor_leaves_others_entries_alone() {
    let mut s = scene(31, "medications");
    let (holder, gp) = (s.world.devices[0].clone(), s.world.organisations[0].clone());
    let entry = s.add(&holder, "medication", &[item("a"), ("dose", text("20 mg"))]);
    let set = |value| Edit::Set { entry, field: "dose".into(), value };
    assert_eq!(s.refused(&gp, vec![set(Some(text("2 g")))]), Refusal::NotOwn);
    assert_eq!(s.refused(&gp, vec![set(None)]), Refusal::NotOwn);
    assert_eq!(s.refused(&gp, vec![Edit::Remove { entry }]), Refusal::NotOwn);
    // Good edits do not carry a bad one in: an envelope is taken whole or not at all.
    let (_, mut edits) = s.world.add(&gp, "medication", START, &[item("b")]);
    edits.push(Edit::Remove { entry });
    assert_eq!(s.refused(&gp, edits), Refusal::NotOwn);
}

#[test]
fn a31_nobody_signs_anothers_words_as_their_own() {
    for name in ["medications", "plan"] {
        let mut s = scene(3101, name);
        let (holder, gp) = (s.world.devices[0].clone(), s.world.organisations[0].clone());
        let (kind, fields) = if name == "plan" {
            ("action", vec![("action", prose("Ring")), ("who", text("me"))])
        } else {
            ("medication", vec![item("a"), ("dose", text("20 mg"))])
        };
        let entry = s.add(&holder, kind, &fields);
        for taken in [&fields[1..], &fields[..]] {
            let signed = s.world.attestation(&gp, (entry, kind), START, false, taken);
            let attest = Edit::Attest { entry, attestation: signed };
            assert_eq!(s.refused(&gp, vec![attest]), Refusal::Attestation);
        }
        let whole = s.world.attestation(&gp, (entry, kind), START, true, &fields);
        let attest = Edit::Attest { entry, attestation: whole };
        assert_eq!(s.refused(&gp, vec![attest]), Refusal::Attestation);
        let entry = s.replica.entry(entry).unwrap();
        assert!(entry.fields.values().all(|f| f.versions[0].author == Author::Holder));
    }
}

#[test]
fn a32_a_sequence_of_another_cannot_be_gone_on_with() {
    let mut s = scene(32, "medications");
    let (gp, other) = (s.world.organisations[0].clone(), s.world.organisations[1].clone());
    s.add(&gp, "medication", &[item("a")]);
    let position = s.replica.position(&gp.key.verification_key());
    let (_, edits) = s.world.add(&other, "medication", START, &[item("b")]);
    let posing = s.epoch.edits_at(&mut s.world, &other, position, START, edits);
    assert_eq!(s.put_aside(&posing), Refusal::Sequence);
}

#[test]
fn a33_a_name_in_the_content_is_nobodys_signature() {
    let mut s = scene(33, "medications");
    let (holder, gp) = (s.world.devices[0].clone(), s.world.organisations[0].clone());
    let other = s.world.organisations[1].clone();
    let entry = s.add(&holder, "medication", &[item("a")]);
    let note = RemarkContent::Note("Stop taking it".into());
    let theirs = s.world.remark(&gp, entry, START, note.clone());
    assert_eq!(s.refused(&other, vec![Edit::Remark(theirs.clone())]), Refusal::SpeaksForAnother);
    let mut forged = s.world.remark(&holder, entry, START, note);
    forged.author = gp.author();
    assert_eq!(s.refused(&holder, vec![Edit::Remark(forged)]), Refusal::SpeaksForAnother);
    let mut moved = theirs;
    moved.at = START.plus_days(-400);
    assert_eq!(s.refused(&gp, vec![Edit::Remark(moved)]), Refusal::Attestation);
}

#[test]
fn a34_two_envelopes_with_one_number_show_the_same_everywhere() {
    let mut s = scene(34, "medications");
    let (gp, other) = (s.world.organisations[0].clone(), s.world.organisations[1].clone());
    let before = s.replica.position(&gp.key.verification_key());
    let mut all = Vec::new();
    for n in 0..3 {
        let (_, edits) = s.world.add(&gp, "medication", START, &[item(&format!("fork {n}"))]);
        all.push(s.epoch.edits_at(&mut s.world, &gp, before.clone(), START, edits));
    }
    admit(&mut s.replica, &all[0]);
    let (_, edits) = s.world.add(&other, "medication", START, &[item("other")]);
    all.push(s.seal(&other, edits));
    let mut views = Vec::new();
    for turn in 0..all.len() {
        let mut order = all.clone();
        order.rotate_left(turn);
        let mut replica = s.epoch.replica();
        replica.admit(order);
        assert_eq!(replica.forks().count(), 1, "the fork is evidence");
        assert!(shown(&replica).contains("other"), "nobody else's work is undone");
        views.push(shown(&replica));
    }
    views.dedup();
    assert_eq!(views.len(), 1);
}

#[test]
fn a35_a36_a_claimed_time_moves_nobody_past_the_end_of_their_right() {
    let end = START.plus_days(30);
    let mut world = World::new(35, 3);
    let mut founding = Founding::new("medications", &[1]);
    founding.writers.push((0, Some(end)));
    let epoch = world.found(founding);
    let replica = epoch.replica();
    let mut s = Scene { world, epoch, replica };
    let (gp, other) = (s.world.organisations[0].clone(), s.world.organisations[1].clone());
    let late = Timestamp::from_seconds(end.as_seconds() + 1);
    let (_, edits) = s.world.add(&other, "medication", late, &[item("later")]);
    let envelope = s.epoch.edits(&mut s.world, &other, &s.replica, late, edits);
    assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
    // It has seen the later phase, and says that it is the day before.
    let (_, edits) = s.world.add(&gp, "medication", START, &[item("backdated")]);
    assert_eq!(s.refused(&gp, edits.clone()), Refusal::Ended);
    let mut position = s.replica.position(&gp.key.verification_key());
    position.phase = 0;
    let early = s.epoch.edits_at(&mut s.world, &gp, position, START, edits);
    assert_eq!(s.put_aside(&early), Refusal::Phase);
    // A backdated entry of one who may write is shown as claimed.
    let (entry, edits) = s.world.add(&other, "medication", START.plus_days(-900), &[item("old")]);
    let position = s.replica.position(&other.key.verification_key());
    let at = START.plus_days(-900);
    let old = s.epoch.edits_at(&mut s.world, &other, position, at, edits);
    assert_eq!(admit(&mut s.replica, &old), Admission::Applied);
    assert_eq!(s.replica.entry(entry).unwrap().recorded_at, at);
}

#[test]
fn a37_a38_a39_bodies_at_and_past_every_limit() {
    let mut s = scene(37, "medications");
    let holder = s.world.devices[0].clone();
    let entry = s.add(&holder, "medication", &[item("a"), ("note", prose("x"))]);
    let splice = |at, delete| Edit::Splice {
        entry,
        field: "note".into(),
        at,
        delete,
        insert: String::new(),
    };
    for (at, delete) in [(2, 0), (1, 1), (0, 2), (u32::MAX, u32::MAX), (0, u32::MAX)] {
        assert_eq!(s.refused(&holder, vec![splice(at, delete)]), Refusal::Position);
    }
    assert_eq!(s.refused(&holder, vec![splice(0, 0); limits::EDITS + 1]), Refusal::Limit);
    assert_eq!(s.refused(&holder, Vec::new()), Refusal::Limit);
    let strange = |field: &str| Edit::Set { entry, field: field.into(), value: Some(text("x")) };
    for field in ["", "__proto__", "item/..", &"f".repeat(100_000)] {
        assert_eq!(s.refused(&holder, vec![strange(field)]), Refusal::Schema);
    }
    // Bodies that are not what they say: nested arrays, nothing, another kind's.
    let mut nested = vec![0x81; 100_000];
    nested.push(0x80);
    for body in [nested, Vec::new(), vec![0xff], codec::encode(&"text")] {
        let position = s.replica.position(&holder.key.verification_key());
        let envelope = s.epoch.seal(&mut s.world, &holder.key, position, Kind::Edits, body);
        assert_eq!(s.put_aside(&envelope), Refusal::Malformed);
    }
    let body = EditBody { at: START, chain: None, edits: vec![splice(0, 0)], carries: None };
    let body = codec::encode(&body);
    let position = s.replica.position(&holder.key.verification_key());
    let statements =
        s.epoch.seal(&mut s.world, &holder.key, position, Kind::Statements, body.clone());
    assert_eq!(s.put_aside(&statements), Refusal::Malformed);
    // A pack is no envelope of its own: whoever takes it in opens it first.
    let position = s.replica.position(&holder.key.verification_key());
    let pack = s.epoch.seal(&mut s.world, &holder.key, position, Kind::Pack, body);
    assert_eq!(admit(&mut s.replica, &pack), Admission::Quarantined(Refusal::Malformed));
    // Claimed times at both ends of all time, and a sequence number at its end.
    for at in [i64::MIN, i64::MAX] {
        let at = Timestamp::from_seconds(at);
        let (_, edits) = s.world.add(&holder, "medication", at, &[item("b")]);
        let position = s.replica.position(&holder.key.verification_key());
        let envelope = s.epoch.edits_at(&mut s.world, &holder, position, at, edits);
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
        assert!(!shown(&s.replica).is_empty());
    }
    let mut last = s.replica.position(&holder.key.verification_key());
    last.seq = u64::MAX;
    let end = s.epoch.edits_at(&mut s.world, &holder, last.clone(), START, vec![splice(0, 0)]);
    assert_eq!(s.put_aside(&end), Refusal::Sequence);
    last.prev = Some(end.id());
    let beyond = s.epoch.edits_at(&mut s.world, &holder, last, START, vec![splice(0, 0)]);
    assert_eq!(s.put_aside(&beyond), Refusal::Dependency);
}

#[test]
fn a40_what_waits_for_nothing_is_bounded_and_stops_nobody() {
    let mut s = scene(40, "medications");
    let (gp, holder) = (s.world.organisations[0].clone(), s.world.devices[0].clone());
    let (mut waiting, mut full) = (0, 0);
    for n in 0..u32::try_from(WAITING + 50).unwrap() {
        let mut missing = [0xee; 32];
        missing[..4].copy_from_slice(&n.to_be_bytes());
        let mut position = s.replica.position(&gp.key.verification_key());
        position.deps = vec![EnvelopeId::from_bytes(missing)];
        let envelope = s.epoch.edits_at(&mut s.world, &gp, position, START, Vec::new());
        match admit(&mut s.replica, &envelope) {
            Admission::Waiting => waiting += 1,
            Admission::Full => full += 1,
            Admission::Applied | Admission::Known | Admission::Quarantined(_) => {
                panic!("not kept waiting")
            }
        }
    }
    assert_eq!((waiting, full), (WAITING, 50));
    s.add(&holder, "medication", &[item("goes on")]);
    assert!(shown(&s.replica).contains("goes on"));
}

#[test]
fn a43_text_that_misleads_is_shown_harmless() {
    let mut s = scene(43, "medications");
    let gp = s.world.organisations[0].clone();
    let evil = "\u{1b}[2J\u{202e}20 mg\u{200f}\u{7}\u{2066}<script>";
    let entry = s.add(&gp, "medication", &[item("a"), ("note", prose(evil))]);
    let view = View::of(&s.replica);
    let value =
        &view.entries.iter().find(|e| e.id == entry).unwrap().fields["note"].versions[0].value;
    let line = display::display_value(value);
    let json = display::escape_json(&serde_json::to_string(&view.to_json()).unwrap());
    for bad in ['\u{1b}', '\u{202e}', '\u{200f}', '\u{7}', '\u{2066}'] {
        assert!(!line.contains(bad) && !json.contains(bad), "{bad:?}");
    }
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(read.to_string().contains("script"));
    // On a card, where names are, none gets in at all.
    let key = SigningKey::from_seed(&[4; 32]);
    for name in ["Elm\u{202e}", "\u{1b}[31mElm", "Elm\nHolder", " Elm", "", "El\u{200b}m"] {
        let kind = passport_core::keys::OrganisationKind::Gp;
        let card = passport_core::keys::Card::new(key.verification_key(), name.into(), kind, START);
        assert!(card.sign(&key).is_err(), "{name:?}");
    }
}

#[test]
fn a44_a45_a_recipient_founds_no_epoch() {
    let mut s = scene(44, "medications");
    let gp = s.world.organisations[0].clone();
    let mut charter: Charter = (*s.epoch.charter).clone();
    for writer in &mut charter.writers {
        writer.until = None;
    }
    charter.nonce = [9; 16];
    assert!(charter.sign(&gp.key).is_err(), "an instance is no device");
    // Nor with certificates that are not its own.
    charter.founder = s.world.devices[1].chain.clone().unwrap();
    assert!(charter.sign(&gp.key).is_err());
    let stale = passport_core::keys::Signed::new(&charter, &s.world.devices[0].key);
    assert!(Charter::verify(stale).is_err(), "signed by another device than it names");
    let (_, edits) = s.world.add(&gp, "medication", START, &[item("a")]);
    let envelope = s.seal(&gp, edits);
    assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
}

#[test]
fn a61_a_snapshot_puts_nobodys_name_on_what_they_did_not_sign() {
    let mut s = scene(61, "medications");
    let gp = s.world.organisations[0].clone();
    let entry = s.add(&gp, "medication", &[item("a"), ("dose", text("20 mg"))]);
    let honest = s.replica.entry(entry).unwrap().to_record();
    let organisation = gp.author();
    let says = |value: &str| RecordedField {
        name: "dose".into(),
        versions: vec![FieldVersion { value: text(value), author: organisation, at: START }],
    };
    let mut altered = honest.clone();
    *altered.fields.iter_mut().find(|f| f.name == "dose").unwrap() = says("2 g");
    let mut renamed = honest.clone();
    renamed.kind = "none-known".into();
    let mut moved = honest.clone();
    moved.id = EntryId::from_bytes([6; 16]);
    let mut bare = honest.clone();
    bare.attestations.clear();
    let forged = EntryRecord {
        remarks: vec![{
            let mut r = s.world.remark(&gp, entry, START, RemarkContent::Note("as signed".into()));
            r.content = RemarkContent::Note("as forged".into());
            r
        }],
        ..honest.clone()
    };
    for (n, record) in [altered, renamed, moved, bare, forged].into_iter().enumerate() {
        let mut founding = Founding::new("medications", &[0]);
        founding.records = vec![record];
        founding.parents = vec![s.epoch.charter.id()];
        let epoch = s.world.found(founding);
        let mut replica = Replica::new(epoch.charter.clone());
        let outcome = replica.admit(epoch.parts.clone());
        assert!(
            outcome.iter().any(|(_, a)| *a == Admission::Quarantined(Refusal::Snapshot)),
            "{n}"
        );
        assert!(!replica.is_ready() && replica.entries().is_empty());
    }
    let mut founding = Founding::new("medications", &[0]);
    founding.records = vec![honest];
    founding.parents = vec![s.epoch.charter.id()];
    assert!(
        s.world.found(founding).replica().entry(entry).unwrap().changed_since_signed().is_empty()
    );
}
