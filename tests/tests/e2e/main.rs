//! Journeys: the real program, a relay process, and people who do not wait for each other.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of journeys may panic as tests do, and print their seeds"
)]

mod bad_input;
mod demo;
mod ending;
mod erased;
mod files;
mod killed;
mod letter;
mod lost;
mod planted;
mod power;
mod reader;
mod recovery;
mod story;

/// Every file in this folder is a module of this binary; a forgotten one would never run.
#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let declared = [
        "bad_input",
        "bad_input.rs",
        "demo.rs",
        "ending.rs",
        "erased.rs",
        "files.rs",
        "killed.rs",
        "letter.rs",
        "lost.rs",
        "main.rs",
        "planted.rs",
        "power.rs",
        "reader.rs",
        "recovery.rs",
        "story.rs",
    ];
    assert_eq!(files, declared);
}
