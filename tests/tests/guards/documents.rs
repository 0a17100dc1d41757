//! Documents that lead somewhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use passport_core::section::table::SECTIONS;

use crate::{assert_none, files, name_of, root};

/// Targets of `[text](target)` outside fenced blocks.
fn links(markdown: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for after in line.split("](").skip(1) {
            if let Some((target, _)) = after.split_once(')') {
                found.push(target.to_owned());
            }
        }
    }
    found
}

/// What a heading's anchor is called: lower case, words joined by hyphens, other marks dropped.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn documents() -> Vec<PathBuf> {
    let mut all = files(&root().join("docs"), "md");
    all.push(root().join("README.md"));
    all.push(root().join("CHANGELOG.md"));
    all
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut found = Vec::new();
    let mut checked = 0;
    for document in documents() {
        for target in links(&fs::read_to_string(&document).unwrap()) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, fragment) = target.split_once('#').unwrap_or((target.as_str(), ""));
            let there = if path.is_empty() {
                document.clone()
            } else {
                document.parent().unwrap().join(path)
            };
            let climbs_out = lexical(&there).is_none_or(|p| !p.starts_with(root()));
            let leads = there.exists()
                && !climbs_out
                && (fragment.is_empty()
                    || fs::read_to_string(&there).is_ok_and(|text| {
                        text.lines().filter(|l| l.starts_with('#')).any(|l| anchor(l) == fragment)
                    }));
            if !leads {
                found.push(format!("{}: {target}", name_of(&document)));
            }
        }
    }
    assert_none(&found, "these links lead nowhere");
    assert!(checked > 20, "only {checked} links were looked at");
}

/// The path with `.` and `..` taken out, without touching the file system.
fn lexical(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop().then_some(())?;
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    Some(out)
}

#[test]
fn every_decision_is_in_the_index() {
    let folder = root().join("docs/adr");
    let index = fs::read_to_string(folder.join("README.md")).unwrap();
    let listed: BTreeSet<String> = links(&index).into_iter().collect();
    let mut numbers = BTreeSet::new();
    for file in files(&folder, "md") {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if name == "README.md" {
            continue;
        }
        assert!(listed.contains(&name), "docs/adr/README.md does not list {name}");
        assert!(numbers.insert(name[..4].to_owned()), "two decisions have the number of {name}");
    }
}

#[test]
fn the_glossary_has_the_words_that_the_program_shows() {
    let mut wanted = String::from("| section | in plain words | what it holds |\n|---|---|---|\n");
    for section in SECTIONS {
        let row = [section.name, section.title, section.gloss].map(|text| text.replace('|', "\\|"));
        let [name, title, gloss] = row;
        writeln!(wanted, "| `{name}` | {title} | {gloss} |").unwrap();
    }
    let glossary = fs::read_to_string(root().join("docs/GLOSSARY.md")).unwrap();
    let (_, after) = glossary.split_once("<!-- sections: begin -->\n").unwrap();
    let (block, _) = after.split_once("<!-- sections: end -->").unwrap();
    assert!(block == wanted, "docs/GLOSSARY.md should have between its marks:\n{wanted}");
}

#[test]
fn anchors_are_named_as_readers_see_them() {
    assert_eq!(anchor("## What it is, for a GP"), "what-it-is-for-a-gp");
}
