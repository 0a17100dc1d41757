//! `passport confirm`.

use clap::Args;
use passport_core::holder::{Doubt, NewEntry, Unconfirmed};
use passport_core::id::EntryId;
use passport_core::party::PartyError;
use passport_core::section::SectionName;
use passport_core::section::display::neutralise_line;
use serde::Serialize;

use crate::app::App;
use crate::error::CliError;
use crate::fields;
use crate::names::{Candidate, resolve, short};
use crate::passport::{self, Passport};
use crate::rng::os_rng;

/// Confirms a discharge: that a stay ended in one, or that others may be told of one
///
/// Without an entry it lists what there is to confirm. A notice says that there was a discharge,
/// when and from what kind of setting, and nothing of why.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport confirm\n\
\x20 passport confirm 4f2a91c3 --setting mental-health\n\
\x20 passport confirm 4f2a91c3 --no")]
pub(crate) struct Confirm {
    /// The stay, or the discharge without a notice: the first letters of its id, or its name
    #[arg(value_name = "ENTRY")]
    entry: Option<String>,
    /// From what kind of setting, for example mental-health or acute
    #[arg(long, value_name = "SETTING", requires = "entry", value_parser = fields::setting)]
    setting: Option<String>,
    /// Says that the stay ended in no discharge
    #[arg(long, requires = "entry", conflicts_with = "setting")]
    no: bool,
}

impl Confirm {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { entry, setting, no } = self;
        let mut passport = passport::open(app)?;
        let mut answer = Confirmed { entries: Vec::new(), open: Vec::new() };
        let asked = passport.unconfirmed()?;
        if let Some(named) = entry {
            let meant = meant(&asked, &named)?;
            let id = meant.entry.id;
            if no && meant.doubt == Doubt::NoNotice {
                return Err(CliError::user("this discharge is recorded as one")
                    .hint("remove it if it was none: passport remove ENTRY"));
            }
            let new =
                if no { Vec::new() } else { confirmation(&mut passport, id, setting.as_deref())? };
            let seen: Vec<SectionName> = new.iter().map(|e| e.section.clone()).collect();
            passport::ask_who_sees(app, &passport, &seen)?;
            let was = (!no).then_some(&new[..]);
            let ids = passport.confirm(id, was, app.now(), &mut os_rng()?)?;
            let added = ids.into_iter().zip(seen);
            answer.entries = added.map(|(id, section)| Placed { id, section }).collect();
        }
        answer.open = passport.unconfirmed()?.iter().map(Open::of).collect();
        app.output().answer(&answer, Confirmed::words)
    }
}

fn confirmation(
    passport: &mut Passport,
    entry: EntryId,
    setting: Option<&str>,
) -> Result<Vec<NewEntry>, CliError> {
    passport.confirmation(entry, setting).map_err(|error| {
        if error != PartyError::NoEntry {
            return error.into();
        }
        CliError::user("the day on which this stay ended is not known")
            .hint("add it yourself: passport add discharges --set discharged_on=DATE")
    })
}

fn meant<'a>(asked: &'a [Unconfirmed], named: &str) -> Result<&'a Unconfirmed, CliError> {
    let candidates: Vec<Candidate> = asked
        .iter()
        .map(|u| Candidate {
            id: u.entry.id.to_string(),
            name: passport::label(&u.section, &u.entry),
        })
        .collect();
    let place = resolve("entry to confirm", named, &candidates)?;
    asked.get(place).ok_or_else(|| CliError::user("there is no such entry"))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Confirmed {
    entries: Vec<Placed>,
    open: Vec<Open>,
}

#[derive(Serialize)]
struct Placed {
    id: EntryId,
    section: SectionName,
}

/// Something that waits to be confirmed.
#[derive(Serialize)]
pub(super) struct Open {
    entry: EntryId,
    section: SectionName,
    name: String,
    asks: &'static str,
}

impl Open {
    pub(super) fn of(unconfirmed: &Unconfirmed) -> Self {
        Self {
            entry: unconfirmed.entry.id,
            section: unconfirmed.section.clone(),
            name: passport::label(&unconfirmed.section, &unconfirmed.entry),
            asks: match unconfirmed.doubt {
                Doubt::NoNotice => "notice",
                Doubt::PossibleDischarge => "discharge",
            },
        }
    }

    pub(super) fn words(&self) -> String {
        let (name, id) = (neutralise_line(&self.name), self.entry.to_string());
        let id = short(&id);
        match self.asks {
            "notice" => format!(
                "The discharge {name} has no notice: those who may not know why are told nothing. \
                 Add one with `passport confirm {id}`."
            ),
            _ => format!(
                "The stay {name} may have ended in a discharge: `passport confirm {id}` if it \
                 did, `passport confirm {id} --no` if not."
            ),
        }
    }
}

impl Confirmed {
    fn words(&self) -> String {
        let mut lines: Vec<String> = self
            .entries
            .iter()
            .map(|e| format!("Added to {}  [{}]", e.section, short(&e.id.to_string())))
            .collect();
        lines.extend(self.open.iter().map(Open::words));
        if lines.is_empty() {
            lines.push("There is nothing to confirm.".to_owned());
        }
        lines.join("\n")
    }
}
