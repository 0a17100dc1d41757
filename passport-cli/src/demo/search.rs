//! A plain search through files, as somebody who stole them would begin.

use std::path::Path;

use crate::error::CliError;

/// Looks in every file whose name begins so for words, in whatever case, as UTF-8 and UTF-16;
/// returns how many bytes were searched and which words were found.
///
/// # Errors
/// Returns an error when a file cannot be read.
pub(super) fn files<'a>(
    dir: &Path,
    name: &str,
    words: &[&'a str],
) -> Result<(usize, Vec<&'a str>), CliError> {
    let unreadable =
        |e: std::io::Error| CliError::user("a file of the story cannot be read").caused_by(e);
    let mut all: Vec<u8> = Vec::new();
    for file in std::fs::read_dir(dir).map_err(unreadable)? {
        let file = file.map_err(unreadable)?;
        if file.file_name().to_string_lossy().starts_with(name) {
            all.extend(std::fs::read(file.path()).map_err(unreadable)?);
        }
    }
    all.make_ascii_lowercase();
    let found = words.iter().copied().filter(|word| holds(&all, word)).collect();
    Ok((all.len(), found))
}

fn holds(lowercase: &[u8], word: &str) -> bool {
    let word = word.to_lowercase();
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let has = |needle: &[u8]| lowercase.windows(needle.len()).any(|part| part == needle);
    has(word.as_bytes()) || has(&wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_width() {
        let dir = tempfile::tempdir().unwrap();
        let wide: Vec<u8> = "FERNWOOD".encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(dir.path().join("store.db"), b"..aMINA..").unwrap();
        std::fs::write(dir.path().join("store.db-wal"), wide).unwrap();
        std::fs::write(dir.path().join("other"), b"Sertraline").unwrap();
        let words = ["Amina", "Fernwood", "Sertraline"];
        let (bytes, found) = files(dir.path(), "store.db", &words).unwrap();
        assert_eq!((bytes, found), (25, vec!["Amina", "Fernwood"]));
    }
}
