//! The command line as its users meet it: the real program, its words and its exit codes.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod helps;
#[cfg(test)]
mod leaving;
#[cfg(test)]
mod link;
#[cfg(test)]
mod org_campus;
#[cfg(test)]
mod org_discharges;
#[cfg(test)]
mod org_exchange;
#[cfg(test)]
mod org_kit;
#[cfg(test)]
mod org_record;
#[cfg(test)]
mod org_server;
#[cfg(test)]
mod page;
#[cfg(test)]
mod private;
#[cfg(test)]
mod receipts;
#[cfg(test)]
mod record;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod smart;
#[cfg(test)]
mod watching;

/// The moment at which these stories happen.
#[cfg(test)]
const NOW: &str = "2026-11-22T10:00:00Z";

/// A home below `folder`, with its passphrase and the clock standing still.
#[cfg(test)]
fn home(folder: &tempfile::TempDir, name: &str) -> passport_tests::Cli {
    passport_tests::Cli::new(folder.path().join(name))
        .env("PASSPORT_PASSPHRASE", "correct horse battery staple")
        .env("PASSPORT_NOW", NOW)
}

/// A passport begun in a new home, and its recovery phrase.
#[cfg(test)]
fn begun(folder: &tempfile::TempDir, name: &str, remote: &str) -> (passport_tests::Cli, String) {
    let cli = home(folder, name);
    let init =
        ["init", "--name", "Ada Example", "--dob", "2005-03-14", "--remote", remote, "--json"];
    let made = cli.run(&init).success().json();
    let phrase = made["recovery_phrase"].as_str().unwrap().to_owned();
    (cli, phrase)
}

/// A relay that nobody runs.
const NOBODY: &str = "http://127.0.0.1:9";

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
        "devices.rs",
        "errors.rs",
        "helps.rs",
        "leaving.rs",
        "link.rs",
        "main.rs",
        "org_campus.rs",
        "org_discharges.rs",
        "org_exchange.rs",
        "org_kit.rs",
        "org_record.rs",
        "org_server.rs",
        "page.rs",
        "private.rs",
        "receipts.rs",
        "record.rs",
        "recovery.rs",
        "relay.rs",
        "sharing.rs",
        "smart.rs",
        "watching.rs",
    ];
    assert_eq!(files, declared);
}
