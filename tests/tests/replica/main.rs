//! The rules of a replica, each by the smallest history that shows it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "helpers of tests may panic as tests do"
)]

mod copies;
mod merges;
mod refusals;
mod snapshots;
mod structure;

use passport_core::edit::Edit;
use passport_core::envelope::OpenedEnvelope;
use passport_core::id::EntryId;
use passport_core::replica::{Admission, EntryNow, Refusal, Replica};
use passport_core::section::{Code, Value};
use passport_core::time::Timestamp;
use passport_tests::kit::{Epoch, Founding, Party, START, World, admit};

/// One epoch, one replica, and whoever writes in it.
struct Scene {
    world: World,
    epoch: Epoch,
    replica: Replica,
    now: i64,
}

impl Scene {
    fn new(section: &'static str) -> Self {
        Self::founded(Founding::new(section, &[0, 1]))
    }

    fn founded(founding: Founding) -> Self {
        let mut world = World::new(11, 3);
        let epoch = world.found(founding);
        let replica = epoch.replica();
        Self { world, epoch, replica, now: 0 }
    }

    fn tick(&mut self) -> Timestamp {
        self.now += 60;
        Timestamp::from_seconds(START.as_seconds() + self.now)
    }

    fn device(&self, n: usize) -> Party {
        self.world.devices[n].clone()
    }

    fn service(&self, n: usize) -> Party {
        self.world.organisations[n].clone()
    }

    /// An envelope of edits where the author stands, not admitted yet.
    fn envelope(&mut self, party: &Party, edits: Vec<Edit>) -> OpenedEnvelope {
        let at = self.tick();
        self.epoch.edits(&mut self.world, party, &self.replica, at, edits)
    }

    fn write(&mut self, party: &Party, edits: Vec<Edit>) -> Admission {
        let envelope = self.envelope(party, edits);
        admit(&mut self.replica, &envelope)
    }

    /// Writes what must be refused, and checks that the view stays as it was.
    fn refused(&mut self, party: &Party, edits: Vec<Edit>) -> Refusal {
        let before = self.json();
        let admission = self.write(party, edits);
        assert_eq!(self.json(), before, "a refused envelope changed the view");
        match admission {
            Admission::Quarantined(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn add(&mut self, party: &Party, kind: &str, fields: &[(&str, Value)]) -> EntryId {
        let at = self.tick();
        let (entry, edits) = self.world.add(party, kind, at, fields);
        assert_eq!(self.write(party, edits), Admission::Applied);
        entry
    }

    fn entry(&self, id: EntryId) -> EntryNow {
        self.replica.entry(id).unwrap()
    }

    fn json(&self) -> String {
        json(&self.replica)
    }

    /// Admits the same envelopes in every order given and holds the views against each other.
    fn same_in_any_order(&mut self, envelopes: &[OpenedEnvelope]) {
        let mut views = Vec::new();
        for turn in 0..24 {
            let mut replica = self.epoch.replica();
            let mut order: Vec<_> = envelopes.to_vec();
            for i in (1..order.len()).rev() {
                let j = self.world.below(i + 1);
                order.swap(i, j);
            }
            if turn % 2 == 0 {
                replica.admit(order);
            } else {
                for envelope in order {
                    replica.admit([envelope]);
                }
            }
            views.push(json(&replica));
        }
        views.dedup();
        assert_eq!(views.len(), 1, "orders of arrival disagree");
    }
}

fn json(replica: &Replica) -> String {
    let view = passport_core::view::View::of(replica);
    let digest: Vec<String> = view.digest().iter().map(|b| format!("{b:02x}")).collect();
    format!("{} {}", serde_json::to_string(&view.to_json()).unwrap(), digest.concat())
}

fn item(name: &str) -> (&'static str, Value) {
    ("item", Value::Code(Code::text(name)))
}

fn set(entry: EntryId, field: &str, value: Value) -> Edit {
    Edit::Set { entry, field: field.to_owned(), value: Some(value) }
}

fn clear(entry: EntryId, field: &str) -> Edit {
    Edit::Set { entry, field: field.to_owned(), value: None }
}

fn splice(entry: EntryId, field: &str, at: u32, delete: u32, insert: &str) -> Edit {
    Edit::Splice { entry, field: field.to_owned(), at, delete, insert: insert.to_owned() }
}
