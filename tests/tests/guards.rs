//! Guards over the repository itself: rules that no compiler holds.
//!
//! Each guard reads the sources as text, with comments and the content of string literals blanked
//! where only code counts. A failure names every place at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Longest file, in lines: beyond it a file holds more than one idea.
const LINES_MAX: usize = 600;

/// The one file that may decode Automerge's own bytes: the device's authenticated vault (ADR 0001).
const DECODER_FILE: &str = "passport-core/src/replica/cache.rs";

/// The folder (and its parent file) in which changes go from one own document to another.
const REPLICA: &str = "passport-core/src/replica";

/// Automerge 0.12's public entries that read bytes.
const DECODERS: &[&str] = &[
    "Automerge::load",
    "AutoCommit::load",
    "load_incremental",
    "load_incremental_log_patches",
    "load_with_options",
    "load_unverified_heads",
    "load_changes",
    "Automerge::rescue",
    "Change::from_bytes",
    "Change::try_from",
    "from_bytes_unchecked",
    "Bundle::try_from",
    "receive_sync_message",
    "sync::Message",
    "sync::State",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Files below `dir` with this extension, sorted, without hidden folders and build output.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name_of(path: &Path) -> String {
    let relative = path.strip_prefix(root()).unwrap();
    relative.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Every Rust file of the workspace: its name from the root, and its text.
fn sources() -> Vec<(String, String)> {
    let all: Vec<_> = files(&root(), "rs")
        .into_iter()
        .map(|path| (name_of(&path), fs::read_to_string(&path).unwrap()))
        .collect();
    assert!(all.len() > 10, "the walk found only {} files", all.len());
    all
}

/// `text` with comments and the content of string and character literals blanked, line breaks
/// kept, so that line numbers stay true.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let after_word = at > 0 && is_word(bytes[at - 1]);
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + block_comment(rest)
        } else if let Some(len) = raw_string(rest).filter(|_| !after_word) {
            at + len
        } else if rest[0] == b'"' {
            at + quoted(rest, b'"')
        } else if rest[0] == b'\'' && is_char_literal(rest) {
            at + quoted(rest, b'\'')
        } else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).unwrap()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Length of the block comment that `rest` starts with; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Length of the raw string that `rest` starts with, if it does.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let prefix = [&b"br"[..], b"cr", b"r"].into_iter().find(|p| rest.starts_with(p))?.len();
    let hashes = rest[prefix..].iter().take_while(|b| **b == b'#').count();
    let open = prefix + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [&b"\""[..], &vec![b'#'; hashes]].concat();
    let body = rest[open + 1..].windows(close.len()).position(|w| w == close);
    Some(body.map_or(rest.len(), |at| open + 1 + at + close.len()))
}

/// Length of the literal that `rest` starts with, up to and with its closing quote.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Whether the quote opens a character, not a lifetime.
fn is_char_literal(rest: &[u8]) -> bool {
    if rest.get(1) == Some(&b'\\') {
        return true;
    }
    let end = 2 + rest.iter().skip(2).take_while(|b| **b & 0xc0 == 0x80).count();
    rest.get(end) == Some(&b'\'')
}

/// Lines of `code` in which `needle` stands as a whole word, counted from one.
fn lines_with(code: &str, needle: &str) -> Vec<usize> {
    let first = needle.as_bytes()[0];
    let last = needle.as_bytes()[needle.len() - 1];
    let stands_alone = |line: &str, at: usize| {
        let before = at.checked_sub(1).map(|i| line.as_bytes()[i]);
        let after = line.as_bytes().get(at + needle.len()).copied();
        !(is_word(first) && before.is_some_and(is_word))
            && !(is_word(last) && after.is_some_and(is_word))
    };
    code.lines()
        .enumerate()
        .filter(|(_, line)| line.match_indices(needle).any(|(at, _)| stands_alone(line, at)))
        .map(|(number, _)| number + 1)
        .collect()
}

fn places(name: &str, code: &str, needle: &str) -> Vec<String> {
    lines_with(code, needle).into_iter().map(|n| format!("{name}:{n}: {needle}")).collect()
}

#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn automerge_decodes_bytes_in_one_file_only() {
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| name != DECODER_FILE) {
        let code = code(text);
        for needle in DECODERS {
            found.extend(places(name, &code, needle));
        }
        // Whatever name the document's type goes under; the cache's own `load` is the way in.
        if code.contains("automerge") {
            let code = code.replace("cache::load", "").replace("Cache::load", "");
            found.extend(places(name, &code, "::load"));
        }
    }
    assert_none(&found, "no foreign byte reaches Automerge: only the vault's own saves are loaded");
}

#[test]
fn automerge_changes_pass_between_documents_in_the_replica_only() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        if name == format!("{REPLICA}.rs") || name.starts_with(&format!("{REPLICA}/")) {
            continue;
        }
        let code = code(&text);
        for needle in
            ["apply_changes", "apply_changes_log_patches", "apply_changes_batch_log_patches"]
        {
            found.extend(places(&name, &code, needle));
        }
    }
    assert_none(&found, "only changes the replica made itself are applied, and only there");
}

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
    for package in ["passport-core", "passport-sync", "passport-cli", "tests"] {
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
fn no_file_is_longer_than_600_lines() {
    let found: Vec<_> = sources()
        .iter()
        .map(|(name, text)| (name, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(name, lines)| format!("{name}: {lines} lines"))
        .collect();
    assert_none(&found, "split by idea");
}

#[test]
fn nothing_sleeps_is_left_undone_or_is_ignored() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        let code = code(&text);
        for needle in ["thread::sleep", "tokio::time::sleep", "todo!", "unimplemented!", "#[ignore"]
        {
            found.extend(places(&name, &code, needle));
        }
        let fence = |line: &&str| line.contains("```ignore") || line.contains("```rust,ignore");
        let is_doc = |line: &&str| line.trim_start().starts_with("//");
        let ignored = text.lines().filter(is_doc).filter(fence);
        found.extend(ignored.map(|line| format!("{name}: {}", line.trim())));
    }
    assert_none(&found, "wait for what you wait for; finish or delete; run or delete");
}

#[test]
fn the_core_and_the_protocol_read_no_clock_and_open_no_socket() {
    let manifest = fs::read_to_string(root().join("passport-core/Cargo.toml")).unwrap();
    let dependencies = manifest.split("\n[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    for name in ["tokio", "axum", "hyper", "ureq", "getrandom", "tracing"] {
        let named = |line: &str| line.split(['.', ' ', '=']).next() == Some(name);
        assert!(!dependencies.lines().any(named), "passport-core depends on {name}");
    }

    let is_pure = |name: &str| {
        name.starts_with("passport-core/src/")
            || ["wire", "session"].iter().any(|module| {
                name == format!("passport-sync/src/{module}.rs")
                    || name.starts_with(&format!("passport-sync/src/{module}/"))
            })
    };
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| is_pure(name)) {
        let code = code(text);
        for needle in [
            "SystemTime",
            "Instant",
            "std::net",
            "tokio",
            "async fn",
            "thread_rng",
            "OsRng",
            "SysRng",
        ] {
            found.extend(places(name, &code, needle));
        }
        for needle in ["crate::client", "crate::relay", "crate::store"] {
            if name.starts_with("passport-sync/") {
                found.extend(places(name, &code, needle));
            }
        }
    }
    assert_none(&found, "time, randomness and input are arguments below the edge");
}

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
fn the_scanner_tells_code_from_words() {
    let text = r####"let a = "todo!( // no"; // todo!( no
let b = r#"todo!( " no"#; let c = '"'; todo!(); /* todo! /* no */ todo! */ fn f<'a>() {}
let d = b"\"todo!"; let e = '\''; let bar = br"todo!"; let g = 'é'; todo!(x)"####;
    let code = code(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!(lines_with(&code, "todo!"), [2, 3]);
    assert!(code.contains("fn f<'a>() {}"));
    assert_eq!(lines_with("Instantly\nSomeInstant\na::Instant;", "Instant"), [3]);
    assert_eq!(
        modules("pub mod a;\n#[cfg(x)]\nmod b;\nmod c { mod d; }\nlet commod e;"),
        ["a", "b", "d"]
    );
    assert_eq!(anchor("## What it is, for a GP"), "what-it-is-for-a-gp");
}
