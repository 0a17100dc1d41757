//! Files beside the record: read from disk, listed, and saved to disk.
//!
//! Nothing here looks into a file further than its first bytes, and nothing opens or runs one.

mod media;
mod names;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use passport_core::attachment::{AttachmentError, Filed, Filing, SIZE_MAX};
use passport_core::fhir::import::{Draft, Enclosed};
use passport_core::id::EntryId;
use passport_core::party::{FileState, PartyError};
use passport_core::replica::EntryNow;
use passport_core::section::display::neutralise_line;
use passport_core::section::{Attachment, KindSpec, SectionName, Value};
use passport_core::view::View;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::files;
use crate::names::short;
use crate::output;

/// Bytes read at once.
const BUFFER: usize = 64 * 1024;

/// The field of a kind of entry that holds a file.
///
/// # Errors
/// Returns a usage error when it has none.
pub(crate) fn field_of(kind: &KindSpec) -> Result<&'static str, CliError> {
    kind.file().map(|field| field.name).ok_or_else(|| {
        CliError::usage(format!("`{}` cannot have a file", kind.title))
            .hint("add it to `documents`, or to a section of your own")
    })
}

/// Stops where one of several files is too large, before anything of the others is taken in.
///
/// # Errors
/// Returns an error that names it.
pub(crate) fn check_sizes(paths: &[PathBuf]) -> Result<(), CliError> {
    let large = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|m| m.len() > SIZE_MAX);
    paths.iter().find(large).map_or(Ok(()), |path| Err(too_large(path)))
}

/// Takes in a file from disk, or from standard input for `-`, a little at a time.
///
/// # Errors
/// Returns an error when it cannot be read, is empty or too large.
pub(crate) fn take_in(path: &Path, mut filing: Filing) -> Result<Filed, CliError> {
    let mut source = files::open(path)?;
    let mut buffer = Zeroizing::new(vec![0; BUFFER]);
    let mut head: Vec<u8> = Vec::new();
    loop {
        let read = match source.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.map_err(|source| files::unreadable(path, source))?,
        };
        let new = buffer.get(..read).unwrap_or_default();
        if new.is_empty() {
            break;
        }
        if head.len() < media::HEAD {
            head.extend(new.iter().take(media::HEAD));
        }
        filing.feed(new).map_err(|error| refused(path, error))?;
    }
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let title = if path.as_os_str() == "-" { "file".into() } else { name };
    let filed = filing.finish(&title, media::of(&title, &head));
    filed.map_err(|error| refused(path, error))
}

/// Takes in a file that came within another, for an entry of a kind; with the field that it goes
/// into.
///
/// # Errors
/// Returns in words why the entry stays without it.
pub(crate) fn take_in_enclosed(
    section: &SectionName,
    kind: &str,
    enclosed: Enclosed,
    mut filing: Filing,
) -> Result<(&'static str, Filed), String> {
    let kind = section.spec().kind(kind);
    let field =
        kind.and_then(KindSpec::file).ok_or("taken in without its file: it has no place")?;
    let Enclosed { media_type, title, bytes } = enclosed;
    let filed = filing.feed(&bytes).and_then(|()| filing.finish(&title, &media_type));
    let filed = filed.map_err(|error| {
        format!("taken in without its file of {} bytes: the {error}", bytes.len())
    })?;
    Ok((field.name, filed))
}

/// Whether bytes are a letter or picture by themselves.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    media::certain(bytes).is_some()
}

/// A document that is nothing but a file: what it is read as; none if it is no such file.
pub(crate) fn document(path: &Path, bytes: &[u8]) -> Option<Draft> {
    let media_type = media::certain(bytes)?;
    let section: SectionName = "documents".parse().ok()?;
    let kind = section.spec().kinds.first()?;
    let title = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let title = title.filter(|name| name != "-").unwrap_or_else(|| "Document".to_owned());
    Some(Draft {
        fields: BTreeMap::from([(kind.label, Value::Text(title.clone()))]),
        kind: kind.name,
        section,
        resource: title.clone(),
        enclosed: Some(Enclosed {
            media_type: media_type.to_owned(),
            title,
            bytes: bytes.to_vec(),
        }),
    })
}

fn refused(path: &Path, error: AttachmentError) -> CliError {
    match error {
        AttachmentError::TooLarge => too_large(path),
        AttachmentError::Empty => CliError::user(format!("{} is empty", path.display()))
            .hint("is it the right file? nothing was changed"),
        AttachmentError::Envelope(_) | _ => {
            CliError::user(format!("{} cannot be kept", path.display())).caused_by(error)
        }
    }
}

fn too_large(path: &Path) -> CliError {
    let limit = SIZE_MAX / (1024 * 1024);
    CliError::user(format!("{} is larger than {limit} MiB", path.display()))
        .hint("make it smaller, or divide it: a scan in grey takes a fraction of one in colour")
        .hint("nothing was changed")
}

/// A file that an entry names, and how much of it is here.
#[derive(Serialize)]
pub(crate) struct Listed {
    entry: EntryId,
    title: String,
    media_type: String,
    size: u64,
    #[serde(flatten)]
    state: FileState,
    whole: bool,
}

/// The files that the entries of views name.
pub(crate) fn listed(views: &[View], state: impl Fn(&Attachment) -> FileState) -> Vec<Listed> {
    let entries = views.iter().flat_map(|view| &view.entries);
    let files = entries.flat_map(|entry| entry.files().map(|file| (entry.id, file)));
    files
        .map(|(entry, file)| {
            let state = state(file);
            Listed {
                entry,
                title: file.title.clone(),
                media_type: file.media_type.clone(),
                size: file.size,
                whole: state.is_whole(),
                state,
            }
        })
        .collect()
}

/// The list in words, with the command that saves one; nothing where there is none.
pub(crate) fn words(files: &[Listed], save: &str) -> String {
    let mut text = String::new();
    if files.is_empty() {
        return text;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\nFiles");
    for file in files {
        let (title, media_type) = (neutralise_line(&file.title), neutralise_line(&file.media_type));
        let id = file.entry.to_string();
        let id = short(&id);
        let FileState { here, of } = file.state;
        let there = if file.whole {
            format!("save it: {save} {id}")
        } else {
            format!("{here} of {of} parts are here; an exchange brings the rest")
        };
        let _ =
            writeln!(text, "  {title}  [{id}]\n    {media_type}, {}; {there}", bytes(file.size));
    }
    text
}

/// A size for people.
fn bytes(size: u64) -> String {
    const KB: u64 = 1000;
    const MB: u64 = 1000 * KB;
    match size {
        ..KB => format!("{size} bytes"),
        KB..MB => format!("{} kB", size / KB),
        MB.. => format!("{}.{} MB", size / MB, size % MB / (MB / 10)),
    }
}

/// The one file of an entry.
///
/// # Errors
/// Returns an error when it has none, or several that stand against each other.
pub(crate) fn one_of(entry: &EntryNow) -> Result<&Attachment, CliError> {
    let files: Vec<&Attachment> = entry.files().collect();
    match files.as_slice() {
        [file] => Ok(file),
        [] => Err(CliError::user("this entry has no file")),
        _ => Err(CliError::user("several files stand in this entry, and nobody has chosen")
            .hint("`passport resolve` chooses one of them")),
    }
}

/// Where to save a file, as it is asked on the command line.
#[derive(Args)]
pub(crate) struct Target {
    /// The file to write; `-` is standard output; a name made of its title when left out
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replaces a file that is there already
    #[arg(long)]
    force: bool,
}

/// Where a file was saved.
#[derive(Serialize)]
pub(crate) struct Saved {
    entry: EntryId,
    file: PathBuf,
    title: String,
    media_type: String,
    size: u64,
}

impl Saved {
    /// In words.
    pub(crate) fn words(&self) -> String {
        format!("Saved: {} ({}). It is not encrypted.", self.file.display(), bytes(self.size))
    }
}

/// Saves a file whole or not at all, readable by this user alone: under a name made of its title,
/// or as `output`; `-` is standard output. A file that is there is left alone, unless `force`.
/// Returns none where it went to standard output.
///
/// # Errors
/// Returns an error when it cannot be written, or is not what its entry says.
pub(crate) fn save(
    (entry, file): (EntryId, &Attachment),
    pieces: impl Iterator<Item = Result<Zeroizing<Vec<u8>>, PartyError>>,
    Target { output, force }: Target,
) -> Result<Option<Saved>, CliError> {
    let path = output.unwrap_or_else(|| names::safe(&file.title, &file.media_type).into());
    if path.as_os_str() == "-" {
        for piece in pieces {
            output::print_bytes(&piece?)?;
        }
        return Ok(None);
    }
    if !force && path.symlink_metadata().is_ok() {
        return Err(CliError::user(format!("{} is there already", path.display()))
            .hint("name another with -o FILE, or replace it with --force"));
    }
    files::write_with(&path, force, |place| {
        for piece in pieces {
            place.write_all(&piece?).map_err(|source| files::unwritable(&path, source))?;
        }
        Ok(())
    })?;
    let (title, media_type) = (file.title.clone(), file.media_type.clone());
    Ok(Some(Saved { entry, file: path, title, media_type, size: file.size }))
}
