//! Shows a recovery phrase, and reads one from standard input: never from an argument, which others could see.

use std::io::{IsTerminal as _, Read as _};

use passport_core::keys::RecoveryPhrase;
use zeroize::Zeroizing;

use crate::error::CliError;

/// Longest input read, in bytes; 24 words are far shorter.
const INPUT_BYTES_MAX: usize = 4 * 1024;

/// Asks for the phrase on a terminal, without showing it, or reads it from standard input.
///
/// # Errors
/// Returns an error when it cannot be read or is no recovery phrase; it names at most the place
/// of a wrong word.
pub(crate) fn ask() -> Result<RecoveryPhrase, CliError> {
    if std::io::stdin().is_terminal() {
        let typed = rpassword::prompt_password("Recovery phrase (24 words): ");
        return parse(&Zeroizing::new(typed.map_err(unreadable)?));
    }
    let limit = u64::try_from(INPUT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = Zeroizing::new(String::with_capacity(INPUT_BYTES_MAX));
    std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(unreadable)?;
    parse(&text)
}

/// A phrase in one line.
pub(crate) fn joined(phrase: &RecoveryPhrase) -> Zeroizing<String> {
    Zeroizing::new(phrase.words().collect::<Vec<_>>().join(" "))
}

/// The words of a phrase as people write them down, six in a line.
pub(crate) fn lines(joined: &str) -> String {
    let words: Vec<&str> = joined.split(' ').collect();
    let lines: Vec<String> = words.chunks(6).map(|six| format!("  {}", six.join(" "))).collect();
    lines.join("\n")
}

fn parse(text: &str) -> Result<RecoveryPhrase, CliError> {
    RecoveryPhrase::parse(text).map_err(|source| {
        CliError::user("this is not a recovery phrase")
            .caused_by(source)
            .hint("type the 24 words in the order in which they were written down")
            .hint("nothing was changed")
    })
}

fn unreadable(source: std::io::Error) -> CliError {
    CliError::user("the recovery phrase cannot be read").caused_by(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_place_of_a_word_and_never_the_word() {
        let wrong = "zebra ".repeat(23) + "xylophonist";
        let text = parse(&wrong).err().unwrap().to_text();
        assert!(text.contains("word 24"), "{text}");
        assert!(!text.contains("zebra") && !text.contains("xylophonist"), "{text}");
    }

    #[test]
    fn a_phrase_is_read_however_it_is_spaced() {
        let phrase = "abandon ".repeat(23) + "art";
        assert!(parse(&phrase).is_ok());
        assert!(parse(&phrase.to_uppercase().replace(' ', "\n")).is_ok());
    }
}
