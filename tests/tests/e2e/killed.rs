//! The program is killed, or its disk refuses, at every call of the operating system that writes.

use std::path::Path;
use std::process::{Command, Stdio};

use passport_tests::{Person, Stage};

const NOW: &str = "2026-09-20T09:00:00Z";
/// Whatever changes a file.
const CALLS: [&str; 5] = ["pwrite64", "ftruncate", "fsync", "fdatasync", "unlink"];
const ADD: [&str; 4] = ["add", "medications", "--set", "item=Lithium"];

/// Adds an entry with a fault in the n-th of some calls; the exit code, if it came to one.
fn with_fault(phone: &Person, fault: &str, call: &str, n: usize, trace: &Path) -> Option<i32> {
    let inner = phone.cli.command(&phone.whole(&ADD));
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(trace);
    command.args(["-e", &format!("trace={call}")]);
    command.args(["-e", &format!("inject={call}:{fault}:when={n}")]);
    command.arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap().code()
}

/// Whether this machine has strace and lets it look on.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().flatten() {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Whether a home is, to the byte, what was kept of it; then nothing in it needs another look.
fn untouched(home: &Path, kept: &Path) -> bool {
    let files = |folder: &Path| -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let all = std::fs::read_dir(folder).unwrap().flatten();
        let mut all: Vec<_> =
            all.map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect();
        all.sort();
        all
    };
    files(home) == files(kept)
}

fn medicines(phone: &Person) -> usize {
    let shown = phone.section(phone, "medications");
    shown["entries"].as_array().unwrap().len()
}

#[test]
#[cfg(target_os = "linux")]
fn a48_a50_killed_or_refused_at_any_call_it_has_written_all_or_nothing() {
    if !can_trace() {
        println!("skipped: strace is not here, or may not look on; see attacks::faults");
        return;
    }
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let (kept, trace) = (stage.path("kept"), stage.path("trace"));
    copy(phone.cli.home(), &kept);
    for fault in ["signal=KILL", "error=ENOSPC"] {
        let (mut faults, mut without_trace) = (0, 0);
        for call in CALLS {
            for n in 1.. {
                copy(&kept, phone.cli.home());
                let code = with_fault(&phone, fault, call, n, &trace);
                if code == Some(0) && !std::fs::read_to_string(&trace).unwrap().contains("INJECTED")
                {
                    break;
                }
                faults += 1;
                let case = format!("{fault} at {call} {n}");
                assert!(matches!(code, None | Some(0 | 1 | 11)), "{case}: {code:?}");
                if code != Some(0) && untouched(phone.cli.home(), &kept) {
                    without_trace += 1;
                    continue;
                }
                let there = medicines(&phone);
                assert!(code != Some(0) || there == 2, "{case}: said to be done, and is not");
                if there == 1 {
                    phone.json(&ADD);
                    assert_eq!(medicines(&phone), 2, "{case}: doubled or lost");
                }
            }
        }
        println!("{fault}: {faults} calls, {without_trace} of them before anything was written");
        assert!(faults > 15, "{fault}: the faults came to nothing");
    }
}
