//! Who received and opened what, as organisations say.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::rekey::in_runs;
use super::{Holder, said};
use crate::codec;
use crate::envelope::{Kind, OpenedEnvelope};
use crate::id::{EnvelopeId, EpochId, OrganisationId, VerificationKey};
use crate::keys::{Signable as _, Signed, Verified};
use crate::party::PartyError;
use crate::receipt::{Access, Receipt};
use crate::section::SectionName;
use crate::time::{DAY_SECONDS, Timestamp};
use crate::vault::{Batch, Table, Vault};

/// Most receipts kept of one organisation; older ones give way.
const KEPT: usize = 2_000;
/// Receipts that are to be passed on to the holder's other devices.
const PASS_ON: &[u8] = b"pass on ";
/// On which day so many receipts were passed on.
const PASSED_ON: &[u8] = b"passed on";
/// Most receipts passed on in a day; the others wait. What is sealed for every device stays until
/// the ledger's key changes, so nobody may fill its channel.
const PASSED_ON_MAX: u64 = 1_000;

/// Receipts by their hash: as signed, and what they say.
pub(super) type Receipts = BTreeMap<[u8; 32], (Signed<Receipt>, Verified<Receipt>)>;

/// A receipt, and in which generation of the ledger it came; none if an organisation left it here.
pub(super) type Come = (Signed<Receipt>, Option<EpochId>);

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
    /// Takes in receipts that organisations left here, or that are in the ledger's channel; how
    /// many were new.
    pub(super) fn take_receipts(
        &mut self,
        batch: &mut Batch,
        receipts: &[Come],
    ) -> Result<usize, PartyError> {
        let present = self.present_ledger().0;
        let mut new = BTreeSet::new();
        let here = |(_, generation): &&Come| *generation == Some(present);
        let elsewhere = receipts.iter().filter(|come| !here(come));
        for (signed, generation) in receipts.iter().filter(here).chain(elsewhere) {
            let Some(receipt) = self.checked(signed) else { continue };
            let key = signed.payload_hash();
            if self.journal.vault().get(Table::Audit, &key)?.is_some() || !new.insert(key) {
                continue;
            }
            batch.put(Table::Audit, key, codec::encode(signed));
            let at = receipt.at;
            if let Some(known) = self.receipts.get_mut() {
                known.insert(key, (signed.clone(), receipt));
            }
            // Those that joined since read the present generation alone.
            if *generation != Some(present) {
                let key = [PASS_ON, &at.as_seconds().to_be_bytes(), &key].concat();
                batch.put(Table::Letter, key, codec::encode(signed));
            }
        }
        Ok(new.len())
    }

    /// Takes in the receipts in what came under a key of the ledger before the key did.
    pub(super) fn read_receipts(&mut self) -> Result<usize, PartyError> {
        let mut receipts = Vec::new();
        for generation in self.ledger_keys().keys() {
            let envelopes = self.journal.envelopes(generation)?;
            let of_kind = envelopes.iter().filter(|e| e.header().kind == Kind::Receipts);
            let opened = of_kind.filter_map(|envelope| self.opened_of_ledger(envelope));
            receipts.extend(opened.flat_map(|opened| receipts_in(&opened)));
        }
        let mut batch = Batch::new();
        let new = self.take_receipts(&mut batch, &receipts)?;
        if !batch.is_empty() {
            self.journal.commit(batch)?;
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
        let epoch = self.fold.known(&receipt.epoch)?;
        let holds = receipt.is_in_form()
            && receipt.passport == self.passport
            && epoch.charter.section == receipt.section
            && shared
            && contact.card.instances().iter().any(|i| i.key() == by);
        holds.then_some(receipt)
    }

    /// Seals for every device, those that come later too, what organisations left with this one,
    /// and lets the oldest receipts go where there are too many; how many envelopes that made.
    pub(super) fn pass_on_receipts(
        &mut self,
        batch: &mut Batch,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let waiting = self.journal.vault().scan(Table::Letter)?;
        let mut waiting =
            waiting.into_iter().filter(|(name, _)| name.starts_with(PASS_ON)).peekable();
        if waiting.peek().is_none() {
            return Ok(0);
        }
        self.forget_oldest(batch)?;
        let today = now.as_seconds().div_euclid(DAY_SECONDS);
        let noted = self.journal.vault().get(Table::Meta, PASSED_ON)?;
        let noted = noted.map_or(Ok((today, 0)), |bytes| codec::decode(&bytes, 32));
        let (day, count): (i64, u64) = noted.map_err(|_| PartyError::Damaged)?;
        let mut count = if day == today { count } else { 0 };
        let mut receipts: Vec<Signed<Receipt>> = Vec::new();
        for (name, value) in waiting {
            if count < PASSED_ON_MAX {
                receipts.push(decode(&value)?);
                batch.delete(Table::Letter, name);
                count += 1;
            }
        }
        batch.put(Table::Meta, PASSED_ON, codec::encode(&(today, count)));
        self.seal_receipts(batch, receipts, rng)
    }

    /// Seals what is known under a new key of the ledger.
    pub(super) fn seal_receipts_again(
        &mut self,
        batch: &mut Batch,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let receipts = self.receipts()?.values().map(|(signed, _)| signed.clone()).collect();
        self.seal_receipts(batch, receipts, rng).map(drop)
    }

    fn seal_receipts(
        &mut self,
        batch: &mut Batch,
        receipts: Vec<Signed<Receipt>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        let runs = in_runs(receipts);
        for run in &runs {
            self.seal_in_ledger(batch, Kind::Receipts, codec::encode(run), rng)?;
        }
        Ok(runs.len())
    }

    fn forget_oldest(&mut self, batch: &mut Batch) -> Result<(), PartyError> {
        let mut kept: BTreeMap<OrganisationId, Vec<(Timestamp, [u8; 32])>> = BTreeMap::new();
        for (key, (_, receipt)) in self.receipts()? {
            kept.entry(receipt.organisation).or_default().push((receipt.at, *key));
        }
        for mut of in kept.into_values() {
            of.sort_unstable();
            let over = of.len().saturating_sub(KEPT);
            for (_, key) in of.into_iter().take(over) {
                batch.delete(Table::Audit, key);
                if let Some(known) = self.receipts.get_mut() {
                    known.remove(&key);
                }
            }
        }
        Ok(())
    }

    /// Every receipt: read and verified once, as each exchange asks who has moved on.
    fn receipts(&self) -> Result<&Receipts, PartyError> {
        if let Some(known) = self.receipts.get() {
            return Ok(known);
        }
        let mut all = Receipts::new();
        for (_, value) in self.journal.vault().scan(Table::Audit)? {
            let signed = decode(&value)?;
            let receipt = signed.verify().map_err(|_| PartyError::Damaged)?;
            all.insert(receipt.payload_hash(), (signed, receipt));
        }
        Ok(self.receipts.get_or_init(|| all))
    }

    /// Who received, opened, exported or deleted what, and when, as organisations say: the newest
    /// first.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn access_log(&self, of: Option<OrganisationId>) -> Result<Vec<AccessLine>, PartyError> {
        let receipts = self.receipts()?.values().map(|(_, receipt)| receipt);
        let wanted = receipts.filter(|r| of.is_none_or(|of| r.organisation == of));
        let mut lines: Vec<AccessLine> = wanted
            .map(|r| AccessLine {
                organisation: r.organisation,
                contact: self.contact_name(&r.organisation),
                role: r.role.clone(),
                section: r.section.clone(),
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
        for (_, receipt) in self.receipts()?.values() {
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

/// The receipts in an envelope of the ledger.
pub(super) fn receipts_in(opened: &OpenedEnvelope) -> Vec<Come> {
    let generation = opened.header().epoch;
    let receipts = said(opened, Kind::Receipts).into_iter();
    receipts.map(|receipt| (receipt, Some(generation))).collect()
}

fn decode(value: &[u8]) -> Result<Signed<Receipt>, PartyError> {
    codec::decode(value, Receipt::LIMIT + 256).map_err(|_| PartyError::Damaged)
}
