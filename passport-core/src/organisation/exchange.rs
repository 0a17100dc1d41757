//! What goes to relays and comes back; letters from students.

use std::collections::BTreeMap;

use rand_core::CryptoRng;

use super::{HeldEpoch, HeldGrant, Organisation};
use crate::access::AccessList;
use crate::archive::Archive;
use crate::codec;
use crate::envelope::{Header, Kind, OpenedEnvelope, SealedEnvelope};
use crate::epoch::{Charter, PhaseKeys};
use crate::grant::{Grant, Withdrawal};
use crate::id::{EpochId, GrantId, PassportId};
use crate::journal::{Incoming, IncomingItem, Outgoing, RelayId, RemoteState, Verdicts};
use crate::keys::{CertificateChain, Signable, Signed, SigningKey, Verified};
use crate::letter::{Letter, Offer, OfferedEpoch};
use crate::party::{Pace, Party, PartyError, Received, Tidied, admit_arrived, contents, pack_own};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

impl<V: Vault> Party for Organisation<V> {
    fn request_key(&self) -> &SigningKey {
        &self.instance
    }

    fn concerns(&self, header: &Header) -> bool {
        self.epochs.values().any(|e| e.charter.channel == header.channel)
    }

    fn remote(&self, url: &str) -> Result<RemoteState, PartyError> {
        Ok(self.journal.remote(url)?)
    }

    fn outgoing(&self, url: &str, _: Timestamp) -> Result<Outgoing, PartyError> {
        let remote = self.journal.remote(url)?;
        // Where it may write, an organisation also brings back what a relay has lost.
        let writes = |epoch: &EpochId| {
            let held = self.epochs.get(epoch);
            let file = || self.may_offer_file(epoch);
            held.map_or_else(file, |e| e.charter.writer(&self.id()).is_some())
        };
        Ok(self.journal.outgoing(&remote, Vec::new(), writes)?)
    }

    fn met(&mut self, url: &str, relay: RelayId, reset: bool) -> Result<(), PartyError> {
        Ok(self.journal.meet(url, relay, reset)?)
    }

    fn settle_with(
        &mut self,
        url: &str,
        outgoing: &Outgoing,
        verdicts: &Verdicts,
        now: Timestamp,
    ) -> Result<usize, PartyError> {
        crate::party::settle(&mut self.journal, url, outgoing, verdicts, now)
    }

    fn learn_list(&mut self, _: &str, _: &Signed<AccessList>) -> Result<bool, PartyError> {
        Ok(false)
    }

    fn receive(
        &mut self,
        url: &str,
        incoming: Incoming,
        now: Timestamp,
    ) -> Result<Received, PartyError> {
        let mut batch = Batch::new();
        let mut remote = self.journal.remote(url)?;
        let mut received = Received::default();
        let mut arrived = BTreeMap::new();
        for item in incoming.items {
            let new = match item {
                IncomingItem::Envelope(bytes) => {
                    self.take_envelope(&mut batch, &mut arrived, &bytes, incoming.relay)?
                }
                IncomingItem::Letter(bytes) => self.take_letter(&mut batch, &bytes),
                IncomingItem::AccessList(_) => Some(false),
            };
            match new {
                Some(new) => received.new += usize::from(new),
                None => received.unusable += 1,
            }
        }
        remote.read_to(incoming.relay, incoming.position, received.new, now);
        self.journal.remember(&mut batch, url, &remote);
        self.journal.commit(batch)?;
        admit_arrived(&mut self.replicas, arrived);
        Ok(received)
    }

    fn keep(&mut self) -> Result<(), PartyError> {
        Ok(self.journal.keep()?)
    }

    /// Deletes what was erased, leaves receipts for what came, and for what was done with it, sends
    /// by letter what no relay takes any more, and packs what was written here.
    fn tidy(
        &mut self,
        pace: Pace,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Tidied, PartyError> {
        self.let_go(now)?;
        let letters = self.send_receipts(now, rng)? + self.send_late(now, rng)?;
        let mut batch = Batch::new();
        let mut packs = 0;
        for (epoch, held) in &self.epochs {
            let (journal, keys) = (&mut self.journal, &held.keys);
            packs += pack_own(journal, &mut batch, &self.instance, *epoch, keys, pace)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(Tidied { made: letters + packs, waits: false })
    }
}

impl<V: Vault> Organisation<V> {
    fn take_envelope(
        &mut self,
        batch: &mut Batch,
        arrived: &mut BTreeMap<EpochId, Vec<OpenedEnvelope>>,
        bytes: &[u8],
        relay: RelayId,
    ) -> Result<Option<bool>, PartyError> {
        // From every relay but the first the same comes once more.
        if self.journal.knows(bytes)? {
            return Ok(Some(false));
        }
        let verified = SealedEnvelope::decode(bytes).ok().and_then(|e| e.verify().ok());
        let Some(envelope) = verified else { return Ok(None) };
        let header = envelope.header();
        let held = self.epochs.get(&header.epoch);
        let archive = || {
            let mut all = self.epochs.values().filter_map(|e| Archive::of(&e.charter, &e.keys));
            all.find(|archive| archive.id() == header.epoch)
        };
        if held.is_none() && header.kind == Kind::Chunk {
            return Ok(Some(self.journal.append(batch, envelope.sealed(), Some(relay))?));
        }
        let archive = if held.is_none() { archive() } else { None };
        let key = held.and_then(|held| held.keys.get(&header.phase));
        // Where the key is here, what does not open was spoiled on the way, and a pack that does
        // not hold stands for nothing: neither is kept.
        if archive.as_ref().is_some_and(|archive| envelope.open(archive.key()).is_err()) {
            return Ok(None);
        }
        let opened = key.map(|key| contents(&envelope, key).and_then(Result::ok));
        let (new, opened) = match opened {
            Some(None) => return Ok(None),
            Some(Some(held)) => {
                let (envelope, count) = (envelope.sealed(), held.len());
                (self.journal.append_pack(batch, envelope, count, Some(relay))?, Some(held))
            }
            None => (self.journal.append(batch, envelope.sealed(), Some(relay))?, None),
        };
        if !new {
            return Ok(Some(false));
        }
        let epoch = archive.as_ref().map_or(header.epoch, Archive::of_epoch);
        Self::touch(batch, epoch);
        if let Some(held) = self.epochs.get(&epoch) {
            Self::outdate(batch, held.charter.passport);
        }
        if let Some(opened) = opened {
            arrived.entry(epoch).or_default().extend(opened);
        } else {
            self.replicas.remove(&epoch);
        }
        Ok(Some(true))
    }

    /// Reads a letter; `None` when it is not for this mailbox or does not hold.
    fn take_letter(&mut self, batch: &mut Batch, bytes: &[u8]) -> Option<bool> {
        match Letter::open(bytes, &self.instance(), &self.receiving).ok()? {
            Letter::Offer(offer) => self.take_offer(batch, &offer),
            Letter::Withdrawn { withdrawal, chain } => {
                self.take_withdrawal(batch, &withdrawal, &chain)
            }
            Letter::Enrolled { .. }
            | Letter::Recovery { .. }
            | Letter::LedgerKey { .. }
            | Letter::Receipts { .. }
            | Letter::Late { .. }
            | Letter::Removed { .. }
            | Letter::Replaced { .. } => None,
        }
    }

    fn take_offer(&mut self, batch: &mut Batch, offer: &Offer) -> Option<bool> {
        let grant: Verified<Grant> = self.by_device(&offer.grant, &offer.chain, |g| g.passport)?;
        if grant.organisation != self.id() || grant.version != Grant::VERSION {
            return None;
        }
        let mut epochs = Vec::with_capacity(1 + offer.history.len());
        for (current, offered) in
            core::iter::once((true, &offer.epoch)).chain(offer.history.iter().map(|e| (false, e)))
        {
            let held = self.open_epoch(offered)?;
            let same =
                held.charter.passport == grant.passport && held.charter.section == grant.section;
            let revoked = held.charter.removed_devices.contains(&grant.signer());
            let removed = self.removed_devices(grant.passport);
            let stray = held.charter.founder_lineage().iter().any(|key| removed.contains(key))
                || !held.charter.roots().starts_with(self.known_roots(grant.passport));
            if !same || (current && (revoked || stray)) {
                return None;
            }
            epochs.push(held);
        }
        epochs.retain(|held| !self.was_erased(&held.charter));
        if self.was_forgotten(&grant) {
            return Some(false);
        }
        let known = self.grants.contains_key(&grant.id);
        if !known {
            let grant = grant.clone().into_inner();
            let withdrawn_at = self.withdrawn_before(&grant);
            let held =
                HeldGrant { signed: offer.grant.clone(), withdrawn_at, grant: grant.clone() };
            batch.put(Table::Grant, *grant.id.as_bytes(), held.encode());
            self.grants.insert(grant.id, held);
        }
        let mut new = !known;
        Self::outdate(batch, grant.passport);
        for mut held in epochs {
            let id = held.charter.id();
            if let Some(before) = self.epochs.get(&id) {
                let keys = before.keys.clone();
                new |= held.keys.keys().any(|phase| !keys.contains_key(phase));
                held.keys.extend(keys);
            } else {
                new = true;
            }
            batch.put(Table::Charter, *id.as_bytes(), held.encode());
            Self::touch(batch, id);
            self.epochs.insert(id, held);
            self.replicas.remove(&id);
        }
        Some(new)
    }

    /// Checks a charter and opens the wraps in it that are for this installation.
    fn open_epoch(&self, offered: &OfferedEpoch) -> Option<HeldEpoch> {
        let charter = Charter::verify(offered.charter.clone()).ok()?;
        let mut keys = PhaseKeys::new();
        for wrap in &offered.wraps {
            // Old epochs are wrapped by the device that offers them, not by their founder: the
            // charter's commitment is what makes a key the right one.
            let wrap = wrap.verify().ok()?;
            let context = wrap.context;
            if context.epoch != charter.id() || context.recipient != self.instance() {
                return None;
            }
            let key = wrap.open(&self.receiving).ok()?;
            if !charter.admits_key(context.phase, &key) {
                return None;
            }
            keys.insert(context.phase, key);
        }
        Some(HeldEpoch { charter, keys })
    }

    fn take_withdrawal(
        &mut self,
        batch: &mut Batch,
        withdrawal: &Signed<Withdrawal>,
        chain: &CertificateChain,
    ) -> Option<bool> {
        let withdrawal: Verified<Withdrawal> = self.by_device(withdrawal, chain, |w| w.passport)?;
        let mut new = withdrawal.delete
            && self.note_deletion_asked(batch, withdrawal.passport, withdrawal.at);
        let mut early = 0;
        for id in &withdrawal.grants {
            let Some(held) = self.grants.get_mut(id) else {
                // It came before what it ends: letters may be handed on in any order.
                early += 1;
                if early <= EARLY_WITHDRAWALS {
                    self.early.insert((withdrawal.passport, *id), withdrawal.at);
                    let (table, key) = early_withdrawal(withdrawal.passport, id);
                    batch.put(table, key, codec::encode(&withdrawal.at));
                }
                continue;
            };
            if held.grant.passport == withdrawal.passport && held.withdrawn_at.is_none() {
                held.withdrawn_at = Some(withdrawal.at);
                batch.put(Table::Grant, *id.as_bytes(), held.encode());
                new = true;
            }
        }
        Some(new)
    }

    /// When a grant was withdrawn before it came.
    fn withdrawn_before(&self, grant: &Grant) -> Option<Timestamp> {
        if let Some(at) = self.early.get(&(grant.passport, grant.id)) {
            return Some(*at);
        }
        let (table, key) = early_withdrawal(grant.passport, &grant.id);
        let at = self.journal.vault().get(table, &key).ok()??;
        codec::decode(&at, 16).ok()
    }

    /// What a device of the passport that it names signed, and one that no charter here removes.
    fn by_device<T: Signable>(
        &self,
        signed: &Signed<T>,
        chain: &CertificateChain,
        passport: impl Fn(&T) -> PassportId,
    ) -> Option<Verified<T>> {
        let verified = signed.verify().ok()?;
        let device = chain.verify(&passport(&verified)).ok()?;
        let removed = self.removed_devices(device.passport());
        let speaks = device.key() == verified.signer()
            && device.roots().starts_with(self.known_roots(device.passport()))
            && !device.lineage().iter().any(|key| removed.contains(key));
        speaks.then_some(verified)
    }
}

/// Most withdrawals of one letter that are remembered for grants to come.
const EARLY_WITHDRAWALS: usize = 64;

/// Where it is remembered that a grant was withdrawn before it came.
fn early_withdrawal(passport: PassportId, grant: &GrantId) -> (Table, Vec<u8>) {
    (Table::Meta, [b"withdrawn ".as_slice(), passport.as_bytes(), grant.as_bytes()].concat())
}
