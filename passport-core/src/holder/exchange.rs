//! What goes to relays and comes back.

use std::collections::{BTreeMap, VecDeque};

use rand_core::CryptoRng;

use super::Holder;
use super::receipts::{Come, receipts_in};
use crate::access::{AccessList, MEMBERS_MAX, Member, Rights, channel_id};
use crate::codec;
use crate::envelope::{Header, OpenedEnvelope, SealedEnvelope, VerifiedEnvelope};
use crate::epoch::Right;
use crate::id::{ChannelId, EpochId, VerificationKey};
use crate::journal::{Incoming, IncomingItem, Outgoing, RemoteState, Verdicts};
use crate::keys::{Signable as _, Signed, SigningKey, Verified};
use crate::ledger::{LEDGER_LABEL, channel_nonce, section_channel};
use crate::letter::Letter;
use crate::party::{
    Pace, Party, PartyError, Received, Tidied, admit_arrived, contents, pack_own, sections_in_order,
};
use crate::replica::Node;
use crate::section::SectionName;
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

impl<V: Vault> Party for Holder<V> {
    fn request_key(&self) -> &SigningKey {
        &self.device
    }

    fn list_keys(&self) -> Vec<SigningKey> {
        self.controls().into_values().collect()
    }

    fn concerns(&self, header: &Header) -> bool {
        self.ledger_key_of(&header.epoch).is_some()
            || self.fold.all_known().any(|e| e.charter.channel == header.channel)
    }

    fn remote(&self, url: &str) -> Result<RemoteState, PartyError> {
        Ok(self.journal.remote(url)?)
    }

    fn outgoing(&self, url: &str, now: Timestamp) -> Result<Outgoing, PartyError> {
        let remote = self.journal.remote(url)?;
        let lists = self.lists_for(&remote, now)?;
        // A device that learns a list must find the statements behind it, or it would put its
        // own older idea of the members in its place.
        let (ledger, _) = self.present_ledger();
        let retired = self.retired()?;
        let erased = self.erased_epochs();
        let gone = self.gone_files()?;
        let offers = |epoch: &EpochId| {
            !retired.contains(epoch) && !erased.contains_key(epoch) && !gone.contains_key(epoch)
        };
        let mut out = self.journal.outgoing_from(Some(&ledger), &remote, lists, offers)?;
        out.drops = self.drops_for(&remote, &retired);
        self.drop_erased(&remote, &gone, &mut out);
        Ok(out)
    }

    fn met(&mut self, url: &str, relay: [u8; 16], reset: bool) -> Result<(), PartyError> {
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

    fn learn_list(&mut self, url: &str, list: &Signed<AccessList>) -> Result<bool, PartyError> {
        let mut remote = self.journal.remote(url)?;
        if !remote.learn_list(list, |list| self.is_own(list)) {
            return Ok(false);
        }
        let mut batch = Batch::new();
        self.journal.remember(&mut batch, url, &remote);
        self.journal.commit(batch)?;
        Ok(true)
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
        let mut said = false;
        let mut receipts = Vec::new();
        let keys = self.ledger_keys().len();
        let erased = (self.erased_epochs(), self.gone_files()?);
        let mut arrived: BTreeMap<EpochId, Vec<OpenedEnvelope>> = BTreeMap::new();
        let mut archived: Vec<EpochId> = Vec::new();
        let items = incoming.items.into_iter().map(|item| (item, Some(incoming.relay)));
        let mut items: VecDeque<_> = items.collect();
        while let Some((item, source)) = items.pop_front() {
            let new = match item {
                // From every relay but the first the same comes once more.
                IncomingItem::Envelope(bytes) if self.journal.knows(&bytes)? => Some(false),
                IncomingItem::Envelope(bytes) => {
                    let verified =
                        SealedEnvelope::decode(&bytes).ok().and_then(|e| e.verify().ok());
                    match verified.and_then(|e| Some((self.place_of(&e)?, e))) {
                        Some((_, envelope)) if self.is_gone(&envelope, &erased, &mut remote)? => {
                            Some(false)
                        }
                        Some((Place::Unsound, envelope)) => {
                            self.note_unsound(&mut batch, envelope.header())?;
                            None
                        }
                        Some((place, envelope)) => {
                            let envelope = envelope.sealed();
                            let new = if let Place::Section(held) = &place {
                                self.journal.append_pack(
                                    &mut batch,
                                    envelope,
                                    held.len(),
                                    source,
                                )?
                            } else {
                                self.journal.append(&mut batch, envelope, source)?
                            };
                            if new {
                                match place {
                                    Place::Ledger(opened) => {
                                        self.admit_statements(&opened);
                                        receipts.extend(receipts_in(&opened));
                                        said = true;
                                    }
                                    Place::Archive(epoch) => archived.push(epoch),
                                    Place::Section(opened) => {
                                        let epoch = envelope.header().epoch;
                                        arrived.entry(epoch).or_default().extend(opened);
                                    }
                                    Place::Unsound | Place::Elsewhere => {}
                                }
                            }
                            Some(new)
                        }
                        None => None,
                    }
                }
                IncomingItem::Letter(bytes) => {
                    match Letter::open(&bytes, &self.device(), &self.receiving) {
                        // Relays get from this device what they did not take from its author.
                        Ok(Letter::Late { envelopes }) => {
                            let late = envelopes.into_iter().map(Vec::from);
                            let late = late.filter(|bytes| self.is_of_this_passport(bytes));
                            items.extend(late.map(|bytes| (IncomingItem::Envelope(bytes), None)));
                            Some(false)
                        }
                        Ok(letter) => Some(self.take_letter(&mut batch, letter, &mut receipts)),
                        Err(_) => Some(false),
                    }
                }
                IncomingItem::AccessList(bytes) => {
                    let list = codec::decode::<Signed<AccessList>>(&bytes, AccessList::LIMIT + 256);
                    list.ok().map(|list| {
                        remote.learn_list(&list, |list| self.is_own(list));
                        false
                    })
                }
            };
            match new {
                Some(new) => received.new += usize::from(new),
                None => received.unusable += 1,
            }
        }
        if said {
            self.learn(&mut batch);
        }
        // Only now: what they are about may have come along.
        received.new += self.take_receipts(&mut batch, &receipts)?;
        remote.read_to(incoming.relay, incoming.position, received.new, now);
        self.journal.remember(&mut batch, url, &remote);
        self.journal.commit(batch)?;
        if self.ledger_keys().len() != keys {
            // What came under a key before the key did.
            self.read_ledger()?;
            received.new += self.read_receipts()?;
        }
        admit_arrived(&mut self.replicas, arrived);
        for epoch in archived {
            self.replicas.remove(&epoch);
        }
        Ok(received)
    }

    fn keep(&mut self) -> Result<(), PartyError> {
        Ok(self.journal.keep()?)
    }

    /// Leaves the recovery letter, brings together epochs founded at once, carries over what was
    /// written in older ones, and retires those that everybody has left.
    fn tidy(
        &mut self,
        pace: Pace,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Tidied, PartyError> {
        // A device that was removed has no more say, and no other heeds it.
        if !self.has_a_say() {
            return Ok(Tidied::default());
        }
        // First, as what was packed is no reason to begin a section anew.
        let mut made = self.pack(pace)?;
        let mut waits = false;
        let mut batch = Batch::new();
        if self.fold.exposed {
            self.rekey(&mut batch, now, rng)?;
            made += 1;
        } else {
            made += self.bring_forward(&mut batch, rng)?;
        }
        made += usize::from(self.leave_recovery(&mut batch, rng)?);
        made += self.pass_on_receipts(&mut batch, now, rng)?;
        for section in self.begun_in_void()? {
            self.found(&mut batch, &section, now, rng)?;
            made += 1;
        }
        for section in self.sections() {
            if pace == Pace::Coming && self.is_to_be_left(&section) && self.awaits(&section)? {
                waits = true;
            } else {
                made += self.put_in_order(&mut batch, &section, now, rng)?;
            }
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        // Only what was carried over, and is on disk, may be left behind.
        made += self.shelve()?;
        self.note_gone_files()?;
        let mut batch = Batch::new();
        for section in self.sections() {
            made += self.retire(&mut batch, &section, now, rng)?;
        }
        self.heed_confirmation(&mut batch)?;
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(Tidied { made, waits })
    }
}

impl<V: Vault> Holder<V> {
    /// Packs what this device wrote in epochs that are current; returns how many packs that made.
    fn pack(&mut self, pace: Pace) -> Result<usize, PartyError> {
        let mut batch = Batch::new();
        let mut made = 0;
        let sections = self.sections();
        let epochs: Vec<_> = sections.iter().flat_map(|section| self.currents(section)).collect();
        for epoch in epochs {
            let Some(known) = self.fold.epochs.get(&epoch) else { continue };
            let (journal, keys) = (&mut self.journal, &known.keys);
            made += pack_own(journal, &mut batch, &self.device, epoch, keys, pace)?;
        }
        if !batch.is_empty() {
            self.journal.commit(batch)?;
        }
        Ok(made)
    }

    /// Whether the ledger that is here tells that this device was let in.
    pub(super) fn was_let_in(&self) -> bool {
        self.fold.devices.contains_key(&self.device())
    }

    /// Whether this device is in and was not removed: of one that was, no other takes heed.
    pub(super) fn has_a_say(&self) -> bool {
        self.was_let_in() && !self.was_removed()
    }

    /// Founds the next epoch where the present one is to be left or has grown long, and carries
    /// over. Returns how many envelopes that made.
    pub(super) fn put_in_order(
        &mut self,
        batch: &mut Batch,
        section: &SectionName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<usize, PartyError> {
        // What has not come can neither be founded upon nor written in; it comes, and then is the time.
        if !self.is_here(section)? {
            return Ok(0);
        }
        let mut made = 0;
        let current = self.current(section);
        let grown = current.is_some_and(|id| self.has_grown(&id));
        let unsound = current.map_or(Ok(false), |id| self.is_unsound(&id))?;
        if self.is_to_be_left(section) || grown || unsound {
            self.found(batch, section, now, rng)?;
            made += 1;
        }
        Ok(made + self.carry_over(batch, section, now, rng)?)
    }

    /// Takes a letter; whether it is news. What else comes was meant for an earlier state.
    fn take_letter(&mut self, batch: &mut Batch, letter: Letter, receipts: &mut Vec<Come>) -> bool {
        match letter {
            Letter::LedgerKey { key, chain } => self.take_ledger_key(batch, &key, &chain),
            Letter::Removed { statement, chain } => self.take_removal(batch, &statement, &chain),
            Letter::Receipts { receipts: some } => {
                receipts.extend(some.into_iter().map(|receipt| (receipt, None)));
                false
            }
            Letter::Offer(_)
            | Letter::Withdrawn { .. }
            | Letter::Enrolled { .. }
            | Letter::Recovery { .. }
            | Letter::Replaced { .. }
            | Letter::Late { .. } => false,
        }
    }

    /// Whether an envelope that somebody brought is in a channel of this passport.
    fn is_of_this_passport(&self, bytes: &[u8]) -> bool {
        SealedEnvelope::decode(bytes).is_ok_and(|envelope| self.concerns(envelope.header()))
    }

    /// Where an envelope belongs, if it opens as far as its epoch is known here and not closed.
    /// What does not was spoiled on the way, or made by somebody without the key: it is not kept.
    fn place_of(&self, envelope: &VerifiedEnvelope) -> Option<Place> {
        let header = envelope.header();
        if let Some(key) = self.ledger_key_of(&header.epoch) {
            return envelope.open(&key).ok().map(|opened| Place::Ledger(Box::new(opened)));
        }
        if let Some(archive) = self.archives().find(|archive| archive.id() == header.epoch) {
            let opened = envelope.open(archive.key()).ok();
            return opened.map(|_| Place::Archive(archive.of_epoch()));
        }
        match self.fold.known(&header.epoch) {
            Some(epoch) if !epoch.closed => {
                let key = epoch.keys.get(&header.phase)?;
                Some(contents(envelope, key)?.map_or(Place::Unsound, Place::Section))
            }
            _ => Some(Place::Elsewhere),
        }
    }

    /// Notes that an author's pack stands for what is not in it: a relay may have dropped that.
    fn note_unsound(&self, batch: &mut Batch, header: &Header) -> Result<(), PartyError> {
        let mut authors = self.unsound(&header.epoch)?;
        if !authors.contains(&header.author) && authors.len() < MEMBERS_MAX {
            authors.push(header.author);
            let (table, key) = unsound(&header.epoch);
            batch.put(table, key, codec::encode(&authors));
        }
        Ok(())
    }

    /// Whether in an epoch somebody whose word counts there had a relay put a pack that does not
    /// hold in the place of what they wrote, so that who comes later misses it.
    fn is_unsound(&mut self, epoch: &EpochId) -> Result<bool, PartyError> {
        let authors = self.unsound(epoch)?;
        if authors.is_empty() {
            return Ok(false);
        }
        let counts = |node: &Node| node.is_applied() && authors.contains(&node.header.author);
        Ok(self.replica(*epoch)?.history().any(|(_, node)| counts(node)))
    }

    fn unsound(&self, epoch: &EpochId) -> Result<Vec<VerificationKey>, PartyError> {
        let (table, key) = unsound(epoch);
        let noted = self.journal.vault().get(table, &key)?;
        let authors = noted.map(|bytes| codec::decode(&bytes, 64 * 1024));
        authors.unwrap_or(Ok(Vec::new())).map_err(|_| PartyError::Damaged)
    }

    /// Whether an envelope is of a file that was erased, or of an epoch that was erased and deleted
    /// here. A relay that has one of either is told again to forget it.
    fn is_gone(
        &self,
        envelope: &VerifiedEnvelope,
        (epochs, files): &(BTreeMap<EpochId, EpochId>, BTreeMap<EpochId, ChannelId>),
        remote: &mut RemoteState,
    ) -> Result<bool, PartyError> {
        let epoch = envelope.header().epoch;
        let file = files.contains_key(&epoch);
        if !file && !epochs.contains_key(&epoch) {
            return Ok(false);
        }
        remote.came_back(&epoch);
        epochs.get(&epoch).map_or(Ok(file), |erased| self.was_let_go(erased))
    }

    /// Access lists that a relay should replace: where members or live epochs are not what the
    /// ledger says, or live files not those that stand.
    fn lists_for(
        &self,
        remote: &RemoteState,
        now: Timestamp,
    ) -> Result<Vec<Signed<AccessList>>, PartyError> {
        // A device that was just let in has not got the ledger yet, and one that was removed has
        // nothing to say.
        if self.fold.locator.is_none() || self.was_removed() {
            return Ok(Vec::new());
        }
        let controls = self.controls();
        let present = self.control();
        let mut lists = Vec::new();
        for (generation, key) in self.ledger_keys() {
            let founder = self.control_of(&generation, &key);
            let mut channels =
                vec![(LEDGER_LABEL.to_owned(), vec![generation], self.ledger_members())];
            for section in self.sections_with_closed() {
                let channel = section_channel(&founder, &section);
                let of_channel = |id: &EpochId| {
                    self.fold.epochs.get(id).is_some_and(|e| e.charter.channel == channel)
                };
                if !self.fold.epochs.keys().any(of_channel) {
                    continue;
                }
                let current = self.fold.current(&section).first().copied();
                let mut live: Vec<EpochId> = current.into_iter().filter(of_channel).collect();
                if let Some(current) = live.first().copied() {
                    live.extend(self.shelved(&current)?);
                }
                let members = self.section_members(&section, now);
                channels.push((section.as_str().to_owned(), live, members));
            }
            let line = Line { founder: &founder, present: &present, known: &controls };
            for (label, live, members) in channels {
                lists.extend(line.next_list(&label, live, members, remote));
            }
        }
        Ok(lists)
    }

    /// Whether a list is of a channel of this passport, and signed by a key of its devices.
    fn is_own(&self, list: &Verified<AccessList>) -> bool {
        let controls = self.controls();
        let labels = || {
            let sections = self.sections_with_closed();
            let sections = sections.into_iter().map(|s| s.as_str().to_owned());
            sections.chain([LEDGER_LABEL.to_owned()])
        };
        let founder = controls.get(&list.control);
        controls.contains_key(&list.signer())
            && founder.is_some_and(|key| labels().any(|l| channel_nonce(key, &l) == list.nonce))
    }

    /// Every section with an epoch, those that stay closed here included.
    fn sections_with_closed(&self) -> Vec<SectionName> {
        sections_in_order(self.fold.epochs.values().map(|e| e.charter.section.clone()))
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

/// Where an envelope that came belongs.
enum Place {
    /// The ledger.
    Ledger(Box<OpenedEnvelope>),
    /// The archive of an epoch.
    Archive(EpochId),
    /// A section: what is in it, of a pack several.
    Section(Vec<OpenedEnvelope>),
    /// Nowhere: a pack that its author says stands for what is not in it. What is here of its run
    /// stays.
    Unsound,
    /// An epoch that is not known, or closed, here: it is kept as it came.
    Elsewhere,
}

/// Whose word counts in a channel: the control key it began under, and those that came after.
struct Line<'a> {
    founder: &'a SigningKey,
    present: &'a SigningKey,
    known: &'a BTreeMap<VerificationKey, SigningKey>,
}

impl Line<'_> {
    /// The list to put in the place of the one that a relay has, if it should say something else.
    ///
    /// One of an older key names the present key as its successor: from then on the relay takes
    /// no list of a device that was removed. Where such a device was first, and named another,
    /// there is nothing to say: the channel is lost at this relay, and has only what is past.
    fn next_list(
        &self,
        label: &str,
        live: Vec<EpochId>,
        members: Vec<Member>,
        remote: &RemoteState,
    ) -> Option<Signed<AccessList>> {
        let control = self.founder.verification_key();
        let nonce = channel_nonce(self.founder, label);
        let known = remote.list(&channel_id(&control, &nonce));
        let controller = known.map_or(control, |k| k.list.controller());
        let signer = self.known.get(&controller)?;
        let serial = known.map_or(1, |k| k.list.serial.saturating_add(1));
        let replaces = known.map(|k| k.hash);
        let mut list = AccessList::new(control, nonce, serial, replaces, live, merged(members));
        let present = self.present.verification_key();
        list.successor = (present != control || controller != control).then_some(present);
        let same = known.is_some_and(|k| {
            let there = &k.list;
            there.live == list.live
                && there.members == list.members
                && there.successor == list.successor
        });
        (!same).then(|| Signed::new(&list, signer))
    }
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

/// Where a party remembers who had a pack that does not hold put into an epoch.
fn unsound(epoch: &EpochId) -> (Table, Vec<u8>) {
    (Table::Meta, [b"unsound ".as_slice(), epoch.as_bytes()].concat())
}
