//! Which envelopes go into one pack.

use std::collections::{BTreeMap, BTreeSet};

use super::{ITEMS_MAX, Packed};
use crate::envelope::OpenedEnvelope;
use crate::id::EnvelopeId;

/// Content of a pack as it is written, in bytes, unless a single envelope or the run of a single
/// pack is larger.
const RUN_BYTES: usize = 224 * 1024;

/// Writes envelopes as packs: unbroken runs of one author, kind and phase, a fork's branches
/// apart. A function of the envelopes and of which of them a signature is here.
///
/// An envelope that no signature here covers is left out. Of what was opened by itself or came
/// from packs that are here whole, there is none.
#[must_use]
pub fn pack(envelopes: impl IntoIterator<Item = OpenedEnvelope>) -> Vec<Packed> {
    let all: BTreeMap<EnvelopeId, OpenedEnvelope> =
        envelopes.into_iter().map(|e| (e.id(), e)).collect();
    let mut ordered: Vec<&OpenedEnvelope> = all.values().collect();
    ordered.sort_by_key(|e| {
        let header = e.header();
        (header.epoch, header.author, header.kind, header.phase, header.seq, e.id())
    });
    // The one that goes on where each ends: of several the first, the others begin runs.
    let mut next: BTreeMap<EnvelopeId, &OpenedEnvelope> = BTreeMap::new();
    let mut goes_on: BTreeSet<EnvelopeId> = BTreeSet::new();
    for envelope in &ordered {
        let before = envelope.header().prev.and_then(|prev| all.get(&prev));
        if let Some(before) = before.filter(|before| follows(before, envelope))
            && !next.contains_key(&before.id())
        {
            next.insert(before.id(), envelope);
            goes_on.insert(envelope.id());
        }
    }
    let mut packs = Vec::new();
    for first in ordered.iter().filter(|e| !goes_on.contains(&e.id())) {
        let run: Vec<&OpenedEnvelope> =
            core::iter::successors(Some(*first), |e| next.get(&e.id()).copied()).collect();
        cut(&run, &mut packs);
    }
    packs
}

/// Whether one goes on where the other ends, in the same pack.
fn follows(before: &OpenedEnvelope, after: &OpenedEnvelope) -> bool {
    let (before, after) = (before.header(), after.header());
    before.seq.checked_add(1) == Some(after.seq)
        && (before.channel, before.epoch, before.author, before.kind, before.phase)
            == (after.channel, after.epoch, after.author, after.kind, after.phase)
}

/// Cuts a run into packs that are not too large, each after an envelope with a signature.
fn cut(run: &[&OpenedEnvelope], packs: &mut Vec<Packed>) {
    let signed = |e: &&OpenedEnvelope| e.signature().is_some();
    let (mut open, mut bytes) = (Vec::new(), 0);
    for piece in run.split_inclusive(signed) {
        let more: usize = piece.iter().map(|e| size(e)).sum();
        if !open.is_empty() && (bytes + more > RUN_BYTES || open.len() + piece.len() > ITEMS_MAX) {
            packs.extend(Packed::of(&open));
            open.clear();
            bytes = 0;
        }
        open.extend_from_slice(piece);
        bytes += more;
    }
    while open.last().is_some_and(|e| !signed(e)) {
        open.pop();
    }
    packs.extend(Packed::of(&open));
}

/// Bytes of an envelope in a pack, before compression, at most.
fn size(envelope: &OpenedEnvelope) -> usize {
    envelope.body().len() + envelope.header().deps.len() * (EnvelopeId::LEN + 2) + 16
}
