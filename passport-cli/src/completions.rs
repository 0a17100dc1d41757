//! `passport completions`.

use clap::Args;
use clap_complete::Shell;

use crate::app::{self, App};
use crate::error::CliError;
use crate::output;

/// Prints what a shell needs to complete commands when you press Tab
#[derive(Args)]
#[command(
    after_help = "Example:\n  passport completions bash > ~/.local/share/bash-completion/completions/passport"
)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut app::command(), "passport", &mut script);
        output::print_bytes(&script)
    }
}
