//! Asks before something that others will see or that cannot be undone.

use std::io::{BufRead, IsTerminal as _, Write as _};

use crate::error::CliError;

/// Whether and how to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Confirm {
    yes: bool,
}

impl Confirm {
    /// `yes`: everything is agreed to beforehand.
    pub(crate) const fn new(yes: bool) -> Self {
        Self { yes }
    }

    /// Asks a yes-or-no question on the terminal; the answer is no unless someone types yes.
    ///
    /// # Errors
    /// Returns an error when the answer is no, or there is nobody to ask.
    pub(crate) fn ask(self, question: &str) -> Result<(), CliError> {
        if self.yes {
            return Ok(());
        }
        if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
            return Err(CliError::user(format!("{question} There is nobody to ask"))
                .hint("run it on a terminal, or agree beforehand with --yes")
                .hint("nothing was changed"));
        }
        let mut stderr = std::io::stderr().lock();
        let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        asked.map_err(|source| CliError::user("the question cannot be shown").caused_by(source))?;
        answer(&mut std::io::stdin().lock())
    }
}

fn answer(input: &mut impl BufRead) -> Result<(), CliError> {
    let mut line = String::new();
    input
        .read_line(&mut line)
        .map_err(|source| CliError::user("the answer cannot be read").caused_by(source))?;
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(CliError::user("stopped; nothing was changed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for yes in ["y\n", "YES\n", " Yes \r\n"] {
            assert!(answer(&mut yes.as_bytes()).is_ok(), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yep\n", "no\n"] {
            assert!(answer(&mut no.as_bytes()).is_err(), "{no:?}");
        }
        assert!(Confirm::new(true).ask("Share it?").is_ok());
    }
}
