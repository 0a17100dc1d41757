//! Files beside a student's record, at an organisation.

use std::collections::BTreeSet;

use rand_core::CryptoRng;

use super::Organisation;
use crate::attachment::{Filing, Stream};
use crate::id::{ChannelId, EpochId, PassportId};
use crate::party::{FileState, PartyError, Pieces, state, streams};
use crate::section::{Attachment, SectionName};
use crate::vault::{Batch, Vault};

impl<V: Vault> Organisation<V> {
    /// Begins to take in a file for an entry of a student's section.
    ///
    /// # Errors
    /// Returns [`PartyError::NoGrant`] when the section was never shared.
    pub fn begin_file(
        &mut self,
        student: PassportId,
        to: &SectionName,
        rng: &mut dyn CryptoRng,
    ) -> Result<Filing, PartyError> {
        let epoch = self.current(student, to).ok_or(PartyError::NoGrant)?;
        let held = self.epochs.get(&epoch).ok_or(PartyError::NoGrant)?;
        Ok(Filing::new(held.charter.channel, rng))
    }

    /// How much of a file of a student is here.
    #[must_use]
    pub fn file_state(&self, student: PassportId, file: &Attachment) -> FileState {
        state(&self.journal, &streams(self.channels(student), file), file)
    }

    /// The content of a file that an entry of a student names, a part at a time.
    ///
    /// # Errors
    /// Returns [`PartyError::PartOfFile`] while not all of it is here.
    pub fn file(
        &self,
        student: PassportId,
        file: &Attachment,
    ) -> Result<Pieces<'_, V>, PartyError> {
        Pieces::new(&self.journal, streams(self.channels(student), file), file)
    }

    /// The channels of a student that anything was shared in.
    fn channels(&self, student: PassportId) -> BTreeSet<ChannelId> {
        let of_student = self.epochs.values().filter(|e| e.charter.passport == student);
        of_student.map(|e| e.charter.channel).collect()
    }

    /// Whether it may write in the channel of a file, if an identity is that of one.
    pub(super) fn may_offer_file(&self, id: &EpochId) -> bool {
        let channel = self.journal.extent(id).file_in;
        let writes = |channel: ChannelId| {
            let mut there = self.epochs.values().filter(|e| e.charter.channel == channel);
            there.any(|e| e.charter.writer(&self.id()).is_some())
        };
        channel.is_some_and(writes)
    }

    /// Whether a relay has all that this installation sealed of the files that an epoch names.
    pub(super) fn files_handed_on(&mut self, epoch: &EpochId) -> Result<bool, PartyError> {
        for stream in self.streams_ever(epoch)? {
            if !self.journal.is_handed_on(&stream.id())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The streams of all files that anything in an epoch ever named.
    fn streams_ever(&mut self, epoch: &EpochId) -> Result<Vec<Stream>, PartyError> {
        let Some(held) = self.epochs.get(epoch) else { return Ok(Vec::new()) };
        if !held.charter.section.spec().holds_files() {
            return Ok(Vec::new());
        }
        let channel = held.charter.channel;
        let files = self.replica(*epoch)?.files_ever();
        Ok(files.iter().map(|file| Stream::of(channel, &file.key)).collect())
    }

    /// Adds to a batch that the files go which an epoch names and a later one does not.
    pub(super) fn forget_files(
        &mut self,
        batch: &mut Batch,
        epoch: &EpochId,
        later: &EpochId,
    ) -> Result<(), PartyError> {
        let stand = self.replica(*later)?.files();
        for stream in self.streams_ever(epoch)? {
            let stands = |file: &Attachment| Stream::of(stream.channel(), &file.key).id();
            if !stand.iter().any(|file| stands(file) == stream.id()) {
                self.journal.forget(batch, &stream.id())?;
            }
        }
        Ok(())
    }
}
