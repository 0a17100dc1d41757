//! The commands of an organisation: a practice, university service or hospital.

mod annotate;
mod audit;
mod card;
mod confirm;
mod conflicts;
mod contribute;
mod desk;
mod discharges;
mod edit;
mod export;
mod fault;
mod follow_up;
mod forget;
mod found;
mod history;
mod incoming;
mod init;
mod quarantine;
mod remote;
mod remove;
mod save;
mod send;
mod show;
mod stats;
mod students;
mod suggest;
mod sync;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The commands of an organisation: a practice, university service or hospital.
#[derive(Subcommand)]
pub(crate) enum Org {
    Init(init::Init),
    Card(card::Card),
    Sync(sync::Sync),
    #[command(subcommand, after_help = "Example:\n  passport org remote list")]
    Remote(remote::Remote),
    Students(students::Students),
    Show(show::Show),
    Save(save::Save),
    History(history::History),
    Contribute(contribute::Contribute),
    Edit(edit::Edit),
    Remove(remove::Remove),
    Annotate(annotate::Annotate),
    Suggest(suggest::Suggest),
    Discharges(discharges::Discharges),
    FollowUp(follow_up::FollowUp),
    Confirm(confirm::Confirm),
    Conflicts(conflicts::Conflicts),
    Quarantine(quarantine::Quarantine),
    Export(export::Export),
    Forget(forget::Forget),
    Audit(audit::Audit),
    Stats(stats::Stats),
}

impl Org {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Init(c) => c.run(app),
            Self::Card(c) => c.run(app),
            Self::Sync(c) => c.run(app),
            Self::Remote(c) => c.run(app),
            Self::Students(c) => c.run(app),
            Self::Show(c) => c.run(app),
            Self::Save(c) => c.run(app),
            Self::History(c) => c.run(app),
            Self::Contribute(c) => c.run(app),
            Self::Edit(c) => c.run(app),
            Self::Remove(c) => c.run(app),
            Self::Annotate(c) => c.run(app),
            Self::Suggest(c) => c.run(app),
            Self::Discharges(c) => c.run(app),
            Self::FollowUp(c) => c.run(app),
            Self::Confirm(c) => c.run(app),
            Self::Conflicts(c) => c.run(app),
            Self::Quarantine(c) => c.run(app),
            Self::Export(c) => c.run(app),
            Self::Forget(c) => c.run(app),
            Self::Audit(c) => c.run(app),
            Self::Stats(c) => c.run(app),
        }
    }
}
