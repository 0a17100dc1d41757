//! The same exchange through a file or folder.
//!
//! Everything is put there each time, as another stick may be in the same place; what is there
//! already is not written again. Access lists stay at home: they say who reads.

use std::collections::BTreeSet;

use passport_core::envelope::SealedEnvelope;
use passport_core::id::{ObjectId, VerificationKey};
use passport_core::journal::{Incoming, IncomingItem, Position, RelayId, Verdict, Verdicts};
use passport_core::party::{Pace, Party, PartyError};
use passport_core::time::Timestamp;
use rand_core::CryptoRng;

use super::{Exchanged, is_for};
use crate::client::via::{Parcel, Via, ViaError};
use crate::wire::Letter;

/// Most times that a file or folder is looked through for what was just understood.
const LOOKS_MAX: usize = 8;

/// Why an exchange through a file or folder stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViaExchangeError {
    /// At the file or folder.
    #[error("exchange through a file or folder")]
    Via(#[from] ViaError),
    /// At the party.
    #[error("take in what was found")]
    Party(#[from] PartyError),
}

/// Takes in what a file or folder has for a party, and puts everything of the party's there.
/// `name` is what the party's journal calls it.
///
/// # Errors
/// Returns [`ViaExchangeError`]; repeated, the exchange goes on.
pub fn via(
    party: &mut dyn Party,
    place: &Via,
    name: &str,
    now: Timestamp,
    rng: &mut dyn CryptoRng,
) -> Result<Exchanged, ViaExchangeError> {
    let mut id: RelayId = [0; 16];
    rng.fill_bytes(&mut id);
    party.met(name, id, true)?;
    let mut done = Exchanged::default();
    take(party, place, name, id, now, &mut done)?;
    party.tidy(Pace::Quiet, now, rng)?;
    loop {
        let outgoing = party.outgoing(name, now)?;
        let envelopes = outgoing.envelopes.iter().map(|e| {
            let bytes = e.bytes.clone().into();
            Parcel::Envelope { bytes }
        });
        let letters = outgoing.letters.iter().map(|l| {
            let letter = Letter { to: l.to, body: l.bytes.clone().into() };
            Parcel::Letter { letter }
        });
        let parcels: Vec<Parcel> = envelopes.chain(letters).collect();
        done.sent += place.push(&parcels)?;
        let verdicts = Verdicts {
            lists: Vec::new(),
            envelopes: vec![Verdict::Kept; outgoing.envelopes.len()],
            letters: vec![Verdict::Kept; outgoing.letters.len()],
            drops: Vec::new(),
        };
        party.settle_with(name, &outgoing, &verdicts, now)?;
        if !outgoing.more {
            return Ok(done);
        }
    }
}

/// Takes in what concerns the party. What it learns from some may tell that others concern it.
fn take(
    party: &mut dyn Party,
    place: &Via,
    name: &str,
    relay: RelayId,
    now: Timestamp,
    done: &mut Exchanged,
) -> Result<(), ViaExchangeError> {
    let mut taken: BTreeSet<ObjectId> = BTreeSet::new();
    for _ in 0..LOOKS_MAX {
        let pulled = place.pull(&mut |id| !taken.contains(id))?;
        done.unusable += pulled.damaged;
        let mut items = Vec::new();
        for (id, parcel) in pulled.parcels {
            if let Some(item) = addressed(party, parcel) {
                taken.insert(id);
                items.push(item);
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let received =
            party.receive(name, Incoming { relay, position: Position::default(), items }, now)?;
        done.received += received.new;
        done.unusable += received.unusable;
    }
    Ok(())
}

fn addressed(party: &dyn Party, parcel: Parcel) -> Option<IncomingItem> {
    match parcel {
        Parcel::Envelope { bytes } => {
            let envelope = SealedEnvelope::decode(&bytes).ok()?;
            let concerns = party.concerns(envelope.header());
            concerns.then(|| IncomingItem::Envelope(bytes.into()))
        }
        Parcel::Letter { letter } => {
            let own = party.request_key().verification_key();
            is_for(&letter, &own).then(|| IncomingItem::Letter(letter.body.into()))
        }
        Parcel::AccessList { .. } => None,
    }
}

/// The letters in a file or folder for a key that belongs to no party yet.
///
/// # Errors
/// Returns [`ViaError`].
pub fn letters_in(place: &Via, key: &VerificationKey) -> Result<Incoming, ViaError> {
    let pulled = place.pull(&mut |_| true)?;
    let letter = |parcel| match parcel {
        Parcel::Letter { letter } if is_for(&letter, key) => {
            Some(IncomingItem::Letter(letter.body.into()))
        }
        Parcel::Letter { .. } | Parcel::Envelope { .. } | Parcel::AccessList { .. } => None,
    };
    let items = pulled.parcels.into_iter().filter_map(|(_, parcel)| letter(parcel)).collect();
    Ok(Incoming { relay: [0; 16], position: Position::default(), items })
}
