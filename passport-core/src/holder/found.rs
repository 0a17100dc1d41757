//! Founding an epoch: today's state, today's members, new keys.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::CryptoRng;

use super::Holder;
use crate::codec;
use crate::edit::EntryRecord;
use crate::envelope::{Header, Kind, seal};
use crate::epoch::{
    Charter, Phase, PhaseKeys, PhaseWrap, Right, SnapshotDigest, VerifiedCharter, WrapContext,
    Writer, plan_phases, split,
};
use crate::id::{EnvelopeId, EpochId, OrganisationId};
use crate::keys::{Card, PhaseKey, Signed, VerifiedInstance};
use crate::ledger::{FoldedGrant, KeyOfPhase, StatementBody, is_kept_back, section_channel};
use crate::letter::{Letter, Offer, OfferedEpoch};
use crate::party::{PartyError, open_with};
use crate::replica::Replica;
use crate::section::{SCHEMA_VERSION, SectionName};
use crate::time::Timestamp;
use crate::vault::{Batch, Vault};

/// Most bytes of earlier epochs in one letter, beside the one that is offered.
const HISTORY_BYTES: usize = 48 * 1024;

/// Largest part of a snapshot, before padding.
pub(super) const PART_BYTES: usize = 160 * 1024;

impl<V: Vault> Holder<V> {
    /// Founds the next epoch of a section with the members that the ledger says, and sends each
    /// its keys. All in the batch.
    pub(super) fn found(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochId, PartyError> {
        self.found_with(batch, section, &[], now, rng)
    }

    /// Before anything is written in a section: goes on under keys that no removed device has, and
    /// founds the next epoch where the present one is to be left. An exchange that was cut may have
    /// brought the news and nothing more.
    pub(super) fn leave_former_readers(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        if !self.has_a_say() {
            return Ok(());
        }
        if self.fold.exposed {
            self.rekey(batch, now, rng)?;
        }
        if self.is_to_be_left(section) && self.is_here(section)? {
            self.found(batch, section, now, rng)?;
        }
        Ok(())
    }

    /// Whether nobody should go on writing in the present epoch of a section: it has not the
    /// members that the ledger says, somebody who was removed has its keys or rules its channel, or
    /// it holds what was erased.
    pub(super) fn is_to_be_left(&self, section: &SectionName) -> bool {
        let currents = self.currents(section);
        let Some(current) = currents.first() else { return false };
        // An epoch in a channel of an older control key is at the mercy of whoever was removed
        // since, and its keys may be known to them.
        let channel = section_channel(&self.control(), section);
        let elsewhere = self.fold.epochs.get(current).is_some_and(|e| e.charter.channel != channel);
        // Founded beside the current one, a stale epoch would be followed by nothing, and so kept.
        let stale = currents.iter().any(|id| self.fold.stale.contains(id));
        // Where two devices each brought epochs together, the first of the two is settled, and
        // nobody goes on founding past the other.
        elsewhere || stale || !self.fold.is_settled(&self.ledger, current)
    }

    /// Whether epochs beside the present one begin with, or were founded after, what has not come:
    /// founded now, the next would begin with what somebody had taken away there.
    pub(super) fn awaits(&mut self, section: &SectionName) -> Result<bool, PartyError> {
        let currents = self.currents(section);
        let Some((current, beside)) = currents.split_first() else { return Ok(false) };
        let ours: BTreeSet<EpochId> = self.line(*current).iter().map(|e| e.charter.id()).collect();
        for head in beside {
            if !self.replica(*head)?.is_ready() {
                return Ok(true);
            }
            let line = self.line(*head);
            let apart = line.iter().take_while(|epoch| !ours.contains(&epoch.charter.id()));
            let founded: Vec<(EpochId, BTreeSet<EnvelopeId>)> = apart
                .zip(line.iter().skip(1))
                .map(|(next, upon)| (upon.charter.id(), next.cut.clone()))
                .collect();
            for (upon, seen) in founded {
                let replica = self.replica(upon)?;
                if replica.is_ready() && seen.iter().any(|id| replica.node(id).is_none()) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// As [`Self::found`], of several sections after their members changed. Where the present epoch
    /// has not come from its beginning, tidying founds the next once it has: nobody writes here
    /// before, and others do it as they hear of the change.
    pub(super) fn found_all<'a>(
        &mut self,
        batch: &mut Batch,
        sections: impl IntoIterator<Item = &'a SectionName>,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        for section in sections {
            if self.is_here(section)? {
                self.found(batch, section, now, rng)?;
            }
        }
        Ok(())
    }

    /// As [`Self::found`], with more cards: of organisations whose word is about to be moved in.
    pub(super) fn found_with(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        guests: &[Signed<Card>],
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<EpochId, PartyError> {
        // Upon what has not come, the next epoch would be empty, and all that is in it lost.
        if !self.is_here(section)? {
            return Err(PartyError::NotHere);
        }
        let mut parents = self.currents(section);
        parents.truncate(Charter::PARENTS);
        let (mut records, cards, cut, carried) = match parents.first() {
            Some(base) => {
                let replica = self.replica(*base)?;
                let (cut, cards) = (replica.tips().clone(), known_cards(replica.charter()));
                let (records, carried) = self.drawn_up(section, *base, now, rng)?;
                (records, cards, cut, carried)
            }
            None => Default::default(),
        };
        records.retain(|r| !self.fold.is_erased(section, &r.id));
        let grants: Vec<FoldedGrant> = self.fold.in_force(section, now).cloned().collect();
        let devices = self.fold.live_devices().filter_map(|d| d.verified.expires());
        let ends = grants.iter().filter_map(|g| g.grant.until).chain(devices);
        let starts = plan_phases(now, ends);
        let keys: PhaseKeys =
            (0..).zip(&starts).map(|(i, _)| (i, PhaseKey::generate(rng))).collect();
        let parts = split(records.clone(), now, PART_BYTES);
        let writers = writers(&grants);
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let mut sorted = parents.clone();
        sorted.sort_unstable();
        let below = parents.iter().filter_map(|id| Some(self.fold.epochs.get(id)?.charter.height));
        let height = below.max().map_or(0, |height| height.saturating_add(1));
        let charter = Charter {
            version: Charter::VERSION,
            schema: SCHEMA_VERSION,
            passport: self.passport,
            founder: self.chain.clone(),
            removed_devices: self.fold.removed_devices(),
            channel: section_channel(&self.control(), section),
            section: section.clone(),
            parents: sorted,
            founded_at: now,
            cards: self.cards_for(&writers, &records, &cards, guests),
            writers,
            phases: starts
                .iter()
                .zip(keys.values())
                .map(|(from, key)| Phase { from: *from, commitment: key.commitment() })
                .collect(),
            snapshot: SnapshotDigest::of(&parts),
            nonce,
            revocations: self.fold.revocations(section),
            height,
            erases: parents.iter().any(|parent| self.fold.stale.contains(parent)),
        };
        let charter = charter.sign(&self.device)?;
        let founded = self.founding(&charter, &keys, (cut, carried), rng)?;
        self.say(batch, founded, now, rng)?;
        self.lay_snapshot(batch, &charter, &keys, parts, rng)?;
        for grant in &grants {
            self.offer(batch, grant, &charter, &keys, rng)?;
        }
        Ok(charter.id())
    }

    /// The statement of a founding: with the keys as they are, or, of what is kept back, sealed
    /// once more.
    fn founding(
        &self,
        charter: &VerifiedCharter,
        keys: &PhaseKeys,
        (cut, carried): (BTreeSet<EnvelopeId>, BTreeSet<EnvelopeId>),
        rng: &mut dyn CryptoRng,
    ) -> Result<StatementBody, PartyError> {
        let (cut, signed) = (cut.into_iter().collect(), Box::new(charter.signed().clone()));
        let carried = (!carried.is_empty()).then(|| carried.into_iter().collect());
        if !is_kept_back(&charter.section) {
            return Ok(StatementBody::Founded {
                charter: signed,
                keys: KeyOfPhase::list(keys),
                cut,
                carried,
            });
        }
        let compartment = self.ledger.compartments().last().ok_or(PartyError::Closed)?;
        let keys = compartment.seal(&charter.id(), keys, rng).ok_or(PartyError::TooLarge)?;
        Ok(StatementBody::FoundedClosed { charter: signed, keys, cut, carried })
    }

    fn lay_snapshot(
        &mut self,
        batch: &mut Batch,
        charter: &VerifiedCharter,
        keys: &PhaseKeys,
        parts: Vec<Vec<u8>>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let key = keys.get(&0).ok_or(PartyError::Damaged)?;
        let mut replica = Replica::new(charter.clone());
        let mut prev = None;
        for (seq, body) in (1..).zip(parts) {
            let header = Header {
                version: Header::VERSION,
                suite: Header::SUITE,
                channel: charter.channel,
                epoch: charter.id(),
                phase: 0,
                author: self.device.verification_key(),
                seq,
                prev,
                deps: Vec::new(),
                kind: Kind::Snapshot,
            };
            let envelope = seal(&header, body, key, &self.device, rng)?;
            prev = Some(envelope.id());
            replica.admit(open_with(&envelope, |_| Some(key.clone())));
            self.journal.append(batch, &envelope, None)?;
        }
        if !replica.is_ready() {
            return Err(PartyError::Damaged);
        }
        self.replicas.insert(charter.id(), replica);
        Ok(())
    }

    /// Sends an organisation a grant with the keys of its phases.
    fn offer(
        &mut self,
        batch: &mut Batch,
        grant: &FoldedGrant,
        charter: &VerifiedCharter,
        keys: &PhaseKeys,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), PartyError> {
        let contact = self.fold.contacts.get(&grant.grant.organisation);
        let card = contact.map(|c| c.card.clone()).ok_or(PartyError::NoContact)?;
        let mut history = if grant.grant.history { self.ancestors(charter) } else { Vec::new() };
        history.retain(|id| !self.fold.stale.contains(id));
        // The word of a device that was removed since is no proof to others: this one repeats it.
        let signer = self.fold.devices.get(&grant.signed.claimed_signer());
        let (consent, chain) = match signer.filter(|d| !d.removed) {
            Some(device) => (grant.signed.clone(), device.chain.clone()),
            None => (Signed::new(&grant.grant, &self.device), self.chain.clone()),
        };
        for instance in card.instances() {
            let epoch = self.wrap_all(charter, keys, instance, grant.grant.until, rng)?;
            let mut letters: Vec<Vec<OfferedEpoch>> = vec![Vec::new()];
            let mut bytes = 0;
            for id in &history {
                let Some(old) = self.fold.epochs.get(id) else { continue };
                let before = self.wrap_all(&old.charter, &old.keys, instance, None, rng)?;
                // A long history goes in several letters: one too large would never arrive.
                let len = codec::encode(&before).len();
                if bytes > 0 && bytes + len > HISTORY_BYTES {
                    letters.push(Vec::new());
                    bytes = 0;
                }
                bytes += len;
                if let Some(last) = letters.last_mut() {
                    last.push(before);
                }
            }
            for history in letters {
                let (grant, chain, epoch) = (consent.clone(), chain.clone(), epoch.clone());
                let letter = Letter::Offer(Box::new(Offer { grant, chain, epoch, history }));
                let sealed = letter.seal(&instance.key(), instance.receiving(), rng)?;
                self.journal.post(batch, instance.key(), sealed);
            }
        }
        Ok(())
    }

    fn wrap_all(
        &self,
        charter: &VerifiedCharter,
        keys: &PhaseKeys,
        instance: &VerifiedInstance,
        until: Option<Timestamp>,
        rng: &mut dyn CryptoRng,
    ) -> Result<OfferedEpoch, PartyError> {
        let mut wraps: Vec<Signed<PhaseWrap>> = Vec::new();
        for phase in charter.phases_until(until) {
            let Some(key) = keys.get(&phase) else { continue };
            let context = WrapContext { epoch: charter.id(), phase, recipient: instance.key() };
            let wrap = context.wrap(instance.receiving(), key, rng)?;
            wraps.push(Signed::new(&wrap, &self.device));
        }
        Ok(OfferedEpoch { charter: charter.signed().clone(), wraps })
    }

    /// Every epoch before this one, the oldest first.
    pub(super) fn ancestors(&self, charter: &VerifiedCharter) -> Vec<EpochId> {
        let mut found: Vec<EpochId> = Vec::new();
        let mut queue: Vec<EpochId> = charter.parents.clone();
        while let Some(id) = queue.pop() {
            if found.contains(&id) {
                continue;
            }
            found.push(id);
            queue.extend(self.fold.epochs.get(&id).iter().flat_map(|e| e.charter.parents.clone()));
        }
        found.reverse();
        found
    }

    /// Cards of the writers, and of everybody whose word the snapshot carries.
    fn cards_for(
        &self,
        writers: &[Writer],
        records: &[EntryRecord],
        known: &BTreeMap<OrganisationId, Signed<Card>>,
        guests: &[Signed<Card>],
    ) -> Vec<Signed<Card>> {
        let mut needed: BTreeSet<OrganisationId> = writers.iter().map(|w| w.organisation).collect();
        for record in records {
            needed.extend(record.attestations.iter().map(|a| a.organisation));
            needed.extend(record.remarks.iter().filter_map(|r| r.author.organisation()));
        }
        let contact =
            |id: &OrganisationId| self.fold.contacts.get(id).map(|c| c.card.signed().clone());
        let mut cards: BTreeMap<OrganisationId, Signed<Card>> = guests
            .iter()
            .filter_map(|c| Some((Card::verify(c.clone()).ok()?.id(), c.clone())))
            .collect();
        for id in &needed {
            cards.extend(contact(id).or_else(|| known.get(id).cloned()).map(|c| (*id, c)));
        }
        cards.into_values().collect()
    }
}

fn known_cards(charter: &VerifiedCharter) -> BTreeMap<OrganisationId, Signed<Card>> {
    charter.latest_cards().map(|card| (card.id(), card.signed().clone())).collect()
}

/// Organisations that may write, each until the last of its grants ends.
fn writers(grants: &[FoldedGrant]) -> Vec<Writer> {
    let mut ends: BTreeMap<OrganisationId, Option<Timestamp>> = BTreeMap::new();
    for grant in grants.iter().map(|g| &g.grant).filter(|g| g.can == Right::Contribute) {
        let end = ends.entry(grant.organisation).or_insert(grant.until);
        *end = end.and_then(|end| grant.until.map(|until| until.max(end)));
    }
    ends.into_iter()
        .map(|(organisation, until)| Writer { organisation, can: Right::Contribute, until })
        .collect()
}
