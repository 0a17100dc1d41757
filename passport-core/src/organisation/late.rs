//! What was written here in time and no relay takes any more, as the right to write has ended
//! since: it goes by the mailbox of the student's device.

use std::collections::BTreeSet;

use rand_core::CryptoRng;

use super::Organisation;
use crate::codec;
use crate::id::{EpochId, PassportId, VerificationKey};
use crate::letter::Letter;
use crate::party::PartyError;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// How much there was of an epoch when it was last looked through for this.
pub(super) const LATE: &[u8] = b"late ";
/// Most bytes of envelopes in one letter, unless one alone has more.
const IN_LETTER: usize = 128 * 1024;
/// Largest envelope that fits a letter.
const LARGEST: usize = 240 * 1024;

impl<V: Vault> Organisation<V> {
    /// Leaves what this instance wrote, no relay has and none takes any more in the mailboxes of
    /// the students' devices; returns how many letters that made. Whether it counts, the charter
    /// and the holder say.
    pub(super) fn send_late(
        &mut self,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let ended = self.no_longer_written(now);
        if ended.is_empty() {
            return Ok(0);
        }
        let settled = self.journal.all_settled()?;
        let mut batch = Batch::new();
        let mut letters = 0;
        for (epoch, student) in ended {
            let count = self.journal.extent(&epoch).count;
            let from = settled.get(&epoch).copied().unwrap_or(0);
            let (key, mark) = ([LATE, epoch.as_bytes()].concat(), codec::encode(&count));
            let sent = self.journal.vault().get(Table::Meta, &key)?;
            if from >= count || sent.is_some_and(|sent| *sent == mark) {
                continue;
            }
            let Some((device, receiving)) = self.mailbox_of(student) else { continue };
            let instance = self.instance();
            for envelopes in in_letters(self.written_after(&epoch, from, &instance)?) {
                let envelopes = envelopes.into_iter().map(Into::into).collect();
                let sealed = Letter::Late { envelopes }.seal(&device, &receiving, rng)?;
                self.journal.post(&mut batch, device, sealed);
                letters += 1;
            }
            batch.put(Table::Meta, key, mark);
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(letters)
    }

    /// Epochs that this organisation could write in, of sections that it may not write in now.
    fn no_longer_written(&self, now: Timestamp) -> Vec<(EpochId, PassportId)> {
        let may_write = self.grants.values().filter(|held| held.may_write(now));
        let written: BTreeSet<(PassportId, &SectionName)> =
            may_write.map(|held| (held.grant.passport, &held.grant.section)).collect();
        let charters = self.epochs.values().map(|held| &held.charter);
        let ended = charters.filter(|charter| {
            let section = (charter.passport, &charter.section);
            charter.writer(&self.id()).is_some() && !written.contains(&section)
        });
        ended.map(|charter| (charter.id(), charter.passport)).collect()
    }

    fn written_after(
        &mut self,
        epoch: &EpochId,
        from: u64,
        instance: &VerificationKey,
    ) -> Result<Vec<Vec<u8>>, PartyError> {
        let written = self.journal.written_by(epoch, instance)?.into_iter();
        let late = written.filter(|(index, _)| *index >= from).map(|(_, e)| e.encode());
        Ok(late.filter(|bytes| bytes.len() <= LARGEST).collect())
    }
}

/// As many of each letter as fit it.
fn in_letters(envelopes: Vec<Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
    let mut letters: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut bytes = 0;
    for envelope in envelopes {
        bytes += envelope.len();
        if let Some(letter) = letters.last_mut().filter(|_| bytes <= IN_LETTER) {
            letter.push(envelope);
        } else {
            bytes = envelope.len();
            letters.push(vec![envelope]);
        }
    }
    letters
}
