//! `passport man`.

use clap::Args;

use crate::app::{self, App};
use crate::error::CliError;
use crate::exit_code::ExitCode;
use crate::output;

/// Prints the manual, for `man`
#[derive(Args)]
#[command(after_help = "Example:\n  passport man > passport.1")]
pub(crate) struct Man {}

impl Man {
    /// Carries it out.
    pub(crate) fn run(self, _app: &App) -> Result<(), CliError> {
        let Self {} = self;
        output::print_bytes(&pages()?)
    }
}

/// The program's page, then one for each command, in one roff document.
fn pages() -> Result<Vec<u8>, CliError> {
    let mut tree = app::command();
    tree.build();
    let mut text = Vec::new();
    page(&tree, &mut text).map_err(|source| {
        CliError::new(ExitCode::Bug, "the manual cannot be made").caused_by(source)
    })?;
    Ok(text)
}

fn page(command: &clap::Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(text)?;
    let children = command.get_subcommands().filter(|c| c.get_name() != "help");
    children.into_iter().try_for_each(|child| page(child, text))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_manual_has_a_page_for_every_command() {
        let text = String::from_utf8(super::pages().unwrap()).unwrap();
        for command in ["passport share", "passport contact add", "passport org discharges"] {
            assert!(
                text.contains(&command.replace(' ', "\\-")) || text.contains(command),
                "{command}"
            );
        }
    }
}
