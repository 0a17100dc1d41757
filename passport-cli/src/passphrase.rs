//! The vault's passphrase: from a file, the environment, or asked for on a terminal.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Longest passphrase, in bytes; a longer file is surely not one.
const PASSPHRASE_BYTES_MAX: usize = 4 * 1024;

/// The environment variable that may hold the passphrase.
const VARIABLE: &str = "PASSPORT_PASSPHRASE";

/// Where the passphrase comes from.
#[derive(Clone, Debug)]
pub(crate) struct Passphrases {
    file: Option<PathBuf>,
}

impl Passphrases {
    /// `file`: what `--passphrase-file` named.
    pub(crate) const fn new(file: Option<PathBuf>) -> Self {
        Self { file }
    }

    /// The passphrase that opens an existing vault.
    ///
    /// # Errors
    /// Returns an error when none can be had, or the file cannot be read.
    pub(crate) fn existing(&self) -> Result<Zeroizing<String>, CliError> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => prompt("Passphrase: "),
        }
    }

    /// The passphrase for a new vault; on a terminal it is asked for twice.
    ///
    /// # Errors
    /// Returns an error when none can be had, or the two differ.
    pub(crate) fn new_vault(&self) -> Result<Zeroizing<String>, CliError> {
        if let Some(passphrase) = self.given()? {
            return Ok(passphrase);
        }
        let first = prompt("Choose a passphrase for this device: ")?;
        let second = prompt("The same again: ")?;
        if *first == *second {
            Ok(first)
        } else {
            Err(CliError::user("the two passphrases differ").hint("nothing was made; try again"))
        }
    }

    fn given(&self) -> Result<Option<Zeroizing<String>>, CliError> {
        if let Some(file) = &self.file {
            let opened = std::fs::File::open(file).map_err(unreadable)?;
            return read(opened).and_then(checked).map(Some);
        }
        match std::env::var(VARIABLE) {
            Ok(value) => checked(Zeroizing::new(value)).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(CliError::usage(format!("{VARIABLE} is not text in UTF-8")))
            }
        }
    }
}

/// Reads a line from a file: the passphrase, without the line break editors add.
fn read(source: impl std::io::Read) -> Result<Zeroizing<String>, CliError> {
    // Room for all of it at once: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(PASSPHRASE_BYTES_MAX + 1));
    let limit = u64::try_from(PASSPHRASE_BYTES_MAX + 1).unwrap_or(u64::MAX);
    source.take(limit).read_to_string(&mut text).map_err(unreadable)?;
    let kept =
        text.strip_suffix('\n').map_or(text.len(), |t| t.strip_suffix('\r').unwrap_or(t).len());
    text.truncate(kept);
    Ok(text)
}

fn unreadable(source: std::io::Error) -> CliError {
    CliError::usage("the passphrase file cannot be read").caused_by(source)
}

fn checked(passphrase: Zeroizing<String>) -> Result<Zeroizing<String>, CliError> {
    if passphrase.is_empty() {
        return Err(CliError::usage("the passphrase is empty"));
    }
    if passphrase.len() > PASSPHRASE_BYTES_MAX {
        return Err(CliError::usage(format!(
            "the passphrase is longer than {PASSPHRASE_BYTES_MAX} bytes"
        )));
    }
    Ok(passphrase)
}

fn prompt(question: &str) -> Result<Zeroizing<String>, CliError> {
    let none = || {
        CliError::new(ExitCode::VaultLocked, "the vault is locked and there is no passphrase")
            .hint("run this on a terminal to be asked for it")
            .hint(format!("or name a file with --passphrase-file FILE, or set {VARIABLE}"))
    };
    if !std::io::stdin().is_terminal() {
        return Err(none());
    }
    let typed = rpassword::prompt_password(question).map_err(|source| none().caused_by(source))?;
    checked(Zeroizing::new(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_the_passphrase_and_perhaps_a_line_break() {
        for bytes in ["correct horse", "correct horse\n", "correct horse\r\n"] {
            assert_eq!(read(bytes.as_bytes()).unwrap().as_str(), "correct horse");
        }
        assert_eq!(read("  spaced \n".as_bytes()).unwrap().as_str(), "  spaced ");
    }

    #[test]
    fn an_empty_or_endless_passphrase_is_refused() {
        assert_eq!(checked(read(&b"\n"[..]).unwrap()).unwrap_err().code(), ExitCode::Usage);
        let endless = read(std::io::repeat(b'a')).unwrap();
        assert_eq!(checked(endless).unwrap_err().code(), ExitCode::Usage);
    }

    #[test]
    fn a_file_is_preferred_and_a_missing_one_is_an_error() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("passphrase");
        std::fs::write(&file, "open sesame\n").unwrap();
        let given = Passphrases::new(Some(file)).existing().unwrap();
        assert_eq!(given.as_str(), "open sesame");
        let missing = Passphrases::new(Some(tmp.path().join("none"))).new_vault();
        assert_eq!(missing.unwrap_err().code(), ExitCode::Usage);
    }
}
