//! Which part of an author's line an envelope stands for, as everybody can see.

use std::collections::{BTreeMap, BTreeSet};

use crate::envelope::{Kind, SealedEnvelope};
use crate::id::{ChannelId, EnvelopeId, EpochId, VerificationKey};

/// Most envelopes that are looked at to find the parts of a run.
const PARTS_MAX: usize = 16_384;

/// A part of an author's line of envelopes: one by itself, or the run that a pack stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The channel.
    pub channel: ChannelId,
    /// The epoch.
    pub epoch: EpochId,
    /// The author.
    pub author: VerificationKey,
    /// The phase.
    pub phase: u32,
    /// Sequence number of its last envelope.
    pub seq: u64,
    /// Its last envelope.
    pub last: EnvelopeId,
    /// What its first envelope builds on as its previous; none if that is number 1.
    pub before: Option<EnvelopeId>,
    /// Whether it is a pack.
    pub packed: bool,
}

impl Stretch {
    /// What an envelope stands for; none for one of an archive, which does not show it.
    #[must_use]
    pub fn of(envelope: &SealedEnvelope) -> Option<Self> {
        let header = envelope.header();
        let packed = header.kind == Kind::Pack;
        let (seq, last, before) = if packed {
            if header.deps.len() > 1 {
                return None;
            }
            (header.seq.checked_sub(1)?, header.prev?, header.deps.first().copied())
        } else {
            (header.seq, envelope.id(), header.prev)
        };
        Some(Self {
            channel: header.channel,
            epoch: header.epoch,
            author: header.author,
            phase: header.phase,
            seq,
            last,
            before,
            packed,
        })
    }

    /// Whether another one is of the same line.
    #[must_use]
    pub fn is_beside(&self, other: &Self) -> bool {
        (self.channel, self.epoch, self.author) == (other.channel, other.epoch, other.author)
    }
}

/// Which of what is here a pack can take the place of: everything on an unbroken way from the
/// last envelope of its run back to the first. None if the way is broken, so that what is on
/// another branch of a fork stays.
///
/// `ending_at` tells what of the same line ends with an envelope.
///
/// # Errors
/// Returns whatever `ending_at` does.
pub fn parts<K: Ord, E>(
    run: &Stretch,
    mut ending_at: impl FnMut(&EnvelopeId) -> Result<Vec<(K, Stretch)>, E>,
) -> Result<BTreeSet<K>, E> {
    // By what is before them.
    let mut found: BTreeMap<Option<EnvelopeId>, Vec<(K, EnvelopeId)>> = BTreeMap::new();
    let mut seen = BTreeSet::from([run.last]);
    let mut open = vec![run.last];
    let mut looked_at = 0;
    while let Some(end) = open.pop() {
        for (key, stretch) in ending_at(&end)? {
            looked_at += 1;
            if looked_at > PARTS_MAX {
                return Ok(BTreeSet::new());
            }
            if !stretch.is_beside(run) || stretch.last != end {
                continue;
            }
            let go_on = stretch.before.filter(|before| Some(*before) != run.before);
            open.extend(go_on.filter(|before| seen.insert(*before)));
            found.entry(stretch.before).or_default().push((key, end));
        }
    }
    let mut parts = BTreeSet::new();
    let mut reached = vec![run.before];
    while let Some(place) = reached.pop() {
        for (key, last) in found.remove(&place).into_iter().flatten() {
            parts.insert(key);
            reached.push(Some(last));
        }
    }
    Ok(parts)
}
