//! What an import adds, and what it recognises.

use std::collections::{BTreeMap, BTreeSet};

use super::import::Draft;
use super::json;
use super::marker::{self, Mark};
use serde_json::Value as Json;

use crate::id::EntryId;
use crate::section::{KindSpec, SectionName, Value, display::display_value};

/// An entry that the passport has.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub struct Existing {
    /// Its identifier.
    pub id: EntryId,
    /// Its section.
    pub section: SectionName,
    /// Its kind.
    pub kind: String,
    /// Its fields.
    pub fields: BTreeMap<String, Value>,
}

/// What to do with one draft.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_debug_implementations, reason = "health content is not shown in logs")]
pub enum Step {
    /// It is new.
    Add(Draft),
    /// It is there already, and says the same.
    Known {
        /// The entry that it is.
        id: EntryId,
        /// What arrived.
        draft: Draft,
    },
    /// It is there already, and says something else: an update to offer.
    Update {
        /// The entry that it is.
        id: EntryId,
        /// Only the fields that differ.
        changes: BTreeMap<&'static str, Value>,
        /// What arrived.
        draft: Draft,
    },
}

/// Fields that say where an entry came from, not what it says.
const ORIGIN: [&str; 2] = ["identifier", "source"];

/// Compares drafts with what is there: an entry is recognised by the sender's identifier, or by
/// the same code and date, within its section and kind. No entry is recognised twice.
#[must_use]
pub fn plan(drafts: Vec<Draft>, existing: &[Existing]) -> Vec<Step> {
    let mut index: BTreeMap<Key, Vec<&Existing>> = BTreeMap::new();
    for entry in existing {
        let Some(kind) = entry.section.spec().kind(&entry.kind) else { continue };
        let get = |name: &str| entry.fields.get(name);
        for key in keys(entry.section.as_str(), kind, get) {
            index.entry(key).or_default().push(entry);
        }
    }
    let by_id: BTreeMap<String, &Existing> =
        existing.iter().map(|e| (e.id.to_string(), e)).collect();
    let mut taken: BTreeSet<EntryId> = BTreeSet::new();
    // What carries the sender's own identifier comes first, so that a look-alike does not take
    // its place.
    let by_identifier: Vec<_> = drafts
        .iter()
        .map(|draft| {
            let named = exported(draft).and_then(|id| by_id.get(id).copied());
            let found = named.or_else(|| find(draft, &index, &taken, same_identifier));
            taken.extend(found.map(|e| e.id));
            found
        })
        .collect();
    let mut steps = Vec::with_capacity(drafts.len());
    for (draft, known) in drafts.into_iter().zip(by_identifier) {
        let known = known.or_else(|| find(&draft, &index, &taken, same_words));
        steps.push(match known {
            None => Step::Add(draft),
            Some(entry) => {
                taken.insert(entry.id);
                if entry.section == draft.section && entry.kind == draft.kind {
                    compare(entry, draft)
                } else {
                    // Moved since it was exported, or what it needs stood in conflict then.
                    Step::Known { id: entry.id, draft }
                }
            }
        });
    }
    steps
}

/// Section, kind, and one thing an entry may be known by.
type Key = (String, &'static str, String);

/// What an entry may be known by: its identifier, its code, its words, or its kind alone where
/// there is only one of it.
fn keys<'a>(
    section: &str,
    kind: &'static KindSpec,
    get: impl Fn(&str) -> Option<&'a Value>,
) -> Vec<Key> {
    let mut by = Vec::new();
    if let Some(Value::Text(identifier)) = get("identifier") {
        by.push(format!("i{identifier}"));
    }
    if kind.name == "person" {
        // A passport is one person's, however the name is written.
        by.push("-".to_owned());
    }
    match get(kind.label) {
        Some(Value::Code(code)) => {
            by.push(format!("w{}", code.words().to_lowercase()));
            by.extend(code.code.as_ref().map(|c| format!("c{c}")));
        }
        Some(value) => by.push(format!("w{}", display_value(value).to_lowercase())),
        None => by.push("-".to_owned()),
    }
    by.into_iter().map(|by| (section.to_owned(), kind.name, by)).collect()
}

fn find<'a>(
    draft: &Draft,
    index: &BTreeMap<Key, Vec<&'a Existing>>,
    taken: &BTreeSet<EntryId>,
    same: fn(&Draft, &Existing) -> bool,
) -> Option<&'a Existing> {
    let kind = draft.section.spec().kind(draft.kind)?;
    let keys = keys(draft.section.as_str(), kind, |name| draft.fields.get(name));
    keys.iter()
        .filter_map(|key| index.get(key))
        .flatten()
        .copied()
        .find(|e| !taken.contains(&e.id) && same(draft, e))
}

/// The entry that an export of ours was made of, as the identifier says that it gave.
fn exported(draft: &Draft) -> Option<&str> {
    let Value::Text(identifier) = draft.fields.get("identifier")? else { return None };
    identifier.strip_prefix(marker::ENTRY_ID)?.strip_prefix('|')
}

/// The sender's identifier. `Condition/1` alone is what any server may call one of its own, so what
/// it says must fit too: of two senders, each with a first condition, neither changes the other's.
fn same_identifier(draft: &Draft, entry: &Existing) -> bool {
    let Some(Value::Text(ours)) = draft.fields.get("identifier") else { return false };
    let same =
        entry.fields.get("identifier").is_some_and(|v| matches!(v, Value::Text(t) if t == ours));
    let is_local = !ours.contains(['|', ':']);
    let label = draft.section.spec().kind(draft.kind).map_or("", |kind| kind.label);
    same && match (draft.fields.get(label), entry.fields.get(label)) {
        (Some(a), Some(b)) => !is_local || same_label(a, b),
        _ => true,
    }
}

/// The same label and, where both have one, the same date. Where there is only one entry of a
/// kind, as with the person, it needs no label.
fn same_words(draft: &Draft, entry: &Existing) -> bool {
    let Some(kind) = draft.section.spec().kind(draft.kind) else { return false };
    if let (Some(a), Some(b)) = (draft.fields.get("identifier"), entry.fields.get("identifier"))
        && a != b
        && same_system(a, b)
    {
        // One system calls them two things.
        return false;
    }
    let labels = (draft.fields.get(kind.label), entry.fields.get(kind.label));
    let labelled = match labels {
        (Some(a), Some(b)) => same_label(a, b),
        (None, None) => matches!(draft.kind, "about" | "none-known" | "no-information"),
        _ => false,
    };
    // There is one person, whatever a file says of them that was taken in all the same.
    if draft.kind == "person" {
        return true;
    }
    labelled
        && DATES.iter().all(|name| match (draft.fields.get(name), entry.fields.get(*name)) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        })
}

/// The dates by which two entries of one name are told apart.
const DATES: [&str; 9] = [
    "date",
    "given",
    "started",
    "onset",
    "discharged_on",
    "admitted",
    "period",
    "date_of_birth",
    "referred_on",
];

fn same_system(a: &Value, b: &Value) -> bool {
    let system = |v: &Value| {
        let Value::Text(text) = v else { return None };
        text.rsplit_once('|').map(|(system, _)| system.to_owned())
    };
    matches!((system(a), system(b)), (Some(a), Some(b)) if a == b)
}

fn same_label(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Code(a), Value::Code(b)) => {
            let coded = a.code.is_some() && a.code == b.code && a.system == b.system;
            coded || a.words().to_lowercase() == b.words().to_lowercase()
        }
        (Value::Text(a), Value::Text(b)) => a.to_lowercase() == b.to_lowercase(),
        (a, b) => a == b,
    }
}

fn compare(entry: &Existing, draft: Draft) -> Step {
    let changes: BTreeMap<_, _> = draft
        .fields
        .iter()
        .filter(|(name, value)| !ORIGIN.contains(name) && entry.fields.get(**name) != Some(value))
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    if changes.is_empty() && same_source(entry, &draft) {
        return Step::Known { id: entry.id, draft };
    }
    let mut changes = changes;
    for name in ORIGIN {
        if let Some(value) = draft.fields.get(name)
            && entry.fields.get(name) != Some(value)
        {
            changes.insert(name, value.clone());
        }
    }
    Step::Update { id: entry.id, changes, draft }
}

/// Whether the original says the same, whenever, by whatever version and about which number of
/// the same person it was sent; or whether it is no original but an export of ours, which has
/// nothing that the entry has not.
fn same_source(entry: &Existing, draft: &Draft) -> bool {
    let read = |v: Option<&Value>| match v {
        Some(Value::Source { content, .. }) => json::parse(content).ok(),
        _ => None,
    };
    let (Some(new), old) = (read(draft.fields.get("source")), entry.fields.get("source")) else {
        return true;
    };
    let part = old.is_none() && new.get("resourceType").is_some_and(|t| t == "Patient");
    let ours = exported(draft).is_some() || Mark::of(&new).is_some();
    ours || part || read(old).map(said) == Some(said(new))
}

/// What a resource says of its subject, without what differs from one sending to the next.
fn said(mut resource: Json) -> Json {
    marker::remove(&mut resource);
    let added = resource.pointer("/text/status").is_some_and(|status| status == "additional");
    if let Some(members) = resource.as_object_mut() {
        members.retain(|name, _| {
            !(matches!(name.as_str(), "meta" | "subject" | "patient") || added && name == "text")
        });
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::import;

    fn drafts(json: &str) -> Vec<Draft> {
        import::read(json.as_bytes()).unwrap().drafts
    }

    fn stored(drafts: &[Draft]) -> Vec<Existing> {
        drafts
            .iter()
            .zip(1u8..)
            .map(|(d, n)| Existing {
                id: EntryId::from_bytes([n; 16]),
                section: d.section.clone(),
                kind: d.kind.to_owned(),
                fields: d.fields.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
            })
            .collect()
    }

    const ASTHMA: &str = r#"{"resourceType":"Condition","id":"1","meta":{"versionId":"1"},
        "code":{"text":"Asthma"},"onsetDateTime":"2015"}"#;

    #[test]
    fn the_same_file_again_changes_nothing() {
        let first = drafts(ASTHMA);
        let existing = stored(&first);
        let again =
            plan(drafts(&ASTHMA.replace("\"versionId\":\"1\"", "\"versionId\":\"2\"")), &existing);
        assert!(matches!(&again[..], [Step::Known { id, .. }] if *id == existing[0].id));
    }

    #[test]
    fn a_changed_entry_is_an_update_of_what_differs() {
        let existing = stored(&drafts(ASTHMA));
        let steps = plan(drafts(&ASTHMA.replace("2015", "2014")), &existing);
        let [Step::Update { changes, .. }] = &steps[..] else { panic!("not an update") };
        assert_eq!(changes.keys().copied().collect::<Vec<_>>(), ["onset", "source"]);
    }

    #[test]
    fn what_two_servers_call_their_first_is_not_one_entry() {
        let existing = stored(&drafts(ASTHMA));
        let other = ASTHMA.replace("Asthma", "Eczema");
        assert!(matches!(plan(drafts(&other), &existing)[..], [Step::Add(_)]));
        let numbered = |name: &str| {
            let identifier = "\"identifier\":[{\"system\":\"urn:oid:1\",\"value\":\"7\"}],\"code\"";
            drafts(&ASTHMA.replace("\"code\"", identifier).replace("Asthma", name))
        };
        let steps = plan(numbered("Eczema"), &stored(&numbered("Asthma")));
        assert!(matches!(steps[..], [Step::Update { .. }]), "one sender says it anew");
    }

    #[test]
    fn another_systems_copy_is_recognised_by_code_and_date_but_only_once() {
        let existing = stored(&drafts(ASTHMA));
        let copy = ASTHMA.replace("\"id\":\"1\",", "");
        let both = format!("{copy}\n{copy}");
        let steps = plan(drafts(&both), &existing);
        assert!(matches!(steps[0], Step::Update { .. } | Step::Known { .. }));
        assert!(matches!(steps[1], Step::Add(_)));
        let other = plan(drafts(&copy.replace("Asthma", "Eczema")), &existing);
        assert!(matches!(other[..], [Step::Add(_)]));
    }
}
