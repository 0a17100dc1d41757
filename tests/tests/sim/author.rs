//! What an honest author writes, by what they see.

use passport_core::author::Author;
use passport_core::edit::{Edit, EntryRecord, FieldVersion, RecordedField, RemarkContent};
use passport_core::id::EntryId;
use passport_core::replica::{EntryNow, Stance};
use passport_core::section::{Code, Value};
use passport_core::time::Timestamp;
use passport_tests::kit::{START, World, prose, text};

use crate::network::Scene;

const WORDS: [&str; 8] = ["a", "ñ", "e\u{301}", "🙂", "👩\u{200d}⚕", "\u{202e}x", "", "take two "];

/// The kind of entry, its required field and a text field of a section.
pub(crate) fn kind_of(section: &str) -> (&'static str, &'static str, &'static str) {
    if section == "plan" { ("action", "action", "who") } else { ("medication", "item", "dose") }
}

fn required(world: &mut World, section: &str) -> Value {
    let word = WORDS[world.below(6)];
    if section == "plan" { prose(word) } else { Value::Code(Code::text(word)) }
}

pub(crate) fn short(world: &mut World) -> Value {
    text(&format!("{} mg", world.below(6)))
}

/// A record from elsewhere.
pub(crate) fn record(world: &mut World, section: &str) -> EntryRecord {
    let (kind, name, other) = kind_of(section);
    let (first, second) = (required(world, section), short(world));
    let version = |value| FieldVersion { value, author: Author::Holder, at: START };
    let mut fields: Vec<RecordedField> = [(name, first), (other, second), ("note", prose("old"))]
        .into_iter()
        .map(|(name, v)| RecordedField { name: name.to_owned(), versions: vec![version(v)] })
        .collect();
    fields.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    EntryRecord {
        id: EntryId::from_bytes(world.nonce()),
        kind: kind.to_owned(),
        author: Author::Holder,
        recorded_at: START,
        fields,
        attestations: Vec::new(),
        remarks: Vec::new(),
        contested_removal: false,
    }
}

/// Writes one envelope; now and then from an older place, as a restored backup does.
pub(crate) fn write(scene: &mut Scene<'_>, who: usize) {
    let at = scene.tick();
    let mut edits = Vec::new();
    let entries = scene.writers[who].replica.entries();
    for _ in 0..=scene.world.below(4) {
        edits.extend(edit(scene, who, &entries, at));
    }
    if edits.is_empty() {
        edits = add(scene, who, at);
    }
    let writer = &scene.writers[who];
    let key = writer.party.key.verification_key();
    let mut position = writer.replica.position(&key);
    let own: Vec<_> = writer
        .replica
        .history()
        .filter(|(_, n)| n.header.author == key && n.standing().is_some())
        .map(|(id, n)| (*id, n.header.seq, n.header.phase))
        .collect();
    if own.len() > 1 && scene.world.chance(6) {
        let (id, seq, phase) = own[scene.world.below(own.len())];
        (position.prev, position.seq, position.phase) = (Some(id), seq + 1, phase);
        position.deps.clear();
    }
    let clock = scene.epoch.charter.phase_at(Timestamp::from_seconds(scene.now));
    position.phase = position.phase.max(clock);
    let party = scene.writers[who].party.clone();
    let envelope = scene.epoch.edits_at(scene.world, &party, position, at, edits);
    scene.send(who, envelope);
}

fn add(scene: &mut Scene<'_>, who: usize, at: Timestamp) -> Vec<Edit> {
    let section = scene.epoch.charter.section.as_str().to_owned();
    let (kind, field, other) = kind_of(&section);
    let party = scene.writers[who].party.clone();
    let fields = [(field, required(scene.world, &section)), (other, short(scene.world))];
    scene.world.add(&party, kind, at, &fields).1
}

fn edit(scene: &mut Scene<'_>, who: usize, entries: &[EntryNow], at: Timestamp) -> Vec<Edit> {
    let holder = scene.writers[who].party.organisation.is_none();
    if entries.is_empty() || scene.world.chance(15) {
        return add(scene, who, at);
    }
    if holder && scene.world.chance(10) {
        let record = scene.pool[scene.world.below(scene.pool.len())].clone();
        if entries.iter().all(|e| e.id != record.id) {
            return vec![Edit::Move(record)];
        }
    }
    let entry = entries[scene.world.below(entries.len())].clone();
    let own = holder || entry.author == scene.writers[who].party.author();
    let all_edit = scene.epoch.charter.section.spec().collaborative;
    match scene.world.below(14) {
        0 if own && entry.stance == Stance::Present => vec![Edit::Remove { entry: entry.id }],
        0..=2 if own && entry.stance != Stance::Present => {
            let entry = entry.id;
            let restore = scene.world.chance(60);
            vec![if restore { Edit::Restore { entry } } else { Edit::Remove { entry } }]
        }
        _ if entry.stance == Stance::Removed => Vec::new(),
        1..=3 => remark(scene, who, &entry, at),
        4 if holder => contest(scene, &entry, at),
        5 if own => settle(scene, &entry),
        6 if !holder && own => sign(scene, who, &entry, at, None),
        _ if own || all_edit => change(scene, who, &entry, at),
        _ => remark(scene, who, &entry, at),
    }
}

fn remark(scene: &mut Scene<'_>, who: usize, entry: &EntryNow, at: Timestamp) -> Vec<Edit> {
    let (_, _, field) = kind_of(scene.epoch.charter.section.as_str());
    let content = if scene.world.chance(50) {
        RemarkContent::Note(format!("note {}", scene.world.below(9)))
    } else {
        let value = scene.world.chance(80).then(|| short(scene.world));
        RemarkContent::Suggestion { field: field.to_owned(), value }
    };
    let party = scene.writers[who].party.clone();
    vec![Edit::Remark(scene.world.remark(&party, entry.id, at, content))]
}

fn contest(scene: &mut Scene<'_>, entry: &EntryNow, at: Timestamp) -> Vec<Edit> {
    let (_, _, field) = kind_of(scene.epoch.charter.section.as_str());
    let version = FieldVersion { value: short(scene.world), author: Author::Holder, at };
    vec![Edit::Contest { entry: entry.id, field: field.to_owned(), version }]
}

fn settle(scene: &mut Scene<'_>, entry: &EntryNow) -> Vec<Edit> {
    let open = entry.remarks.iter().find(|r| {
        matches!(r.content, RemarkContent::Suggestion { .. }) && !entry.settled.contains_key(&r.id)
    });
    let accepted = scene.world.chance(50);
    let settle = |r: &passport_core::edit::Remark| Edit::Settle {
        entry: entry.id,
        suggestion: r.id,
        accepted,
    };
    open.map(settle).into_iter().collect()
}

/// Sets, clears, splices or resolves a field, and signs where that is called for.
fn change(scene: &mut Scene<'_>, who: usize, entry: &EntryNow, at: Timestamp) -> Vec<Edit> {
    let (_, first, second) = kind_of(scene.epoch.charter.section.as_str());
    let conflict = entry.fields.iter().find(|(_, f)| f.versions.len() > 1);
    let (edit, field, value) = if let Some((name, field)) =
        conflict.filter(|_| scene.world.chance(60))
    {
        let version = &field.versions[scene.world.below(field.versions.len())];
        let value = Some(version.value.clone());
        let resolve = Edit::Resolve { entry: entry.id, field: name.clone(), value: value.clone() };
        (resolve, name.clone(), value)
    } else if scene.world.chance(55) {
        let prose_fields = if first == "action" { ["action", "note"] } else { ["note", "note"] };
        let field = prose_fields[scene.world.below(2)];
        if scene.world.chance(20) {
            let value = (field == "note" && scene.world.chance(40))
                .then_some(())
                .map_or_else(|| Some(prose(&format!("new {}", scene.world.below(9)))), |()| None);
            let set = Edit::Set { entry: entry.id, field: field.to_owned(), value: value.clone() };
            (set, field.to_owned(), value)
        } else {
            splice(scene, entry, field)
        }
    } else {
        let value = scene.world.chance(85).then(|| short(scene.world));
        let set = Edit::Set { entry: entry.id, field: second.to_owned(), value: value.clone() };
        (set, second.to_owned(), value)
    };
    let mut edits = vec![edit];
    if scene.writers[who].party.organisation.is_some() {
        edits.extend(sign(scene, who, entry, at, Some((field, value))));
    }
    edits
}

fn splice(scene: &mut Scene<'_>, entry: &EntryNow, field: &str) -> (Edit, String, Option<Value>) {
    let now = entry.fields.get(field).and_then(|f| f.versions.last());
    let chars: Vec<char> = match now.map(|v| &v.value) {
        Some(Value::Prose(t)) => t.chars().collect(),
        Some(_) | None => Vec::new(),
    };
    let at = scene.world.below(chars.len() + 1);
    let delete = scene.world.below((chars.len() - at).min(4) + 1);
    let insert = WORDS[scene.world.below(WORDS.len())];
    let left = chars[..at].iter().collect::<String>();
    let right = chars[at + delete..].iter().collect::<String>();
    let whole = format!("{left}{insert}{right}");
    let edit = Edit::Splice {
        entry: entry.id,
        field: field.to_owned(),
        at: u32::try_from(at).unwrap(),
        delete: u32::try_from(delete).unwrap(),
        insert: insert.to_owned(),
    };
    (edit, field.to_owned(), Some(prose(&whole)))
}

/// An organisation's signature on what stands after one change.
fn sign(
    scene: &mut Scene<'_>,
    who: usize,
    entry: &EntryNow,
    at: Timestamp,
    change: Option<(String, Option<Value>)>,
) -> Vec<Edit> {
    let party = scene.writers[who].party.clone();
    let own = entry.author == party.author();
    let mut fields = std::collections::BTreeMap::new();
    if own {
        let standing = entry.fields.iter().map(|(n, f)| (n.clone(), f.versions[0].value.clone()));
        fields.extend(standing);
    }
    if let Some((name, value)) = change {
        match value {
            Some(value) => {
                fields.insert(name, value);
            }
            None => {
                fields.remove(&name);
            }
        }
    }
    let list: Vec<(&str, Value)> = fields.iter().map(|(n, v)| (n.as_str(), v.clone())).collect();
    let attestation = scene.world.attestation(&party, (entry.id, &entry.kind), at, own, &list);
    vec![Edit::Attest { entry: entry.id, attestation }]
}
