//! Files that commands read and write for the user.

use std::io::{Read, Write};
use std::path::Path;

use crate::error::CliError;
use crate::output;

/// The file name that means standard input or output.
const STANDARD: &str = "-";

/// Reads a file, or standard input for `-`, of at most `bytes_max` bytes.
///
/// # Errors
/// Returns an error when it cannot be read or is larger.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<Vec<u8>, CliError> {
    read_bounded(open(path)?, path, bytes_max)
}

/// Opens a file for reading, or standard input for `-`.
///
/// # Errors
/// Returns an error when it cannot be opened.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, CliError> {
    if path.as_os_str() == STANDARD {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = std::fs::File::open(path).map_err(|source| unreadable(path, source))?;
    Ok(Box::new(file))
}

/// Writes a file whole or not at all, readable by this user alone; or standard output for `-`.
/// A file that is there already is replaced; what is no file, such as a device or a pipe, is
/// written to.
///
/// # Errors
/// Returns an error when it cannot be written; then what was there before still is.
pub(crate) fn write(path: &Path, content: &[u8]) -> Result<(), CliError> {
    if path.as_os_str() == STANDARD {
        return output::print_bytes(content);
    }
    // Replacing a device by a file would take it from everybody else.
    let special = std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if special {
        let file = std::fs::OpenOptions::new().write(true).open(path);
        let written = file.and_then(|mut file| file.write_all(content));
        return written.map_err(|source| unwritable(path, source));
    }
    write_with(path, true, |place| {
        place.write_all(content).map_err(|source| unwritable(path, source))
    })
}

/// Writes a file whole or not at all, as `write` does, readable by this user alone; in the place of
/// one that is there only to `replace` it.
///
/// # Errors
/// Returns what `write` does, or an error when the file cannot be written; then what was there
/// before still is.
pub(crate) fn write_with(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::NamedTempFile::new_in(folder);
    let mut file = file.map_err(|source| unwritable(path, source))?;
    write(&mut file)?;
    let kept = file.as_file().sync_all().and_then(|()| {
        let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
        Ok(kept.map(drop)?)
    });
    kept.map_err(|source| unwritable(path, source))
}

/// Why a file cannot be written.
pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> CliError {
    CliError::user(format!("{} cannot be written", path.display()))
        .caused_by(source)
        .hint("is the folder there, and is there room? name another place, and try again")
}

fn read_bounded(source: impl Read, path: &Path, bytes_max: usize) -> Result<Vec<u8>, CliError> {
    let mut content = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut content).map_err(|source| unreadable(path, source))?;
    if content.len() > bytes_max {
        let said = format!("{} is larger than {bytes_max} bytes", path.display());
        return Err(CliError::user(said).hint("is it the right file? divide it if it is"));
    }
    Ok(content)
}

/// Why a file cannot be read.
pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> CliError {
    CliError::user(format!("{} cannot be read", path.display()))
        .caused_by(source)
        .hint("is the name right, and may you read it? nothing was changed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_read_up_to_its_limit() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("record.json");
        write(&path, b"old").unwrap();
        write(&path, b"record").unwrap();
        assert_eq!(read(&path, 6).unwrap(), b"record");
        assert!(read(&path, 5).unwrap_err().to_text().contains("larger than 5 bytes"));
        assert_eq!(std::fs::read_dir(tmp.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_file_or_folder_is_named() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("none/record.json");
        assert!(read(&path, 6).unwrap_err().to_text().contains("none/record.json"));
        assert!(write(&path, b"x").unwrap_err().to_text().contains("none/record.json"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let tmp = tempfile::tempdir().unwrap();
        // By a link: whatever goes wrong happens to the link.
        let path = tmp.path().join("full");
        std::os::unix::fs::symlink("/dev/full", &path).unwrap();
        assert!(write(&path, b"x").unwrap_err().to_text().contains("cannot be written"));
        assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn an_exported_file_is_for_its_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("record.pdf");
        write(&path, b"x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
