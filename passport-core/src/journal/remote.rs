//! What each relay has, and what passes between it and a party.

use core::ops::Range;
use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{Journal, JournalError, RelayId};
use crate::access::{AccessList, DropEpoch};
use crate::codec;
use crate::id::{ChannelId, EpochId, VerificationKey};
use crate::keys::{Signed, Verified};
use crate::time::Timestamp;
use crate::vault::{Batch, Table, Vault};

/// Most bytes of envelopes and letters offered in one request.
const OFFER_BYTES: usize = 4 * 1024 * 1024;
/// Most objects offered in one request.
const OFFER_OBJECTS: usize = 2_000;

/// Largest record of what is known of a relay.
const REMOTE_MAX: usize = 64 * 1024 * 1024;

/// How far a relay's feed was read: in which run of the relay, and to where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Position {
    /// The run of the relay that gave it out.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub generation: [u8; 8],
    /// Everything up to here was taken in.
    #[n(1)]
    pub at: u64,
}

/// What a party knows of one relay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RemoteState {
    /// The relay's own id, once met.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub relay: Option<RelayId>,
    /// How far its feed was read.
    #[n(1)]
    pub position: Position,
    /// When it last answered.
    #[n(2)]
    pub last_confirmed: Option<Timestamp>,
    #[n(3)]
    offered: Vec<(EpochId, u64)>,
    #[n(4)]
    letters: u64,
    #[n(5)]
    lists: Vec<KnownList>,
    /// Epochs of which it refused something for good.
    #[n(6)]
    lacking: Vec<EpochId>,
    /// Epochs that it was told to forget in a channel, and how many envelopes of each were known
    /// then; ascending, as there may be many.
    #[n(7)]
    dropped: Vec<(ChannelId, EpochId, u64)>,
    /// When it last brought something that was not known. One that answers, and holds everything
    /// back, is told by this alone.
    #[n(8)]
    pub last_news: Option<Timestamp>,
    /// How many envelopes of each epoch were here when it was found to have lost some: those may be
    /// gone from it, though they came from there. Ascending.
    #[cbor(n(9), default)]
    doubted: Vec<(EpochId, u64)>,
}

/// An access list that a relay has. It was verified when it was learned; what the vault gives back
/// is what was put there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct KnownList {
    /// What the next list names as the one it replaces: the hash of this one as it was signed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// What it says.
    #[n(1)]
    pub list: AccessList,
}

/// What a relay should be offered.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Access lists; first of all, as envelopes need them.
    pub lists: Vec<Signed<AccessList>>,
    /// Envelopes in order.
    pub envelopes: Vec<OutgoingEnvelope>,
    /// Letters in order.
    pub letters: Vec<OutgoingLetter>,
    /// Epochs to forget.
    pub drops: Vec<OutgoingDrop>,
    /// Whether there is more than fits one request.
    pub more: bool,
    reached: Vec<(EpochId, u64)>,
}

/// An envelope to offer.
#[derive(Debug)]
pub struct OutgoingEnvelope {
    epoch: EpochId,
    index: u64,
    /// As sealed.
    pub bytes: Vec<u8>,
}

/// A letter to offer.
#[derive(Debug)]
pub struct OutgoingLetter {
    index: u64,
    /// Whose mailbox.
    pub to: VerificationKey,
    /// As sealed.
    pub bytes: Vec<u8>,
}

/// An epoch for a relay to forget.
#[derive(Debug)]
pub struct OutgoingDrop {
    /// The channel.
    pub channel: ChannelId,
    /// The epoch.
    pub epoch: EpochId,
    /// How many of its envelopes are known.
    pub known: u64,
    /// As signed.
    pub signed: Signed<DropEpoch>,
}

/// What a relay said of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has it.
    Kept,
    /// It will not take it, now or later.
    Refused,
    /// It could not take it now.
    Later,
}

/// What a relay said of everything it was offered, in the order of [`Outgoing`].
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// Of access lists.
    pub lists: Vec<Verdict>,
    /// Of envelopes.
    pub envelopes: Vec<Verdict>,
    /// Of letters.
    pub letters: Vec<Verdict>,
    /// Of epochs to forget.
    pub drops: Vec<Verdict>,
}

/// What came from a relay.
#[derive(Debug)]
pub struct Incoming {
    /// The relay's own id.
    pub relay: RelayId,
    /// How far its feed was read with this.
    pub position: Position,
    /// The objects.
    pub items: Vec<IncomingItem>,
}

/// An object from a relay.
#[derive(Debug)]
pub enum IncomingItem {
    /// A sealed envelope.
    Envelope(Vec<u8>),
    /// A sealed letter.
    Letter(Vec<u8>),
    /// The relay's current access list of a channel.
    AccessList(Vec<u8>),
}

impl Outgoing {
    /// Whether there is nothing to offer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
            && self.envelopes.is_empty()
            && self.letters.is_empty()
            && self.drops.is_empty()
    }

    /// Whether nothing more fits, which is noted: there is more, then.
    fn is_full(&mut self, bytes: usize) -> bool {
        let objects = self.envelopes.len().max(self.letters.len());
        let full = bytes >= OFFER_BYTES || objects >= OFFER_OBJECTS;
        self.more |= full;
        full
    }
}

impl RemoteState {
    /// The access list of a channel that the relay has.
    #[must_use]
    pub fn list(&self, channel: &ChannelId) -> Option<&KnownList> {
        self.lists.iter().find(|known| known.list.channel == *channel)
    }

    /// Remembers the access list that the relay has, unless it is older than the one known, or
    /// the same; whether it was remembered.
    ///
    /// Only a list that is the passport's `own`: whatever else a relay says it has would fill the
    /// vault, or set the count of lists to where it cannot be raised.
    pub fn learn_list(
        &mut self,
        list: &Signed<AccessList>,
        own: impl Fn(&Verified<AccessList>) -> bool,
    ) -> bool {
        let hash = list.payload_hash();
        if self.lists.iter().any(|known| known.hash == hash) {
            return false;
        }
        let Ok(verified) = AccessList::check(list) else { return false };
        let known = self.list(&verified.channel);
        if !own(&verified) || known.is_some_and(|known| known.list.serial > verified.serial) {
            return false;
        }
        self.lists.retain(|known| known.list.channel != verified.channel);
        self.lists.push(KnownList { hash, list: verified.into_inner() });
        true
    }

    /// Whether the relay acknowledged the first so many envelopes of an epoch, every one of them.
    #[must_use]
    pub fn has(&self, epoch: &EpochId, count: u64) -> bool {
        let reached = self.offered.iter().any(|(known, end)| known == epoch && *end >= count);
        reached && !self.lacking.contains(epoch)
    }

    /// Whether the relay may have lost an envelope of an epoch that came from it.
    fn doubts(&self, epoch: &EpochId, index: u64) -> bool {
        let known = self.doubted.binary_search_by_key(epoch, |(known, _)| *known);
        known.ok().and_then(|at| self.doubted.get(at)).is_some_and(|(_, most)| index < *most)
    }

    /// Whether the relay forgot an epoch in a channel when so many of its envelopes were known.
    #[must_use]
    pub fn has_dropped(&self, channel: &ChannelId, epoch: &EpochId, known: u64) -> bool {
        self.dropped.binary_search(&(*channel, *epoch, known)).is_ok()
    }

    /// Notes that the relay has something of an epoch, although it was told to forget it.
    pub fn came_back(&mut self, epoch: &EpochId) {
        self.dropped.retain(|(_, dropped, _)| dropped != epoch);
    }

    /// Notes how far the relay's feed was read, and how much of what came was new.
    pub fn read_to(&mut self, relay: RelayId, position: Position, new: usize, now: Timestamp) {
        self.relay = Some(relay);
        self.position = position;
        if new > 0 {
            self.last_news = Some(now);
        }
    }

    /// Notes which relay answers here. If it is another than before, or one that has lost what
    /// it had, it is offered everything again; of what it lost, of each epoch the envelopes `here`,
    /// ascending, also those that came from it.
    fn meet(&mut self, relay: RelayId, reset: bool, here: impl Iterator<Item = (EpochId, u64)>) {
        let same = self.relay == Some(relay);
        if !same || reset {
            let Self { last_confirmed, last_news, .. } = *self;
            let (relay, doubted) = (Some(relay), here.filter(|_| same).collect());
            *self = Self { relay, last_confirmed, last_news, doubted, ..Self::default() };
        }
    }
}

impl<V: Vault> Journal<V> {
    /// What is known of a relay.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn remote(&self, url: &str) -> Result<RemoteState, JournalError> {
        match self.vault.get(Table::Remote, url.as_bytes())? {
            None => Ok(RemoteState::default()),
            Some(bytes) => codec::decode(&bytes, REMOTE_MAX)
                .map_err(|_| JournalError::Record { table: Table::Remote, index: 0 }),
        }
    }

    /// How many envelopes of an epoch some relay was offered and settled.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn settled(&self, epoch: &EpochId) -> Result<u64, JournalError> {
        Ok(self.all_settled()?.remove(epoch).unwrap_or(0))
    }

    /// As [`Self::settled`], of every epoch of which there are any.
    pub(crate) fn all_settled(&self) -> Result<BTreeMap<EpochId, u64>, JournalError> {
        let mut settled: BTreeMap<EpochId, u64> = BTreeMap::new();
        for (epoch, count) in self.remotes()?.iter().flat_map(|remote| &remote.offered) {
            let known = settled.entry(*epoch).or_default();
            *known = (*known).max(*count);
        }
        Ok(settled)
    }

    /// What is known of every relay, file and folder.
    pub(super) fn remotes(&self) -> Result<Vec<RemoteState>, JournalError> {
        let damaged = JournalError::Record { table: Table::Remote, index: 0 };
        let rows = self.vault.scan(Table::Remote)?;
        let decode = |bytes: &[u8]| codec::decode(bytes, REMOTE_MAX).map_err(|_| damaged);
        rows.iter().map(|(_, bytes)| decode(bytes)).collect()
    }

    /// Notes which relay answers at a URL. One that is new there, or has lost what it had, is offered
    /// everything again.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub(crate) fn meet(
        &mut self,
        url: &str,
        relay: RelayId,
        reset: bool,
    ) -> Result<(), JournalError> {
        let mut remote = self.remote(url)?;
        let before = remote.clone();
        remote.meet(relay, reset, self.extents.iter().map(|(epoch, of)| (*epoch, of.count)));
        if remote == before {
            return Ok(());
        }
        let mut batch = Batch::new();
        self.remember(&mut batch, url, &remote);
        self.commit(batch)
    }

    /// Remembers what is known of a relay, with whatever else is in the batch.
    pub fn remember(&self, batch: &mut Batch, url: &str, remote: &RemoteState) {
        batch.put(Table::Remote, url.as_bytes(), codec::encode(remote));
    }

    /// What a relay has not got yet: access lists to replace, then envelopes of the epochs for
    /// which `offers` holds, then letters.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn outgoing(
        &self,
        remote: &RemoteState,
        lists: Vec<Signed<AccessList>>,
        offers: impl Fn(&EpochId) -> bool,
    ) -> Result<Outgoing, JournalError> {
        self.outgoing_from(None, remote, lists, offers)
    }

    /// As [`Self::outgoing`], with the envelopes of one epoch before all others: so that what an
    /// access list is based on goes in the same request as the list. Files go after all else, as
    /// they may take long, or more room than there is.
    ///
    /// # Errors
    /// Returns [`JournalError`].
    pub fn outgoing_from(
        &self,
        first: Option<&EpochId>,
        remote: &RemoteState,
        lists: Vec<Signed<AccessList>>,
        offers: impl Fn(&EpochId) -> bool,
    ) -> Result<Outgoing, JournalError> {
        let mut out = Outgoing { lists, ..Outgoing::default() };
        let mut bytes = 0;
        let offered: BTreeMap<_, _> = remote.offered.iter().copied().collect();
        let offered = |epoch: &EpochId| offered.get(epoch).copied().unwrap_or(0);
        let of = |file: bool| {
            self.extents.iter().filter(move |(_, extent)| extent.file_in.is_some() == file)
        };
        let ahead = of(false).filter(|(epoch, _)| Some(*epoch) == first);
        let others = of(false).filter(|(epoch, _)| Some(*epoch) != first);
        for (epoch, extent) in ahead.chain(others).filter(|(epoch, _)| offers(epoch)) {
            self.offer(&mut out, &mut bytes, remote, (epoch, offered(epoch)..extent.count))?;
        }
        for index in remote.letters..self.letters {
            if out.is_full(bytes) {
                break;
            }
            let stored = self.letter(index)?;
            bytes += stored.bytes.len();
            out.letters.push(OutgoingLetter { index, to: stored.to, bytes: stored.bytes });
        }
        for (epoch, extent) in of(true).filter(|(epoch, _)| offers(epoch)) {
            self.offer(&mut out, &mut bytes, remote, (epoch, offered(epoch)..extent.count))?;
        }
        Ok(out)
    }

    /// Adds to what is offered what there is room for of an epoch's envelopes.
    fn offer(
        &self,
        out: &mut Outgoing,
        bytes: &mut usize,
        remote: &RemoteState,
        (epoch, range): (&EpochId, Range<u64>),
    ) -> Result<(), JournalError> {
        let end = range.end;
        for index in range {
            if out.is_full(*bytes) {
                out.reached.push((*epoch, index));
                return Ok(());
            }
            let Some(stored) = self.kept(epoch, index)? else { continue };
            let from_there = stored.source.is_some() && stored.source == remote.relay;
            if from_there && !remote.doubts(epoch, index) {
                continue;
            }
            *bytes += stored.bytes.len();
            out.envelopes.push(OutgoingEnvelope { epoch: *epoch, index, bytes: stored.bytes });
        }
        out.reached.push((*epoch, end));
        Ok(())
    }

    /// Notes what a relay said of what it was offered; returns how many objects it refused for
    /// good. What it could not take now is offered again next time.
    pub fn settle(
        &self,
        remote: &mut RemoteState,
        outgoing: &Outgoing,
        verdicts: &Verdicts,
    ) -> usize {
        let mut refused = 0;
        let mut reached: BTreeMap<EpochId, u64> = outgoing.reached.iter().copied().collect();
        for (envelope, verdict) in outgoing.envelopes.iter().zip(&verdicts.envelopes) {
            if *verdict == Verdict::Refused {
                refused += 1;
                remote.lacking.push(envelope.epoch);
            }
            if *verdict == Verdict::Later
                && let Some(end) = reached.get_mut(&envelope.epoch)
            {
                *end = envelope.index.min(*end);
            }
        }
        remote.doubted.retain(|(epoch, most)| reached.get(epoch).is_none_or(|end| end < most));
        for (epoch, end) in reached {
            remote.offered.retain(|(known, _)| *known != epoch);
            remote.offered.push((epoch, end));
        }
        remote.lacking.sort_unstable();
        remote.lacking.dedup();
        for (drop, verdict) in outgoing.drops.iter().zip(&verdicts.drops) {
            if *verdict == Verdict::Kept {
                let this = |(channel, epoch): (ChannelId, EpochId)| {
                    channel == drop.channel && epoch == drop.epoch
                };
                remote.dropped.retain(|(channel, epoch, _)| !this((*channel, *epoch)));
                remote.dropped.push((drop.channel, drop.epoch, drop.known));
            }
        }
        remote.dropped.sort_unstable();
        for (letter, verdict) in outgoing.letters.iter().zip(&verdicts.letters) {
            if *verdict == Verdict::Later {
                break;
            }
            refused += usize::from(*verdict == Verdict::Refused);
            remote.letters = letter.index + 1;
        }
        refused
    }
}
