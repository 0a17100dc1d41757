//! The program itself. That there is a test here has Cargo build it with everything else that
//! `cargo test --workspace` builds; the tests that drive it are in `tests/`.

use std::process::Command;

#[test]
fn the_program_says_its_version() {
    let said = Command::new(env!("CARGO_BIN_EXE_passport")).arg("--version").output().unwrap();
    assert!(said.status.success());
    let version = concat!("passport ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8(said.stdout).unwrap(), version);
}
