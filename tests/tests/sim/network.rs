//! Epochs, authors' replicas and what travels between them.

use std::collections::BTreeMap;

use passport_core::edit::EntryRecord;
use passport_core::envelope::OpenedEnvelope;
use passport_core::id::EnvelopeId;
use passport_core::replica::{Admission, NodeState, Refusal, Replica, Stance};
use passport_core::time::Timestamp;
use passport_core::view::View;
use passport_tests::kit::{Epoch, Founding, Party, START, World, admit};

use crate::{Counts, author, hostile};

/// Least edits that each honest author has admitted in each epoch; there are [`EPOCHS`].
const EDITS: usize = 25;
const EPOCHS: usize = 2;
/// Envelopes that the hostile author sends in each epoch.
const BAD: usize = 20;
/// About how many envelopes there are in an epoch.
const ENVELOPES: i64 = 70;
const HOUR: i64 = 3_600;
/// The organisation whose right ends while others still write, and the hostile one.
const ENDING: usize = 3;
const HOSTILE: usize = 4;

/// Somebody who writes, with what they have received.
pub(crate) struct Writer {
    pub(crate) party: Party,
    pub(crate) replica: Replica,
    pub(crate) hostile: bool,
    /// Edits of it that were admitted; what a hostile one sent.
    written: usize,
    pending: Vec<usize>,
    /// What the network lost, and somebody brings in the end.
    lost: Vec<usize>,
}

impl Writer {
    fn is_done(&self) -> bool {
        self.written >= if self.hostile { BAD } else { EDITS }
    }
}

/// One epoch under way.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) epoch: Epoch,
    pub(crate) writers: Vec<Writer>,
    pub(crate) log: Vec<OpenedEnvelope>,
    pub(crate) now: i64,
    ends: i64,
    /// Records that any device may bring in.
    pub(crate) pool: Vec<EntryRecord>,
    pub(crate) counts: &'a mut Counts,
}

impl Scene<'_> {
    pub(crate) fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn tick(&mut self) -> Timestamp {
        // A right does not end before its owner has written enough.
        let end = self.ends - HOUR;
        let waits = !self.writers[ENDING].is_done() && self.now + HOUR > end;
        self.now += if waits { 0 } else { HOUR };
        // Clocks are wrong by up to a day.
        let skew = i64::try_from(self.world.below(2 * 86_400)).unwrap() - 86_400;
        Timestamp::from_seconds(self.now + skew)
    }

    /// Sends an envelope: its author has it at once, everybody else some time.
    pub(crate) fn send(&mut self, from: usize, envelope: OpenedEnvelope) {
        let admission = admit(&mut self.writers[from].replica, &envelope);
        let writer = &mut self.writers[from];
        if writer.hostile {
            writer.written += 1;
        } else if admission == Admission::Applied {
            let node = writer.replica.node(&envelope.id()).unwrap();
            writer.written += node.edits.len();
        }
        let n = self.log.len();
        self.log.push(envelope);
        for (i, writer) in self.writers.iter_mut().enumerate() {
            if i != from {
                writer.pending.push(n);
            }
        }
    }

    /// Delivers some of what is under way, in any order, some of it twice, some of it later.
    fn deliver(&mut self, to: usize, all: bool) {
        let mut pending = std::mem::take(&mut self.writers[to].pending);
        shuffle(self.world, &mut pending);
        let keep = if all { 0 } else { self.world.below(pending.len() + 1) };
        let later = pending.split_off(pending.len() - keep);
        self.writers[to].pending = later;
        if all {
            pending.append(&mut self.writers[to].lost);
        } else if !pending.is_empty() && self.world.chance(10) {
            let lost = pending.pop();
            self.writers[to].lost.extend(lost);
            self.count("merge lost");
        }
        if !self.log.is_empty() && self.world.chance(30) {
            let again = self.world.below(self.log.len());
            pending.push(again);
        }
        let batch: Vec<_> = pending.iter().map(|n| self.log[*n].clone()).collect();
        let outcome = self.writers[to].replica.admit(batch);
        for (_, admission) in outcome {
            assert_ne!(admission, Admission::Full);
            if admission == Admission::Waiting {
                self.count("merge waited");
            }
        }
    }
}

fn shuffle<T>(world: &mut World, items: &mut [T]) {
    for i in (1..items.len()).rev() {
        let j = world.below(i + 1);
        items.swap(i, j);
    }
}

/// Runs one history through several epochs.
pub(crate) fn run(seed: u64, counts: &mut Counts) {
    let mut world = World::new(seed, 3);
    let section = if seed.is_multiple_of(2) { "medications" } else { "plan" };
    let mut founding = Founding::new(section, &[0, 1, 2]);
    let mut now = START.as_seconds();
    let mut written = BTreeMap::new();
    for _ in 0..EPOCHS {
        let ends = now + ENVELOPES * HOUR / 2;
        founding.at = Timestamp::from_seconds(now);
        founding.writers[1].1 = Some(Timestamp::from_seconds(ends));
        if let Some(hostile) = founding.writers.get_mut(2) {
            hostile.1 = Some(Timestamp::from_seconds(now + ENVELOPES * HOUR * 3 / 4));
        }
        let epoch = world.found_in_parts(founding.clone(), 4_000);
        let pool = (0..4).map(|_| author::record(&mut world, section)).collect();
        let parties = world.devices.iter().chain(&world.organisations).cloned();
        let writers: Vec<Writer> = parties
            .enumerate()
            .map(|(n, party)| Writer {
                party,
                replica: epoch.replica(),
                hostile: n == HOSTILE,
                written: 0,
                pending: Vec::new(),
                lost: Vec::new(),
            })
            .collect();
        let log = Vec::new();
        let mut scene = Scene { world: &mut world, epoch, writers, log, now, ends, pool, counts };
        step_through(&mut scene);
        let last = agree(&mut scene);
        now = scene.now;
        for (n, writer) in scene.writers.iter().enumerate().filter(|(_, w)| !w.hostile) {
            *written.entry(n).or_insert(0) += writer.written;
        }
        founding.records = last.records();
        founding.parents = vec![last.charter().id()];
        founding.founder = world.below(2);
        check_next(&mut world, &founding, &last);
        *counts.entry("merge epoch".to_owned()).or_default() += 1;
        // One who meant ill writes on where it may not any more.
        if world.chance(50) {
            founding.writers.truncate(2);
            *counts.entry("merge revocation".to_owned()).or_default() += 1;
        }
    }
    assert!(written.len() >= 4, "too few authors");
    for (n, edits) in written {
        assert!(edits >= EPOCHS * EDITS, "author {n} had {edits} edits admitted");
    }
}

fn step_through(scene: &mut Scene<'_>) {
    while scene.writers.iter().any(|writer| !writer.is_done()) {
        let who = scene.world.below(scene.writers.len());
        if scene.world.chance(60) {
            scene.deliver(who, false);
        }
        // Who has written enough goes on now and then, after the end of a right too.
        if scene.writers[who].is_done() && !scene.world.chance(10) {
            continue;
        }
        if scene.writers[who].hostile && scene.world.chance(70) {
            hostile::write(scene, who);
        } else {
            author::write(scene, who);
        }
    }
}

type Verdicts = BTreeMap<EnvelopeId, Option<Refusal>>;

fn verdicts(replica: &Replica) -> Verdicts {
    let verdict = |state: &NodeState| match state {
        NodeState::Applied { .. } => None,
        NodeState::Quarantined(refusal) => Some(*refusal),
    };
    replica.history().map(|(id, node)| (*id, verdict(node.state()))).collect()
}

fn shown(replica: &Replica) -> (String, [u8; 32], Verdicts) {
    let view = View::of(replica);
    (serde_json::to_string(&view.to_json()).unwrap(), view.digest(), verdicts(replica))
}

/// Gives everybody everything and holds them against each other and against replicas that get
/// it in other orders. Returns one of them.
fn agree(scene: &mut Scene<'_>) -> Replica {
    for who in 0..scene.writers.len() {
        scene.deliver(who, true);
    }
    let mut sorted = scene.log.clone();
    sorted.sort_by_key(OpenedEnvelope::id);
    let mut singly = scene.epoch.replica();
    for envelope in &sorted {
        singly.admit([envelope.clone()]);
    }
    let expected = shown(&singly);
    let mut before = Replica::new(scene.epoch.charter.clone());
    before.admit(sorted.iter().rev().cloned());
    before.admit(scene.epoch.parts.clone());
    before.admit(sorted.iter().cloned());
    assert_eq!(shown(&before), expected, "a replica that got the snapshot last differs");
    for (n, writer) in scene.writers.iter().enumerate() {
        let shown = shown(&writer.replica);
        assert_eq!(shown.0, expected.0, "replica {n} shows something else");
        assert_eq!(shown, expected, "replica {n} differs");
        assert_eq!(writer.replica.missing().count(), 0);
    }
    tally(scene, &singly);
    singly
}

fn tally(scene: &mut Scene<'_>, replica: &Replica) {
    let mut found = Vec::new();
    for (_, node) in replica.history() {
        match node.state() {
            NodeState::Applied { .. } => {
                found.extend(node.edits.iter().map(|e| format!("edit {}", e.name())));
                if node.header.deps.is_empty() {
                    found.push("merge lagging".to_owned());
                }
            }
            NodeState::Quarantined(refusal) => found.push(format!("refused {refusal:?}")),
        }
    }
    found.extend(replica.forks().map(|_| "merge fork".to_owned()));
    for entry in replica.entries() {
        if entry.stance == Stance::Disputed {
            found.push("merge disputed removal".to_owned());
        }
        let several = entry.fields.values().filter(|f| f.versions.len() > 1);
        found.extend(several.map(|_| "merge several values".to_owned()));
    }
    for what in found {
        scene.count(&what);
    }
}

/// The next epoch begins with what stood at the end of this one.
fn check_next(world: &mut World, founding: &Founding, last: &Replica) {
    let next = world.found_in_parts(founding.clone(), 4_000).replica();
    for (a, b) in next.records().iter().zip(last.records()) {
        let told = |r: &EntryRecord| {
            let versions = r.fields.iter().flat_map(|f| &f.versions);
            let by: Vec<_> = versions.map(|v| (v.value.clone(), v.author, v.at)).collect();
            (r.author, by, r.attestations.clone(), r.remarks.clone(), r.contested_removal)
        };
        assert_eq!(told(a), told(&b), "a record differs in the next epoch");
    }
    assert_eq!(View::of(&next).digest(), View::of(last).digest(), "the next epoch differs");
    assert_eq!(next.records(), last.records());
}
