//! All objects in one file.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use passport_core::codec;
use passport_core::id::ObjectId;

use super::{PARCEL_MAX, PULL_MAX, Parcel, Pulled, ViaError, write_whole};
use crate::wire::object_id;

const MAGIC: &str = "student-passport exchange";
const VERSION: u8 = 1;

/// The file. CBOR: `[magic: tstr, version: uint, parcels: [bstr]]`, ascending by id.
#[derive(Encode, Decode)]
#[cbor(array)]
struct Archive {
    #[n(0)]
    magic: String,
    #[n(1)]
    version: u8,
    #[n(2)]
    parcels: Vec<ByteVec>,
}

pub(super) fn push(path: &Path, parcels: &[Parcel]) -> Result<usize, ViaError> {
    let mut all: BTreeMap<ObjectId, ByteVec> = read(path)?;
    let before = all.len();
    for parcel in parcels {
        let bytes = codec::encode(parcel);
        if bytes.len() > PARCEL_MAX {
            return Err(ViaError::TooLarge);
        }
        all.insert(object_id(&bytes), bytes.into());
    }
    let new = all.len() - before;
    if new > 0 || !path.exists() {
        let parcels = all.into_values().collect();
        let archive = Archive { magic: MAGIC.to_owned(), version: VERSION, parcels };
        let bytes = codec::encode(&archive);
        if bytes.len() > PULL_MAX {
            return Err(ViaError::TooLarge);
        }
        write_whole(path, &bytes)?;
    }
    Ok(new)
}

pub(super) fn pull(
    path: &Path,
    wanted: &mut dyn FnMut(&ObjectId) -> bool,
) -> Result<Pulled, ViaError> {
    let mut pulled = Pulled::default();
    for (id, bytes) in read(path)? {
        if !wanted(&id) {
            continue;
        }
        match codec::decode(&bytes, PARCEL_MAX) {
            Ok(parcel) => pulled.parcels.push((id, parcel)),
            Err(_) => pulled.damaged += 1,
        }
    }
    Ok(pulled)
}

fn read(path: &Path) -> Result<BTreeMap<ObjectId, ByteVec>, ViaError> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    if !about.is_file() || about.len() > PULL_MAX as u64 {
        return Err(ViaError::NotAnArchive);
    }
    let bytes = fs::read(path)?;
    let archive: Archive = codec::decode(&bytes, PULL_MAX).map_err(|_| ViaError::NotAnArchive)?;
    if archive.magic != MAGIC || archive.version != VERSION {
        return Err(ViaError::NotAnArchive);
    }
    Ok(archive.parcels.into_iter().map(|bytes| (object_id(&bytes), bytes)).collect())
}
