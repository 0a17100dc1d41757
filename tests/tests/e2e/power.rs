//! The power fails: of what a program wrote and did not flush, some is on the disk, in any order,
//! and some of that in half.
//!
//! strace tells every call that changes a file. What the disk would hold if the power failed there
//! is made from that: all that was flushed, and of the rest what chance leaves of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use passport_tests::{Person, Stage};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

const NOW: &str = "2026-09-20T09:00:00Z";
const CALLS: &str = "trace=pwrite64,ftruncate,fsync,fdatasync,unlink";
/// What a disk writes whole.
const SECTOR: usize = 512;
/// Disks made of each moment before a flush.
const DISKS: usize = 3;

/// A call that changes a file, or makes sure of what was changed.
#[derive(Clone, Debug)]
enum Call {
    Write { file: PathBuf, at: usize, bytes: Vec<u8> },
    Cut { file: PathBuf, len: usize },
    Flush { file: PathBuf },
    Remove { file: PathBuf },
}

/// The files of a folder.
type Disk = BTreeMap<PathBuf, Vec<u8>>;

fn read(folder: &Path) -> Disk {
    let files = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.path());
    files
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

fn write(folder: &Path, disk: &Disk) {
    for gone in read(folder).keys().filter(|path| !disk.contains_key(*path)) {
        std::fs::remove_file(gone).unwrap();
    }
    for (path, bytes) in disk {
        std::fs::write(path, bytes).unwrap();
    }
}

/// The bytes that strace shows as `\x00\x01…`.
fn unescaped(text: &str) -> Vec<u8> {
    let hex = text.split("\\x").skip(1);
    hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    OsString::from_vec(bytes).into()
}

/// Reads a line such as `7 pwrite64(4</path>, "bytes", 8, 0) = 8`; none of other files.
fn call(line: &str, folder: &Path) -> Option<Call> {
    let (_, rest) = line.trim_start().split_once(' ')?;
    let (name, rest) = rest.trim_start().split_once('(')?;
    let (arguments, returned) = rest.rsplit_once(") = ")?;
    if returned.starts_with('-') {
        return None;
    }
    let file = if name == "unlink" {
        path_of(unescaped(arguments.trim_matches('"')))
    } else {
        path_of(unescaped(arguments.split_once('<')?.1.split_once('>')?.0))
    };
    if file.parent() != Some(folder) {
        return None;
    }
    let last = || arguments.rsplit(", ").next()?.parse().ok();
    Some(match name {
        "pwrite64" => {
            let bytes = unescaped(arguments.split('"').nth(1)?);
            Call::Write { file, at: last()?, bytes }
        }
        "ftruncate" => Call::Cut { file, len: last()? },
        "fsync" | "fdatasync" => Call::Flush { file },
        "unlink" => Call::Remove { file },
        _ => return None,
    })
}

/// Runs a command and tells what it did to a folder; none where strace may not look on.
fn traced(command: &Command, folder: &Path, trace: &Path) -> Option<Vec<Call>> {
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "4194304",
        "-e",
        "signal=none",
        "-e",
        CALLS,
        "-o",
    ]);
    strace.arg(trace).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let ended = strace.status().ok()?;
    assert!(ended.success(), "{ended:?}");
    let text = std::fs::read_to_string(trace).unwrap();
    assert!(!text.contains("<unfinished"), "one thread writes at a time");
    Some(text.lines().filter_map(|line| call(line, folder)).collect())
}

fn carry_out(disk: &mut Disk, call: &Call) {
    match call {
        Call::Write { file, at, bytes } => {
            let content = disk.entry(file.clone()).or_default();
            content.resize(content.len().max(at + bytes.len()), 0);
            content[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Call::Cut { file, len } => disk.entry(file.clone()).or_default().resize(*len, 0),
        Call::Remove { file } => drop(disk.remove(file)),
        Call::Flush { .. } => {}
    }
}

/// What chance leaves of a write: nothing, all, or the beginning of it.
fn torn(call: &Call, rng: &mut ChaCha20Rng) -> Option<Call> {
    match (rng.next_u32() % 3, call) {
        (0, _) => None,
        (1, Call::Write { file, at, bytes }) => {
            let sectors = u32::try_from(bytes.len() / SECTOR).unwrap();
            let kept = SECTOR * usize::try_from(rng.next_u32() % (sectors + 1)).unwrap();
            Some(Call::Write { file: file.clone(), at: *at, bytes: bytes[..kept].to_vec() })
        }
        (_, call) => Some(call.clone()),
    }
}

/// The disks that there may be if the power fails after so many of the calls.
fn disks(before: &Disk, calls: &[Call], rng: &mut ChaCha20Rng) -> Vec<Disk> {
    let mut flushed = before.clone();
    let mut pending: Vec<Call> = Vec::new();
    for call in calls {
        let Call::Flush { file } = call else {
            pending.push(call.clone());
            continue;
        };
        let of = |call: &Call| match call {
            Call::Write { file, .. } | Call::Cut { file, .. } => Some(file.clone()),
            Call::Flush { .. } | Call::Remove { .. } => None,
        };
        pending
            .iter()
            .filter(|c| of(c).as_ref() == Some(file))
            .for_each(|c| carry_out(&mut flushed, c));
        pending.retain(|c| of(c).as_ref() != Some(file));
    }
    let mut all = vec![flushed.clone()];
    for _ in 1..DISKS {
        let mut left: Vec<Call> = pending.iter().filter_map(|call| torn(call, rng)).collect();
        for i in (1..left.len()).rev() {
            left.swap(i, usize::try_from(rng.next_u32()).unwrap() % (i + 1));
        }
        let mut disk = flushed.clone();
        for call in &left {
            carry_out(&mut disk, call);
        }
        all.push(disk);
    }
    all
}

fn medicines(phone: &Person) -> usize {
    phone.section(phone, "medications")["entries"].as_array().unwrap().len()
}

#[test]
#[cfg(target_os = "linux")]
fn a49_whatever_a_power_failure_leaves_of_a_command_is_all_of_it_or_nothing() {
    let seed = 49;
    println!("seed {seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let home = phone.cli.home().canonicalize().unwrap();
    let before = read(&home);
    let add = phone.cli.command(&phone.whole(&["add", "medications", "--set", "item=Lithium"]));
    let Some(calls) = traced(&add, &home, &stage.path("trace")) else {
        println!("skipped: strace is not here, or may not look on");
        return;
    };
    let flushes = |call: &&Call| matches!(call, Call::Flush { .. });
    let count = calls.iter().filter(flushes).count();
    println!("{} calls, {count} of them flushes", calls.len());
    assert!(count > 1, "{calls:?}");
    let moments = (0..=calls.len()).filter(|n| calls.get(*n).is_none_or(|c| flushes(&c)));
    let (mut old, mut new) = (0, 0);
    for moment in moments {
        for disk in disks(&before, &calls[..moment], &mut rng) {
            write(&home, &disk);
            match medicines(&phone) {
                1 => old += 1,
                2 => new += 1,
                other => panic!("{other} medicines after {moment} calls"),
            }
            if moment == calls.len() {
                // It said that it was done.
                assert_eq!(medicines(&phone), 2, "lost after {moment} calls");
            }
        }
    }
    println!("{old} times as before, {new} times as after");
    assert!(old > 0 && new > 0);
}
