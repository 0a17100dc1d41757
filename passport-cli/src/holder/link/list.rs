//! `passport link list`.

use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::KeptLink;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line as one_line;
use passport_core::time::Timestamp;
use passport_sync::wire::{LinkState, Opening};
use serde::Serialize;

use super::{called, relay};
use crate::app::App;
use crate::error::CliError;
use crate::names::short;
use crate::passport;
use crate::rng::os_rng;

/// Shows the links made on this device, and who opened them
///
/// Who opened a link is as they said themselves; nobody checks it.
#[derive(Args)]
#[command(after_help = "Example:\n\
\x20 passport link list")]
pub(crate) struct List {}

/// What a relay says of a link.
enum Told {
    /// What has become of it.
    State(LinkState),
    /// That it has no such link.
    Gone,
    /// Nothing.
    Nothing,
}

#[derive(Serialize)]
struct Line {
    id: String,
    label: String,
    sections: Vec<SectionName>,
    relay: String,
    made: Timestamp,
    until: Timestamp,
    state: &'static str,
    attempts_left: Option<u32>,
    opened: Option<u64>,
    openings: Vec<OpeningLine>,
}

#[derive(Serialize)]
struct OpeningLine {
    at: Timestamp,
    recipient: String,
    opened: bool,
}

impl List {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self {} = self;
        let passport = passport::open(app)?;
        let mut rng = os_rng()?;
        let mut lines = Vec::new();
        for link in passport.links()? {
            let mut remote = relay(app, &passport, &link.relay)?;
            let told = match remote.link(&link.id, app.now(), &mut rng) {
                Ok(state) => state.map_or(Told::Gone, Told::State),
                Err(error) if error.is_transient() => {
                    app.output().say(&format!("{} does not answer.", link.relay));
                    Told::Nothing
                }
                Err(error) => return Err(error.into()),
            };
            lines.push(Line::of(link, told, app.now()));
        }
        app.output().answer(&lines, |_| words(&lines))
    }
}

impl Line {
    fn of(link: KeptLink, told: Told, now: Timestamp) -> Self {
        let (state, told) = match told {
            Told::Nothing => ("unknown", None),
            Told::State(s) if now < s.until && s.attempts != Some(0) => ("active", Some(s)),
            Told::State(s) => ("ended", Some(s)),
            Told::Gone => ("ended", None),
        };
        let opened =
            |o: Opening| OpeningLine { at: o.at, recipient: o.recipient, opened: o.opened };
        Self {
            id: link.id.to_string(),
            label: called(&link),
            sections: link.sections,
            relay: link.relay,
            made: link.made,
            until: link.until,
            state,
            attempts_left: told.as_ref().and_then(|t| t.attempts),
            opened: told.as_ref().map(|t| t.opened),
            openings: told
                .map(|t| t.openings)
                .unwrap_or_default()
                .into_iter()
                .map(opened)
                .collect(),
        }
    }
}

fn words(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "No links were made on this device.".to_owned();
    }
    let mut text = String::new();
    for line in lines {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(
            text,
            "{}  [{}]  {} until {}",
            one_line(&line.label),
            short(&line.id),
            line.state,
            line.until
        );
        if let Some(opened) = line.opened {
            let _ = writeln!(text, "  opened {opened} times");
        }
        if let Some(left) = line.attempts_left {
            let _ = writeln!(text, "  {left} wrong passcodes left");
        }
        for opening in &line.openings {
            let what = if opening.opened { "opened" } else { "wrong passcode" };
            let who = one_line(&opening.recipient);
            let _ = writeln!(text, "  {}  {what}, by their own word: {who}", opening.at);
        }
    }
    text.trim_end().to_owned()
}
