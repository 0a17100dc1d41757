//! What goes to relays and comes back.

use rand_core::CryptoRng;

use super::Holder;
use crate::access::{AccessList, Member, Rights, channel_id};
use crate::codec;
use crate::envelope::{Header, SealedEnvelope, VerifiedEnvelope};
use crate::epoch::Right;
use crate::id::{EpochId, VerificationKey};
use crate::journal::{Incoming, IncomingItem, Outgoing, RemoteState, Verdicts};
use crate::keys::{Signable as _, Signed, SigningKey};
use crate::ledger::{LEDGER_LABEL, channel_nonce};
use crate::party::{Party, PartyError, Received};
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

impl<V: Vault> Party for Holder<V> {
    fn request_key(&self) -> &SigningKey {
        &self.device
    }

    fn list_key(&self) -> Option<&SigningKey> {
        self.fold.control.as_ref()
    }

    fn concerns(&self, header: &Header) -> bool {
        self.ledger_key_of(&header.epoch).is_some()
            || self.fold.epochs.values().any(|e| e.charter.channel == header.channel)
    }

    fn remote(&self, url: &str) -> Result<RemoteState, PartyError> {
        Ok(self.journal.remote(url)?)
    }

    fn outgoing(&self, url: &str, now: Timestamp) -> Result<Outgoing, PartyError> {
        let remote = self.journal.remote(url)?;
        let lists = self.lists_for(&remote, now);
        // A device that learns a list must find the statements behind it, or it would put its
        // own older idea of the members in its place.
        let (ledger, _) = self.present_ledger();
        let retired = self.retired()?;
        let offers = |epoch: &EpochId| !retired.contains(epoch);
        let mut out = self.journal.outgoing_from(Some(&ledger), &remote, lists, offers)?;
        out.drops = self.drops_for(&remote, &retired);
        Ok(out)
    }

    fn met(&mut self, url: &str, relay: [u8; 16], reset: bool) -> Result<(), PartyError> {
        crate::party::met(&mut self.journal, url, relay, reset)
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

    fn learn_list(&mut self, url: &str, list: &Signed<AccessList>) -> Result<(), PartyError> {
        let Some(control) = self.fold.control.as_ref() else { return Ok(()) };
        let mut remote = self.journal.remote(url)?;
        remote.learn_list(list, &control.verification_key());
        let mut batch = Batch::new();
        self.journal.remember(&mut batch, url, &remote);
        Ok(self.journal.commit(batch)?)
    }

    fn receive(
        &mut self,
        url: &str,
        incoming: Incoming,
        _: Timestamp,
    ) -> Result<Received, PartyError> {
        let mut batch = Batch::new();
        let mut remote = self.journal.remote(url)?;
        let mut received = Received::default();
        let mut rekeyed = false;
        let mut touched: Vec<EpochId> = Vec::new();
        for item in incoming.items {
            let new = match item {
                IncomingItem::Envelope(bytes) => {
                    let verified =
                        SealedEnvelope::decode(&bytes).ok().and_then(|e| e.verify().ok());
                    match verified.filter(|e| self.opens(e)) {
                        Some(envelope) => {
                            let envelope = envelope.sealed();
                            let epoch = envelope.header().epoch;
                            let source = Some(incoming.relay);
                            let new = self.journal.append(&mut batch, envelope, source)?;
                            if new && self.ledger_key_of(&epoch).is_some() {
                                self.admit_statements(envelope);
                            }
                            if new {
                                touched.push(self.archived_by(&epoch).unwrap_or(epoch));
                            }
                            Some(new)
                        }
                        None => None,
                    }
                }
                // Of letters a device in use expects keys of the ledger alone: what else comes was
                // meant for an earlier state.
                IncomingItem::Letter(bytes) => {
                    let new = self.take_letter(&mut batch, &bytes);
                    rekeyed |= new;
                    Some(new)
                }
                IncomingItem::AccessList(bytes) => {
                    let list = codec::decode::<Signed<AccessList>>(&bytes, AccessList::LIMIT + 256);
                    list.ok().map(|list| {
                        if let Some(control) = &self.fold.control {
                            remote.learn_list(&list, &control.verification_key());
                        }
                        false
                    })
                }
            };
            match new {
                Some(new) => received.new += usize::from(new),
                None => received.unusable += 1,
            }
        }
        remote.relay = Some(incoming.relay);
        remote.position = incoming.position;
        self.journal.remember(&mut batch, url, &remote);
        self.journal.commit(batch)?;
        if rekeyed {
            // What came under a new key before the key did.
            self.read_ledger()?;
        }
        self.fold = self.ledger.fold();
        for epoch in touched {
            self.replicas.remove(&epoch);
        }
        Ok(received)
    }

    /// Brings together epochs founded at once, carries over what was written in older ones, and
    /// retires those that everybody has left.
    fn tidy(&mut self, now: Timestamp, rng: &mut dyn CryptoRng) -> Result<usize, PartyError> {
        let mut batch = Batch::new();
        // A device that was removed has no more say, and no other heeds it.
        let own = self.fold.devices.get(&self.device());
        let mut made = if own.is_none_or(|device| device.removed) {
            0
        } else if self.fold.exposed {
            self.rekey(&mut batch, now, rng)?;
            1
        } else {
            self.bring_forward(&mut batch, rng)?
        };
        for section in self.sections() {
            if self.fold.current(&section).len() > 1 {
                self.found(&mut batch, &section, now, rng)?;
                made += 1;
            }
            made += self.carry_over(&mut batch, &section, now, rng)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        // Only what was carried over, and is on disk, may be left behind.
        let mut batch = Batch::new();
        for section in self.sections() {
            made += self.retire(&mut batch, &section, now)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(made)
    }
}

impl<V: Vault> Holder<V> {
    /// Whether an envelope opens, as far as its epoch is known here. What does not was spoiled on
    /// the way, or made by somebody without the key: it is not kept.
    fn opens(&self, envelope: &VerifiedEnvelope) -> bool {
        let header = envelope.header();
        let of_archive = self.archived_by(&header.epoch).and_then(|id| self.fold.epochs.get(&id));
        let key = of_archive.map(|epoch| epoch.archive.key().clone());
        if let Some(key) = key.or_else(|| self.ledger_key_of(&header.epoch)) {
            return envelope.open(&key).is_ok();
        }
        self.fold.epochs.get(&header.epoch).is_none_or(|epoch| {
            epoch.keys.get(&header.phase).is_some_and(|key| envelope.open(key).is_ok())
        })
    }

    /// Access lists that a relay should replace: where members or live epochs are not what the
    /// ledger says.
    fn lists_for(&self, remote: &RemoteState, now: Timestamp) -> Vec<Signed<AccessList>> {
        // A device that was just let in has not got the ledger yet, and nothing to say.
        let Some(control) = self.fold.control.as_ref() else { return Vec::new() };
        let mut lists = Vec::new();
        let (ledger, _) = self.present_ledger();
        let labels = self.sections().into_iter().map(|section| {
            let mut live = self.fold.current(&section);
            live.sort_unstable();
            (section.as_str().to_owned(), live, self.section_members(&section, now))
        });
        let of_ledger = (LEDGER_LABEL.to_owned(), vec![ledger], self.ledger_members());
        for (label, live, members) in core::iter::once(of_ledger).chain(labels) {
            lists.extend(next_list(control, &label, live, members, remote));
        }
        lists
    }

    fn device_members(&self) -> Vec<Member> {
        self.fold
            .live_devices()
            .map(|d| Member {
                key: d.verified.key(),
                can: Rights::ReadWrite,
                until: d.verified.expires(),
                history: true,
            })
            .collect()
    }

    fn ledger_members(&self) -> Vec<Member> {
        let mut members = self.device_members();
        members.extend(self.fold.locator.map(|key| Member {
            key,
            can: Rights::Read,
            until: None,
            history: true,
        }));
        members
    }

    fn section_members(&self, section: &SectionName, now: Timestamp) -> Vec<Member> {
        let mut members = self.device_members();
        for grant in self.fold.in_force(section, now) {
            let Some(contact) = self.fold.contacts.get(&grant.grant.organisation) else { continue };
            let can = match grant.grant.can {
                Right::Read => Rights::Read,
                Right::Contribute => Rights::ReadWrite,
                Right::Deposit => Rights::Write,
            };
            let (until, history) = (grant.grant.until, grant.grant.history);
            members.extend(contact.card.instances().iter().map(|i| Member {
                key: i.key(),
                can,
                until,
                history,
            }));
        }
        members
    }
}

/// The list to put in the place of the one that a relay has, if it should say something else.
fn next_list(
    control: &SigningKey,
    label: &str,
    live: Vec<EpochId>,
    members: Vec<Member>,
    remote: &RemoteState,
) -> Option<Signed<AccessList>> {
    let nonce = channel_nonce(control, label);
    let key: VerificationKey = control.verification_key();
    let channel = channel_id(&key, &nonce);
    let known = remote.list(&channel).and_then(|l| Some((l.payload_hash(), l.verify().ok()?)));
    let list = AccessList {
        version: crate::access::VERSION,
        channel,
        nonce,
        control: key,
        serial: known.as_ref().map_or(1, |(_, l)| l.serial.saturating_add(1)),
        replaces: known.as_ref().map(|(hash, _)| *hash),
        live,
        members: merged(members),
        successor: None,
    };
    let same = known.is_some_and(|(_, l)| l.live == list.live && l.members == list.members);
    (!same).then(|| Signed::new(&list, control))
}

/// One membership per key, ascending: of several, the one that allows more and lasts longer.
fn merged(mut members: Vec<Member>) -> Vec<Member> {
    members.sort_by_key(|m| m.key);
    members.dedup_by(|next, kept| {
        let same = next.key == kept.key;
        if same {
            let both = next.can.reads() | kept.can.reads();
            let write = next.can.writes() | kept.can.writes();
            kept.can = match (both, write) {
                (true, true) => Rights::ReadWrite,
                (true, false) => Rights::Read,
                (false, _) => Rights::Write,
            };
            kept.until = kept.until.and_then(|k| next.until.map(|n| n.max(k)));
            kept.history |= next.history;
        }
        same
    });
    members
}

/// Where a party remembers how far an epoch was looked through for late envelopes.
pub(super) fn looked_through(epoch: &EpochId) -> (Table, Vec<u8>) {
    let mut key = b"carried ".to_vec();
    key.extend_from_slice(epoch.as_bytes());
    (Table::Meta, key)
}
