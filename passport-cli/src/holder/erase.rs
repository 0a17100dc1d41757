//! `passport erase`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::Args;
use passport_core::holder::Erasure;
use passport_core::id::OrganisationId;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::passport::{self, Passport};
use crate::rng::os_rng;
use crate::syncing;

/// Erases an entry, a section or everything: here, at relays, and where it was shared
///
/// With an entry goes whatever the history of its section told so far: who changed what, removed
/// entries, values that were overwritten. What others have filed elsewhere, printed or exported
/// is not reached.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport erase 4f2a91c3\n\
\x20 passport erase medications --history\n\
\x20 passport erase --all")]
pub(crate) struct Erase {
    /// An entry (the first letters of its id, or its name) or a section
    #[arg(value_name = "ENTRY|SECTION", required_unless_present = "all", conflicts_with = "all")]
    what: Option<String>,
    /// Erases every section, ends every share, and asks services to delete what they have
    #[arg(long)]
    all: bool,
    /// Of a section: erases what was removed or overwritten, and keeps what stands
    #[arg(long, conflicts_with = "all")]
    history: bool,
    /// Deletes this device's vault too, once every relay has heard
    #[arg(long, requires = "all")]
    delete_vault: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer {
    erased: Vec<Line>,
    told: Vec<String>,
    vault_deleted: bool,
}

#[derive(Serialize)]
struct Line {
    section: SectionName,
    entries: usize,
    changes: usize,
    since: Option<Timestamp>,
}

impl Erase {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { what, all, history, delete_vault } = self;
        let named = what.map(|w| (w.parse::<SectionName>(), w));
        let sections: Vec<SectionName> = named.iter().filter_map(|(s, _)| s.clone().ok()).collect();
        let mut passport = passport::open_for(app, &sections)?;
        let erasures = match named {
            None => passport.erasing_all(app.now())?,
            Some((Ok(section), _)) => {
                vec![passport.erasing_section(&section, history, app.now())?]
            }
            Some((Err(_), _)) if history => {
                return Err(CliError::usage("the history of one entry cannot be erased alone")
                    .hint("name its section: the history of all of it goes"));
            }
            Some((Err(_), entry)) => {
                let (_, entry) = passport::entry(&mut passport, &entry)?;
                passport.erasing_entry(entry.id, app.now())?
            }
        };
        let told = told(&passport, &erasures);
        app.output().say(&preview(&erasures, &told, all));
        app.confirm().ask("This cannot be undone. Go on?")?;
        let mut rng = os_rng()?;
        if all {
            super::link::end_all(app, &mut passport, &mut rng)?;
            passport.erase_all(app.now(), &mut rng)?;
        } else {
            passport.erase(&erasures, app.now(), &mut rng)?;
        }
        if delete_vault {
            part(app, passport)?;
        } else {
            app.output().say("Relays and services are told with the next `passport sync`.");
        }
        let line = |e: Erasure| Line {
            section: e.section,
            entries: e.shown,
            changes: e.changes,
            since: e.since,
        };
        let erased = erasures.into_iter().map(line).collect();
        let answer = Answer { erased, told, vault_deleted: delete_vault };
        app.output().answer(&answer, |_| "Erased.".to_owned())
    }
}

/// Tells every relay, then deletes the vault: a relay that has not heard would keep everything.
fn part(app: &App, mut passport: Passport) -> Result<(), CliError> {
    let relays = passport.fold().relays.clone();
    if !relays.is_empty() {
        let synced = syncing::with_relays(app, &mut passport, &relays, &mut os_rng()?)?;
        if synced.remotes.iter().any(|relay| !relay.ok) {
            return Err(CliError::user("a relay has not heard of it, so the vault is still here")
                .hint("run it again once the relay can be reached"));
        }
    }
    drop(passport);
    app.home().delete_vault();
    Ok(())
}

/// The services that read any of it, by name.
fn told(passport: &Passport, erasures: &[Erasure]) -> Vec<String> {
    let all: BTreeSet<OrganisationId> = erasures.iter().flat_map(|e| e.told.clone()).collect();
    let name = |id: &OrganisationId| Some(passport.fold().contacts.get(id)?.card.name.clone());
    all.iter().filter_map(name).collect()
}

/// What will be gone, in words.
fn preview(erasures: &[Erasure], told: &[String], all: bool) -> String {
    let mut text = String::from("This erases:\n");
    for erasure in erasures.iter().filter(|e| e.changes > 0) {
        let title = erasure.section.spec().title;
        let since = erasure.since.map(|at| format!(" since {}", at.date())).unwrap_or_default();
        let (entries, changes) = (erasure.shown, erasure.changes);
        let _ = writeln!(
            text,
            "  {title}: {entries} entries, and its history{since} whole: {changes} changes"
        );
    }
    if !told.is_empty() {
        let names = neutralise_line(&told.join(", "));
        let _ = writeln!(text, "Told to delete it too: {names}");
    }
    if all {
        text.push_str(
            "Every share and link ends, and services are asked to delete all they were given. \
             What you keep back is erased only if it is open (--private).\n",
        );
    }
    text.push_str(
        "What your other devices and these services wrote meanwhile is kept: until they were \
         heard of, 30 days at most, this device holds on to a sealed copy. What they filed, \
         printed or exported stays with them.",
    );
    text
}
