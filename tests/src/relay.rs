//! A relay process for tests.

use std::io::BufRead as _;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::Cli;

/// A relay that runs until it is dropped.
#[derive(Debug)]
pub struct Relay {
    child: Child,
    url: String,
}

impl Relay {
    /// Starts a relay on a free port of this machine, with its store in `folder`. `now` is the
    /// moment that it takes every request to come at.
    ///
    /// # Panics
    /// Panics when it does not start, or does not say where it listens.
    #[expect(clippy::expect_used, reason = "a test without its relay cannot go on")]
    #[must_use]
    pub fn start(folder: &Path, now: &str) -> Self {
        let cli = Cli::new(folder).env("PASSPORT_NOW", now);
        let mut command =
            cli.command(&["relay", "serve", "--listen", "127.0.0.1:0", "--json", "--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the relay starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("standard output is piped");
        std::io::BufReader::new(stdout).read_line(&mut line).expect("the relay says something");
        let said: serde_json::Value = serde_json::from_str(&line).expect("it says it in JSON");
        let url = said.get("listening").and_then(|u| u.as_str()).expect("it says where");
        Self { url: url.to_owned(), child }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended by itself already; a test that cares has looked before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
