//! Files beside the record: taking them in, reading them, and which of them stand.
//!
//! A file's envelopes lie in the channel of the section that names it. Where an entry was moved to
//! another section, or the section has a new channel, whoever has all of the file seals it anew
//! there, in tidying: the same bytes, whoever does it.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::Holder;
use crate::access::LIVE_MAX;
use crate::attachment::{Filed, Filing, Stream};
use crate::codec;
use crate::id::{ChannelId, EpochId};
use crate::ledger::section_channel;
use crate::party::{FileState, PartyError, Pieces, lay, state, streams};
use crate::section::{Attachment, SectionName};
use crate::vault::{Batch, Table, Vault};

/// Where it is remembered what was erased of files, and in which channel.
const GONE: &[u8] = b"gone files";

/// Largest note of what stands in an epoch. What is gone is as much as writers ever named.
const SHELF_MAX: usize = 1024 * 1024;

/// The streams of the files that stand in an epoch, as was last looked.
///
/// CBOR: `[count, lacking, streams]`.
#[derive(Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Shelf {
    /// How many envelopes of the epoch had come then.
    #[n(0)]
    count: u64,
    /// Whether some file was not all there.
    #[n(1)]
    lacking: bool,
    /// Those of the latest entries first.
    #[n(2)]
    streams: Vec<EpochId>,
}

impl<V: Vault> Holder<V> {
    /// Begins to take in a file for an entry of a section.
    pub fn begin_file(&self, section: &SectionName, rng: &mut dyn CryptoRng) -> Filing {
        Filing::new(section_channel(&self.control(), section), rng)
    }

    /// A file that was taken in, as it goes into an entry of a section. One that stands there
    /// already, and is all here, is named once more and not kept twice.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn place_file(&mut self, section: &SectionName, filed: Filed) -> Result<Filed, PartyError> {
        let Some(epoch) = self.current(section) else { return Ok(filed) };
        let known = self.replica(epoch)?.files();
        let same = known.into_iter().find(|file| file.object == filed.attachment.object);
        // Whoever named it may have sealed something else.
        let same = same.filter(|file| self.file(file).is_ok());
        Ok(match same {
            Some(same) => filed.like(same.key),
            None => filed,
        })
    }

    /// How much of a file is here.
    #[must_use]
    pub fn file_state(&self, file: &Attachment) -> FileState {
        state(&self.journal, &streams(self.channels(), file), file)
    }

    /// The content of a file that an entry names, a part at a time.
    ///
    /// # Errors
    /// Returns [`PartyError::PartOfFile`] while not all of it is here.
    pub fn file(&self, file: &Attachment) -> Result<Pieces<'_, V>, PartyError> {
        Pieces::new(&self.journal, streams(self.channels(), file), file)
    }

    /// Every channel of the passport.
    fn channels(&self) -> BTreeSet<ChannelId> {
        self.fold.all_known().map(|known| known.charter.channel).collect()
    }

    /// The channels that a section has, and had before a device was removed.
    fn channels_of(&self, section: &SectionName) -> Vec<ChannelId> {
        self.controls().values().map(|key| section_channel(key, section)).collect()
    }

    /// Notes which files stand in each section, and has each lie in the section's channel; returns
    /// how many envelopes that made.
    pub(super) fn shelve(&mut self) -> Result<usize, PartyError> {
        let mut made = 0;
        for section in self.sections() {
            let current = self.current(&section).filter(|_| section.spec().holds_files());
            let Some(epoch) = current else { continue };
            let count = self.journal.extent(&epoch).count;
            let before = self.noted(&epoch)?;
            if before.count == count && !before.lacking {
                continue;
            }
            let replica = self.replica(epoch)?;
            let (channel, files) = (replica.charter().channel, replica.files());
            let mut now = Shelf { count, ..Shelf::default() };
            for file in files {
                let stream = Stream::of(channel, &file.key);
                if !state(&self.journal, core::slice::from_ref(&stream), &file).is_whole() {
                    let new = self.bring(&stream, &file)?;
                    now.lacking |= new == 0;
                    made += new;
                }
                // The epoch itself is live too.
                if now.streams.len() + 1 < LIVE_MAX {
                    now.streams.push(stream.id());
                }
            }
            if now != before {
                let mut batch = Batch::new();
                let (table, key) = shelf_of(&epoch);
                batch.put(table, key, codec::encode(&now));
                self.journal.commit(batch)?;
            }
        }
        Ok(made)
    }

    /// Seals a file into a stream, if all of it is here in others.
    fn bring(&mut self, to: &Stream, file: &Attachment) -> Result<usize, PartyError> {
        let from = streams(self.channels(), file);
        let begun = from
            .iter()
            .any(|stream| stream.id() != to.id() && self.journal.extent(&stream.id()).count > 0);
        if !begun {
            return Ok(0);
        }
        let mut batch = Batch::new();
        let made = lay(&mut self.journal, &mut batch, from, to, file)?;
        self.journal.commit(batch)?;
        Ok(made)
    }

    fn noted(&self, epoch: &EpochId) -> Result<Shelf, PartyError> {
        let (table, key) = shelf_of(epoch);
        let bytes = self.journal.vault().get(table, &key)?;
        let read = bytes.map(|bytes| codec::decode(&bytes, SHELF_MAX));
        read.unwrap_or(Ok(Shelf::default())).map_err(|_| PartyError::Damaged)
    }

    /// The streams of the files that stand in an epoch.
    pub(super) fn shelved(&self, epoch: &EpochId) -> Result<Vec<EpochId>, PartyError> {
        Ok(self.noted(epoch)?.streams)
    }

    /// Notes which files were erased: those that a stale epoch names and nothing that stands does.
    pub(super) fn note_gone_files(&mut self) -> Result<(), PartyError> {
        let before = self.gone_files()?;
        let mut gone = before.clone();
        let stale: Vec<EpochId> = self.fold.stale.iter().copied().collect();
        for epoch in stale {
            let Some(known) = self.fold.known(&epoch).filter(|known| !known.closed) else {
                continue;
            };
            let section = known.charter.section.clone();
            let Some(current) = self.current(&section).filter(|current| *current != epoch) else {
                continue;
            };
            if !section.spec().holds_files() || self.was_let_go(&epoch)? {
                continue;
            }
            let channels = self.channels_of(&section);
            let ever = self.replica(epoch)?.files_ever();
            let stand = self.replica(current)?.files();
            let of = |file: &Attachment| streams(channels.iter().copied(), file);
            let ever = ever.iter().flat_map(of).map(|stream| (stream.id(), stream.channel()));
            gone.extend(ever);
            for stream in stand.iter().flat_map(of) {
                gone.remove(&stream.id());
            }
        }
        if gone != before {
            let mut batch = Batch::new();
            let gone: Vec<(EpochId, ChannelId)> = gone.into_iter().collect();
            batch.put(Table::Meta, GONE, codec::encode(&gone));
            self.journal.commit(batch)?;
        }
        Ok(())
    }

    /// The streams of files that were erased, and the channel of each.
    pub(super) fn gone_files(&self) -> Result<BTreeMap<EpochId, ChannelId>, PartyError> {
        let noted = self.journal.vault().get(Table::Meta, GONE)?;
        let gone = noted.map(|bytes| codec::decode::<Vec<_>>(&bytes, bytes.len()));
        let gone = gone.unwrap_or(Ok(Vec::new())).map_err(|_| PartyError::Damaged)?;
        Ok(gone.into_iter().collect())
    }

    /// Adds to a batch that the erased files go which an epoch names.
    pub(super) fn forget_files(
        &mut self,
        batch: &mut Batch,
        epoch: &EpochId,
    ) -> Result<(), PartyError> {
        let gone = self.gone_files()?;
        let Some(known) = self.fold.known(epoch) else { return Ok(()) };
        let channels = self.channels_of(&known.charter.section.clone());
        if gone.is_empty() {
            return Ok(());
        }
        for file in self.replica(*epoch)?.files_ever() {
            for stream in streams(channels.iter().copied(), &file) {
                if gone.contains_key(&stream.id()) {
                    self.journal.forget(batch, &stream.id())?;
                }
            }
        }
        Ok(())
    }
}

/// Where it is remembered which files stand in an epoch.
fn shelf_of(epoch: &EpochId) -> (Table, Vec<u8>) {
    (Table::Meta, [b"files ".as_slice(), epoch.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::Profile;
    use crate::party::Party as _;
    use crate::time::Timestamp;
    use crate::vault::MemoryVault;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng as _;

    #[test]
    fn a37_as_many_files_may_be_erased_as_a_contributor_ever_named() {
        let mut rng = ChaCha20Rng::seed_from_u64(37);
        let now = Timestamp::from_seconds(1_790_000_000);
        let (mut holder, _) =
            Holder::create(MemoryVault::new(), &Profile::default(), now, &mut rng).unwrap();
        let of = |n: u32| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_be_bytes());
            (EpochId::from_bytes(id), ChannelId::from_bytes([7; 32]))
        };
        // A document whose file is set anew 70,000 times: what a day's share of a relay carries.
        let gone: Vec<_> = (0..70_000).map(of).collect();
        let mut batch = Batch::new();
        batch.put(Table::Meta, GONE, codec::encode(&gone));
        holder.journal.commit(batch).unwrap();
        assert_eq!(holder.gone_files().unwrap().len(), gone.len());
        assert!(!holder.outgoing("http://relay.example", now).unwrap().is_empty());
    }
}
