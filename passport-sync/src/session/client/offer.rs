//! What is offered, and what of it is on its way.

use std::collections::BTreeMap;

use minicbor::bytes::ByteVec;
use passport_core::access::{AccessList, DropEpoch};
use passport_core::codec;
use passport_core::id::ChannelId;
use passport_core::keys::Signed;

use super::{OfferId, Settled};
use crate::wire::{FETCH_MAX, Letter, OBJECTS_MAX, REQUEST_MAX, Results, SyncRequest};

/// Room in a request for what is not an object.
const ENVELOPE_ROOM: usize = 64 * 1024;
/// Most bytes by which CBOR frames an object.
const FRAME: usize = 64;

/// Something to push.
#[derive(Debug)]
pub(super) enum Offer {
    AccessList(Signed<AccessList>),
    Envelope(ByteVec),
    Letter(Letter),
    Drop(Signed<DropEpoch>),
    Fetch(ChannelId),
}

/// The order of pushing: a channel's list comes before its envelopes, whichever was offered
/// first, and drops and fetches come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    rank: u8,
    id: OfferId,
}

impl Slot {
    pub(super) const fn of(offer: &Offer, id: OfferId) -> Self {
        let rank = match offer {
            Offer::AccessList(_) => 0,
            Offer::Envelope(_) => 1,
            Offer::Letter(_) => 2,
            Offer::Drop(_) => 3,
            Offer::Fetch(_) => 4,
        };
        Self { rank, id }
    }
}

impl Offer {
    fn size(&self) -> usize {
        match self {
            Self::AccessList(list) => codec::encode(list).len(),
            Self::Envelope(bytes) => bytes.len(),
            Self::Letter(letter) => letter.body.len(),
            Self::Drop(drop) => codec::encode(drop).len(),
            Self::Fetch(_) => 0,
        }
    }
}

/// The offers of one request, in its order.
#[derive(Debug)]
pub(super) struct Flight(Vec<Slot>);

impl Flight {
    /// Fills a request with as much as fits.
    pub(super) fn fill(outbox: &BTreeMap<Slot, Offer>) -> (Self, SyncRequest) {
        let mut request = SyncRequest::default();
        let mut slots = Vec::new();
        let mut room = REQUEST_MAX - ENVELOPE_ROOM;
        for (slot, offer) in outbox {
            let size = offer.size() + FRAME;
            let full =
                request.objects() >= OBJECTS_MAX || request.fetch_channels.len() >= FETCH_MAX;
            if full || (size > room && !slots.is_empty()) {
                break;
            }
            room = room.saturating_sub(size);
            slots.push(*slot);
            match offer {
                Offer::AccessList(list) => request.access_lists.push(list.clone()),
                Offer::Envelope(bytes) => request.envelopes.push(bytes.clone()),
                Offer::Letter(letter) => request.letters.push(letter.clone()),
                Offer::Drop(drop) => request.drop_epochs.push(drop.clone()),
                Offer::Fetch(channel) => request.fetch_channels.push(*channel),
            }
        }
        (Self(slots), request)
    }

    /// The slots on their way.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter()
    }

    /// Matches results to offers, if there is exactly one for each.
    pub(super) fn settle(&self, results: Results) -> Option<Vec<Settled>> {
        let by_rank = [
            results.access_lists,
            results.envelopes,
            results.letters,
            results.drop_epochs,
            results.fetch_channels,
        ];
        for (rank, outcomes) in (0_u8..).zip(&by_rank) {
            let sent = self.0.iter().filter(|slot| slot.rank == rank).count();
            if outcomes.len() != sent {
                return None;
            }
        }
        // Slots are in order of rank, so the outcomes one after the other are in their order.
        let outcomes = by_rank.into_iter().flatten();
        let mut settled: Vec<_> = self
            .0
            .iter()
            .zip(outcomes)
            .map(|(slot, outcome)| Settled { offer: slot.id, outcome, current: None })
            .collect();
        for conflict in results.conflicts {
            let index = usize::try_from(conflict.index).ok()?;
            let slot = self.0.get(index).filter(|slot| slot.rank == 0)?;
            let settled = settled.iter_mut().find(|settled| settled.offer == slot.id)?;
            settled.current = Some(conflict.current);
        }
        Some(settled)
    }
}
