//! Syncing without a relay: the same sealed objects through a file or a folder, by USB stick or
//! shared drive.
//!
//! A folder has one file for each object, named by its hash and put in place whole, so several
//! parties can use it at once. A file holds all objects as one archive; it is replaced whole,
//! so only one party should write it at a time. Nothing in either is trusted: names and sizes
//! are checked here, signatures by whoever takes the parcels.

mod archive;
mod folder;

use std::io;
use std::path::{Path, PathBuf};

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use passport_core::access::AccessList;
use passport_core::codec;
use passport_core::id::ObjectId;
use passport_core::keys::Signed;

use crate::wire::{Letter, object_id};

/// Largest parcel, in bytes.
const PARCEL_MAX: usize = 300 * 1024;
/// Most bytes pulled at once, and the largest archive.
const PULL_MAX: usize = 256 * 1024 * 1024;

/// One sealed object on its way.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Parcel {
    /// An encoded envelope.
    #[n(0)]
    Envelope {
        /// The bytes.
        #[n(0)]
        bytes: ByteVec,
    },
    /// A letter; who sent it is known only from what is sealed in it.
    #[n(1)]
    Letter {
        /// The letter.
        #[n(0)]
        letter: Letter,
    },
    /// An access list. It names who reads: put it only where nobody else looks.
    #[n(2)]
    AccessList {
        /// The list.
        #[n(0)]
        list: Signed<AccessList>,
    },
}

impl Parcel {
    /// What names it: the hash of its encoding.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        object_id(&codec::encode(self))
    }
}

/// Why a file or folder could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViaError {
    /// Reading or writing failed.
    #[error("use the file or folder")]
    Io(#[from] io::Error),
    /// The file is not an archive of ours: it is left alone.
    #[error("read a file that is not a passport exchange")]
    NotAnArchive,
    /// The parcel or archive would be larger than is ever read back.
    #[error("write more than can be read back")]
    TooLarge,
}

/// What was pulled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Wanted parcels, whose content nobody has verified.
    pub parcels: Vec<(ObjectId, Parcel)>,
    /// How many parcels were damaged and skipped.
    pub damaged: usize,
    /// Whether there is more than is pulled at once: pull again, wanting less.
    pub more: bool,
}

/// A file or folder to sync through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// One archive.
    File(PathBuf),
    /// One file for each object.
    Folder(PathBuf),
}

impl Via {
    /// A folder if there is one at `path` or the path ends with a separator, else a file.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let text = path.to_string_lossy();
        if path.is_dir() || text.ends_with(std::path::is_separator) {
            Self::Folder(path.to_owned())
        } else {
            Self::File(path.to_owned())
        }
    }

    /// Adds parcels to what is there, and returns how many were new. They are on disk when this
    /// returns; interrupted, the push can be repeated.
    ///
    /// # Errors
    /// Returns [`ViaError`]; nothing that was there before is lost.
    pub fn push(&self, parcels: &[Parcel]) -> Result<usize, ViaError> {
        match self {
            Self::File(path) => archive::push(path, parcels),
            Self::Folder(path) => folder::push(path, parcels),
        }
    }

    /// Fetches the parcels that `wanted` asks for; nothing if there is no such file or folder.
    ///
    /// # Errors
    /// Returns [`ViaError`].
    pub fn pull(&self, wanted: &mut dyn FnMut(&ObjectId) -> bool) -> Result<Pulled, ViaError> {
        match self {
            Self::File(path) => archive::pull(path, wanted),
            Self::Folder(path) => folder::pull(path, wanted),
        }
    }
}

/// Writes a file whole: under another name first, then on disk, then in place.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let mut file = std::fs::File::create(&partial)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| std::fs::rename(&partial, path));
    placed.inspect_err(|_| {
        // Best effort: what is left over is never read.
        let _removed = std::fs::remove_file(&partial);
    })
}

#[cfg(test)]
mod tests;
