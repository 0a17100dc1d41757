//! Guards over the repository itself: rules that no compiler holds.
//!
//! Each guard reads the sources as text, with comments and the content of string literals blanked
//! where only code counts. A failure names every place at once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what the helpers cannot read is a failed guard"
)]

use std::fs;
use std::path::{Path, PathBuf};

mod documents;
mod rules;
mod scan;
mod structure;

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

#[track_caller]
fn assert_none(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}
