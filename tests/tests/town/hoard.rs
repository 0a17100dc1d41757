//! What a former reader can make of everything: it deletes nothing, keeps every key that it ever
//! had, and every relay gives it all that it was ever sent.

use std::collections::{BTreeMap, BTreeSet};

use passport_core::archive::Archive;
use passport_core::envelope::{Kind, OpenedEnvelope, SealedEnvelope, unpack_in_place};
use passport_core::epoch::{PhaseKeys, VerifiedCharter};
use passport_core::id::EpochId;
use passport_tests::post::Post;

use crate::oracle::words_in;
use crate::streets::Who;

/// The keys of everybody, of whenever.
#[derive(Debug, Default)]
pub(crate) struct Hoard {
    keys: BTreeMap<Who, BTreeMap<EpochId, (VerifiedCharter, PhaseKeys)>>,
}

impl Hoard {
    /// Somebody has these keys, and keeps them.
    pub(crate) fn keep<'a>(
        &mut self,
        who: Who,
        epochs: impl IntoIterator<Item = (&'a VerifiedCharter, &'a PhaseKeys)>,
    ) {
        let kept = self.keys.entry(who).or_default();
        for (charter, keys) in epochs {
            let of = kept.entry(charter.id());
            let (_, known) = of.or_insert_with(|| (charter.clone(), PhaseKeys::new()));
            if known.len() < keys.len() {
                known.extend(keys.clone());
            }
        }
    }

    /// Whether somebody ever had a key to an epoch.
    pub(crate) fn has(&self, who: Who, epoch: &EpochId) -> bool {
        self.keys.get(&who).is_some_and(|kept| kept.get(epoch).is_some_and(|(_, k)| !k.is_empty()))
    }

    /// Every word that somebody can open of what relays were ever sent.
    pub(crate) fn reach(&self, who: Who, posts: &[Post]) -> BTreeSet<String> {
        let Some(kept) = self.keys.get(&who) else { return BTreeSet::new() };
        let archives: BTreeMap<EpochId, (Archive, &(VerifiedCharter, PhaseKeys))> = kept
            .values()
            .filter_map(|of| Some((Archive::of(&of.0, &of.1)?, of)))
            .map(|(archive, of)| (archive.id(), (archive, of)))
            .collect();
        let mut words = BTreeSet::new();
        for envelope in posts.iter().flat_map(Post::sent) {
            let epoch = envelope.header().epoch;
            let in_place = kept.get(&epoch).and_then(|(_, keys)| opened(envelope, keys));
            let of_archive = archives.get(&epoch);
            let of_archive =
                of_archive.and_then(|(of, (charter, keys))| of.open(envelope, charter, keys));
            for opened in in_place.or(of_archive).into_iter().flatten() {
                words.extend(words_in(opened.body()));
            }
        }
        words
    }
}

/// What is in an envelope, of a pack several.
pub(crate) fn opened(envelope: &SealedEnvelope, keys: &PhaseKeys) -> Option<Vec<OpenedEnvelope>> {
    let key = keys.get(&envelope.header().phase)?;
    let opened = envelope.clone().verify().ok()?.open(key).ok()?;
    if opened.header().kind == Kind::Pack {
        return unpack_in_place(&opened, key).ok();
    }
    Some(vec![opened])
}
