//! Every file is part of something.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::scan::{code, is_word};
use crate::{assert_none, files, name_of, root};

/// The names in `mod name;` of this code.
fn modules(code: &str) -> Vec<String> {
    code.split(';')
        .filter_map(|statement| {
            let (before, name) = statement.rsplit_once("mod ")?;
            let whole_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let name = name.trim();
            let is_name = !name.is_empty() && name.bytes().all(is_word);
            (whole_word && is_name).then(|| name.to_owned())
        })
        .collect()
}

/// Every file that `file` reaches through `mod`, itself included.
fn reach(file: &Path, is_root: bool, seen: &mut BTreeSet<PathBuf>) {
    if !file.is_file() || !seen.insert(file.to_path_buf()) {
        return;
    }
    let parent = file.parent().unwrap();
    let folder = if is_root { parent.to_path_buf() } else { file.with_extension("") };
    for module in modules(&code(&fs::read_to_string(file).unwrap())) {
        reach(&folder.join(format!("{module}.rs")), false, seen);
    }
}

#[test]
fn every_source_file_is_part_of_its_crate() {
    let mut found = Vec::new();
    for package in ["passport-core", "passport-sync", "passport-cli", "tests", "tests/fuzz"] {
        let src = root().join(package).join("src");
        let mut seen = BTreeSet::new();
        reach(&src.join("lib.rs"), true, &mut seen);
        reach(&src.join("main.rs"), true, &mut seen);
        assert!(!seen.is_empty(), "{package} has no root");
        found.extend(files(&src, "rs").iter().filter(|f| !seen.contains(*f)).map(|f| name_of(f)));
    }
    assert_none(
        &found,
        "no `mod` leads to these files (modules are `foo.rs` and `foo/`, no mod.rs)",
    );
}

#[test]
fn every_test_file_is_part_of_a_test_binary() {
    let tests = root().join("tests");
    let manifest = fs::read_to_string(tests.join("Cargo.toml")).unwrap();
    let mut roots: Vec<PathBuf> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix('"'))
        .map(|path| tests.join(path))
        .collect();
    for folder in ["tests", "benches", "examples"] {
        let Ok(entries) = fs::read_dir(tests.join(folder)) else { continue };
        for path in entries.map(|e| e.unwrap().path()) {
            roots.push(if path.is_dir() { path.join("main.rs") } else { path });
        }
    }
    let mut seen = BTreeSet::new();
    for file in &roots {
        reach(file, true, &mut seen);
    }
    let found: Vec<_> = files(&tests, "rs")
        .iter()
        .filter(|f| !f.starts_with(tests.join("src")) && !f.starts_with(tests.join("fuzz")))
        .filter(|f| !seen.contains(*f))
        .map(|f| name_of(f))
        .collect();
    assert_none(&found, "no test binary reaches these files");
}

#[test]
fn modules_are_found_in_code() {
    assert_eq!(
        modules("pub mod a;\n#[cfg(x)]\nmod b;\nmod c { mod d; }\nlet commod e;"),
        ["a", "b", "d"]
    );
}
