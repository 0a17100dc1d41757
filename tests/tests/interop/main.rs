//! What other programs make of what goes out, and this one of what others wrote.
//!
//! The other programs are those that `.ci/readers FOLDER` installs; `PASSPORT_READERS` names the
//! folder. The files of others are those in the folder that `PASSPORT_FHIR_CORPUS` names. What is
//! not at hand is skipped, and that is said.

#[cfg(test)]
mod every_kind;
#[cfg(test)]
mod links;
#[cfg(test)]
mod record;
#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod table;
#[cfg(test)]
mod validators;

/// The folder with programs that others wrote.
#[cfg(test)]
fn readers() -> Option<std::path::PathBuf> {
    let folder = std::env::var_os("PASSPORT_READERS").map(std::path::PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: PASSPORT_READERS is not set, no other program looked on");
    }
    folder
}

/// What one of them prints, or says of an error; it is found where it was installed.
#[cfg(test)]
fn node(readers: &std::path::Path, script: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = std::process::Command::new("node");
    command.current_dir(readers).args(["--input-type=module", "--eval", script, "--"]);
    let ran = command.args(arguments).output().unwrap();
    let said = |bytes| String::from_utf8(bytes).unwrap();
    if ran.status.success() { Ok(said(ran.stdout)) } else { Err(said(ran.stderr)) }
}

/// Every file of the corpus, by its name within it.
#[cfg(test)]
fn corpus() -> Vec<(String, std::path::PathBuf)> {
    let Some(corpus) = std::env::var_os("PASSPORT_FHIR_CORPUS").map(std::path::PathBuf::from)
    else {
        println!("SKIPPED: PASSPORT_FHIR_CORPUS is not set, no file of others was read");
        return Vec::new();
    };
    let (mut folders, mut files) = (vec![corpus.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(&corpus).unwrap().display().to_string(), path));
            }
        }
    }
    files.sort();
    files
}

/// Every file in this folder is a module of this binary, or run by one; a forgotten one never is.
#[test]
fn no_file_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let declared = [
        "every_kind.rs",
        "fhir_js.mjs",
        "links.rs",
        "main.rs",
        "medplum.mjs",
        "open_link.mjs",
        "record.rs",
        "round_trip.rs",
        "table.rs",
        "validators.rs",
    ];
    assert_eq!(files, declared);
}
