//! Everything that goes out, held against validators that others wrote.

use std::collections::BTreeSet;
use std::path::Path;

use passport_core::fhir::export::{ExportEntry, ExportSubject, Present, bundle, transaction};
use passport_core::fhir::import;
use passport_core::id::PassportId;
use passport_core::section::Value;
use passport_core::time::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::every_kind::{entries, of_every_kind, of_person, summary_of};
use crate::{corpus, node, readers, record};

/// A validator: its name, the script that runs it, and what it finds that is known.
struct Validator {
    name: &'static str,
    script: &'static str,
    known: &'static [Known],
}

/// Something that a validator finds, and that stays as it is.
struct Known {
    /// How the place begins.
    at: &'static str,
    /// What the finding has in it.
    what: &'static str,
    /// Why it stays.
    why: &'static str,
}

const VALIDATORS: [Validator; 2] = [
    Validator {
        name: "Medplum",
        script: include_str!("medplum.mjs"),
        known: &[
            Known {
                at: "",
                what: "Invalid additional property \"identifier\"",
                why: "an OperationOutcome has none: by it an import of this export knows it again",
            },
            Known {
                at: "Bundle-uv-ips Bundle.type",
                what: "did not match expected pattern",
                why: "a summary that was received, apart from its entries, still says what it was",
            },
        ],
    },
    Validator {
        name: "FHIR.js",
        script: include_str!("fhir_js.mjs"),
        known: &[Known {
            at: "OperationOutcome.identifier",
            what: "Unexpected property",
            why: "as above",
        }],
    },
];

/// What a validator finds.
#[derive(Debug, Deserialize)]
struct Finding {
    file: String,
    at: String,
    what: String,
}

impl Validator {
    /// What it finds in the files of a folder.
    fn hold(&self, readers: &Path, folder: &Path) -> Vec<Finding> {
        let said = node(readers, self.script, &[folder.to_str().unwrap()]);
        let said = said.unwrap_or_else(|error| panic!("{}: {error}", self.name));
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Of what it finds, what was not known; the rest is named with its reason.
    fn unknown(&self, mut found: Vec<Finding>) -> Vec<Finding> {
        println!("{}: {} findings", self.name, found.len());
        for Known { at, what, why } in self.known {
            let before = found.len();
            found.retain(|f| !(f.at.starts_with(at) && f.what.contains(what)));
            println!("  {} known, {at}: {what}: {why}", before - found.len());
        }
        found
    }
}

fn put(folder: &Path, name: &str, resource: &Json) {
    std::fs::write(folder.join(format!("{name}.json")), resource.to_string()).unwrap();
}

/// Writes the three forms of these entries.
fn put_forms(folder: &Path, name: &str, entries: &[ExportEntry]) {
    let at = Timestamp::from_seconds(1_790_000_000);
    let collection = bundle(&ExportSubject::default(), entries, at);
    let sent = transaction(&collection, PassportId::from_bytes([7; 32]), None, Present::Kept);
    put(folder, &format!("{name}-collection"), &collection);
    put(folder, &format!("{name}-summary"), &summary_of(entries));
    put(folder, &format!("{name}-transaction"), &sent.bundle);
}

/// Every kind of entry with all its fields and with none, together and each by itself.
fn put_kinds(folder: &Path) {
    put_forms(folder, "nothing", &[]);
    let full = of_every_kind(|f| f.name != "identifier");
    let bare = of_every_kind(|_| false);
    for (name, all) in [("full", full), ("bare", bare)] {
        put_forms(folder, &format!("every-{name}"), &all);
        for entry in all {
            let name = format!("{}-{}-{name}", entry.section, entry.kind);
            let is_person = entry.kind == "person";
            let rest = if is_person { Vec::new() } else { vec![of_person()] };
            put_forms(folder, &name, &[vec![entry], rest].concat());
        }
    }
}

/// Every file of the corpus that can be read, taken in and written again; and what came in, as it
/// came.
fn put_corpus(folder: &Path) -> Vec<String> {
    let mut written = Vec::new();
    for (name, path) in corpus() {
        let Ok(read) = import::read(&std::fs::read(path).unwrap()) else { continue };
        let name = format!("corpus-{}", name.replace('/', "-"));
        let entries = entries(&read.drafts);
        put_forms(folder, &name, &entries);
        let sources = entries.iter().filter_map(|e| {
            let Value::Source { content, .. } = e.fields.get("source")? else { return None };
            serde_json::from_str(content).ok()
        });
        let came: Vec<Json> = sources
            .filter(|source: &Json| source.get("resourceType").is_some())
            .map(|source| json!({ "resource": source }))
            .collect();
        let came = json!({ "resourceType": "Bundle", "type": "collection", "entry": came });
        put(folder, &format!("{name}-came"), &came);
        written.push(name);
    }
    written
}

/// Where a finding is in its resource, and what it is: the same wherever the resource stands.
fn wherever(finding: &Finding) -> (String, String) {
    let at = finding.at.rsplit_once(' ').map_or(finding.at.as_str(), |(_, at)| at);
    let at = at.rsplit_once(".resource").map_or(at, |(_, within)| within);
    let within = at.split_once('.').map_or("", |(_, within)| within);
    let mut deep = 0;
    let unnumbered = within.chars().filter(|c| {
        deep += i32::from(*c == '[');
        let is_out = deep == 0;
        deep -= i32::from(*c == ']');
        is_out
    });
    (unnumbered.collect(), finding.what.clone())
}

/// Takes out what came in wrong and went out as it came.
fn as_it_came(found: &mut Vec<Finding>, corpus: &[String]) {
    let before = found.len();
    for name in corpus {
        let of = |f: &Finding, form: &str| f.file == format!("{name}-{form}.json");
        let came: BTreeSet<_> = found.iter().filter(|f| of(f, "came")).map(wherever).collect();
        let is_of = |f: &Finding| {
            ["came", "collection", "summary", "transaction"].iter().any(|form| of(f, form))
        };
        found.retain(|f| !(is_of(f) && came.contains(&wherever(f))));
    }
    println!("  {} of them in what came in, which went out as it came", before - found.len());
}

#[test]
fn other_validators_find_nothing_wrong_in_what_goes_out() {
    let Some(readers) = readers() else { return };
    let folder = tempfile::tempdir().unwrap();
    record::write(folder.path());
    put_kinds(folder.path());
    let corpus = put_corpus(folder.path());
    let files = std::fs::read_dir(folder.path()).unwrap().count() - corpus.len();
    println!("{files} files, of {} of the corpus in three forms each", corpus.len());
    for validator in &VALIDATORS {
        let mut wrong = validator.unknown(validator.hold(&readers, folder.path()));
        as_it_came(&mut wrong, &corpus);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", validator.name);
    }
}

/// Who finds nothing in what is right might find nothing at all.
#[test]
fn other_validators_find_what_is_wrong() {
    let Some(readers) = readers() else { return };
    let good = summary_of(&of_every_kind(|f| f.name != "identifier"));
    let defects: [(&str, &str, &str, Option<Json>); 8] = [
        ("Medplum", "Bundle", "/timestamp", None),
        ("Medplum", "Composition", "/section/0", Some(json!({ "title": "Other" }))),
        ("Medplum", "Patient", "/name", None),
        ("Medplum", "Condition", "/code", Some(json!("Asthma"))),
        ("Medplum", "AllergyIntolerance", "/patient", None),
        ("FHIR.js", "MedicationStatement", "/status", Some(json!("current"))),
        ("FHIR.js", "AllergyIntolerance", "/criticality", Some(json!("severe"))),
        ("FHIR.js", "Composition", "/status", Some(json!("done"))),
    ];
    for validator in &VALIDATORS {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "good", &good);
        let mut names = BTreeSet::new();
        for (n, (who, kind, pointer, instead)) in defects.iter().enumerate() {
            if *who == validator.name {
                let name = format!("{n}");
                put(folder.path(), &name, &broken(&good, kind, pointer, instead.as_ref()));
                names.insert(format!("{name}.json"));
            }
        }
        let wrong = validator.unknown(validator.hold(&readers, folder.path()));
        let files: BTreeSet<_> = wrong.into_iter().map(|f| f.file).collect();
        assert_eq!(files, names, "{}", validator.name);
    }
}

/// A summary with one thing changed, or taken out.
fn broken(good: &Json, kind: &str, pointer: &str, instead: Option<&Json>) -> Json {
    let mut made = good.clone();
    let at = if kind == "Bundle" {
        &mut made
    } else {
        let entries = made["entry"].as_array_mut().unwrap();
        let mut parts = entries.iter_mut().map(|e| &mut e["resource"]);
        parts.find(|r| r["resourceType"] == kind).unwrap()
    };
    match instead {
        Some(instead) => *at.pointer_mut(pointer).unwrap() = instead.clone(),
        None => drop(at.as_object_mut().unwrap().remove(&pointer[1..]).unwrap()),
    }
    made
}
