//! A recovered device, until somebody confirms that it was given the latest.
//!
//! A relay may have been set back before the recovery. Nobody's clock and no word of the relay
//! helps: only what somebody who has the record from elsewhere said after hearing of this device.

use minicbor::{Decode, Encode};
use serde::Serialize;

use super::Holder;
use crate::codec;
use crate::party::PartyError;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Where it is remembered that this device was recovered and not confirmed.
const RECOVERED: &[u8] = b"recovered";
const NOTED_MAX: usize = 1024 * 1024;

/// That this device was recovered, and that what it was given may not have been the latest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// When it was recovered.
    pub at: Timestamp,
    /// The sections that nobody else has confirmed; the list of devices, contacts and consents is
    /// not, in any case.
    pub sections: Vec<SectionName>,
}

/// CBOR: `[at, confirmed]`.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
struct Noted {
    #[n(0)]
    at: Timestamp,
    /// Sections that an organisation went on with from where this device is.
    #[n(1)]
    confirmed: Vec<SectionName>,
}

impl<V: Vault> Holder<V> {
    /// Whether this device was recovered, and nobody who had the record before has confirmed that
    /// it has the latest.
    ///
    /// # Errors
    /// Returns [`PartyError`] when the vault cannot be read.
    pub fn recovered(&self) -> Result<Option<Recovered>, PartyError> {
        let Some(Noted { at, confirmed }) = self.noted_recovery()? else { return Ok(None) };
        let mut sections = self.sections();
        sections.retain(|section| !confirmed.contains(section));
        Ok(Some(Recovered { at, sections }))
    }

    /// Notes that this device was recovered just now.
    pub(super) fn note_recovery(batch: &mut Batch, at: Timestamp) {
        batch.put(Table::Meta, RECOVERED, codec::encode(&Noted { at, confirmed: Vec::new() }));
    }

    fn noted_recovery(&self) -> Result<Option<Noted>, PartyError> {
        let noted = self.journal.vault().get(Table::Meta, RECOVERED)?;
        let noted = noted.map(|bytes| codec::decode(&bytes, NOTED_MAX));
        noted.transpose().map_err(|_| PartyError::Damaged)
    }

    /// Notes in a batch who confirmed what this device was given: another device all of it, as what
    /// that says cites all that it knows; an organisation a section.
    pub(super) fn heed_confirmation(&mut self, batch: &mut Batch) -> Result<(), PartyError> {
        let Some(mut noted) = self.noted_recovery()? else { return Ok(()) };
        if self.ledger.is_vouched_for(&self.device()) {
            batch.delete(Table::Meta, RECOVERED);
            return Ok(());
        }
        let before = noted.clone();
        for section in self.sections() {
            if !noted.confirmed.contains(&section) && self.is_gone_on_with(&section)? {
                noted.confirmed.push(section);
            }
        }
        if noted != before {
            batch.put(Table::Meta, RECOVERED, codec::encode(&noted));
        }
        Ok(())
    }

    /// Whether an organisation wrote in a section on top of what this device wrote there. It writes
    /// in the latest epoch that it holds, so it has none after that; but one that this device
    /// founded may have taken the place of a later one.
    fn is_gone_on_with(&mut self, section: &SectionName) -> Result<bool, PartyError> {
        let (own, Some(epoch)) = (self.device(), self.current(section)) else { return Ok(false) };
        let replica = self.replica(epoch)?;
        if replica.charter().founder_lineage().contains(&own) {
            return Ok(false);
        }
        let applied = || replica.history().filter(|(_, node)| node.is_applied());
        let Some((first, _)) = applied().find(|(_, node)| node.header.author == own) else {
            return Ok(false);
        };
        let mut others = applied().filter(|(_, node)| {
            node.standing().is_some_and(|standing| standing.author().organisation().is_some())
        });
        Ok(others.any(|(id, _)| replica.precedes(first, id)))
    }
}
