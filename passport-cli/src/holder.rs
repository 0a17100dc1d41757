//! The commands of a student, who holds a passport.

mod accept;
mod access_log;
mod add;
mod annotate;
mod code;
mod confirm;
mod conflicts;
mod contact;
mod decline;
mod device;
mod edit;
mod erase;
mod export;
mod grants;
mod history;
mod import;
mod init;
mod link;
mod move_entry;
mod private;
mod quarantine;
mod recover;
pub(crate) mod remote;
mod remove;
mod replace_phrase;
mod resolve;
mod revoke;
mod save;
mod share;
mod show;
mod status;
mod suggestions;
mod sync;

use clap::Subcommand;

use crate::app::App;
use crate::error::CliError;

/// The commands of a student, who holds a passport.
#[derive(Subcommand)]
pub(crate) enum Holder {
    Init(init::Init),
    Code(code::Code),
    Recover(recover::Recover),
    ReplacePhrase(replace_phrase::ReplacePhrase),
    Import(import::Import),
    Add(add::Add),
    Edit(edit::Edit),
    Remove(remove::Remove),
    Erase(erase::Erase),
    Annotate(annotate::Annotate),
    #[command(name = "move")]
    MoveEntry(move_entry::MoveEntry),
    Show(show::Show),
    Save(save::Save),
    History(history::History),
    Confirm(confirm::Confirm),
    Conflicts(conflicts::Conflicts),
    Resolve(resolve::Resolve),
    Suggestions(suggestions::Suggestions),
    Accept(accept::Accept),
    Decline(decline::Decline),
    /// The services and people you may share with
    #[command(subcommand, after_help = "Example:\n  passport contact list")]
    Contact(contact::Contact),
    Share(share::Share),
    Revoke(revoke::Revoke),
    Grants(grants::Grants),
    AccessLog(access_log::AccessLog),
    /// What was received but not accepted
    #[command(subcommand, after_help = "Example:\n  passport quarantine list")]
    Quarantine(quarantine::Quarantine),
    /// What you keep back, under a passphrase of its own
    #[command(subcommand, after_help = "Example:\n  passport private set")]
    Private(private::Private),
    Sync(sync::Sync),
    /// The relays that carry your sealed envelopes
    #[command(subcommand, after_help = "Example:\n  passport remote list")]
    Remote(remote::Remote),
    /// Your phones and computers
    #[command(subcommand, after_help = "Example:\n  passport device list")]
    Device(device::Device),
    Export(export::Export),
    /// Links that let somebody without this program read sections, in a browser
    #[command(subcommand, after_help = "Example:\n  passport link list")]
    Link(link::Link),
    Status(status::Status),
}

impl Holder {
    /// Carries the command out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        match self {
            Self::Init(c) => c.run(app),
            Self::Code(c) => c.run(app),
            Self::Recover(c) => c.run(app),
            Self::ReplacePhrase(c) => c.run(app),
            Self::Import(c) => c.run(app),
            Self::Add(c) => c.run(app),
            Self::Edit(c) => c.run(app),
            Self::Remove(c) => c.run(app),
            Self::Erase(c) => c.run(app),
            Self::Annotate(c) => c.run(app),
            Self::MoveEntry(c) => c.run(app),
            Self::Show(c) => c.run(app),
            Self::Save(c) => c.run(app),
            Self::History(c) => c.run(app),
            Self::Confirm(c) => c.run(app),
            Self::Conflicts(c) => c.run(app),
            Self::Resolve(c) => c.run(app),
            Self::Suggestions(c) => c.run(app),
            Self::Accept(c) => c.run(app),
            Self::Decline(c) => c.run(app),
            Self::Contact(c) => c.run(app),
            Self::Share(c) => c.run(app),
            Self::Revoke(c) => c.run(app),
            Self::Grants(c) => c.run(app),
            Self::AccessLog(c) => c.run(app),
            Self::Quarantine(c) => c.run(app),
            Self::Private(c) => c.run(app),
            Self::Sync(c) => c.run(app),
            Self::Remote(c) => c.run(app),
            Self::Device(c) => c.run(app),
            Self::Export(c) => c.run(app),
            Self::Link(c) => c.run(app),
            Self::Status(c) => c.run(app),
        }
    }
}
