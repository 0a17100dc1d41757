//! Passphrases, the vault's and that of what is kept back: from a file, the environment, or asked
//! for on a terminal.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::error::CliError;
use crate::exit_code::ExitCode;

/// Longest passphrase, in bytes; a longer file is surely not one.
const PASSPHRASE_BYTES_MAX: usize = 4 * 1024;

/// Fewest characters of a passphrase that is being chosen.
const CHARACTERS_MIN: usize = 8;

/// What a passphrase opens, and the words to ask for it with.
#[derive(Clone, Copy, Debug)]
struct Opens {
    /// The environment variable that may hold it.
    variable: &'static str,
    /// The option that names a file with it.
    option: &'static str,
    ask: &'static str,
    choose: &'static str,
    without: &'static str,
}

const VAULT: Opens = Opens {
    variable: "PASSPORT_PASSPHRASE",
    option: "--passphrase-file",
    ask: "Passphrase: ",
    choose: "Choose a passphrase for this device: ",
    without: "the vault is locked and there is no passphrase",
};

const KEPT_BACK: Opens = Opens {
    variable: "PASSPORT_PRIVATE_PASSPHRASE",
    option: "--private-passphrase-file",
    ask: "Passphrase of what you keep back: ",
    choose: "Choose a passphrase for what you keep back: ",
    without: "what is kept back has a passphrase of its own, and it was not given",
};

const NEW_KEPT_BACK: Opens = Opens {
    variable: "PASSPORT_NEW_PRIVATE_PASSPHRASE",
    option: "--new-passphrase-file",
    choose: "Choose the new passphrase: ",
    without: "there is no new passphrase",
    ..KEPT_BACK
};

/// Where a passphrase comes from.
#[derive(Clone, Debug)]
pub(crate) struct Passphrases {
    opens: Opens,
    file: Option<PathBuf>,
}

impl Passphrases {
    /// The vault's. `file`: what `--passphrase-file` named.
    pub(crate) const fn new(file: Option<PathBuf>) -> Self {
        Self { opens: VAULT, file }
    }

    /// That of what is kept back. `file`: what `--private-passphrase-file` named.
    pub(crate) const fn kept_back(file: Option<PathBuf>) -> Self {
        Self { opens: KEPT_BACK, file }
    }

    /// The one that takes its place. `file`: what `--new-passphrase-file` named.
    pub(crate) const fn new_kept_back(file: Option<PathBuf>) -> Self {
        Self { opens: NEW_KEPT_BACK, file }
    }

    /// The passphrase that opens what is there.
    ///
    /// # Errors
    /// Returns an error when none can be had, or the file cannot be read.
    pub(crate) fn existing(&self) -> Result<Zeroizing<String>, CliError> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => self.prompt(self.opens.ask),
        }
    }

    /// A passphrase that is being chosen; on a terminal it is asked for twice.
    ///
    /// # Errors
    /// Returns an error when none can be had, it is too short, or the two differ.
    pub(crate) fn chosen(&self) -> Result<Zeroizing<String>, CliError> {
        if let Some(passphrase) = self.given()? {
            return long_enough(passphrase);
        }
        let first = long_enough(self.prompt(self.opens.choose)?)?;
        let second = self.prompt("The same again: ")?;
        if *first == *second {
            Ok(first)
        } else {
            Err(CliError::user("the two passphrases differ").hint("nothing was made; try again"))
        }
    }

    /// The passphrase, if a file or the environment has it.
    ///
    /// # Errors
    /// Returns an error when the file cannot be read, or holds no passphrase.
    pub(crate) fn given(&self) -> Result<Option<Zeroizing<String>>, CliError> {
        if let Some(file) = &self.file {
            let opened = std::fs::File::open(file).map_err(unreadable)?;
            return read(opened).and_then(checked).map(Some);
        }
        let variable = self.opens.variable;
        match std::env::var(variable) {
            Ok(value) => checked(Zeroizing::new(value)).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(CliError::usage(format!("{variable} is not text in UTF-8")))
            }
        }
    }

    fn prompt(&self, question: &str) -> Result<Zeroizing<String>, CliError> {
        let Opens { variable, option, without, .. } = self.opens;
        let none = || {
            CliError::new(ExitCode::VaultLocked, without)
                .hint("run this on a terminal to be asked for it")
                .hint(format!("or name a file with {option} FILE, or set {variable}"))
        };
        if !std::io::stdin().is_terminal() {
            return Err(none());
        }
        let typed =
            rpassword::prompt_password(question).map_err(|source| none().caused_by(source))?;
        checked(Zeroizing::new(typed))
    }
}

/// Whoever has the device can try passphrases as fast as it derives keys.
fn long_enough(passphrase: Zeroizing<String>) -> Result<Zeroizing<String>, CliError> {
    if passphrase.chars().count() < CHARACTERS_MIN {
        return Err(CliError::usage(format!(
            "the passphrase is shorter than {CHARACTERS_MIN} characters"
        ))
        .hint("four words that nobody would guess are easy to remember; nothing was made"));
    }
    Ok(passphrase)
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
    fn a_passphrase_is_chosen_long_enough() {
        let of = |text: &str| long_enough(Zeroizing::new(text.to_owned()));
        assert_eq!(of("seven 7").unwrap_err().code(), ExitCode::Usage);
        assert!(of("eight 88").is_ok() && of("ββββββββ").is_ok());
    }

    #[test]
    fn a_file_is_preferred_and_a_missing_one_is_an_error() {
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("passphrase");
        std::fs::write(&file, "open sesame\n").unwrap();
        let given = Passphrases::new(Some(file)).existing().unwrap();
        assert_eq!(given.as_str(), "open sesame");
        let missing = Passphrases::new(Some(tmp.path().join("none"))).chosen();
        assert_eq!(missing.unwrap_err().code(), ExitCode::Usage);
    }
}
