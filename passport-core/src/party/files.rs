//! Files in a party's journal: how much of one is here, and its content.

use std::collections::BTreeMap;

use serde::Serialize;
use zeroize::Zeroizing;

use super::PartyError;
use crate::attachment::{Chunk, Filed, Index, Stream, parts};
use crate::envelope::SealedEnvelope;
use crate::id::ChannelId;
use crate::journal::Journal;
use crate::section::Attachment;
use crate::vault::{Batch, Vault};

/// How much of a file came. That it is what it should be is found out by reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileState {
    /// Parts that are here, the index among them.
    pub here: u32,
    /// Parts that there are.
    pub of: u32,
}

impl FileState {
    /// Whether all of it is here.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.here >= self.of
    }
}

/// The streams that a file may be in.
pub(crate) fn streams(
    channels: impl IntoIterator<Item = ChannelId>,
    file: &Attachment,
) -> Vec<Stream> {
    channels.into_iter().map(|channel| Stream::of(channel, &file.key)).collect()
}

/// How much of a file is in the fullest of its streams.
pub(crate) fn state<V: Vault>(
    journal: &Journal<V>,
    streams: &[Stream],
    file: &Attachment,
) -> FileState {
    let of = parts(file.size).saturating_add(1);
    let counts = streams.iter().map(|stream| journal.extent(&stream.id()).count);
    let here = counts.max().unwrap_or(0).min(u64::from(of));
    FileState { here: u32::try_from(here).unwrap_or(of), of }
}

/// Puts a file's envelopes into a batch.
pub(crate) fn keep<V: Vault>(
    journal: &mut Journal<V>,
    batch: &mut Batch,
    filed: Filed,
) -> Result<(), PartyError> {
    for envelope in filed.sealed {
        journal.append(batch, &envelope, None)?;
    }
    Ok(())
}

/// Where something of a file is: in which of its streams, and as which envelope of it.
type Place = (usize, u64);

/// A file that is all here.
struct Found {
    index: Index,
    digests: Vec<u8>,
    /// Where each part is.
    places: Vec<Place>,
}

/// Finds a file's parts. What is in its streams and is none of them is passed over.
fn find<V: Vault>(
    journal: &Journal<V>,
    streams: &[Stream],
    file: &Attachment,
) -> Result<Found, PartyError> {
    let of = parts(file.size).saturating_add(1);
    let mut known = None;
    each(journal, streams, |_, chunk| {
        if let Chunk::Index(digests) = chunk {
            known = Index::of(file, &digests).map(|index| (index, digests));
        }
        known.is_none()
    })?;
    let Some((index, digests)) = known else { return Err(PartyError::PartOfFile { here: 0, of }) };
    let mut places = BTreeMap::new();
    let whole = usize::try_from(index.parts()).unwrap_or(usize::MAX);
    each(journal, streams, |place, chunk| {
        if let Chunk::Part { number, content } = chunk
            && index.admits(number, &Zeroizing::new(content))
        {
            places.entry(number).or_insert(place);
        }
        places.len() < whole
    })?;
    if places.len() < whole {
        let here = u32::try_from(places.len()).unwrap_or(u32::MAX).saturating_add(1);
        return Err(PartyError::PartOfFile { here, of });
    }
    Ok(Found { index, digests, places: places.into_values().collect() })
}

/// Goes through what opens of a file's streams, one envelope at a time, for as long as it is told
/// to go on.
fn each<V: Vault>(
    journal: &Journal<V>,
    streams: &[Stream],
    mut take: impl FnMut(Place, Chunk) -> bool,
) -> Result<(), PartyError> {
    for (n, stream) in streams.iter().enumerate() {
        for read in journal.each(&stream.id()) {
            let (at, envelope) = read?;
            let Some(chunk) = stream.open(&envelope) else { continue };
            if !take((n, at), chunk) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The content of a file, a part at a time, each held against what the file's value promises.
#[expect(missing_debug_implementations, reason = "it holds the keys to a file")]
pub struct Pieces<'a, V> {
    journal: &'a Journal<V>,
    streams: Vec<Stream>,
    found: Found,
    next: u32,
    left: u64,
}

impl<'a, V: Vault> Pieces<'a, V> {
    pub(crate) fn new(
        journal: &'a Journal<V>,
        streams: Vec<Stream>,
        file: &Attachment,
    ) -> Result<Self, PartyError> {
        let found = find(journal, &streams, file)?;
        Ok(Self { journal, streams, found, next: 0, left: file.size })
    }

    /// A part as it was sealed, with the zeros after the file's end.
    fn part(&self, number: u32) -> Result<Option<Zeroizing<Vec<u8>>>, PartyError> {
        let place = usize::try_from(number).ok().and_then(|n| self.found.places.get(n));
        let Some((stream, at)) = place else { return Ok(None) };
        let stream = self.streams.get(*stream).ok_or(PartyError::Damaged)?;
        let envelope = self.journal.entry(&stream.id(), *at)?.ok_or(PartyError::Damaged)?;
        match stream.open(&envelope) {
            Some(Chunk::Part { content, .. }) if self.found.index.admits(number, &content) => {
                Ok(Some(Zeroizing::new(content)))
            }
            Some(_) | None => Err(PartyError::Damaged),
        }
    }

    /// The next part, without what comes after the file's end.
    fn piece(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, PartyError> {
        let Some(mut part) = self.part(self.next)? else { return Ok(None) };
        self.next = self.next.saturating_add(1);
        let of_file = usize::try_from(self.left).unwrap_or(usize::MAX).min(part.len());
        if part.iter().skip(of_file).any(|byte| *byte != 0) {
            // Whoever sealed it said another size.
            return Err(PartyError::NotTheFile);
        }
        part.truncate(of_file);
        self.left -= of_file as u64;
        Ok(Some(part))
    }
}

impl<V: Vault> Iterator for Pieces<'_, V> {
    type Item = Result<Zeroizing<Vec<u8>>, PartyError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.piece().transpose()
    }
}

/// Seals a file that is all here into another stream; returns how many envelopes that made, none
/// if it is not all here. Whoever does so makes the same.
pub(crate) fn lay<V: Vault>(
    journal: &mut Journal<V>,
    batch: &mut Batch,
    from: Vec<Stream>,
    to: &Stream,
    file: &Attachment,
) -> Result<usize, PartyError> {
    let mut sealed: Vec<SealedEnvelope> = Vec::new();
    let pieces = match Pieces::new(journal, from, file) {
        Err(PartyError::PartOfFile { .. }) => return Ok(0),
        pieces => pieces?,
    };
    sealed.push(to.seal(&Chunk::Index(pieces.found.digests.clone()))?);
    for number in 0..pieces.found.index.parts() {
        let content = pieces.part(number)?.ok_or(PartyError::Damaged)?.to_vec();
        sealed.push(to.seal(&Chunk::Part { number, content })?);
    }
    let made = sealed.len();
    for envelope in sealed {
        journal.append(batch, &envelope, None)?;
    }
    Ok(made)
}
