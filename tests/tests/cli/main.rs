//! The command line as its users meet it: the real program, its words and its exit codes.

mod answers;
mod errors;
mod helps;
mod org_discharges;
mod org_kit;
mod org_record;

/// Every file in this folder is a module of this binary; a forgotten one would never run.
#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let declared = [
        "answers.rs",
        "errors.rs",
        "helps.rs",
        "main.rs",
        "org_discharges.rs",
        "org_kit.rs",
        "org_record.rs",
    ];
    assert_eq!(files, declared);
}
