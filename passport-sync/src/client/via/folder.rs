//! One file for each object.

use std::fs;
use std::io;
use std::path::Path;

use passport_core::codec;
use passport_core::id::ObjectId;

use super::{PARCEL_MAX, PULL_MAX, Parcel, Pulled, ViaError, write_whole};
use crate::wire::object_id;

/// How files of ours end.
const ENDING: &str = ".parcel";

pub(super) fn push(folder: &Path, parcels: &[Parcel]) -> Result<usize, ViaError> {
    fs::create_dir_all(folder)?;
    let mut new = 0;
    for parcel in parcels {
        let bytes = codec::encode(parcel);
        if bytes.len() > PARCEL_MAX {
            return Err(ViaError::TooLarge);
        }
        let path = folder.join(format!("{}{ENDING}", object_id(&bytes)));
        // A damaged copy is replaced.
        if matches!(read(&path), Ok(Some(there)) if there == bytes) {
            continue;
        }
        write_whole(&path, &bytes)?;
        new += 1;
    }
    if new > 0 {
        // Some systems cannot open folders; there the names are safe a little later.
        let _synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(new)
}

pub(super) fn pull(
    folder: &Path,
    wanted: &mut dyn FnMut(&ObjectId) -> bool,
) -> Result<Pulled, ViaError> {
    let mut pulled = Pulled::default();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(pulled),
        Err(error) => return Err(error.into()),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|n| n.strip_suffix(ENDING)).map(str::parse::<ObjectId>);
        if let Some(Ok(id)) = id {
            ids.push(id);
        }
    }
    ids.sort_unstable();
    let mut room = PULL_MAX;
    for id in ids {
        if !wanted(&id) {
            continue;
        }
        let found = read(&folder.join(format!("{id}{ENDING}")))?;
        let parcel = found
            .filter(|bytes| object_id(bytes) == id)
            .and_then(|bytes| Some((bytes.len(), codec::decode(&bytes, PARCEL_MAX).ok()?)));
        let Some((size, parcel)) = parcel else {
            pulled.damaged += 1;
            continue;
        };
        if size > room {
            pulled.more = true;
            break;
        }
        room -= size;
        pulled.parcels.push((id, parcel));
    }
    Ok(pulled)
}

/// The content of a regular file that is not too large.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !about.is_file() || about.len() > PARCEL_MAX as u64 {
        return Ok(None);
    }
    fs::read(path).map(Some)
}
