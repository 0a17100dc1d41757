//! `passport org discharges`.

use clap::Args;
use passport_core::receipt::Access;
use passport_core::section::{FieldKind, SectionName};

use super::{desk, fault, found};
use crate::app::App;
use crate::duration::When;
use crate::error::CliError;
use crate::output;

/// Lists students who left hospital lately and share that they did
///
/// Only students who share their discharges with you can appear. No entry does not mean no
/// discharge.
#[derive(Args)]
#[command(after_help = "Examples:\n\
\x20 passport org discharges\n\
\x20 passport org discharges --since 7d --setting mental-health\n\
\x20 passport org discharges --since 2026-09-01 --csv > discharges.csv")]
pub(crate) struct Discharges {
    /// How far back: a span or a date
    #[arg(long, value_name = "DURATION|DATE", default_value = "30d")]
    since: When,
    /// Only from this kind of setting, for example mental-health or acute
    #[arg(long, value_name = "SETTING")]
    setting: Option<String>,
    /// Prints a table for a spreadsheet
    #[arg(long)]
    csv: bool,
}

impl Discharges {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { since, setting, csv } = self;
        let since = since.since(app.now());
        let since = since.map_err(|e| CliError::usage("`--since` has no start").caused_by(e))?;
        known_setting(setting.as_deref())?;
        app.actor()?;
        let mut party = desk::open(app)?;
        let check =
            party.discharges(since, setting.as_deref(), app.now()).map_err(fault::refused)?;
        // The list names students: who asked for it is known too.
        let mut named: Vec<_> = check.discharges.iter().map(|d| d.student.id).collect();
        named.sort_unstable();
        named.dedup();
        for student in named {
            let mut opened = party.sections(student);
            opened.retain(|s| ["discharge-notice", "discharges"].contains(&s.as_str()));
            desk::audit(&mut party, app, student, &opened, Access::Opened)?;
        }
        if csv && !app.output().is_json() {
            app.output().say(&found::sentence(&check));
            output::print(&found::csv(&check))?;
            app.output().say(found::CAUTION);
            return Ok(());
        }
        app.output().answer(&check, |check| found::words(check, since))
    }
}

fn known_setting(setting: Option<&str>) -> Result<(), CliError> {
    let Some(asked) = setting else { return Ok(()) };
    let section: Option<SectionName> = "discharges".parse().ok();
    let field = section.and_then(|s| s.spec().kinds.first()?.field("setting"));
    let Some(FieldKind::Choice(choices)) = field.map(|f| f.kind) else { return Ok(()) };
    if choices.iter().any(|c| c.name == asked) {
        return Ok(());
    }
    let names: Vec<&str> = choices.iter().map(|c| c.name).collect();
    Err(CliError::usage("there is no such kind of setting")
        .hint(format!("the kinds are {}", names.join(", "))))
}
