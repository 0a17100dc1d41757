//! From one epoch to the next: what stands goes with it, and nothing else.

use passport_core::author::Author;
use passport_core::edit::{Edit, EntryRecord, RemarkContent};
use passport_core::envelope::Kind;
use passport_core::id::EntryId;
use passport_core::replica::{Admission, Position, Refusal, Replica, Stance};
use passport_core::view::View;
use passport_tests::kit::{Epoch, Founding, START, admit, prose, text};

use crate::{Scene, clear, item, set, splice};

fn next(s: &mut Scene, section: &'static str, records: Vec<EntryRecord>) -> Epoch {
    let mut founding = Founding::new(section, &[0, 1]);
    founding.records = records;
    founding.founder = 1;
    founding.parents = vec![s.epoch.charter.id()];
    founding.at = s.tick();
    s.world.found_in_parts(founding, 300)
}

fn contains(epoch: &Epoch, words: &str) -> bool {
    epoch.bodies.concat().windows(words.len()).any(|w| w == words.as_bytes())
}

#[test]
fn the_next_epoch_shows_the_same_and_holds_nothing_that_was_removed_or_overwritten() {
    let mut s = Scene::new("medications");
    let (holder, laptop, gp, other) = (s.device(0), s.device(1), s.service(0), s.service(1));
    let fields = [
        item("sertraline"),
        ("dose", text("overwritten-dose")),
        ("timing", text("cleared-timing")),
    ];
    let theirs = s.add(&gp, "medication", &fields);
    let gone = s.add(&gp, "medication", &[item("removed-medicine")]);
    let mine = s.add(&holder, "medication", &[item("b"), ("note", prose("early words"))]);
    let edits = vec![
        set(theirs, "dose", text("75 mg")),
        clear(theirs, "timing"),
        Edit::Remove { entry: gone },
        splice(mine, "note", 0, 5, "later"),
    ];
    assert_eq!(s.write(&holder, edits), Admission::Applied);
    let note = s.world.remark(&other, mine, START, RemarkContent::Note("noted".into()));
    assert_eq!(s.write(&other, vec![Edit::Remark(note)]), Admission::Applied);
    let settled =
        RemarkContent::Suggestion { field: "dose".into(), value: Some(text("settled-suggestion")) };
    let settled = s.world.remark(&other, mine, START, settled);
    let open = RemarkContent::Suggestion { field: "dose".into(), value: Some(text("open")) };
    let open = s.world.remark(&other, mine, START, open);
    let settle = Edit::Settle { entry: mine, suggestion: settled.id, accepted: false };
    assert_eq!(
        s.write(&other, vec![Edit::Remark(settled), Edit::Remark(open)]),
        Admission::Applied
    );
    assert_eq!(s.write(&holder, vec![settle]), Admission::Applied);
    // An open conflict, and a removal in dispute.
    let a = s.envelope(&holder, vec![set(mine, "dose", text("1")), Edit::Remove { entry: mine }]);
    let b = s.envelope(&laptop, vec![set(mine, "dose", text("2"))]);
    for envelope in [a, b] {
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
    }
    assert_eq!(s.entry(mine).stance, Stance::Disputed);

    let records = s.replica.records();
    let epoch = next(&mut s, "medications", records.clone());
    assert!(epoch.parts.len() > 2, "the snapshot should have several parts");
    let replica = epoch.replica();
    assert_eq!(View::of(&replica).digest(), View::of(&s.replica).digest());
    assert_eq!(replica.records(), records, "a snapshot of a snapshot is the same");
    for words in
        ["overwritten-dose", "removed-medicine", "early", "settled-suggestion", "cleared-timing"]
    {
        assert!(!contains(&epoch, words), "{words}");
    }
    assert!(contains(&epoch, "75 mg") && contains(&epoch, "later words"));
    let now = replica.entry(theirs).unwrap();
    assert_eq!(now.author, gp.author());
    assert_eq!(now.changed_since_signed(), ["dose", "timing"]);
    let attestation = now.own_attestation().unwrap();
    assert!(attestation.covers("item", &fields[0].1));
    assert!(!attestation.covers("dose", &fields[1].1), "the salt of what was changed has gone");
    assert_eq!(now.fields["item"].versions[0].author, gp.author());
    assert_eq!(now.fields["dose"].versions[0].author, Author::Holder);
    let mine = replica.entry(mine).unwrap();
    assert_eq!(mine.stance, Stance::Disputed);
    assert_eq!(mine.fields["dose"].versions.len(), 2);
    assert_eq!(mine.remarks.len(), 2);

    // In any order of parts, each alone.
    let mut late = Replica::new(epoch.charter.clone());
    for part in epoch.parts.iter().rev() {
        assert!(!late.is_ready());
        assert_eq!(admit(&mut late, part), Admission::Applied);
    }
    assert_eq!(View::of(&late).digest(), View::of(&replica).digest());

    // The conflict and the dispute are settled in the new epoch as in the old.
    s.epoch = epoch;
    s.replica = late;
    let decide = vec![
        Edit::Restore { entry: mine.id },
        Edit::Resolve { entry: mine.id, field: "dose".into(), value: Some(text("1")) },
    ];
    assert_eq!(s.write(&laptop, decide), Admission::Applied);
    assert_eq!(s.entry(mine.id).stance, Stance::Present);
    assert_eq!(s.entry(mine.id).fields["dose"].versions.len(), 1);
}

/// An entry is laid into the document when somebody names it, and read from its record before.
#[test]
fn an_entry_of_a_snapshot_reads_the_same_before_and_after_somebody_names_it() {
    let mut s = Scene::new("plan");
    let (holder, laptop, gp) = (s.device(0), s.device(1), s.service(0));
    let action = |t: &str| [("action", prose(t)), ("who", text("GP"))];
    let theirs = s.add(&gp, "action", &action("Ring 🙂e\u{301}"));
    let mine = s.add(&holder, "action", &action("Rest"));
    let third = s.add(&holder, "action", &action("Third"));
    let note = s.world.remark(&gp, mine, START, RemarkContent::Note("noted".into()));
    assert_eq!(s.write(&gp, vec![Edit::Remark(note)]), Admission::Applied);
    let a = s.envelope(&holder, vec![set(mine, "who", text("1")), Edit::Remove { entry: mine }]);
    let b =
        s.envelope(&laptop, vec![set(mine, "who", text("2")), splice(mine, "action", 0, 1, "")]);
    for envelope in [a, b] {
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
    }
    let records = s.replica.records();
    let epoch = next(&mut s, "plan", records.clone());
    let before = epoch.replica();
    s.replica = epoch.replica();
    s.epoch = epoch;
    // What changes nothing lays them all the same; what is refused lays nothing.
    let refused = vec![set(theirs, "who", text("me")), splice(theirs, "action", 99, 1, "")];
    assert_eq!(s.refused(&holder, refused), Refusal::Position);
    let (first, second) = (splice(theirs, "action", 0, 0, ""), splice(third, "action", 0, 0, ""));
    assert_eq!(s.write(&holder, vec![first, second]), Admission::Applied);
    let note = s.world.remark(&holder, mine, START, RemarkContent::Note("again".into()));
    assert_eq!(s.write(&holder, vec![Edit::Remark(note)]), Admission::Applied);
    let now = s.entry(mine);
    assert_eq!((now.remarks.len(), now.stance), (2, Stance::Disputed));
    let record = |r: &Replica, id| r.entry(id).unwrap().to_record();
    for id in [theirs, third] {
        assert_eq!(record(&s.replica, id), record(&before, id));
    }
    assert_eq!(now.fields["who"].versions.len(), 2);
    assert_eq!(record(&s.replica, mine).fields, record(&before, mine).fields);
    // Two name one entry first, and write in one text: it is one text.
    let at = s.tick();
    let mut first = |party, position, insert| {
        let edits = vec![splice(third, "action", position, 0, insert)];
        s.epoch.edits(&mut s.world, party, &before, at, edits)
    };
    let both = [first(&laptop, 0, "The "), first(&holder, 5, " time")];
    s.replica = s.epoch.replica();
    s.same_in_any_order(&both);
    s.replica.admit(both);
    let versions = record(&s.replica, third).fields[0].versions.clone();
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].value, prose("The Third time"));
}

#[test]
fn to_set_what_stands_already_puts_it_in_nobody_elses_name() {
    let mut s = Scene::new("medications");
    let (holder, gp) = (s.device(0), s.service(0));
    let entry = s.add(&gp, "medication", &[item("a"), ("dose", text("1"))]);
    assert_eq!(s.write(&holder, vec![set(entry, "dose", text("2"))]), Admission::Applied);
    let records = s.replica.records();
    s.epoch = next(&mut s, "medications", records);
    s.replica = s.epoch.replica();
    assert_eq!(s.write(&holder, vec![set(entry, "dose", text("2"))]), Admission::Applied);
    assert_eq!(s.entry(entry).fields["dose"].versions[0].author, Author::Holder);
    assert_eq!(s.entry(entry).changed_since_signed(), ["dose"]);
}

#[test]
fn a_snapshot_that_speaks_for_another_opens_no_epoch() {
    let mut s = Scene::new("medications");
    let (holder, gp) = (s.device(0), s.service(0));
    let entry = s.add(&gp, "medication", &[item("a"), ("dose", text("1"))]);
    s.add(&holder, "medication", &[item("b")]);
    let good = s.replica.records();
    let at = good.iter().position(|r| r.id == entry).unwrap();
    let mut bad = Vec::new();
    for n in 0..6 {
        let mut records = good.clone();
        let record = &mut records[at];
        match n {
            0 => record.fields[0].versions[0].value = text("9"),
            1 => record.attestations.clear(),
            2 => record.attestations[0].whole = false,
            3 => record.attestations[0].organisation = s.service(1).organisation.unwrap(),
            4 => record.id = EntryId::from_bytes([0; 16]),
            _ => records.reverse(),
        }
        bad.push(records);
    }
    for (n, mut records) in bad.into_iter().enumerate() {
        if n == 4 {
            records.sort_by_key(|r| r.id);
        }
        let epoch = next(&mut s, "medications", records);
        let mut replica = Replica::new(epoch.charter.clone());
        let outcome = replica.admit(epoch.parts.clone());
        let refused = Admission::Quarantined(Refusal::Snapshot);
        assert_eq!(outcome.last().map(|(_, a)| *a), Some(refused), "case {n}");
        assert!(!replica.is_ready());
        assert!(replica.records().is_empty());
    }
}

#[test]
fn a_part_by_another_or_elsewhere_or_altered_is_refused() {
    let mut s = Scene::new("medications");
    let (founder, laptop) = (s.device(0), s.device(1));
    let body = s.epoch.bodies[0].clone();
    let first = Position { seq: 1, prev: None, deps: Vec::new(), phase: 0 };
    let mut later = first.clone();
    later.deps = vec![s.epoch.parts[0].id()];
    let mut altered = body.clone();
    altered[2] ^= 1;
    let cases = [
        (laptop.key, first.clone(), body.clone()),
        (founder.key.clone(), later, body),
        (founder.key, first, altered),
    ];
    for (key, position, body) in cases {
        let mut replica = Replica::new(s.epoch.charter.clone());
        let part = s.epoch.seal(&mut s.world, &key, position, Kind::Snapshot, body);
        assert_eq!(admit(&mut replica, &part), Admission::Quarantined(Refusal::Snapshot));
        assert!(!replica.is_ready());
    }
}

#[test]
fn an_entry_larger_than_an_envelope_and_a_text_past_its_limit_are_carried_over() {
    let mut s = Scene::new("safety-plan");
    let (phone, laptop) = (s.device(0), s.device(1));
    let entry = s.add(&phone, "plan", &[]);
    let long = "x".repeat(60_000);
    for field in ["triggers", "early_signs", "what_helps", "places"] {
        assert_eq!(s.write(&phone, vec![splice(entry, field, 0, 0, &long)]), Admission::Applied);
    }
    s.write(&laptop, vec![splice(entry, "triggers", 0, 60_000, "z")]);
    let a = s.envelope(&phone, vec![splice(entry, "triggers", 0, 0, &long)]);
    let b = s.envelope(&laptop, vec![splice(entry, "triggers", 1, 0, &long)]);
    for envelope in [a, b] {
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
    }
    let records = s.replica.records();
    let mut founding = Founding::new("safety-plan", &[0]);
    founding.records = records.clone();
    let epoch = s.world.found_in_parts(founding, 200_000);
    assert_eq!(epoch.replica().records(), records);
    // What is over its limit may shrink.
    s.epoch = epoch;
    s.replica = s.epoch.replica();
    assert_eq!(s.refused(&phone, vec![splice(entry, "triggers", 0, 0, "y")]), Refusal::Value);
    let cut = splice(entry, "triggers", 0, 10, "");
    assert_eq!(s.write(&phone, vec![cut]), Admission::Applied);
}
