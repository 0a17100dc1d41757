//! `passport status`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::Recovered;
use passport_core::party::Party as _;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::holder::confirm::Open;
use crate::holder::recover::caution;
use crate::holder::remote::list::{Line, lines, when};
use crate::names::short;
use crate::passport::{self, Passport};

/// Says how your passport is: devices, relays, what waits to be sent
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport status")]
pub(crate) struct Status {}

impl Status {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let mut passport = passport::open(app)?;
        let sections = passport.sections();
        let (mut conflicts, mut missing, mut forks) = (0, passport.ledger_gaps(), 0);
        for section in &sections {
            let view = passport.view(section)?;
            let fields = view.entries.iter().flat_map(|e| e.fields.values());
            conflicts += fields.filter(|f| f.settled().is_none()).count();
            let gaps = passport.gaps(section)?;
            missing += gaps.0;
            forks += gaps.1;
        }
        let status = Standing {
            passport: passport.passport().to_string(),
            device: passport.device().to_string(),
            removed: passport.was_removed(),
            recovered: passport.recovered()?,
            phrase_unshown: passport.unshown_phrase()?.is_some(),
            phrase_void: passport.phrase_is_void()?,
            unsent: unsent(app, &passport)?,
            conflicts,
            unconfirmed: passport.unconfirmed()?.iter().map(Open::of).collect(),
            suggestions: passport::suggestions(&mut passport)?.len(),
            quarantined: passport.quarantined()?.len(),
            missing,
            forks,
            remotes: lines(&passport)?,
        };
        app.output().answer(&status, Standing::words)
    }
}

/// What a device that was removed says of itself.
pub(super) const REMOVED: &str = "This device was removed from your passport by another one: \
    what is written here reaches nobody, and nothing new comes. What it had stays readable here; \
    if you need it no more, delete its directory.";

/// What `--json` prints.
#[derive(Serialize)]
struct Standing {
    passport: String,
    device: String,
    removed: bool,
    recovered: Option<Recovered>,
    phrase_unshown: bool,
    phrase_void: bool,
    unsent: usize,
    conflicts: usize,
    unconfirmed: Vec<Open>,
    suggestions: usize,
    quarantined: usize,
    missing: usize,
    forks: usize,
    remotes: Vec<Line>,
}

impl Standing {
    fn words(&self) -> String {
        let mut text = format!(
            "Passport {}, on device {}.\n{} waiting to be sent. {} fields with several values. \
             {} suggestions. {} held back.\n",
            short(&self.passport),
            short(&self.device),
            self.unsent,
            self.conflicts,
            self.suggestions,
            self.quarantined,
        );
        if self.removed {
            let _ = writeln!(text, "{REMOVED}");
        }
        if let Some(recovered) = &self.recovered {
            let _ = writeln!(text, "{}", caution(recovered));
        }
        if self.phrase_unshown {
            text.push_str(
                "Your recovery phrase was not shown to its end: `passport replace-phrase` shows \
                 it.\n",
            );
        }
        if self.phrase_void {
            text.push_str(
                "The recovery phrase that this device made last is not in force: another device \
                 replaced it. Keep the paper of that one.\n",
            );
        }
        if self.missing > 0 {
            let _ = writeln!(
                text,
                "{} envelopes that others build on did not arrive yet: what you see may be old.",
                self.missing
            );
        }
        if self.forks > 0 {
            let _ = writeln!(
                text,
                "{} authors wrote two different things under one number: see `passport quarantine list`.",
                self.forks
            );
        }
        for open in &self.unconfirmed {
            let _ = writeln!(text, "{}", open.words());
        }
        for remote in &self.remotes {
            let (last, news) = (when(remote.last_confirmed), when(remote.last_news));
            let url = &remote.url;
            let _ = writeln!(text, "{url}: last confirmed {last}, last news {news}");
        }
        if self.remotes.is_empty() {
            text.push_str("No relay yet: your passport is on this device alone.\n");
        }
        text
    }
}

/// Envelopes and letters that no relay has confirmed, as far as one request goes.
fn unsent(app: &App, passport: &Passport) -> Result<usize, CliError> {
    if passport.was_removed() {
        return Ok(0);
    }
    let mut least: Option<usize> = None;
    let relays = passport.fold().relays.clone();
    // Without relays everything is unsent, which is what a relay never met lacks.
    let nowhere = [String::new()];
    for url in if relays.is_empty() { &nowhere[..] } else { &relays[..] } {
        let outgoing = passport.outgoing(url, app.now())?;
        let here = outgoing.envelopes.len() + outgoing.letters.len();
        least = Some(least.map_or(here, |least| least.min(here)));
    }
    Ok(least.unwrap_or_default())
}
