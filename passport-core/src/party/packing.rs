//! Packs in an epoch that is still written in: what a party wrote there itself, as fewer and
//! fewer envelopes.
//!
//! Small envelopes are packed once there are [`LOOSE`]; packs of about one size, once there are
//! [`FAN`]. So an author of n small envelopes has fewer than `LOOSE + FAN · log n` at a relay,
//! and uploads each `log n` times, compressed.
//!
//! What a relay has is packed apart from what it has not: it puts a pack in the place of a run
//! only where it has the whole run.

use std::collections::BTreeMap;

use crate::envelope::{
    Kind, OpenedEnvelope, PackError, SealedEnvelope, Stretch, VerifiedEnvelope, pack,
    unpack_in_place,
};
use crate::epoch::PhaseKeys;
use crate::id::{EnvelopeId, EpochId};
use crate::journal::Journal;
use crate::keys::{PhaseKey, SigningKey};
use crate::party::PartyError;
use crate::vault::{Batch, Vault};

/// Small envelopes of one run that make a pack.
const LOOSE: usize = 8;
/// Packs of about one size that make a larger one.
const FAN: u64 = 4;
/// Largest envelope that is worth packing, in bytes.
const SMALL: usize = 4 * 1024;
/// Bytes of packs, as sealed, beyond which they are left as they are.
const FULL: usize = 96 * 1024;

/// Opens an envelope; a pack, to what it stands for. None where it does not open; an error where
/// it does, and is not the pack that its author says it is.
pub(crate) fn contents(
    envelope: &VerifiedEnvelope,
    key: &PhaseKey,
) -> Option<Result<Vec<OpenedEnvelope>, PackError>> {
    let opened = envelope.open(key).ok()?;
    if opened.header().kind == Kind::Pack {
        return Some(unpack_in_place(&opened, key));
    }
    Some(Ok(vec![opened]))
}

/// The envelopes of an epoch that are here and open, those in packs too, and whether any was in
/// one: then others may build on it that come before.
pub(crate) fn opened_of<V: Vault>(
    journal: &Journal<V>,
    epoch: &EpochId,
    keys: &PhaseKeys,
) -> Result<(Vec<OpenedEnvelope>, bool), PartyError> {
    let mut opened = Vec::new();
    let mut packed = false;
    for envelope in journal.envelopes(epoch)? {
        packed |= envelope.header().kind == Kind::Pack;
        opened.extend(open(envelope, keys));
    }
    Ok((opened, packed))
}

fn open(envelope: SealedEnvelope, keys: &PhaseKeys) -> Vec<OpenedEnvelope> {
    let key = keys.get(&envelope.header().phase);
    let verified = envelope.verify().ok();
    let contents = key.zip(verified).and_then(|(key, verified)| contents(&verified, key));
    contents.and_then(Result::ok).unwrap_or_default()
}

/// An envelope of one's own, by itself or a pack.
struct Own {
    stretch: Stretch,
    /// Envelopes it stands for.
    count: u64,
    /// Whether a relay has it.
    settled: bool,
    envelope: SealedEnvelope,
    bytes: usize,
}

/// Packs what `author` wrote in an epoch, if there is enough of it; returns how many packs that
/// made. They take the place of what they stand for, here and at relays.
pub(crate) fn pack_own<V: Vault>(
    journal: &mut Journal<V>,
    batch: &mut Batch,
    author: &SigningKey,
    epoch: EpochId,
    keys: &PhaseKeys,
) -> Result<usize, PartyError> {
    if journal.extent(&epoch).loose < LOOSE as u64 {
        return Ok(0);
    }
    let own = own(journal, author, &epoch)?;
    let runs: Vec<&[Own]> = own.chunk_by(goes_on).collect();
    let mut made = 0;
    // What relays have and have not of the last run is two: once they have a little more, it is
    // worth another look.
    let left = runs.iter().rev().take(2).filter(|run| due(run).is_none());
    let left: usize = left.map(|run| loose(run)).sum();
    for due in runs.iter().filter_map(|run| due(run)) {
        let phase = due.first().map_or(0, |own| own.stretch.phase);
        let Some(key) = keys.get(&phase) else { continue };
        let opened = due.iter().flat_map(|own| open(own.envelope.clone(), keys));
        for packed in pack(opened) {
            journal.append_pack(batch, &packed.seal(key, author)?, packed.len(), None)?;
            made += 1;
        }
    }
    journal.set_loose(batch, &epoch, left as u64);
    Ok(made)
}

/// What `author` wrote in an epoch and is worth packing, in order.
fn own<V: Vault>(
    journal: &Journal<V>,
    author: &SigningKey,
    epoch: &EpochId,
) -> Result<Vec<Own>, PartyError> {
    let author = author.verification_key();
    let settled = journal.settled(epoch)?;
    let mut own = Vec::new();
    let mut numbers: BTreeMap<EnvelopeId, u64> = BTreeMap::new();
    for (index, envelope) in journal.entries(epoch)? {
        let Some(stretch) = Stretch::of(&envelope).filter(|s| s.author == author) else { continue };
        numbers.insert(stretch.last, stretch.seq);
        let bytes = envelope.len();
        let settled = index < settled;
        let worth = match envelope.header().kind {
            Kind::Edits => bytes <= SMALL,
            Kind::Pack => settled,
            Kind::Snapshot | Kind::Statements | Kind::Chunk => false,
        };
        if worth {
            own.push(Own { stretch, count: 1, settled, envelope, bytes });
        }
    }
    for one in own.iter_mut().filter(|own| own.stretch.packed) {
        let before = one.stretch.before.map_or(Some(0), |before| numbers.get(&before).copied());
        one.count = before.map_or(u64::MAX, |before| one.stretch.seq.saturating_sub(before));
    }
    own.sort_by_key(|own| (own.stretch.seq, !own.stretch.packed));
    Ok(own)
}

/// Whether one goes on where the other ends, and relays have both or neither.
fn goes_on(one: &Own, next: &Own) -> bool {
    next.stretch.before == Some(one.stretch.last)
        && (next.stretch.phase, next.settled) == (one.stretch.phase, one.settled)
}

/// Envelopes after the last pack of a run.
fn loose(run: &[Own]) -> usize {
    run.iter().rev().take_while(|own| !own.stretch.packed).count()
}

/// What of a run to pack now, if there is enough: the envelopes after its last pack, and packs
/// before them of which there are enough of one size.
fn due(run: &[Own]) -> Option<&[Own]> {
    let loose = loose(run);
    if loose < LOOSE {
        return None;
    }
    let mut rest = run.len() - loose;
    let mut count = loose as u64;
    loop {
        let before = run.get(..rest)?.iter().rev();
        let alike: Vec<&Own> = before
            .take_while(|own| own.count < count.saturating_mul(FAN) && own.bytes <= FULL)
            .collect();
        let bytes: usize = alike.iter().map(|own| own.bytes).sum();
        if (alike.len() as u64) + 1 < FAN || bytes > 2 * FULL {
            return run.get(rest..);
        }
        rest -= alike.len();
        count += alike.iter().map(|own| own.count).sum::<u64>();
    }
}
