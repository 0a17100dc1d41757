//! `passport demo`.

mod ending;
mod offline;
mod people;
mod search;
mod stage;
mod start;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::app::App;
use crate::error::CliError;
use people::Cast;
use stage::Stage;

/// Plays the whole story with example people, and leaves it to go on with
///
/// Every step is a run of this program, just as you would run it, against a relay of its own on
/// this machine. Nothing is asked, and nothing leaves the machine.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport demo --dir ./passport-demo")]
pub(crate) struct Demo {
    /// Where to leave the vaults; a new temporary directory when left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Demo {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { dir } = self;
        let dir = directory(dir)?;
        let cast = Cast::new()?;
        let mut stage = Stage::new(app, &dir)?;
        let told = play(&mut stage, &cast);
        // Whatever happened: the relay goes, and what there is stays to be looked at.
        stage.stop_relay();
        told.map_err(|error| {
            error.hint(format!("everything up to this step was left in {}", dir.display()))
        })?;
        farewell(app, &stage, &cast)
    }
}

fn play(stage: &mut Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    start::relay_and_phone(stage, cast)?;
    start::second_device(stage, cast)?;
    start::hospital_record(stage, cast)?;
    start::services(stage, cast)?;
    start::consent(stage, cast)?;
    start::first_exchange(stage, cast)?;
    offline::apart(stage, cast)?;
    offline::together_again(stage, cast)?;
    offline::university(stage, cast)?;
    offline::conflict(stage, cast)?;
    ending::revoked(stage, cast)?;
    ending::blind_relay(stage, cast)
}

/// The directory of the story: new, or empty.
fn directory(asked: Option<PathBuf>) -> Result<PathBuf, CliError> {
    let cannot = |source: std::io::Error| {
        CliError::user("there is no directory to play in")
            .caused_by(source)
            .hint("name one that is empty, or is not there yet, with --dir DIR")
    };
    let Some(dir) = asked else {
        let made = tempfile::Builder::new().prefix("passport-demo-").tempdir().map_err(cannot)?;
        return Ok(made.keep());
    };
    std::fs::create_dir_all(&dir).map_err(cannot)?;
    if std::fs::read_dir(&dir).map_err(cannot)?.next().is_some() {
        return Err(CliError::user(format!("{} is not empty", dir.display()))
            .hint("name a new directory; nothing was changed"));
    }
    std::path::absolute(dir).map_err(cannot)
}

fn farewell(app: &App, stage: &Stage<'_>, cast: &Cast) -> Result<(), CliError> {
    let homes: Vec<_> = cast
        .all()
        .map(|p| {
            let home = stage.dir().join(p.home);
            json!({ "name": p.name, "home": home, "passphrase": p.passphrase })
        })
        .collect();
    let commands = commands(stage, cast);
    let answer = json!({
        "dir": stage.dir(),
        "steps": stage.steps(),
        "homes": homes,
        "try": commands,
    });
    app.output().answer(&answer, |_| {
        let width = cast.all().map(|p| p.name.len()).max().unwrap_or(0);
        let mut text = format!(
            "\nThe end: {} steps, every one as told.\n\nEverything was left in {}\n",
            stage.steps(),
            stage.dir().display()
        );
        for person in cast.all() {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                text,
                "  {:width$}  {:9}  passphrase: {}",
                person.name, person.home, person.passphrase
            );
        }
        text.push_str("\nTo go on with:\n");
        for command in &commands {
            let _ = writeln!(text, "  {command}");
        }
        text
    })
}

/// Three things to try.
fn commands(stage: &Stage<'_>, cast: &Cast) -> [String; 3] {
    let run = |person: &people::Person, rest: &str| {
        format!(
            "PASSPORT_PASSPHRASE='{}' {} --home '{}' {rest}",
            person.passphrase,
            stage.program(),
            stage.dir().join(person.home).display(),
        )
    };
    [
        run(&cast.phone, "show medications"),
        run(&cast.wellbeing, "org discharges"),
        format!(
            "{} relay serve --listen {} --store 'sqlite:{}'",
            stage.program(),
            stage.relay_authority(),
            stage.dir().join(stage::RELAY_FILE).display(),
        ),
    ]
}
