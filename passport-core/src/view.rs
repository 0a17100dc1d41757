//! What a section shows: entries, who recorded them, what was signed and what changed since,
//! notes, suggestions, conflicts and history.
//!
//! The JSON form is canonical: two parties with the same envelopes of a section print the same
//! bytes, and [`View::digest`] is over them.

mod history;
mod json;

use std::collections::BTreeMap;

use crate::attestation::Attestation;
use crate::author::Author;
use crate::domain;
use crate::edit::RemarkContent;
use crate::epoch::VerifiedCharter;
use crate::id::EpochId;
use crate::keys::{Card, Signed};
use crate::replica::{EntryNow, Replica, Stance};
use crate::section::SectionName;

pub(crate) use history::said;
pub use history::{HistoryEvent, history};
pub use json::{
    AuthorView, EntryView, NoteView, SectionView, SuggestionView, ValueView, VersionView,
};

/// A section as it stands.
#[derive(Clone, Debug)]
pub struct View {
    /// The section.
    pub section: SectionName,
    /// The epoch it is read from.
    pub epoch: EpochId,
    /// Entries that are there or in dispute, by recorded time and id.
    pub entries: Vec<EntryNow>,
    names: BTreeMap<Author, String>,
    cards: Vec<Signed<Card>>,
}

impl View {
    /// Reads a replica.
    #[must_use]
    pub fn of(replica: &Replica) -> Self {
        let charter = replica.charter();
        let mut entries = replica.entries();
        entries.retain(|e| e.stance != Stance::Removed);
        entries.sort_by_key(|e| (e.recorded_at, e.id));
        Self {
            section: charter.section.clone(),
            epoch: charter.id(),
            entries,
            names: names(charter),
            cards: charter.cards.clone(),
        }
    }

    /// The name of an author for people: the organisation's, as its own card says, or "Holder".
    #[must_use]
    pub fn name(&self, author: Author) -> &str {
        self.names.get(&author).map_or("unknown organisation", String::as_str)
    }

    /// The card that names the key an attestation was signed with.
    #[must_use]
    pub fn card_of(&self, attestation: &Attestation) -> Option<&Signed<Card>> {
        self.cards.iter().find(|signed| {
            Card::verify((*signed).clone()).is_ok_and(|card| {
                card.id() == attestation.organisation
                    && card.instances().iter().any(|i| i.key() == attestation.signer)
            })
        })
    }

    /// The canonical form for programs.
    #[must_use]
    pub fn to_json(&self) -> SectionView {
        SectionView::of(self)
    }

    /// BLAKE3 over the entries' canonical state: equal for all who have seen the same.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let records: Vec<Vec<u8>> =
            self.entries.iter().map(|e| crate::codec::encode(&e.to_record())).collect();
        let parts: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        domain::VIEW.hash(&parts)
    }

    /// Open suggestions: entry, suggestion, field and value.
    pub fn open_suggestions(&self) -> impl Iterator<Item = (&EntryNow, &crate::edit::Remark)> {
        self.entries.iter().flat_map(|entry| {
            entry
                .remarks
                .iter()
                .filter(|r| {
                    matches!(r.content, RemarkContent::Suggestion { .. })
                        && !entry.settled.contains_key(&r.id)
                })
                .map(move |r| (entry, r))
        })
    }
}

pub(crate) fn names(charter: &VerifiedCharter) -> BTreeMap<Author, String> {
    let mut names = BTreeMap::from([(Author::Holder, "Holder".to_owned())]);
    for card in charter.latest_cards() {
        names.insert(Author::Organisation(card.id()), card.name.clone());
    }
    names
}
