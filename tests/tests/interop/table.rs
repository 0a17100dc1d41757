//! `docs/INTEROP.md` says of every file of the corpus what `passport import` does with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use passport_core::fhir::smart::{Received, recognise};
use passport_tests::{Cli, Output};
use serde_json::Value as Json;

use crate::corpus;

/// Numbers of each name, most first: `Observation 12, Organization 3`.
fn counted(names: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let words: Vec<_> = counts.into_iter().map(|(name, n)| format!("{name} {n}")).collect();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

fn list<'a>(json: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    json.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json[name].as_str().unwrap()
}

/// One row of the table.
fn row(name: &str, import: &Output) -> String {
    if import.code != Some(0) {
        let last = import.stderr.lines().last().unwrap();
        let error = &serde_json::from_str::<Json>(last).unwrap()["error"];
        let why = list(error, "causes").next().unwrap_or(&error["message"]).as_str().unwrap();
        return format!("| {name} | – | – | the file: {why} |\n");
    }
    let answer = import.json();
    let all: Vec<&Json> =
        ["entries", "updated", "kept"].into_iter().flat_map(|of| list(&answer, of)).collect();
    let (kept, placed): (Vec<&Json>, Vec<&Json>) =
        all.into_iter().partition(|entry| text(entry, "kind") == "received");
    let placed = placed.iter().map(|e| format!("{}/{}", text(e, "section"), text(e, "kind")));
    let first = |words: &str, end: char| words.split(end).next().unwrap().to_owned();
    let kept = kept.iter().map(|e| first(text(e, "name"), ':'));
    let skipped = list(&answer, "skipped")
        .map(|s| format!("{}: {},", first(text(s, "resource"), '/'), text(s, "reason")));
    format!("| {name} | {} | {} | {} |\n", counted(placed), counted(kept), counted(skipped))
}

/// `PASSPORT_WRITE_DOCUMENTS=1` writes the table instead.
#[test]
fn the_document_says_what_becomes_of_every_file() {
    const BEGIN: &str = "<!-- corpus: begin -->\n";
    const END: &str = "<!-- corpus: end -->";
    let files = corpus();
    if files.is_empty() {
        return;
    }
    let (_home, cli) = Cli::in_new_home();
    let cli = cli.env("PASSPORT_PASSPHRASE", "six tins of paint on the stairs");
    let _ = cli.run(&["init", "--name", "Ada Example", "--remote", "http://127.0.0.1:9"]).success();
    let mut table = "| file | placed in section/kind | kept as it came | refused, and why |\n\
         |---|---|---|---|\n"
        .to_owned();
    for (name, path) in files {
        if let Ok(Received::Link(_)) = recognise(&std::fs::read(&path).unwrap()) {
            writeln!(table, "| {name} | a link: what it leads to | – | – |").unwrap();
            continue;
        }
        let file = path.to_str().unwrap();
        let import = cli.run(&["import", file, "--dry-run", "--same-person", "--json"]);
        table.push_str(&row(&name, &import));
    }
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/INTEROP.md");
    let text = std::fs::read_to_string(&document).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let made = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("PASSPORT_WRITE_DOCUMENTS").is_some() {
        std::fs::write(&document, made).unwrap();
    } else {
        assert!(made == text, "docs/INTEROP.md differs: run this with PASSPORT_WRITE_DOCUMENTS=1");
    }
}
