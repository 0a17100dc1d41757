//! Documents that lead somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Component, Path, PathBuf};

use passport_core::glossary::{self, Audience};
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

/// The glossary's tables as the program has them: the mark of each, and its rows.
fn glossary_tables() -> [(&'static str, String); 3] {
    let row = |cells: &[&str]| {
        let cells: Vec<String> = cells.iter().map(|text| text.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut own = String::from("| word | means | not to be called |\n|---|---|---|\n");
    for term in glossary::words() {
        own.push_str(&row(&[&format!("**{}**", term.name), term.plain, term.not]));
    }
    let mut sections =
        String::from("| section | in plain words | what it holds |\n|---|---|---|\n");
    for section in SECTIONS {
        let name = format!("`{}`", section.name);
        sections.push_str(&row(&[&name, section.title, section.gloss]));
    }
    let mut services = String::from(
        "| word | in plain words | what it does not mean | what else matters to whom | source |\n\
         |---|---|---|---|---|\n",
    );
    for term in glossary::services() {
        let said = term.said.iter().map(|(to, words)| format!("{}: {words}", whom(*to)));
        let said = said.collect::<Vec<_>>().join(" ");
        services.push_str(&row(&[&named(term), term.plain, term.not, &said, term.source]));
    }
    [("words", own), ("sections", sections), ("services", services)]
}

fn whom(audience: Audience) -> &'static str {
    match audience {
        Audience::Student => "Student",
        Audience::Gp => "Practice",
        Audience::University => "University",
    }
}

fn named(term: &glossary::Term) -> String {
    let also: Vec<&str> = term.also.iter().copied().filter(|n| *n != term.name).collect();
    if also.is_empty() {
        return term.name.to_owned();
    }
    format!("{} ({})", term.name, also.join(", "))
}

/// `PASSPORT_WRITE_DOCUMENTS=1` writes the tables instead.
#[test]
fn the_glossary_has_the_words_that_the_program_shows() {
    let place = root().join("docs/GLOSSARY.md");
    let is = fs::read_to_string(&place).unwrap();
    let mut wanted = is.clone();
    for (name, table) in glossary_tables() {
        let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
        let from = wanted.find(&begin).unwrap() + begin.len();
        let to = wanted.find(&end).unwrap();
        wanted.replace_range(from..to, &table);
    }
    if std::env::var_os("PASSPORT_WRITE_DOCUMENTS").is_some() {
        fs::write(&place, wanted).unwrap();
    } else {
        assert!(is == wanted, "docs/GLOSSARY.md differs: run this with PASSPORT_WRITE_DOCUMENTS=1");
    }
}

#[test]
fn anchors_are_named_as_readers_see_them() {
    assert_eq!(anchor("## What it is, for a GP"), "what-it-is-for-a-gp");
}

/// Every test that is named after attacks, by attack: `a08_a09_…` is of both.
fn attacks_tried() -> BTreeMap<String, BTreeSet<String>> {
    let mut tried: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in crate::sources() {
        let place = file.strip_prefix("tests/tests/attacks/").or(file.strip_prefix("tests/tests/"));
        let place = place.unwrap_or(&file).trim_end_matches(".rs").replace('/', "::");
        for name in text.lines().filter_map(|line| line.trim().strip_prefix("fn ")) {
            let name = name.split('(').next().unwrap();
            let is_row = |part: &&str| {
                part.len() == 3 && part.starts_with('a') && part[1..].parse::<u8>().is_ok()
            };
            for row in name.split('_').take_while(is_row) {
                tried.entry(row.to_owned()).or_default().insert(format!("`{place}::{name}`"));
            }
        }
    }
    tried
}

/// `PASSPORT_WRITE_DOCUMENTS=1` writes the table of tests instead.
#[test]
fn every_attack_has_a_test_and_the_threats_say_which() {
    let place = root().join("docs/THREATS.md");
    let is = fs::read_to_string(&place).unwrap();
    let tried = attacks_tried();
    let (begin, end) = ("<!-- tests: begin -->\n", "<!-- tests: end -->");
    let from = is.find(begin).unwrap() + begin.len();
    let rows = is[..from].lines().filter_map(|line| line.strip_prefix("| a")?.split(' ').next());
    let rows: BTreeSet<String> = rows.map(|number| format!("a{number}")).collect();
    assert!(rows.len() > 60, "only {} attacks are told", rows.len());
    let untried: Vec<_> = rows.iter().filter(|row| !tried.contains_key(*row)).cloned().collect();
    assert_none(&untried, "these attacks are told and not tried");
    let untold: Vec<_> = tried.keys().filter(|row| !rows.contains(*row)).cloned().collect();
    assert_none(&untold, "these attacks are tried and not told");
    let mut table = String::from("| row | tests |\n|---|---|\n");
    for (row, tests) in &tried {
        let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
        writeln!(table, "| {row} | {} |", tests.join(", ")).unwrap();
    }
    let mut wanted = is.clone();
    wanted.replace_range(from..is.find(end).unwrap(), &table);
    if std::env::var_os("PASSPORT_WRITE_DOCUMENTS").is_some() {
        fs::write(&place, wanted).unwrap();
    } else {
        assert!(is == wanted, "docs/THREATS.md differs: run this with PASSPORT_WRITE_DOCUMENTS=1");
    }
}
