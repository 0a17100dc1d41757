//! `passport org discharges`.

use clap::Args;
use passport_core::organisation::DischargeCheck;
use passport_core::receipt::Access;
use passport_core::section::SectionName;
use passport_core::time::Timestamp;
use passport_core::vault::VaultAgain;

use super::desk::{self, Party};
use super::{fault, found};
use crate::app::App;
use crate::duration::When;
use crate::error::CliError;
use crate::fields;
use crate::output;
use crate::passport;
use crate::rng::os_rng;
use crate::syncing::Synced;
use crate::watching::{self, Teller};

/// Lists students who left hospital lately and share that they did
///
/// Only students who share their discharges with you can appear. No entry does not mean no
/// discharge.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org discharges\n\
\x20 passport org discharges --since 7d --setting mental-health\n\
\x20 passport org discharges --since 2026-09-01 --csv > discharges.csv\n\
\x20 passport org discharges --watch --json --actor duty.desk")]
pub(crate) struct Discharges {
    /// How far back: a span or a date
    #[arg(long, value_name = "DURATION|DATE", default_value = "30d")]
    since: When,
    /// Only from this kind of setting, for example mental-health or acute
    #[arg(long, value_name = "SETTING", value_parser = fields::setting)]
    setting: Option<String>,
    /// Prints a table for a spreadsheet
    #[arg(long)]
    csv: bool,
    /// Goes on, connected to the relay, and answers again whenever the answer changes; ends with
    /// Ctrl-C
    #[arg(long, conflicts_with = "csv")]
    watch: bool,
}

impl Discharges {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { since, setting, csv, watch } = self;
        let asked = Asked { app, since, setting };
        asked.since()?;
        app.actor()?;
        if watch {
            let vault = passport::unlock(app)?;
            let again = VaultAgain::of(&vault, app.home().dir());
            drop(vault);
            let mut told = Told { asked, last: None };
            return watching::watch::<Party>(app, &again, &mut told, &mut os_rng()?);
        }
        let mut party = desk::open(app)?;
        let check = asked.check(&mut party)?;
        asked.note(&mut party, &check)?;
        if csv && !app.output().is_json() {
            app.output().say(&found::sentence(&check));
            output::print_bytes(&found::csv(&check)?)?;
            app.output().say(found::CAUTION);
            return Ok(());
        }
        asked.answer(&check)
    }
}

/// What is asked.
struct Asked<'a> {
    app: &'a App,
    since: When,
    setting: Option<String>,
}

impl Asked<'_> {
    fn since(&self) -> Result<Timestamp, CliError> {
        let since = self.since.since(self.app.now());
        since.map_err(|e| CliError::usage("`--since` has no start").caused_by(e))
    }

    fn check(&self, party: &mut Party) -> Result<DischargeCheck, CliError> {
        let setting = self.setting.as_deref();
        party.discharges(self.since()?, setting, self.app.now()).map_err(fault::refused)
    }

    /// The list names students: who asked for it is known too.
    fn note(&self, party: &mut Party, check: &DischargeCheck) -> Result<(), CliError> {
        let found = check.discharges.iter().map(|d| (d.student.id, d.section.clone()));
        let care = "care-history".parse::<SectionName>().ok();
        let possible = check.possible.iter();
        let mut opened: Vec<_> =
            found.chain(possible.filter_map(|p| Some((p.student.id, care.clone()?)))).collect();
        opened.sort();
        opened.dedup();
        desk::audit_all(party, self.app, &opened, Access::Opened)
    }

    fn answer(&self, check: &DischargeCheck) -> Result<(), CliError> {
        let since = self.since()?;
        self.app.output().answer(check, |check| found::words(check, since))
    }
}

/// Answers again whenever the answer is another.
struct Told<'a> {
    asked: Asked<'a>,
    last: Option<DischargeCheck>,
}

impl Told<'_> {
    fn look(&mut self, party: &mut Party) -> Result<(), CliError> {
        let check = self.asked.check(party)?;
        // That it is later, and a relay was asked, is no other answer.
        let told = self.last.as_ref().is_some_and(|last| {
            last.discharges == check.discharges
                && last.possible == check.possible
                && last.students_sharing == check.students_sharing
        });
        if told {
            return Ok(());
        }
        self.asked.note(party, &check)?;
        self.asked.answer(&check)?;
        self.last = Some(check);
        Ok(())
    }
}

impl Teller<Party> for Told<'_> {
    fn exchanged(&mut self, party: &mut Party, _: Synced) -> Result<(), CliError> {
        self.look(party)
    }

    fn written(&mut self, party: &mut Party) -> Result<(), CliError> {
        self.look(party)
    }
}
