//! Drives the real program, as a person or another program would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program under test; built on first use, so that no test runs an older one.
///
/// # Panics
/// Panics when it cannot be built.
#[must_use]
pub fn passport_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(locate)
}

#[expect(clippy::expect_used, reason = "a test without its program cannot go on")]
fn locate() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    // target/PROFILE/deps/TEST: the program lies beside `deps`.
    let profile = test.parent().and_then(Path::parent).expect("the test lies in target/…/deps");
    let binary = profile.join(format!("passport{}", std::env::consts::EXE_SUFFIX));
    // Only Cargo knows whether the program is older than its source. Archived tests run
    // without Cargo and bring the program along.
    if let Some(cargo) = std::env::var_os("CARGO") {
        let mut build = Command::new(cargo);
        // As `cargo test --workspace` builds it, beside that package's own test: asked for alone,
        // Cargo would choose other features for what it rests on, and compile all that anew.
        let tested = ["test", "--quiet", "--no-run", "--workspace", "--test", "program"];
        let released = ["build", "--quiet", "--release", "--package", "passport-cli"];
        build.args(if profile.ends_with("release") { &released[..] } else { &tested[..] });
        let status = build.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).status();
        assert!(status.is_ok_and(|s| s.success()), "passport-cli does not build");
    }
    assert!(binary.is_file(), "there is no program at {}", binary.display());
    binary
}

/// One home directory, and the program run in it.
#[derive(Clone, Debug)]
pub struct Cli {
    home: PathBuf,
    environment: Vec<(String, String)>,
}

impl Cli {
    /// The program with this home directory and, apart from that, no `PASSPORT_…` variables.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self { home: home.into(), environment: Vec::new() }
    }

    /// The program in a new temporary home, which goes when the guard is dropped.
    ///
    /// # Panics
    /// Panics when there is no room for a directory.
    #[expect(clippy::expect_used, reason = "a test without its directory cannot go on")]
    #[must_use]
    pub fn in_new_home() -> (tempfile::TempDir, Self) {
        let guard = tempfile::tempdir().expect("there is room for a directory");
        let cli = Self::new(guard.path().join("home"));
        (guard, cli)
    }

    /// Sets a variable for every run from here on, such as `PASSPORT_PASSPHRASE`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Runs the program to its end, without a terminal and with nothing on standard input.
    ///
    /// # Panics
    /// Panics when it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, "")
    }

    /// Runs the program to its end with `input` on standard input.
    ///
    /// # Panics
    /// Panics when it cannot be started.
    #[expect(clippy::expect_used, reason = "a test without its program cannot go on")]
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let input = input.to_owned();
        // Written beside the reading, or both sides could wait for each other. Whether the
        // program reads its input is its own affair.
        let writer = std::thread::spawn(move || {
            let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
        });
        let output = child.wait_with_output().expect("the program ends");
        writer.join().expect("the writer ends");
        Output {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The program, ready to be started by hand, such as a relay that keeps running.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(passport_binary());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PASSPORT_") {
                command.env_remove(name);
            }
        }
        command.env("PASSPORT_HOME", &self.home);
        command.envs(self.environment.iter().map(|(n, v)| (n, v)));
        command.args(arguments);
        command
    }
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output as JSON.
    ///
    /// # Panics
    /// Panics when it is not one JSON document.
    #[expect(clippy::panic, reason = "a test that expected JSON cannot go on")]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Standard error as JSON, as `--json` reports errors.
    ///
    /// # Panics
    /// Panics when it is not one JSON document.
    #[expect(clippy::panic, reason = "a test that expected JSON cannot go on")]
    #[must_use]
    pub fn error_json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }

    /// Checks that the run ended well, and hands itself on.
    ///
    /// # Panics
    /// Panics when the exit code is not 0.
    #[must_use]
    pub fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }
}
