//! What code may say, and where.

use std::fs;

use crate::scan::{code, places};
use crate::{assert_none, root, sources};

/// Longest file, in lines: beyond it a file holds more than one idea.
const LINES_MAX: usize = 600;

/// The places that may wait for time alone: between two tries to reach a relay, while a person
/// sits at the terminal; a relay, before it reads more of who sends too much; a steady load.
const PAUSES: [&str; 3] = [
    "passport-cli/src/syncing.rs",
    "passport-sync/src/relay/live.rs",
    "tests/benches/load/soak.rs",
];

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

#[test]
fn automerge_never_decodes_bytes() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        let code = code(&text);
        for needle in DECODERS {
            found.extend(places(&name, &code, needle));
        }
        // Whatever name the document's type goes under.
        if code.contains("automerge") {
            found.extend(places(&name, &code, "::load"));
        }
    }
    assert_none(&found, "no byte reaches Automerge: documents are built from typed edits alone");
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
        for needle in ["todo!", "#[ignore"] {
            found.extend(places(&name, &code, needle));
        }
        if !PAUSES.contains(&name.as_str()) {
            for needle in ["sleep(", "sleep_until("] {
                found.extend(places(&name, &code, needle));
            }
        }
        // A test double may leave out what nobody asks of it; the program may not.
        if name.starts_with("passport-") {
            found.extend(places(&name, &code, "unimplemented!"));
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

    let needles =
        ["SystemTime", "Instant", "std::net", "tokio", "async fn", "thread_rng", "OsRng", "SysRng"];
    let mut found = Vec::new();
    for (name, text) in sources() {
        if name.starts_with("passport-core/src/") || is_protocol(&name) {
            let code = code(&text);
            found.extend(needles.iter().flat_map(|needle| places(&name, &code, needle)));
        }
    }
    assert_none(&found, "time, randomness and input are arguments below the edge");
}

/// Whether the file belongs to the messages or the state machines.
fn is_protocol(name: &str) -> bool {
    ["wire", "session"].iter().any(|module| {
        name == format!("passport-sync/src/{module}.rs")
            || name.starts_with(&format!("passport-sync/src/{module}/"))
    })
}

#[test]
fn the_protocol_does_not_know_its_drivers_and_stores() {
    let mut found = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| is_protocol(name)) {
        let code = code(text);
        for needle in ["crate::client", "crate::relay", "crate::store"] {
            found.extend(places(name, &code, needle));
        }
    }
    assert_none(&found, "`wire` and `session` never import `client`, `relay` or `store`");
}
