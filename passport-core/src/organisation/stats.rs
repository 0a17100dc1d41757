//! Counts of what is shared with an organisation, without small numbers.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Handling, HeldState, Organisation};
use crate::disclosure::{Cell, among, partition};
use crate::id::PassportId;
use crate::party::PartyError;
use crate::section::table::SECTIONS;
use crate::section::{FieldKind, SectionName};
use crate::time::Timestamp;
use crate::vault::Vault;

/// Counts; a suppressed one is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// When they were made.
    pub as_of: Timestamp,
    /// The least count that is told, besides zero.
    pub min_cell: usize,
    /// Students who share anything now.
    pub students: Cell,
    /// Of those, how many share each section; one may share several.
    pub sections: Vec<Counted>,
    /// Since when discharges were counted.
    pub since: Timestamp,
    /// Students discharged since then, as far as they share it.
    pub discharged: Cell,
    /// Of those, by the setting of the latest discharge.
    pub settings: Vec<Counted>,
    /// Of those, by how far this organisation has got with the latest discharge.
    pub handled: Vec<Counted>,
}

/// How many there are of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Of what.
    pub of: String,
    /// How many; none where it is suppressed.
    pub count: Cell,
}

impl<V: Vault> Organisation<V> {
    /// Counts students, not entries, so that nobody is in a table twice.
    ///
    /// # Errors
    /// Returns [`PartyError`].
    pub fn stats(
        &mut self,
        since: Timestamp,
        min_cell: usize,
        now: Timestamp,
    ) -> Result<Stats, PartyError> {
        let mut by_section: BTreeMap<SectionName, BTreeSet<PassportId>> = BTreeMap::new();
        for held in self.grants.values().filter(|g| g.state(now) == HeldState::Active) {
            let grant = &held.grant;
            by_section.entry(grant.section.clone()).or_default().insert(grant.passport);
        }
        let students: BTreeSet<PassportId> = by_section.values().flatten().copied().collect();
        let all = students.len();
        // A section of somebody's own making may name them: only the table's are told.
        let known = SECTIONS.iter().filter(|s| s.shareable).map(|s| {
            let name = s.name.parse::<SectionName>().ok();
            let count = name.and_then(|n| by_section.get(&n)).map_or(0, BTreeSet::len);
            Counted { of: s.name.to_owned(), count: among(count, all, min_cell) }
        });
        let sections = known.collect();
        // The newest come first: of each student the latest counts.
        let mut latest: BTreeMap<PassportId, (String, Handling)> = BTreeMap::new();
        for found in self.discharges(since, None, now)?.discharges {
            let setting = found.setting.unwrap_or_else(|| "other".to_owned());
            latest.entry(found.student.id).or_insert((setting, found.state));
        }
        let settings = settings();
        let in_setting: Vec<usize> = settings
            .iter()
            .map(|s| latest.values().filter(|(setting, _)| setting == s).count())
            .collect();
        let states = [Handling::New, Handling::Seen, Handling::FollowedUp];
        let in_state: Vec<usize> = states
            .iter()
            .map(|s| latest.values().filter(|(_, state)| state == s).count())
            .collect();
        let (by_setting, by_state) =
            (partition(&in_setting, min_cell), partition(&in_state, min_cell));
        let told = |names: Vec<&str>, parts: Vec<Cell>| {
            let counted = names.into_iter().zip(parts);
            counted.map(|(of, count)| Counted { of: of.to_owned(), count }).collect()
        };
        Ok(Stats {
            as_of: now,
            min_cell,
            students: among(all, all, min_cell),
            sections,
            since,
            // What one table hides the other must not tell.
            discharged: by_setting.total.and(by_state.total),
            settings: told(settings, by_setting.parts),
            handled: told(vec!["new", "seen", "followed-up"], by_state.parts),
        })
    }
}

/// The settings that a discharge may be from.
fn settings() -> Vec<&'static str> {
    let kind = crate::section::table::find("discharges").and_then(|s| s.kinds.first());
    match kind.and_then(|k| k.field("setting")).map(|f| f.kind) {
        Some(FieldKind::Choice(choices)) => choices.iter().map(|c| c.name).collect(),
        _ => Vec::new(),
    }
}
