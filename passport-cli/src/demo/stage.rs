//! Runs the story's commands, shows them, and checks that each went as told.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use passport_core::section::display::neutralise;
use passport_core::time::Timestamp;
use serde_json::{Value, json};

use super::people::Person;
use crate::app::App;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::output;

/// The relay's store, in the story's directory.
pub(super) const RELAY_FILE: &str = "relay.sqlite";

/// Lines of a command's answer that are shown.
const LINES_MAX: usize = 24;

/// Characters of a line that are shown.
const COLUMNS_MAX: usize = 160;

/// Where the story plays.
pub(super) struct Stage<'a> {
    app: &'a App,
    dir: PathBuf,
    program: PathBuf,
    now: Option<Timestamp>,
    scene: u32,
    steps: u32,
    relay: Option<Child>,
    authority: String,
}

/// What must come of a command.
pub(super) struct Expected<'a> {
    /// The exit code.
    pub(super) code: ExitCode,
    /// Words that it says.
    pub(super) says: &'a [&'a str],
    /// Words that it does not say.
    pub(super) never: &'a [&'a str],
}

impl<'a> Expected<'a> {
    /// It ends well and says this.
    pub(super) const fn says(says: &'a [&'a str]) -> Self {
        Self { code: ExitCode::Done, says, never: &[] }
    }

    /// It is refused with this code.
    pub(super) const fn code(code: ExitCode) -> Self {
        Self { code, says: &[], never: &[] }
    }

    /// What did not come as it must.
    fn missed(&self, code: Option<i32>, printed: &Printed) -> Option<String> {
        let wanted = i32::from(self.code.number());
        if code != Some(wanted) {
            let ended = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            return Some(format!("its exit code was {ended}, not {wanted}"));
        }
        let unsaid = self.says.iter().find(|words| !printed.holds(words));
        let said = self.never.iter().find(|words| printed.holds(words));
        unsaid
            .map(|words| format!("it did not say `{words}`"))
            .or_else(|| said.map(|words| format!("it said `{words}`")))
    }

    /// It does not say this.
    #[must_use]
    pub(super) const fn never(self, never: &'a [&'a str]) -> Self {
        Self { never, ..self }
    }
}

/// It ends well.
pub(super) const DONE: Expected<'static> = Expected::says(&[]);

/// What a command printed.
pub(super) struct Printed {
    /// Data.
    pub(super) stdout: String,
    /// Talk.
    pub(super) stderr: String,
}

impl Printed {
    /// The answer as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or(Value::Null)
    }

    fn holds(&self, words: &str) -> bool {
        self.stdout.contains(words) || self.stderr.contains(words)
    }
}

impl<'a> Stage<'a> {
    /// An empty stage.
    ///
    /// # Errors
    /// Returns an error when this program cannot be found again.
    pub(super) fn new(app: &'a App, dir: &Path) -> Result<Self, CliError> {
        let program = std::env::current_exe()
            .map_err(|e| CliError::user("this program cannot find itself").caused_by(e))?;
        Ok(Self {
            app,
            dir: dir.to_owned(),
            program,
            now: app.clock().pretended(),
            scene: 0,
            steps: 0,
            relay: None,
            authority: "127.0.0.1:0".to_owned(),
        })
    }

    /// The story's directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// This program.
    pub(super) fn program(&self) -> String {
        self.program.display().to_string()
    }

    /// The story's time.
    pub(super) fn now(&self) -> Timestamp {
        self.app.now()
    }

    /// How many steps were taken.
    pub(super) const fn steps(&self) -> u32 {
        self.steps
    }

    /// Where the relay listens, or did last.
    pub(super) fn relay_authority(&self) -> &str {
        &self.authority
    }

    /// Begins a scene.
    pub(super) fn scene(&mut self, title: &str, words: &str) -> Result<(), CliError> {
        self.scene += 1;
        if self.app.output().is_json() {
            return Ok(());
        }
        let heading = format!("{}. {title}", self.scene);
        output::print(&format!("\n{heading}\n{}\n{words}\n", "-".repeat(heading.len())))
    }

    /// Says something between two commands.
    pub(super) fn tell(&self, words: &str) -> Result<(), CliError> {
        if self.app.output().is_json() { Ok(()) } else { output::print(&format!("\n{words}\n")) }
    }

    /// Writes a file that a command then reads.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<(), CliError> {
        crate::files::write(&self.dir.join(name), content.as_bytes())
    }

    /// Runs a command of somebody's to its end and shows it.
    pub(super) fn run(
        &mut self,
        person: &Person,
        arguments: &[&str],
        expected: &Expected<'_>,
    ) -> Result<Printed, CliError> {
        self.steps += 1;
        let whole = [&["--home", person.home], arguments].concat();
        let ended = self
            .command(&whole)
            .env("PASSPORT_PASSPHRASE", &person.passphrase)
            .output()
            .map_err(|e| CliError::user("a command cannot be started").caused_by(e))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let printed = Printed { stdout: text(&ended.stdout), stderr: text(&ended.stderr) };
        let code = ended.status.code();
        let wrong = expected.missed(code, &printed);
        self.show(&whole, code, &printed, wrong.is_none())?;
        match wrong {
            None => Ok(printed),
            Some(wrong) => Err(self.not_as_told(&shown(&whole)).hint(wrong)),
        }
    }

    /// A check between commands; it counts as a step.
    pub(super) fn check(&mut self, claim: &str, holds: bool) -> Result<(), CliError> {
        self.steps += 1;
        if self.app.output().is_json() {
            let line = json!({
                "step": self.steps, "scene": self.scene, "checked": claim, "as_told": holds,
            });
            self.app.output().answer(&line, |_| String::new())?;
        } else {
            let mark = if holds { "yes" } else { "NO" };
            output::print(&format!("\n  Checked: {claim}: {mark}.\n"))?;
        }
        if holds { Ok(()) } else { Err(self.not_as_told(claim)) }
    }

    fn show(
        &self,
        arguments: &[&str],
        code: Option<i32>,
        printed: &Printed,
        as_told: bool,
    ) -> Result<(), CliError> {
        if self.app.output().is_json() {
            let line = json!({
                "step": self.steps,
                "scene": self.scene,
                "command": arguments,
                "exit_code": code,
                "as_told": as_told,
            });
            return self.app.output().answer(&line, |_| String::new());
        }
        let mut text = format!("\n  $ passport {}\n", shown(arguments));
        // Talk is shown where it is the point: a refusal, or a step that went wrong.
        let said = if code == Some(0) && as_told { &printed.stdout } else { &printed.stderr };
        let lines: Vec<&str> = said.lines().collect();
        // Writing to a String cannot fail, here and below.
        for line in lines.iter().take(LINES_MAX) {
            let cut = line.chars().count() > COLUMNS_MAX;
            let line: String = line.chars().take(COLUMNS_MAX).collect();
            let more = if cut { " …" } else { "" };
            let _ = writeln!(text, "  | {}{more}", neutralise(&line));
        }
        if lines.len() > LINES_MAX {
            let _ = writeln!(text, "  | … and {} more lines", lines.len() - LINES_MAX);
        }
        if code != Some(0) {
            let code = code.map_or_else(|| "none".to_owned(), |c| c.to_string());
            let _ = writeln!(text, "  (exit code {code})");
        }
        output::print(&text)
    }

    fn not_as_told(&self, what: &str) -> CliError {
        let said = format!("step {} of the story was not as told: {what}", self.steps);
        CliError::user(said)
    }

    /// Starts the relay, at its old address if it had one, and waits until it listens.
    pub(super) fn start_relay(&mut self) -> Result<String, CliError> {
        self.steps += 1;
        let store = format!("sqlite:{RELAY_FILE}");
        let listen = self.authority.clone();
        let arguments = ["relay", "serve", "--listen", &listen, "--store", &store, "--json"];
        let failed = |said: &str| CliError::user(format!("the relay {said}"));
        let mut child = self
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed("cannot be started").caused_by(e))?;
        let mut line = String::new();
        let stdout = child.stdout.take();
        self.relay = Some(child);
        let stdout = stdout.ok_or_else(|| failed("says nothing"))?;
        BufReader::new(stdout)
            .read_line(&mut line)
            .map_err(|e| failed("says nothing").caused_by(e))?;
        let said: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
        let url = said.get("listening").and_then(Value::as_str).unwrap_or_default().to_owned();
        let as_told = url.starts_with("http://");
        let printed = Printed { stdout: line, stderr: String::new() };
        self.show(&arguments, Some(0), &printed, as_told)?;
        if !as_told {
            return Err(self.not_as_told("the relay listens"));
        }
        url.trim_start_matches("http://").clone_into(&mut self.authority);
        Ok(url)
    }

    /// Stops the relay, if it runs.
    pub(super) fn stop_relay(&mut self) {
        if let Some(mut relay) = self.relay.take() {
            // It may have ended by itself; then there is nothing to stop.
            let _ = relay.kill();
            let _ = relay.wait();
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PASSPORT_") {
                command.env_remove(name);
            }
        }
        if let Some(now) = self.now {
            command.env("PASSPORT_NOW", now.to_string());
        }
        command.args(arguments).current_dir(&self.dir).stdin(Stdio::null());
        command
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        self.stop_relay();
    }
}

/// Arguments as one would type them.
fn shown(arguments: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    let quote = |word: &&str| {
        if !word.is_empty() && word.chars().all(plain) {
            (*word).to_owned()
        } else {
            format!("\"{word}\"")
        }
    };
    arguments.iter().map(quote).collect::<Vec<_>>().join(" ")
}
