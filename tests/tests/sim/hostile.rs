//! What somebody writes who holds a valid key and means ill.

use passport_core::author::Author;
use passport_core::edit::{Edit, FieldVersion, RemarkContent, limits};
use passport_core::envelope::Kind;
use passport_core::id::{EntryId, RemarkId};
use passport_core::keys::SigningKey;
use passport_core::replica::{NodeState, Position};
use passport_core::time::Timestamp;
use passport_tests::kit::{Party, prose, text};

use crate::author::{kind_of, record, short};
use crate::network::Scene;

/// Sends one bad thing: a bad envelope, or bad edits in a good one.
pub(crate) fn write(scene: &mut Scene<'_>, who: usize) {
    let at = scene.tick();
    let party = scene.writers[who].party.clone();
    let clock = scene.epoch.charter.phase_at(Timestamp::from_seconds(scene.now));
    let mut position = scene.writers[who].replica.position(&party.key.verification_key());
    position.phase = position.phase.max(clock);
    let bad = scene.world.below(8);
    if bad < 2 {
        let kinds = [Kind::Edits, Kind::Snapshot, Kind::Statements, Kind::Pack, Kind::Chunk];
        let kind = kinds[scene.world.below(kinds.len())];
        let mut body = scene.epoch.bodies[0].clone();
        let flipped = scene.world.below(body.len());
        body[flipped] ^= 1;
        let envelope = scene.epoch.seal(scene.world, &party.key, position, kind, body);
        scene.send(who, envelope);
        return;
    }
    if bad == 2 {
        displace(scene, &mut position);
    }
    let edits = edits(scene, who, at);
    let party = if bad == 3 { stranger(scene) } else { party };
    if bad == 3 {
        (position.seq, position.prev) = (1, None);
    }
    let envelope = scene.epoch.edits_at(scene.world, &party, position, at, edits);
    scene.send(who, envelope);
}

/// Another place than the author's next.
fn displace(scene: &mut Scene<'_>, position: &mut Position) {
    match scene.world.below(4) {
        0 => position.phase = 77,
        1 => position.phase = 0,
        2 if position.prev.is_some() => position.seq += 3,
        2 => position.deps.clear(),
        _ => {
            let refused = scene.writers.iter().flat_map(|w| w.replica.quarantined());
            let refused: Vec<_> = refused.map(|(id, ..)| *id).collect();
            if let Some(id) = refused.get(scene.world.below(refused.len())) {
                let known = position.prev == Some(*id) || position.deps.contains(id);
                if !known {
                    position.deps.push(*id);
                    position.deps.sort_unstable();
                }
            }
        }
    }
}

fn stranger(scene: &mut Scene<'_>) -> Party {
    let chain = scene.world.chance(50).then(|| scene.world.devices[1].chain.clone()).flatten();
    Party { key: SigningKey::from_seed(&[3; 32]), chain, organisation: None }
}

fn edits(scene: &mut Scene<'_>, who: usize, at: Timestamp) -> Vec<Edit> {
    let section = scene.epoch.charter.section.as_str().to_owned();
    let (kind, first, field) = kind_of(&section);
    let party = scene.writers[who].party.clone();
    let entries = scene.writers[who].replica.entries();
    let some = entries.get(scene.world.below(entries.len())).cloned();
    let entry = some.as_ref().map_or(EntryId::from_bytes([1; 16]), |e| e.id);
    let set = |entry, name: &str, value| Edit::Set { entry, field: name.to_owned(), value };
    let splice = |at, delete, insert: &str| Edit::Splice {
        entry,
        field: "note".to_owned(),
        at,
        delete,
        insert: insert.to_owned(),
    };
    let other = scene.world.organisations[0].clone();
    match scene.world.below(21) {
        0 => vec![set(entry, field, Some(short(scene.world)))],
        1 => vec![Edit::Remove { entry }],
        2 => vec![Edit::Move(record(scene.world, &section))],
        3 => vec![set(EntryId::from_bytes([2; 16]), field, None)],
        4 => vec![set(entry, "mood", Some(text("x")))],
        5 => vec![set(entry, field, Some(prose("x")))],
        6 => vec![set(entry, first, None)],
        7 => vec![splice(u32::MAX, 1, "")],
        8 => vec![splice(0, u32::MAX, "x")],
        9 => vec![splice(0, 0, &"🙂".repeat(20_000))],
        10 => vec![Edit::Remove { entry }; limits::EDITS + 1],
        11 => Vec::new(),
        12 => {
            let remark = RemarkContent::Note("in another's name".into());
            vec![Edit::Remark(scene.world.remark(&other, entry, at, remark))]
        }
        13 => {
            let suggestion = RemarkId::from_bytes([5; 16]);
            vec![Edit::Settle { entry, suggestion, accepted: true }]
        }
        14 => {
            let fields = [(first, short(scene.world))];
            let stolen = scene.world.attestation(&other, (entry, kind), at, true, &fields);
            vec![Edit::Attest { entry, attestation: stolen }]
        }
        15 => {
            let version = FieldVersion { value: short(scene.world), author: Author::Holder, at };
            vec![Edit::Contest { entry, field: field.to_owned(), version }]
        }
        16 => {
            // The same entry twice.
            let fields = [(first, text("x"))];
            let (_, mut edits) = scene.world.add(&party, kind, at, &fields);
            edits.truncate(1);
            let again = edits[0].clone();
            edits.push(again);
            edits
        }
        17 => {
            let own = entries.iter().find(|e| e.author == party.author());
            own.map_or_else(Vec::new, |own| {
                vec![Edit::Settle {
                    entry: own.id,
                    suggestion: RemarkId::from_bytes([6; 16]),
                    accepted: false,
                }]
            })
        }
        18 => conflicting_splice(scene, who),
        19 => replay(scene, who),
        _ => {
            let fields = [(field, short(scene.world))];
            let (_, edits) = scene.world.add(&party, kind, at, &fields);
            edits
        }
    }
}

/// Writes in a text that stands beside another.
fn conflicting_splice(scene: &Scene<'_>, who: usize) -> Vec<Edit> {
    let entries = scene.writers[who].replica.entries();
    let several = entries.iter().flat_map(|e| e.fields.iter().map(move |(n, f)| (e, n, f)));
    let found = several
        .filter(|(_, name, f)| f.versions.len() > 1 && matches!(name.as_str(), "note" | "action"));
    let splice = |(e, name): (&passport_core::replica::EntryNow, &String)| Edit::Splice {
        entry: e.id,
        field: name.clone(),
        at: 0,
        delete: 0,
        insert: "x".into(),
    };
    found.map(|(e, name, _)| splice((e, name))).take(1).collect()
}

/// Edits that somebody else sent, as one's own.
fn replay(scene: &mut Scene<'_>, who: usize) -> Vec<Edit> {
    let replica = &scene.writers[who].replica;
    let applied = replica.history().filter(|(_, n)| matches!(n.state(), NodeState::Applied { .. }));
    let all: Vec<Vec<Edit>> = applied.map(|(_, n)| n.edits.clone()).collect();
    let n = scene.world.below(all.len());
    all.get(n).cloned().unwrap_or_default()
}
