//! Packs in an epoch that is still written in: what a party wrote there itself, as fewer and
//! fewer envelopes.
//!
//! Small envelopes are packed once there are [`LOOSE`]; packs of about one size, once there are
//! [`FAN`]. So an author of n small envelopes has fewer than `LOOSE + FAN · log n` at a relay,
//! and uploads each `log n` times, compressed. While somebody goes on writing it waits for
//! [`LOT`] small ones, and leaves packs as they are: each is then uploaded twice at most, and what
//! came of it is put together once the writer falls silent.
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
use crate::party::{Pace, PartyError};
use crate::vault::{Batch, Vault};

/// Small envelopes of one run that make a pack.
const LOOSE: usize = 8;
/// As many, while somebody goes on writing.
const LOT: usize = 256;
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
    pace: Pace,
) -> Result<usize, PartyError> {
    let enough = match pace {
        Pace::Busy => LOT,
        Pace::Coming | Pace::Quiet => LOOSE,
    };
    if journal.extent(&epoch).loose < enough as u64 {
        return Ok(0);
    }
    let own = own(journal, author, &epoch)?;
    let runs: Vec<&[Own]> = own.chunk_by(goes_on).collect();
    let mut made = 0;
    // What relays have and have not of the last run is two: once they have a little more, it is
    // worth another look.
    let packed_last = |due: &[Own]| due.last().is_some_and(|own| own.stretch.packed);
    let left = runs.iter().rev().take(2).filter(|run| due(run, pace).is_none_or(packed_last));
    let left: usize = left.map(|run| loose(run)).sum();
    for due in runs.iter().filter_map(|run| due(run, pace)) {
        let phase = due.first().map_or(0, |own| own.stretch.phase);
        let Some(key) = keys.get(&phase) else { continue };
        let opened = due.iter().flat_map(|own| open(own.envelope.clone(), keys));
        for packed in pack(opened) {
            journal.append_pack(batch, &packed.seal(key, author)?, packed.len(), None)?;
            made += 1;
        }
    }
    // Packs that were left as they are want another look when it is quiet.
    let left = if pace == Pace::Busy { left.max(LOOSE) } else { left };
    journal.set_loose(batch, &epoch, left as u64);
    Ok(made)
}

/// What `author` wrote in an epoch and is worth packing, in order.
fn own<V: Vault>(
    journal: &mut Journal<V>,
    author: &SigningKey,
    epoch: &EpochId,
) -> Result<Vec<Own>, PartyError> {
    let author = author.verification_key();
    let settled = journal.settled(epoch)?;
    let mut own = Vec::new();
    let mut numbers: BTreeMap<EnvelopeId, u64> = BTreeMap::new();
    for (index, envelope) in journal.written_by(epoch, &author)? {
        let Some(stretch) = Stretch::of(&envelope) else { continue };
        numbers.insert(stretch.last, stretch.seq);
        let bytes = envelope.len();
        let settled = index < settled;
        let worth = match envelope.header().kind {
            Kind::Edits => bytes <= SMALL,
            Kind::Pack => settled,
            Kind::Snapshot | Kind::Statements | Kind::Chunk | Kind::Receipts => false,
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

/// What of a run to pack now, if there is enough: the envelopes after its last pack, and, when it
/// is quiet, packs before them of which there are enough of one size; or such packs alone.
fn due(run: &[Own], pace: Pace) -> Option<&[Own]> {
    let loose = loose(run);
    let packs = run.len() - loose;
    let (mut rest, end, mut count) = match pace {
        Pace::Busy => return run.get(packs..).filter(|_| loose >= LOT),
        Pace::Coming | Pace::Quiet if loose >= LOOSE => (packs, run.len(), loose as u64),
        Pace::Coming | Pace::Quiet => (packs.checked_sub(1)?, packs, run.get(packs - 1)?.count),
    };
    loop {
        let before = run.get(..rest)?.iter().rev();
        let alike: Vec<&Own> = before
            .take_while(|own| own.count < count.saturating_mul(FAN) && own.bytes <= FULL)
            .collect();
        let bytes: usize = alike.iter().map(|own| own.bytes).sum();
        if (alike.len() as u64) + 1 < FAN || bytes > 2 * FULL {
            return run.get(rest..end).filter(|due| due.len() > 1);
        }
        rest -= alike.len();
        count += alike.iter().map(|own| own.count).sum::<u64>();
    }
}
