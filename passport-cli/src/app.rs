//! Options that every command takes, the tree of commands, and what a command works with.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use passport_core::section::ParseSectionNameError;
use passport_core::time::Timestamp;
use passport_sync::client::{Address, RemoteConfig};
use passport_sync::tls::Trust;

use crate::clock::Clock;
use crate::config::Home;
use crate::confirm::Confirm;
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::holder::Holder;
use crate::org::Org;
use crate::output::{self, Output};
use crate::passphrase::Passphrases;
use crate::relay::Relay;
use crate::relay_url::RelayUrl;
use crate::{check, completions, demo, explain, help, logging, man, panic, schema, verify};

/// Your record of care, carried between home and campus; you decide who sees what, and until when
///
/// The student passport holds one record of your care in sections. It works without a network,
/// joins what was written apart, and shares a section only with whom you choose.
#[derive(Parser)]
#[command(name = "passport", version, after_help = help::START, max_term_width = 100)]
#[command(subcommand_required = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[command(next_help_heading = "Options of every command")]
struct Global {
    /// The directory that holds the passport; one passport in each
    #[arg(long, value_name = "DIR", env = "PASSPORT_HOME", global = true, hide_env_values = true)]
    home: Option<PathBuf>,
    /// Answers in JSON, for programs; `passport schema COMMAND` explains it
    #[arg(long, global = true)]
    json: bool,
    /// A file that holds the passphrase; without it `PASSPORT_PASSPHRASE` counts, or you are asked
    #[arg(long, value_name = "FILE", global = true)]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    kept_back: KeptBack,
    /// Pretends that it is this moment; for tests and demonstrations
    #[arg(
        long,
        value_name = "RFC3339",
        env = "PASSPORT_NOW",
        global = true,
        hide_env_values = true
    )]
    now: Option<Timestamp>,
    /// Certificate authorities to trust, in a PEM file, instead of this machine's own
    #[arg(long, value_name = "FILE", env = "PASSPORT_CA", global = true, hide_env_values = true)]
    ca: Option<PathBuf>,
    /// Allows http:// to other machines, where everybody between sees who syncs what with whom;
    /// without it, http:// reaches this machine alone
    #[arg(long, env = "PASSPORT_ALLOW_HTTP", global = true, hide_env_values = true)]
    allow_http: bool,
    /// Agrees to every question beforehand
    #[arg(short = 'y', long, global = true)]
    yes: bool,
    /// Says nothing but the answer and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Says more of what is going on; twice or thrice for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
struct KeptBack {
    /// Opens what you keep back too; you are asked for its passphrase
    #[arg(long, global = true)]
    private: bool,
    /// A file that holds that passphrase; without it `PASSPORT_PRIVATE_PASSPHRASE` counts
    #[arg(long, value_name = "FILE", global = true)]
    private_passphrase_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Holder(Holder),
    /// For a practice, university service or hospital
    #[command(after_help = ORG_HELP)]
    Org(OrgArgs),
    /// Runs a relay, which carries sealed envelopes and cannot open them
    #[command(
        subcommand,
        after_help = "Example:\n  passport relay serve --store sqlite:relay.sqlite"
    )]
    Relay(Relay),
    Verify(verify::Verify),
    Check(check::Check),
    Explain(explain::Explain),
    Demo(demo::Demo),
    Schema(schema::Schema),
    Completions(completions::Completions),
    Man(man::Man),
}

#[derive(Args)]
struct OrgArgs {
    /// The member of staff at work; required to open or export a student's record
    #[arg(
        long,
        value_name = "STAFF",
        env = "PASSPORT_ACTOR",
        global = true,
        hide_env_values = true
    )]
    actor: Option<String>,
    /// Their role, which the student is told of instead of the name
    #[arg(
        long,
        value_name = "ROLE",
        env = "PASSPORT_ROLE",
        global = true,
        hide_env_values = true,
        default_value = "staff"
    )]
    role: String,
    #[command(subcommand)]
    command: Org,
}

const ORG_HELP: &str = "\
Getting started, as an organisation:
  passport org init --name \"Campus Medical\" --kind gp --remote https://relay.example:7700
  passport org card -o campus-medical.card    give this file to students
  passport org sync                           fetches what students shared
  passport org students                       who shares what, until when
  passport org --actor j.smith show \"Ada Example\"";

/// What every command works with.
pub(crate) struct App {
    home: Home,
    clock: Clock,
    output: Output,
    passphrases: Passphrases,
    private: bool,
    kept_back: Passphrases,
    confirm: Confirm,
    actor: Option<String>,
    role: String,
    remote: RemoteConfig,
}

impl App {
    fn new(global: Global) -> Result<Self, CliError> {
        Ok(Self {
            home: Home::resolve(global.home)?,
            clock: Clock::new(global.now),
            output: Output::new(global.json, global.quiet),
            passphrases: Passphrases::new(global.passphrase_file),
            private: global.kept_back.private,
            kept_back: Passphrases::kept_back(global.kept_back.private_passphrase_file),
            confirm: Confirm::new(global.yes),
            actor: None,
            role: String::new(),
            remote: RemoteConfig {
                trust: global.ca.as_deref().map(Trust::only).transpose()?.unwrap_or_default(),
                allow_http: global.allow_http,
                ..RemoteConfig::default()
            },
        })
    }

    /// How relays are reached.
    pub(crate) const fn remote(&self) -> &RemoteConfig {
        &self.remote
    }

    /// Addresses somebody typed, as text, if they can be used.
    ///
    /// # Errors
    /// Returns a usage error for `http://` to another machine that was not allowed.
    pub(crate) fn usable(&self, urls: &[RelayUrl]) -> Result<Vec<String>, CliError> {
        for url in urls {
            Address::new(url.as_str(), self.remote.allow_http)?;
        }
        Ok(urls.iter().map(ToString::to_string).collect())
    }

    /// Where the vault is.
    pub(crate) const fn home(&self) -> &Home {
        &self.home
    }

    /// Now, or the moment that `--now` pretends it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The clock itself, for what goes on.
    pub(crate) const fn clock(&self) -> Clock {
        self.clock
    }

    /// Where answers and talk go.
    pub(crate) const fn output(&self) -> Output {
        self.output
    }

    /// Where the passphrase comes from.
    pub(crate) const fn passphrases(&self) -> &Passphrases {
        &self.passphrases
    }

    /// Where the passphrase of what is kept back comes from.
    pub(crate) const fn kept_back(&self) -> &Passphrases {
        &self.kept_back
    }

    /// Whether what is kept back is to be opened whatever the command concerns.
    ///
    /// # Errors
    /// Returns an error when the passphrase file cannot be read.
    pub(crate) fn opens_kept_back(&self) -> Result<bool, CliError> {
        Ok(self.private || self.kept_back.given()?.is_some())
    }

    /// Asks before something that others will see or that cannot be undone.
    pub(crate) const fn confirm(&self) -> Confirm {
        self.confirm
    }

    /// The member of staff at work.
    ///
    /// # Errors
    /// Returns a usage error when nobody is named.
    pub(crate) fn actor(&self) -> Result<&str, CliError> {
        let named = self.actor.as_deref().map(str::trim).filter(|a| !a.is_empty());
        named.ok_or_else(|| {
            CliError::usage("opening a student's record needs the name of who opens it")
                .hint("add --actor STAFF, or set PASSPORT_ACTOR; it goes into your own audit log")
        })
    }

    /// The role of the member of staff at work: all that the student is told of them.
    pub(crate) fn role(&self) -> &str {
        self.role.trim()
    }
}

/// The whole program: arguments in, exit code out.
pub(crate) fn main(arguments: Vec<OsString>) -> std::process::ExitCode {
    // Needed before the arguments are understood, for errors in the arguments themselves.
    let json = arguments.iter().skip(1).take_while(|a| *a != "--").any(|a| a == "--json");
    let code = panic::guarded(json, || match run(arguments) {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            Output::new(json, false).error(&error);
            error.code()
        }
    });
    code.into()
}

fn run(arguments: Vec<OsString>) -> Result<(), CliError> {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    let Cli { global, command } = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    logging::start(global.quiet, global.verbose);
    let mut app = App::new(global)?;
    match command {
        Command::Holder(c) => c.run(&app),
        Command::Org(OrgArgs { actor, role, command }) => {
            app.actor = actor;
            app.role = role;
            command.run(&app)
        }
        Command::Relay(c) => c.run(&app),
        Command::Verify(c) => c.run(&app),
        Command::Check(c) => c.run(&app),
        Command::Explain(c) => c.run(&app),
        Command::Demo(c) => c.run(&app),
        Command::Schema(c) => c.run(&app),
        Command::Completions(c) => c.run(&app),
        Command::Man(c) => c.run(&app),
    }
}

/// The tree of commands, for parsing, completions and the manual.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Help and version are answers; everything else the parser says is a usage error.
fn usage(error: &clap::Error) -> Result<(), CliError> {
    use clap::error::ErrorKind as Kind;
    let text = error.render().to_string();
    if matches!(error.kind(), Kind::DisplayHelp | Kind::DisplayVersion) {
        return output::print(&text);
    }
    let missing = [Kind::MissingSubcommand, Kind::DisplayHelpOnMissingArgumentOrSubcommand];
    Err(if missing.contains(&error.kind()) { without_command(&text) } else { from_clap(&text) })
}

/// Tells where the commands are listed, from the parser's `Usage:` line.
fn without_command(text: &str) -> CliError {
    let usage = text.lines().find_map(|l| l.trim().strip_prefix("Usage: ")).unwrap_or("passport");
    let words: Vec<&str> = usage.split(' ').take_while(|w| !w.starts_with(['[', '<'])).collect();
    CliError::usage("there is no command to carry out")
        .hint(format!("`{} --help` lists the commands, with examples", words.join(" ")))
}

/// Turns the parser's words into an error with hints.
fn from_clap(text: &str) -> CliError {
    let said = text.trim_start().strip_prefix("error: ").unwrap_or(text).trim_end();
    let mut parts = said.split("\n\n").map(words).filter(|p| !p.is_empty());
    let mut error = CliError::usage(parts.next().unwrap_or_default());
    if said.contains(&ParseSectionNameError.to_string()) {
        error = error.hint(help::section_hint());
    }
    parts.fold(error, |error, part| error.hint(part.strip_prefix("tip: ").unwrap_or(&part)))
}

/// A paragraph of the parser's on one line.
fn words(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_of_commands_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_has_words_and_an_example() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path}{}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no words");
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("  passport "), "{path} has no example");
            for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
                walk(child, &format!("{path} "));
            }
        }
        walk(&command(), "");
    }

    #[test]
    fn every_example_parses() {
        let mut tree = command();
        tree.build();
        for line in examples(&tree) {
            let words = split(&line);
            let parsed = command().try_get_matches_from(&words);
            assert!(
                parsed.is_ok(),
                "{line}
{}",
                parsed.unwrap_err()
            );
        }
    }

    #[test]
    fn a_command_works_with_what_the_options_say() {
        let words = ["passport", "--now", "2026-11-22T10:00:00Z", "-yq", "--home", "h", "status"];
        let cli = Cli::try_parse_from(words).unwrap();
        let mut app = App::new(cli.global).unwrap();
        assert_eq!(app.now().to_string(), "2026-11-22T10:00:00Z");
        assert_eq!(app.home().dir(), std::path::Path::new("h"));
        assert!(app.confirm().ask("Go on?").is_ok());
        app.output().say("not heard");
        let missing = Passphrases::new(Some(PathBuf::from("/nowhere/passphrase")));
        app.passphrases = missing;
        assert_eq!(app.passphrases().existing().unwrap_err().code(), ExitCode::Usage);
        for nobody in [None, Some(String::new()), Some("  ".to_owned())] {
            app.actor = nobody;
            assert_eq!(app.actor().unwrap_err().code(), ExitCode::Usage);
        }
        app.actor = Some("j.smith ".to_owned());
        assert_eq!(app.actor().unwrap(), "j.smith");
    }

    #[test]
    fn without_a_command_the_help_is_named() {
        let text = "error: …\n\nUsage: passport contact [OPTIONS] <COMMAND>\n";
        assert!(without_command(text).to_text().contains("`passport contact --help`"));
    }

    #[test]
    fn examples_fit_a_narrow_terminal() {
        for line in examples(&command()) {
            assert!(line.len() <= 96, "{line}");
        }
    }

    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let own = help
            .lines()
            .filter_map(|l| l.strip_prefix("  ").filter(|l| l.starts_with("passport ")));
        let own: Vec<String> = own
            .map(|l| l.split("   ").next().unwrap_or(l))
            .map(|l| l.split([';', '>', '<']).next().unwrap_or(l).trim().to_owned())
            .collect();
        own.into_iter().chain(command.get_subcommands().flat_map(examples)).collect()
    }

    /// Splits at spaces outside double quotes, as a shell does.
    fn split(line: &str) -> Vec<String> {
        let (mut words, mut quoted) = (vec![String::new()], false);
        for c in line.chars() {
            match c {
                '"' => quoted = !quoted,
                ' ' if !quoted => words.push(String::new()),
                c => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|w| !w.is_empty());
        words
    }

    #[test]
    fn what_the_parser_says_becomes_error_and_hints() {
        let text = "error: unrecognized subcommand 'shwo'\n\n  tip: a similar subcommand exists: 'show'\n\nUsage: passport <COMMAND>\n\nFor more information, try '--help'.\n";
        let error = from_clap(text);
        assert_eq!(error.code(), ExitCode::Usage);
        assert_eq!(
            error.to_text(),
            "Error: unrecognized subcommand 'shwo'\nHint: a similar subcommand exists: 'show'\n\
             Hint: Usage: passport <COMMAND>\nHint: For more information, try '--help'.\n"
        );
    }
}
