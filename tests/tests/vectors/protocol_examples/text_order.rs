//! Holds §10.1 and §10.2 of docs/PROTOCOL.md to the program: a model that counts operations and
//! orders letters as the document says comes to the same text, over random histories.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::domain;
use passport_core::edit::Edit;
use passport_core::envelope::OpenedEnvelope;
use passport_core::id::{EntryId, EnvelopeId};
use passport_core::replica::{Admission, Replica};
use passport_core::section::Value;
use passport_tests::kit::{Epoch, Founding, Party, START, World, admit, prose};

/// Number, then actor.
type Id = (u64, [u8; 32]);

/// What one envelope did to the text.
#[derive(Debug, Default)]
struct Change {
    inserted: Vec<(Id, Option<Id>, char)>,
    deleted: Vec<Id>,
    last: u64,
}

/// Every change by envelope.
type Changes = BTreeMap<EnvelopeId, Change>;

/// Letters in order, with deleted ones.
fn letters(changes: &Changes, past: &BTreeSet<EnvelopeId>) -> Vec<(Id, char)> {
    let mut after: BTreeMap<Option<Id>, BTreeMap<Id, char>> = BTreeMap::new();
    for (id, origin, letter) in past.iter().flat_map(|id| &changes[id].inserted) {
        after.entry(*origin).or_default().insert(*id, *letter);
    }
    let mut ordered = Vec::new();
    let mut stack: Vec<(Id, char)> = Vec::new();
    let mut place = None;
    loop {
        // The stack gives the last back first: the highest of those after one letter.
        stack.extend(after.remove(&place).unwrap_or_default());
        let Some((id, letter)) = stack.pop() else { return ordered };
        ordered.push((id, letter));
        place = Some(id);
    }
}

fn visible(changes: &Changes, past: &BTreeSet<EnvelopeId>) -> Vec<(Id, char)> {
    let deleted: BTreeSet<Id> = past.iter().flat_map(|id| changes[id].deleted.clone()).collect();
    letters(changes, past).into_iter().filter(|(id, _)| !deleted.contains(id)).collect()
}

fn splice(
    changes: &Changes,
    past: &BTreeSet<EnvelopeId>,
    actor: [u8; 32],
    (at, delete, insert): (usize, usize, &str),
) -> Change {
    let seen = visible(changes, past);
    let highest = past.iter().map(|id| changes[id].last).max().unwrap_or(0);
    let mut change = Change { last: highest, ..Change::default() };
    let mut origin = at.checked_sub(1).map(|before| seen[before].0);
    for letter in insert.chars() {
        change.last += 1;
        let id = (change.last, actor);
        change.inserted.push((id, origin, letter));
        origin = Some(id);
    }
    change.deleted = seen[at..at + delete].iter().map(|(id, _)| *id).collect();
    change.last += delete as u64;
    // The mark in `spliced`.
    change.last += 1;
    change
}

/// A party with its replica and what is in it.
struct Writer {
    party: Party,
    actor: [u8; 32],
    replica: Replica,
    past: BTreeSet<EnvelopeId>,
}

impl Writer {
    fn new(epoch: &Epoch, party: &Party) -> Self {
        let author = party.key.verification_key();
        let actor = domain::ACTOR.hash(&[epoch.charter.id().as_bytes(), author.as_bytes(), &[]]);
        let (party, replica) = (party.clone(), epoch.replica());
        Self { party, actor, replica, past: BTreeSet::new() }
    }

    fn take(&mut self, envelope: &OpenedEnvelope) {
        if self.past.insert(envelope.id()) {
            assert_eq!(admit(&mut self.replica, envelope), Admission::Applied);
        }
    }

    fn text(&self, entry: EntryId) -> String {
        let now = self.replica.entry(entry).unwrap();
        let Value::Prose(text) = &now.fields["action"].settled().unwrap().value else {
            panic!("not a prose")
        };
        text.clone()
    }
}

/// The first envelope: an entry with one long text. Eleven operations make the entry and one the
/// text; then come its letters.
fn begin(world: &mut World, epoch: &Epoch, writers: &mut [Writer]) -> (EntryId, Changes) {
    let start = "Ring 🙂 the ward";
    let (entry, add) = world.add(&writers[0].party, "action", START, &[("action", prose(start))]);
    let first = epoch.edits(world, &writers[0].party, &writers[0].replica, START, add);
    let (mut origin, mut inserted) = (None, Vec::new());
    for (number, letter) in (13..).zip(start.chars()) {
        inserted.push(((number, writers[0].actor), origin, letter));
        origin = Some((number, writers[0].actor));
    }
    let last = 12 + inserted.len() as u64;
    let changes = BTreeMap::from([(first.id(), Change { inserted, deleted: Vec::new(), last })]);
    for writer in writers {
        writer.take(&first);
    }
    (entry, changes)
}

#[test]
fn letters_fall_where_the_document_says() {
    for seed in 0..12 {
        let mut world = World::new(seed, 0);
        let epoch = world.found(Founding::new("plan", &[]));
        let mut writers: Vec<Writer> =
            world.devices.clone().iter().map(|party| Writer::new(&epoch, party)).collect();
        let (entry, mut changes) = begin(&mut world, &epoch, &mut writers);
        let mut log: Vec<OpenedEnvelope> = Vec::new();
        for step in 0..40 {
            let who = world.below(writers.len());
            let seen = visible(&changes, &writers[who].past).len();
            // Near the beginning, so that they meet.
            let at = world.below(seen.min(1) + 1);
            let delete = world.below((seen - at).min(2) + 1);
            let insert = ["a", "b", "cdéf🙂xyz"][world.below(3)];
            let writer = &mut writers[who];
            let change = splice(&changes, &writer.past, writer.actor, (at, delete, insert));
            let edit = Edit::Splice {
                entry,
                field: "action".into(),
                at: u32::try_from(at).unwrap(),
                delete: u32::try_from(delete).unwrap(),
                insert: insert.into(),
            };
            let at = START.plus_days(step);
            let made = epoch.edits(&mut world, &writer.party, &writer.replica, at, vec![edit]);
            changes.insert(made.id(), change);
            writer.take(&made);
            log.push(made);
            if world.chance(12) {
                let other = world.below(writers.len());
                for envelope in &log {
                    writers[other].take(envelope);
                }
            }
            for writer in &writers {
                let model: String =
                    visible(&changes, &writer.past).iter().map(|(_, letter)| letter).collect();
                assert_eq!(writer.text(entry), model, "seed {seed}, step {step}");
            }
        }
        assert!(writers.len() > 1, "nobody met anybody");
    }
}
