//! What two write at once.

use passport_core::edit::{Edit, RemarkContent};
use passport_core::envelope::OpenedEnvelope;
use passport_core::id::EntryId;
use passport_core::replica::{Admission, Stance};
use passport_core::section::Value;
use passport_tests::kit::{START, admit, prose, text};

use crate::{Scene, clear, item, set, splice};

/// Two devices of the holder who have seen one entry and now write without seeing each other.
fn apart(
    section: &'static str,
    kind: &str,
    fields: &[(&str, Value)],
    left: impl Fn(EntryId) -> Vec<Edit>,
    right: impl Fn(EntryId) -> Vec<Edit>,
) -> (Scene, EntryId, Vec<OpenedEnvelope>) {
    let mut s = Scene::new(section);
    let (phone, laptop) = (s.device(0), s.device(1));
    let at = s.tick();
    let (entry, edits) = s.world.add(&phone, kind, at, fields);
    let first = s.envelope(&phone, edits);
    assert_eq!(admit(&mut s.replica, &first), Admission::Applied);
    let a = s.envelope(&phone, left(entry));
    let b = s.envelope(&laptop, right(entry));
    for envelope in [&a, &b] {
        assert_eq!(admit(&mut s.replica, envelope), Admission::Applied);
    }
    (s, entry, vec![first, a, b])
}

fn values(s: &Scene, entry: EntryId, field: &str) -> Vec<Value> {
    let now = s.entry(entry);
    let versions = now.fields.get(field).map(|f| f.versions.clone()).unwrap_or_default();
    versions.into_iter().map(|v| v.value).collect()
}

#[test]
fn two_values_set_at_once_both_stand_until_one_is_chosen() {
    let (mut s, entry, mut all) = apart(
        "medications",
        "medication",
        &[item("a")],
        |e| vec![set(e, "dose", text("1"))],
        |e| vec![set(e, "dose", text("2"))],
    );
    assert_eq!(values(&s, entry, "dose"), [text("1"), text("2")]);
    s.same_in_any_order(&all);
    let laptop = s.device(1);
    // Choosing the one that Automerge would show anyway is a choice all the same.
    for choice in ["2", "1"] {
        let mut fresh = s.epoch.replica();
        fresh.admit(all.clone());
        s.replica = fresh;
        let resolve = Edit::Resolve { entry, field: "dose".into(), value: Some(text(choice)) };
        let envelope = s.envelope(&laptop, vec![resolve]);
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
        assert_eq!(values(&s, entry, "dose"), [text(choice)]);
        if choice == "1" {
            all.push(envelope);
        }
    }
    s.same_in_any_order(&all);
}

#[test]
fn a_contested_value_stands_beside_the_other_until_one_is_chosen() {
    let mut s = Scene::new("medications");
    let holder = s.device(0);
    let entry = s.add(&holder, "medication", &[item("a"), ("dose", text("1"))]);
    let version = s.entry(entry).fields["dose"].versions[0].clone();
    for value in ["2", "3"] {
        let mut version = version.clone();
        version.value = text(value);
        let contest = Edit::Contest { entry, field: "dose".into(), version };
        assert_eq!(s.write(&holder, vec![contest]), Admission::Applied);
    }
    assert_eq!(values(&s, entry, "dose"), [text("1"), text("2"), text("3")]);
    let resolve = Edit::Resolve { entry, field: "dose".into(), value: Some(text("1")) };
    assert_eq!(s.write(&holder, vec![resolve]), Admission::Applied);
    assert_eq!(values(&s, entry, "dose"), [text("1")]);
}

#[test]
fn a_removal_that_met_a_change_is_shown_until_one_decides() {
    let changes: [fn(EntryId) -> Vec<Edit>; 2] =
        [|e| vec![set(e, "dose", text("2"))], |e| vec![splice(e, "note", 0, 0, "still needed")]];
    for change in changes {
        let removal = |e| vec![Edit::Remove { entry: e }];
        let (mut s, entry, all) = apart("medications", "medication", &[item("a")], removal, change);
        assert_eq!(s.entry(entry).stance, Stance::Disputed);
        s.same_in_any_order(&all);
        let holder = s.device(0);
        let kept = s.envelope(&holder, vec![Edit::Restore { entry }]);
        let gone = s.envelope(&holder, vec![Edit::Remove { entry }]);
        for (decision, stance) in [(kept, Stance::Present), (gone, Stance::Removed)] {
            let mut replica = s.epoch.replica();
            replica.admit(all.clone());
            assert_eq!(admit(&mut replica, &decision), Admission::Applied);
            assert_eq!(replica.entry(entry).unwrap().stance, stance);
        }
    }
}

#[test]
fn a_note_on_what_is_removed_at_once_is_not_lost() {
    let mut s = Scene::new("medications");
    let (holder, gp) = (s.device(0), s.service(0));
    let entry = s.add(&holder, "medication", &[item("a")]);
    let note = RemarkContent::Note("Renewed for a year".into());
    let remark = s.world.remark(&gp, entry, START, note);
    let noted = s.envelope(&gp, vec![Edit::Remark(remark)]);
    let removed = s.envelope(&holder, vec![Edit::Remove { entry }]);
    admit(&mut s.replica, &noted);
    admit(&mut s.replica, &removed);
    assert_eq!(s.entry(entry).stance, Stance::Disputed);
}

#[test]
fn what_two_write_in_one_text_stands_in_it() {
    let (mut s, entry, all) = apart(
        "plan",
        "action",
        &[("action", prose("Ring the ward 🙂"))],
        |e| vec![splice(e, "action", 14, 1, "today")],
        |e| vec![splice(e, "action", 0, 4, "Visit")],
    );
    assert_eq!(values(&s, entry, "action"), [prose("Visit the ward today")]);
    s.same_in_any_order(&all);
}

#[test]
fn a_text_replaced_or_cleared_while_another_wrote_in_it_loses_nothing() {
    let old = [item("a"), ("note", prose("Take with food"))];
    let written = |e| vec![splice(e, "note", 14, 0, ", not milk")];
    let (mut s, entry, all) = apart("medications", "medication", &old, written, |e| {
        vec![set(e, "note", prose("Take at night"))]
    });
    let both = [prose("Take at night"), prose("Take with food, not milk")];
    assert_eq!(values(&s, entry, "note"), both);
    s.same_in_any_order(&all);
    let holder = s.device(0);
    let one = Edit::Resolve { entry, field: "note".into(), value: Some(both[0].clone()) };
    assert_eq!(s.write(&holder, vec![one]), Admission::Applied);
    assert_eq!(values(&s, entry, "note"), both[..1]);
    assert_eq!(s.write(&holder, vec![splice(entry, "note", 0, 4, "Drink")]), Admission::Applied);
    assert_eq!(values(&s, entry, "note"), [prose("Drink at night")]);

    let (mut s, entry, all) =
        apart("medications", "medication", &old, written, |e| vec![clear(e, "note")]);
    assert_eq!(values(&s, entry, "note"), both[1..]);
    s.same_in_any_order(&all);
    let holder = s.device(0);
    assert_eq!(s.write(&holder, vec![clear(entry, "note")]), Admission::Applied);
    assert_eq!(values(&s, entry, "note"), []);
}

#[test]
fn an_entry_brought_in_twice_at_once_is_one_entry() {
    let mut s = Scene::new("medications");
    let mut elsewhere = Scene::new("medications");
    let (phone, laptop) = (s.device(0), s.device(1));
    let entry = elsewhere.add(&phone, "medication", &[item("a"), ("dose", text("1"))]);
    let record = elsewhere.entry(entry).to_record();
    let first = s.envelope(&phone, vec![Edit::Move(record.clone())]);
    let second = s.envelope(&laptop, vec![Edit::Move(record)]);
    let (mut left, mut right) = (s.epoch.replica(), s.epoch.replica());
    admit(&mut left, &first);
    admit(&mut right, &second);
    let at = s.tick();
    let edits = vec![set(entry, "dose", text("2"))];
    let a = s.epoch.edits(&mut s.world, &phone, &left, at, edits);
    let edits = vec![set(entry, "timing", text("at night"))];
    let b = s.epoch.edits(&mut s.world, &laptop, &right, at, edits);
    let all = [first, second, a, b];
    s.replica.admit(all.clone());
    s.same_in_any_order(&all);
    assert_eq!(values(&s, entry, "timing"), [text("at night")]);
    // One map still says what the other device changed: shown, and chosen once.
    assert_eq!(values(&s, entry, "dose"), [text("1"), text("2")]);
    assert_eq!(s.write(&phone, vec![set(entry, "dose", text("2"))]), Admission::Applied);
    assert_eq!(values(&s, entry, "dose"), [text("2")]);
    assert_eq!(s.write(&phone, vec![Edit::Remove { entry }]), Admission::Applied);
    assert_eq!(s.entry(entry).stance, Stance::Removed);
}

#[test]
fn an_author_who_forks_keeps_both_branches_on_every_replica() {
    let mut s = Scene::new("medications");
    let (holder, gp) = (s.device(0), s.service(0));
    let at = s.tick();
    let fields = |dose: &str| [item("b"), ("dose", text(dose))];
    let (others, edits) = s.world.add(&holder, "medication", at, &[item("a")]);
    let first = s.envelope(&holder, edits);
    admit(&mut s.replica, &first);
    let (own, edits) = s.world.add(&gp, "medication", at, &fields("1"));
    let second = s.envelope(&gp, edits);
    let mut all = vec![first, second];
    let change = |s: &mut Scene, dose: &str| {
        let attestation = s.world.attestation(&gp, (own, "medication"), at, true, &fields(dose));
        let edits = vec![set(own, "dose", text(dose)), Edit::Attest { entry: own, attestation }];
        let envelope = s.envelope(&gp, edits);
        assert_eq!(admit(&mut s.replica, &envelope), Admission::Applied);
        envelope
    };
    // Three branches from one place, each two long, and one that is refused.
    for branch in ["2", "3", "4"] {
        s.replica = s.epoch.replica();
        s.replica.admit(all[..2].to_vec());
        for step in ["", "0"] {
            let envelope = change(&mut s, &format!("{branch}{step}"));
            all.push(envelope);
        }
    }
    s.replica = s.epoch.replica();
    s.replica.admit(all[..2].to_vec());
    let refused = s.envelope(&gp, vec![set(others, "dose", text("9"))]);
    all.push(refused);
    let outcome = s.replica.admit(all.clone());
    assert_eq!(outcome.iter().filter(|(_, a)| *a == Admission::Applied).count(), 6);
    assert_eq!(values(&s, own, "dose"), [text("20"), text("30"), text("40")]);
    assert_eq!(s.replica.forks().map(|(_, ids)| ids.len()).collect::<Vec<_>>(), [4]);
    s.same_in_any_order(&all);
    // On from a fork: the position is one that everybody takes.
    let envelope = change(&mut s, "5");
    all.push(envelope);
    assert_eq!(values(&s, own, "dose"), [text("5")]);
    assert_eq!(s.entry(own).fields["dose"].versions[0].author, gp.author());
    s.same_in_any_order(&all);
}
