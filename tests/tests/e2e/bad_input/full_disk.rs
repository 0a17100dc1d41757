//! A disk that is full: nothing that was there is lost, and nothing is half there.

use std::path::Path;
use std::process::{Command, Stdio};

use passport_tests::{Cli, Person, Stage};

use super::NOW;

/// More than fits: an entry of some 60 KiB.
fn long() -> String {
    format!("text={}", "never enough room ".repeat(3600))
}

/// `program` with the arguments and variables of another command after its own.
fn around(program: &str, own: &[&str], inner: &Command) -> Command {
    let mut command = Command::new(program);
    command.args(own).arg(inner.get_program()).args(inner.get_args());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command
}

/// Whether this machine lets its users mount a file system for themselves.
fn can_mount() -> bool {
    let mount = ["-rm", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"];
    Command::new("unshare").args(mount).output().is_ok_and(|output| output.status.success())
}

/// Adds an entry in a copy of a home on a file system of so many KiB, and takes out what is left
/// in it; the exit code and what was said.
fn on_a_small_disk(phone: &Person, kib: u64, left: &Path) -> (Option<i32>, String) {
    std::fs::create_dir_all(left).unwrap();
    let add = phone.cli.command(&phone.whole(&["add", "x-diary", "--set", &long()]));
    let script = format!(
        "cp -r \"$PASSPORT_HOME\" '{left}/was' && mount -t tmpfs -o size={kib}k none \"$PASSPORT_HOME\" && \
         cp -r '{left}/was/.' \"$PASSPORT_HOME\" || exit 99; \"$0\" \"$@\"; code=$?; \
         cp -r \"$PASSPORT_HOME\" '{left}/is' || exit 98; exit $code",
        left = left.display()
    );
    let output = around("unshare", &["-rm", "sh", "-c", &script], &add).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_loses_nothing_that_was_there() {
    if !can_mount() {
        println!("skipped: this machine lets nobody mount; files that may not grow stand in");
        return;
    }
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let before = phone.json(&["show"]);
    let files = std::fs::read_dir(phone.cli.home()).unwrap().flatten();
    let used = files.map(|f| f.metadata().unwrap().len().div_ceil(4096) * 4).sum::<u64>();
    let mut failed = 0;
    for spare in [0, 8, 16, 32, 64, 96, 128, 256, 1024] {
        let left = stage.path(&format!("left-{spare}"));
        let (code, said) = on_a_small_disk(&phone, used + spare, &left);
        println!("a disk with {spare} KiB to spare: {code:?} {said}");
        let cli = Cli::new(left.join("is"))
            .env("PASSPORT_PASSPHRASE", passport_tests::stage::PASSPHRASE)
            .env("PASSPORT_NOW", NOW);
        let mut there = phone.clone();
        there.cli = cli;
        match code {
            Some(1) => {
                failed += 1;
                assert!(said.contains("room"), "{spare} KiB: does not say what to do: {said}");
                assert_eq!(there.json(&["show"]), before, "{spare} KiB: something half-done");
                let _ = there.record(&there, "medications", &["item=Lithium"]);
            }
            Some(0) => {
                assert_ne!(
                    there.json(&["show"]),
                    before,
                    "{spare} KiB: said to be done, and is not"
                );
                break;
            }
            other => panic!("{spare} KiB: {other:?} {said}"),
        }
    }
    assert!(failed > 0, "the disk was never full");
}

#[test]
fn where_no_file_may_grow_nothing_is_lost_that_was_there() {
    let stage = Stage::new(NOW);
    let phone = stage.student("phone", "Ada Example");
    let _ = phone.record(&phone, "medications", &["item=Sertraline"]);
    let before = phone.json(&["show"]);
    let mut failed = 0;
    // No file may grow beyond so many blocks of 512 bytes, as on a disk that is full.
    for blocks in [0, 8, 64, 128, 256] {
        let inner = phone.cli.command(&phone.whole(&["add", "x-diary", "--set", &long()]));
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = around("sh", &["-c", &limit], &inner).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{blocks} blocks: {:?} {stderr}", output.status.code());
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1)), "{blocks} blocks: {code:?} {stderr}");
        if code == Some(1) {
            failed += 1;
            assert_eq!(phone.json(&["show"]), before, "{blocks} blocks: something half-done");
        } else {
            break;
        }
    }
    assert!(failed > 0, "the disk was never full");
    let _ = phone.record(&phone, "medications", &["item=Lithium"]);
    assert_eq!(phone.section(&phone, "medications")["entries"].as_array().unwrap().len(), 2);
}
