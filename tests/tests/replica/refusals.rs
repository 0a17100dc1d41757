//! Who may write what, edit by edit.

use passport_core::author::Author;
use passport_core::edit::FieldVersion;
use passport_core::edit::{Edit, NamedValue, RemarkContent, limits};
use passport_core::id::{EntryId, RemarkId};
use passport_core::replica::{Admission, Refusal};
use passport_core::section::{Value, limits as value_limits};
use passport_tests::kit::{START, prose, text};

use crate::{Scene, clear, item, set, splice};

#[test]
fn a_contributor_changes_its_own_entry_and_no_other() {
    let mut s = Scene::new("medications");
    let (holder, gp, other) = (s.device(0), s.service(0), s.service(1));
    let mine = s.add(&holder, "medication", &[item("fluoxetine")]);
    let theirs = s.add(&gp, "medication", &[item("sertraline"), ("dose", text("50 mg"))]);
    for entry in [mine, theirs] {
        assert_eq!(s.refused(&other, vec![set(entry, "dose", text("1 g"))]), Refusal::NotOwn);
        assert_eq!(s.refused(&other, vec![Edit::Remove { entry }]), Refusal::NotOwn);
        assert_eq!(s.refused(&other, vec![Edit::Restore { entry }]), Refusal::NotOwn);
    }
    let fields = [item("sertraline"), ("dose", text("100 mg"))];
    let attestation = s.world.attestation(&gp, (theirs, "medication"), START, true, &fields);
    let change = set(theirs, "dose", text("100 mg"));
    let signed = vec![change, Edit::Attest { entry: theirs, attestation }];
    assert_eq!(s.write(&gp, signed), Admission::Applied);
    assert!(s.entry(theirs).changed_since_signed().is_empty());
    // The holder may; then the view says what was changed, and by whom.
    assert_eq!(s.write(&holder, vec![set(theirs, "dose", text("75 mg"))]), Admission::Applied);
    let now = s.entry(theirs);
    assert_eq!(now.changed_since_signed(), ["dose"]);
    assert_eq!(now.fields["dose"].versions[0].author, Author::Holder);
    assert_eq!(now.author, gp.author());
    assert_eq!(s.write(&gp, vec![Edit::Remove { entry: theirs }]), Admission::Applied);
}

#[test]
fn an_organisation_signs_what_it_changes() {
    let mut s = Scene::new("medications");
    let (gp, other) = (s.service(0), s.service(1));
    let fields = [item("sertraline"), ("dose", text("50 mg"))];
    let (_, mut unsigned) = s.world.add(&gp, "medication", START, &fields);
    unsigned.pop();
    assert_eq!(s.refused(&gp, unsigned), Refusal::Attestation);

    let entry = s.add(&gp, "medication", &fields);
    let subject = (entry, "medication");
    let change = || set(entry, "dose", text("100 mg"));
    assert_eq!(s.refused(&gp, vec![change()]), Refusal::Attestation);
    // A signature over what stood before, over a part, by another, for another entry.
    let stale = s.world.attestation(&gp, subject, START, true, &fields);
    let new = [item("sertraline"), ("dose", text("100 mg"))];
    let part = s.world.attestation(&gp, subject, START, true, &new[1..]);
    let elsewhere = (EntryId::from_bytes([1; 16]), "medication");
    let moved = s.world.attestation(&gp, elsewhere, START, true, &new);
    for attestation in [stale, part, moved] {
        let edits = vec![change(), Edit::Attest { entry, attestation }];
        assert_eq!(s.refused(&gp, edits), Refusal::Attestation);
    }
    let foreign = s.world.attestation(&other, subject, START, true, &new);
    let edits = vec![change(), Edit::Attest { entry, attestation: foreign }];
    assert_eq!(s.refused(&gp, edits), Refusal::SpeaksForAnother);
    let mut liar = other.clone();
    liar.organisation = gp.organisation;
    let attestation = s.world.attestation(&liar, subject, START, true, &new);
    assert_eq!(s.refused(&gp, vec![Edit::Attest { entry, attestation }]), Refusal::Attestation);
}

#[test]
fn in_a_section_that_all_edit_a_field_is_signed_by_who_changed_it() {
    let mut s = Scene::new("plan");
    let (gp, other) = (s.service(0), s.service(1));
    let entry = s.add(&gp, "action", &[("action", prose("Ring the ward"))]);
    let change = set(entry, "who", text("wellbeing"));
    assert_eq!(s.refused(&other, vec![change.clone()]), Refusal::Attestation);
    let fields = [("who", text("wellbeing"))];
    let attestation = s.world.attestation(&other, (entry, "action"), START, false, &fields);
    let edits = vec![change, Edit::Attest { entry, attestation }];
    assert_eq!(s.write(&other, edits), Admission::Applied);
    let now = s.entry(entry);
    assert_eq!(now.fields["who"].versions[0].author, other.author());
    assert_eq!(now.fields["action"].versions[0].author, gp.author());
    assert_eq!(now.author, gp.author());
}

#[test]
fn kinds_fields_values_and_positions_are_those_of_the_table() {
    let mut s = Scene::new("medications");
    let holder = s.device(0);
    let add = |kind: &str, fields: &[(&str, Value)]| {
        let named = |(name, value): &(&str, Value)| NamedValue {
            name: (*name).to_owned(),
            value: value.clone(),
        };
        let fields = fields.iter().map(named).collect();
        vec![Edit::Add { nonce: [1; 16], kind: kind.to_owned(), fields }]
    };
    assert_eq!(s.refused(&holder, add("allergy", &[])), Refusal::Schema);
    assert_eq!(s.refused(&holder, add("medication", &[])), Refusal::Required);
    let strange = add("medication", &[item("a"), ("mood", text("x"))]);
    assert_eq!(s.refused(&holder, strange), Refusal::Schema);
    let typed = add("medication", &[("dose", Value::Boolean(true)), item("a")]);
    assert_eq!(s.refused(&holder, typed), Refusal::Value);
    let disordered = add("medication", &[item("a"), ("dose", text("1"))]);
    assert_eq!(s.refused(&holder, disordered), Refusal::Malformed);
    let long = text(&"x".repeat(value_limits::TEXT + 1));
    assert_eq!(s.refused(&holder, add("medication", &[("dose", long), item("a")])), Refusal::Value);

    assert_eq!(s.write(&holder, add("medication", &[item("a")])), Admission::Applied);
    assert_eq!(s.refused(&holder, add("medication", &[item("a")])), Refusal::Exists);
    let entry = s.replica.entries()[0].id;
    assert_eq!(s.refused(&holder, vec![clear(entry, "item")]), Refusal::Required);
    assert_eq!(s.refused(&holder, vec![splice(entry, "dose", 0, 0, "x")]), Refusal::Value);
    let none = EntryId::from_bytes([9; 16]);
    assert_eq!(s.refused(&holder, vec![set(none, "dose", text("1"))]), Refusal::NoEntry);
    assert_eq!(s.refused(&holder, vec![Edit::Remove { entry: none }]), Refusal::NoEntry);
    assert_eq!(s.refused(&holder, Vec::new()), Refusal::Limit);
    let many = vec![clear(entry, "dose"); limits::EDITS + 1];
    assert_eq!(s.refused(&holder, many), Refusal::Limit);

    assert_eq!(
        s.write(&holder, vec![splice(entry, "note", 0, 0, "ae\u{301}🙂")]),
        Admission::Applied
    );
    for (at, delete) in [(5, 0), (4, 1), (0, 5), (u32::MAX, 0), (0, u32::MAX), (1, u32::MAX)] {
        let edit = splice(entry, "note", at, delete, "");
        assert_eq!(s.refused(&holder, vec![edit]), Refusal::Position, "{at} {delete}");
    }
    // Between a letter and its accent: characters are counted, not what the eye sees.
    assert_eq!(s.write(&holder, vec![splice(entry, "note", 2, 1, "")]), Admission::Applied);
    assert_eq!(s.entry(entry).fields["note"].versions[0].value, prose("ae🙂"));
    assert_eq!(s.write(&holder, vec![splice(entry, "note", 1, 0, "")]), Admission::Applied);
    let endless = splice(entry, "note", 0, 0, &"🙂".repeat(value_limits::PROSE / 4));
    assert_eq!(s.refused(&holder, vec![endless]), Refusal::Value);
    assert_eq!(s.write(&holder, vec![Edit::Remove { entry }]), Admission::Applied);
    assert_eq!(s.refused(&holder, vec![set(entry, "dose", text("1"))]), Refusal::NoEntry);
    assert_eq!(s.refused(&holder, add("medication", &[item("a")])), Refusal::Exists);
    assert_eq!(s.write(&holder, vec![Edit::Restore { entry }]), Admission::Applied);
    assert_eq!(s.replica.records().len(), 1);
}

#[test]
fn a_required_text_cannot_be_spliced_away() {
    let mut s = Scene::new("plan");
    let holder = s.device(0);
    let entry = s.add(&holder, "action", &[("action", prose("Ring"))]);
    assert_eq!(s.refused(&holder, vec![splice(entry, "action", 0, 4, "")]), Refusal::Required);
}

#[test]
fn only_the_holder_moves_and_contests() {
    let mut s = Scene::new("medications");
    let (holder, gp) = (s.device(0), s.service(0));
    let entry = s.add(&gp, "medication", &[item("a"), ("dose", text("1"))]);
    let record = s.entry(entry).to_record();
    assert_eq!(s.refused(&gp, vec![Edit::Move(record.clone())]), Refusal::Right);
    assert_eq!(s.refused(&holder, vec![Edit::Move(record.clone())]), Refusal::Exists);
    let version = |author| FieldVersion { value: text("9"), author, at: START };
    let contest = |author| Edit::Contest { entry, field: "dose".into(), version: version(author) };
    assert_eq!(s.refused(&gp, vec![contest(gp.author())]), Refusal::Right);
    assert_eq!(s.refused(&holder, vec![contest(gp.author())]), Refusal::SpeaksForAnother);
    assert_eq!(s.write(&holder, vec![contest(Author::Holder)]), Admission::Applied);
    assert_eq!(s.entry(entry).fields["dose"].versions.len(), 2);
    // In a field in conflict nobody writes on: which text would it be?
    let beside = Edit::Contest {
        entry,
        field: "note".into(),
        version: FieldVersion { value: prose("b"), author: Author::Holder, at: START },
    };
    let both = vec![set(entry, "note", prose("a")), beside];
    assert_eq!(s.write(&holder, both), Admission::Applied);
    assert_eq!(s.refused(&holder, vec![splice(entry, "note", 0, 0, "x")]), Refusal::Contested);

    // A record that says of the practice what the practice never signed.
    let mut forged = record.clone();
    forged.id = EntryId::from_bytes([4; 16]);
    assert_eq!(s.refused(&holder, vec![Edit::Move(forged)]), Refusal::SpeaksForAnother);
    let mut altered = record;
    altered.fields[0].versions[0].value = text("2");
    assert_eq!(s.write(&holder, vec![Edit::Remove { entry }]), Admission::Applied);
    assert_eq!(s.refused(&holder, vec![Edit::Move(altered.clone())]), Refusal::SpeaksForAnother);
    altered.fields[0].versions[0].author = Author::Holder;
    assert_eq!(s.write(&holder, vec![Edit::Move(altered)]), Admission::Applied);
    assert_eq!(s.entry(entry).changed_since_signed(), ["dose"]);
}

#[test]
fn remarks_carry_their_makers_name_and_suggestions_are_settled_once() {
    let mut s = Scene::new("medications");
    let (holder, gp, other) = (s.device(0), s.service(0), s.service(1));
    let entry = s.add(&gp, "medication", &[item("a"), ("dose", text("1"))]);
    let note = RemarkContent::Note("Ask at the next visit".into());
    let remark = s.world.remark(&other, entry, START, note.clone());
    assert_eq!(s.refused(&gp, vec![Edit::Remark(remark.clone())]), Refusal::SpeaksForAnother);
    let mut unsigned = remark.clone();
    unsigned.proof = None;
    assert_eq!(s.refused(&other, vec![Edit::Remark(unsigned)]), Refusal::Attestation);
    let mut altered = remark.clone();
    altered.content = RemarkContent::Note("Stop it".into());
    assert_eq!(s.refused(&other, vec![Edit::Remark(altered)]), Refusal::Attestation);
    assert_eq!(s.write(&other, vec![Edit::Remark(remark.clone())]), Admission::Applied);
    assert_eq!(s.refused(&other, vec![Edit::Remark(remark)]), Refusal::Exists);
    let empty = s.world.remark(&holder, entry, START, RemarkContent::Note(String::new()));
    assert_eq!(s.refused(&holder, vec![Edit::Remark(empty)]), Refusal::Value);
    let unset = RemarkContent::Suggestion { field: "item".into(), value: None };
    let unset = s.world.remark(&other, entry, START, unset);
    assert_eq!(s.refused(&other, vec![Edit::Remark(unset)]), Refusal::Required);

    let content = RemarkContent::Suggestion { field: "dose".into(), value: Some(text("2")) };
    let suggestion = s.world.remark(&other, entry, START, content);
    let settle = |suggestion: RemarkId| Edit::Settle { entry, suggestion, accepted: true };
    assert_eq!(s.refused(&gp, vec![settle(suggestion.id)]), Refusal::NoSuggestion);
    assert_eq!(s.write(&other, vec![Edit::Remark(suggestion.clone())]), Admission::Applied);
    assert_eq!(s.refused(&other, vec![settle(suggestion.id)]), Refusal::NotOwn);
    assert_eq!(s.write(&gp, vec![settle(suggestion.id)]), Admission::Applied);
    assert_eq!(s.refused(&holder, vec![settle(suggestion.id)]), Refusal::NoSuggestion);
    assert!(s.entry(entry).settled[&suggestion.id]);
}
