//! A relay process for tests.

use std::fs::File;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use crate::Cli;

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    child: Child,
    url: String,
    metrics: Option<String>,
    folder: PathBuf,
}

impl Relay {
    /// Starts a relay on a free port of this machine, with its store in `folder`. `now` is the
    /// moment that it takes every request to come at.
    ///
    /// # Panics
    /// Panics when it does not start, or does not say where it listens.
    #[must_use]
    pub fn start(folder: &Path, now: &str) -> Self {
        Self::start_with(folder, now, &[])
    }

    /// The same, with further arguments of `relay serve`. Its log is [`Relay::log`].
    ///
    /// # Panics
    /// Panics when it does not start, or does not say where it listens.
    #[expect(clippy::expect_used, reason = "a test without its relay cannot go on")]
    #[must_use]
    pub fn start_with(folder: &Path, now: &str, arguments: &[&str]) -> Self {
        std::fs::create_dir_all(folder).expect("there is room for a folder");
        let cli = Cli::new(folder).env("PASSPORT_NOW", now);
        let mut command = cli.command(&["relay", "serve", "--json", "-vv"]);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let log = folder.join("relay.log");
        let log = File::options().create(true).append(true).open(log).expect("a log can be kept");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the relay starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        std::io::BufReader::new(stdout).read_line(&mut line).expect("the relay says something");
        let said: serde_json::Value = serde_json::from_str(&line).expect("it says it in JSON");
        let url = said.get("listening").and_then(|u| u.as_str()).expect("it says where");
        let metrics = said.get("metrics").and_then(|m| m.as_str()).map(str::to_owned);
        Self { url: url.to_owned(), metrics, child, folder: folder.to_owned() }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it shows metrics, if it does.
    #[must_use]
    pub fn metrics(&self) -> Option<&str> {
        self.metrics.as_deref()
    }

    /// The host and port it listens on.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.split_once("://").map_or(self.url.as_str(), |(_, authority)| authority)
    }

    /// Its database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.join("relay.sqlite")
    }

    /// What it wrote on standard error so far.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("relay.log")
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Ends it at once, and starts it again at the same address and with the same store.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn restart(&mut self, now: &str) {
        self.end();
        let authority = self.authority().to_owned();
        let again = Self::start_with(&self.folder, now, &["--listen", &authority]);
        *self = again;
    }

    fn end(&mut self) {
        // It may have ended by itself already; a test that cares has looked before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.end();
    }
}
