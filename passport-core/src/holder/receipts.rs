//! Who received and opened what, as organisations say.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Holder;
use crate::codec;
use crate::id::{EnvelopeId, EpochId, OrganisationId, VerificationKey};
use crate::keys::{Signable as _, Signed, Verified};
use crate::letter::Letter;
use crate::party::PartyError;
use crate::receipt::{Access, Receipt};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Most receipts kept of one organisation; older ones give way.
const KEPT: usize = 2_000;
/// Receipts that are to be passed on to the holder's other devices.
const PASS_ON: &[u8] = b"pass on ";

/// A receipt as it was signed, and what it says.
type SignedAndRead = (Signed<Receipt>, Verified<Receipt>);

/// One line of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLine {
    /// Who.
    pub organisation: OrganisationId,
    /// The name on its card.
    pub contact: String,
    /// In which role; empty for the installation itself.
    pub role: String,
    /// Which section.
    pub section: SectionName,
    /// What was done.
    pub what: Access,
    /// When, by the organisation's clock.
    pub at: Timestamp,
}

/// How far an installation of an organisation has received an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Whose installation.
    pub organisation: OrganisationId,
    /// Which installation.
    pub instance: VerificationKey,
    /// What it received.
    pub epoch: EpochId,
    /// The envelopes that no other it had builds on.
    pub heads: BTreeSet<EnvelopeId>,
    /// When, by its clock.
    pub at: Timestamp,
}

impl<V: Vault> Holder<V> {
    /// Takes in receipts that organisations left here, or another device passed on; how many were
    /// new.
    pub(super) fn take_receipts(
        &self,
        batch: &mut Batch,
        receipts: &[Signed<Receipt>],
    ) -> Result<usize, PartyError> {
        let mut new = 0;
        for signed in receipts {
            let Some(receipt) = self.checked(signed) else { continue };
            let key = signed.payload_hash();
            if self.journal.vault().get(Table::Audit, &key)?.is_some() {
                continue;
            }
            new += 1;
            batch.put(Table::Audit, key, codec::encode(signed));
            // Left with this device as the founder: the others have it from here.
            let founded = self.fold.epochs.get(&receipt.epoch);
            if founded.is_some_and(|e| e.charter.founder() == self.device()) {
                let key = [PASS_ON, &key].concat();
                batch.put(Table::Letter, key, codec::encode(signed));
            }
        }
        Ok(new)
    }

    /// A receipt of a contact, for what was shared with it.
    fn checked(&self, signed: &Signed<Receipt>) -> Option<Verified<Receipt>> {
        let receipt = signed.verify().ok()?;
        let contact = self.fold.contacts.get(&receipt.organisation)?;
        let by = receipt.signer();
        let shared = self.fold.grants.iter().any(|g| {
            g.grant.organisation == receipt.organisation && g.grant.section == receipt.section
        });
        let epoch = self.fold.epochs.get(&receipt.epoch)?;
        let holds = receipt.is_in_form()
            && receipt.passport == self.passport
            && epoch.charter.section == receipt.section
            && shared
            && contact.card.instances().iter().any(|i| i.key() == by);
        holds.then_some(receipt)
    }

    /// Passes on to the other devices what organisations left with this one, and lets the oldest
    /// receipts go where there are too many; how many letters that made.
    pub(super) fn pass_on_receipts(
        &mut self,
        batch: &mut Batch,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let mut receipts = Vec::new();
        for (name, value) in self.journal.vault().scan(Table::Letter)? {
            if name.starts_with(PASS_ON) {
                receipts.push(decode(&value)?);
                batch.delete(Table::Letter, name);
            }
        }
        if receipts.is_empty() {
            return Ok(0);
        }
        self.forget_oldest(batch)?;
        let own = self.device();
        let others = self.fold.live_devices().filter(|d| d.verified.key() != own);
        let others: Vec<_> = others.map(|d| d.verified.clone()).collect();
        let mut letters = 0;
        for some in receipts.chunks(40) {
            let letter = Letter::Receipts { receipts: some.to_vec() };
            for device in &others {
                let sealed = letter.seal(&device.key(), device.receiving(), rng)?;
                self.journal.post(batch, device.key(), sealed);
                letters += 1;
            }
        }
        Ok(letters)
    }

    fn forget_oldest(&self, batch: &mut Batch) -> Result<(), PartyError> {
        let mut kept: BTreeMap<OrganisationId, Vec<(Timestamp, [u8; 32])>> = BTreeMap::new();
        for (signed, receipt) in self.receipts()? {
            let of = kept.entry(receipt.organisation).or_default();
            of.push((receipt.at, signed.payload_hash()));
        }
        for mut of in kept.into_values() {
            of.sort_unstable();
            let over = of.len().saturating_sub(KEPT);
            for (_, key) in of.into_iter().take(over) {
                batch.delete(Table::Audit, key);
            }
        }
        Ok(())
    }

    pub(super) fn receipts(&self) -> Result<Vec<SignedAndRead>, PartyError> {
        let rows = self.journal.vault().scan(Table::Audit)?;
        let one = |value: &[u8]| {
            let signed = decode(value)?;
            let receipt = signed.verify().map_err(|_| PartyError::Damaged)?;
            Ok((signed, receipt))
        };
        rows.iter().map(|(_, value)| one(value)).collect()
    }

    /// Who received, opened, exported or deleted what, and when, as organisations say: the newest
    /// first.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn access_log(&self, of: Option<OrganisationId>) -> Result<Vec<AccessLine>, PartyError> {
        let receipts = self.receipts()?.into_iter().map(|(_, receipt)| receipt.into_inner());
        let wanted = receipts.filter(|r| of.is_none_or(|of| r.organisation == of));
        let mut lines: Vec<AccessLine> = wanted
            .map(|r| AccessLine {
                organisation: r.organisation,
                contact: self.contact_name(&r.organisation),
                role: r.role,
                section: r.section,
                what: r.what,
                at: r.at,
            })
            .collect();
        lines.sort_by(|a, b| (b.at, &a.contact, b.what).cmp(&(a.at, &b.contact, a.what)));
        Ok(lines)
    }

    /// How far each installation of each organisation has received each epoch, as it last said:
    /// evidence of who has moved on.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn arrivals(&self) -> Result<Vec<Arrival>, PartyError> {
        let mut last: BTreeMap<(OrganisationId, VerificationKey, EpochId), Arrival> =
            BTreeMap::new();
        for (_, receipt) in self.receipts()? {
            if receipt.what != Access::Received {
                continue;
            }
            let (organisation, instance) = (receipt.organisation, receipt.signer());
            let heads = receipt.heads.iter().copied().collect();
            let (epoch, at) = (receipt.epoch, receipt.at);
            let arrival = Arrival { organisation, instance, epoch, heads, at };
            let known = last.entry((organisation, instance, epoch)).or_insert(arrival.clone());
            if known.at <= at {
                *known = arrival;
            }
        }
        Ok(last.into_values().collect())
    }

    /// Whether every installation on an organisation's card said that it received an epoch.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn has_received(
        &self,
        organisation: OrganisationId,
        epoch: EpochId,
    ) -> Result<bool, PartyError> {
        let Some(contact) = self.fold.contacts.get(&organisation) else { return Ok(false) };
        let arrivals = self.arrivals()?;
        let here: BTreeSet<VerificationKey> = arrivals
            .iter()
            .filter(|a| a.organisation == organisation && a.epoch == epoch)
            .map(|a| a.instance)
            .collect();
        Ok(contact.card.instances().iter().all(|i| here.contains(&i.key())))
    }

    /// How many envelopes of a section an organisation has not said it received: of the current
    /// epoch, what it began with as one; by whichever of its installations is furthest.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn not_received(
        &mut self,
        organisation: OrganisationId,
        section: &SectionName,
    ) -> Result<usize, PartyError> {
        let epoch = self.current(section).ok_or(PartyError::NoEpoch)?;
        let arrivals = self.arrivals()?;
        let of =
            arrivals.into_iter().filter(|a| a.organisation == organisation && a.epoch == epoch);
        let heads: Vec<BTreeSet<EnvelopeId>> = of.map(|a| a.heads).collect();
        let replica = self.replica(epoch)?;
        let total = replica.history().count();
        let seen = heads.iter().map(|heads| {
            let mut past: BTreeSet<EnvelopeId> = BTreeSet::new();
            let mut queue: Vec<EnvelopeId> = heads.iter().copied().collect();
            while let Some(id) = queue.pop() {
                let Some(node) = replica.node(&id) else { continue };
                if past.insert(id) {
                    queue.extend(node.header.parents());
                }
            }
            replica.history().filter(|(id, _)| past.contains(*id)).count()
        });
        // Of nothing at all, the state that the epoch began with is lacking too.
        Ok(seen.max().map_or(total + 1, |seen| total.saturating_sub(seen)))
    }

    pub(super) fn contact_name(&self, organisation: &OrganisationId) -> String {
        let contact = self.fold.contacts.get(organisation);
        contact.map_or_else(|| "(former contact)".to_owned(), |c| c.card.name.clone())
    }
}

fn decode(value: &[u8]) -> Result<Signed<Receipt>, PartyError> {
    codec::decode(value, Receipt::LIMIT + 256).map_err(|_| PartyError::Damaged)
}
