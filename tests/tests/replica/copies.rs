//! What an author sees of an entry, when others have written in it too.

use passport_core::edit::Edit;
use passport_core::envelope::OpenedEnvelope;
use passport_core::id::EntryId;
use passport_core::replica::{Admission, Position, Refusal};
use passport_tests::kit::{Founding, Party, admit, prose, text};

use crate::{Scene, clear, item, set, splice};

/// An envelope at a place of one's choosing.
fn at(
    s: &mut Scene,
    party: &Party,
    prev: Option<&OpenedEnvelope>,
    deps: &[&OpenedEnvelope],
    edits: Vec<Edit>,
) -> OpenedEnvelope {
    let key = party.key.verification_key();
    let first = s.epoch.replica().position(&key);
    let mut position = Position { seq: first.seq, prev: first.prev, ..first };
    if let Some(prev) = prev {
        position.seq = prev.header().seq + 1;
        position.prev = Some(prev.id());
        position.deps.clear();
    }
    position.deps.extend(deps.iter().map(|envelope| envelope.id()));
    position.deps.sort_unstable();
    let now = s.tick();
    s.epoch.edits_at(&mut s.world, party, position, now, edits)
}

fn seen(s: &Scene, entry: EntryId) -> String {
    format!("{:?}", s.entry(entry).fields["action"].settled().unwrap().value)
}

#[test]
fn who_lags_sees_the_record_and_what_they_have_seen_since_and_no_more() {
    let mut scene = Scene::new("plan");
    let (phone, laptop) = (scene.device(0), scene.device(1));
    let entry = scene.add(&phone, "action", &[("action", prose("Rest"))]);
    let mut founding = Founding::new("plan", &[0, 1]);
    founding.records = scene.replica.records();
    founding.parents = vec![scene.epoch.charter.id()];
    scene.epoch = scene.world.found(founding);
    scene.replica = scene.epoch.replica();
    let letter = |at, word: &str| vec![splice(entry, "action", at, 0, word)];
    let a = at(&mut scene, &phone, None, &[], letter(4, "a"));
    let b = at(&mut scene, &laptop, None, &[], letter(0, "b"));
    // The laptop sees all there is; the phone nothing of that, and a place that only it has.
    let c = at(&mut scene, &laptop, Some(&b), &[&a], letter(6, "c"));
    let d = at(&mut scene, &phone, Some(&a), &[], letter(5, "d"));
    // Then it sees one envelope of two: its text is "bRestad".
    let last = at(&mut scene, &phone, Some(&d), &[&b], letter(7, "e"));
    let too_far = at(&mut scene, &phone, Some(&last), &[], letter(9, "f"));
    let all = [a, b, c, d, last];
    for envelope in &all {
        assert_eq!(admit(&mut scene.replica, envelope), Admission::Applied);
    }
    let refused = Admission::Quarantined(Refusal::Position);
    assert_eq!(admit(&mut scene.replica, &too_far), refused, "it does not see the letter c");
    let text = seen(&scene, entry);
    assert!(text.contains("bResta") && text.contains('c') && text.contains("de"), "{text}");
    scene.same_in_any_order(&all);
}

#[test]
fn an_entry_that_was_added_reads_the_same_before_and_after_another_envelope_names_it() {
    let mut s = Scene::new("medications");
    let (phone, laptop) = (s.device(0), s.device(1));
    let fields =
        [item("a"), ("dose", text("1 mg")), ("note", prose("e\u{301}🙂")), ("timing", text(""))];
    let now = s.tick();
    let (entry, edits) = s.world.add(&phone, "medication", now, &fields[..3]);
    let added = s.envelope(&phone, edits);
    assert_eq!(admit(&mut s.replica, &added), Admission::Applied);
    let (before, change) = (s.json(), s.replica.change(&added.id(), entry));
    assert!(change.is_some());
    let same = set(entry, "dose", text("1 mg"));
    assert_eq!(s.write(&laptop, vec![same]), Admission::Applied);
    assert_eq!(s.json(), before);
    assert_eq!(s.replica.change(&added.id(), entry), change);
    // What two make of it apart, each as its first.
    let a = s.envelope(&phone, vec![splice(entry, "note", 0, 0, "a")]);
    let b = s.envelope(&laptop, vec![splice(entry, "note", 3, 0, "b")]);
    for envelope in [&a, &b] {
        assert_eq!(admit(&mut s.replica, envelope), Admission::Applied);
    }
    s.same_in_any_order(&[added, a, b]);
}

#[test]
fn what_is_refused_of_one_entry_leaves_all_others_as_they_were() {
    let mut s = Scene::new("medications");
    let (phone, laptop) = (s.device(0), s.device(1));
    let first = s.add(&phone, "medication", &[item("a"), ("dose", text("1"))]);
    let second = s.add(&phone, "medication", &[item("b"), ("dose", text("1"))]);
    // The laptop lags in the first and not in the second.
    let lagging = s.envelope(&laptop, vec![set(first, "dose", text("2"))]);
    let bad = vec![set(first, "dose", text("3")), set(second, "dose", text("3"))];
    let bad = bad.into_iter().chain([clear(second, "item")]).collect();
    let bad = s.envelope(&laptop, bad);
    assert_eq!(s.write(&phone, vec![set(first, "dose", text("4"))]), Admission::Applied);
    let before = s.json();
    assert_eq!(admit(&mut s.replica, &bad), Admission::Quarantined(Refusal::Required));
    assert_eq!(s.json(), before);
    assert_eq!(s.entry(second).fields["dose"].versions.len(), 1);
    assert_eq!(admit(&mut s.replica, &lagging), Admission::Applied);
    assert_eq!(s.entry(first).fields["dose"].versions.len(), 2);
    assert_eq!(s.write(&laptop, vec![set(second, "dose", text("5"))]), Admission::Applied);
}
