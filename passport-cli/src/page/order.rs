//! The order of entries in a document: what is dangerous before what is not, news before what is
//! old, names by the alphabet. A view has them by when they were recorded.

use core::cmp::Reverse;

use passport_core::replica::EntryNow;
use passport_core::section::SectionName;
use passport_core::view::View;

use super::glance::said;

/// Sections of what happened on a day: the latest first.
const DATED: [&str; 6] =
    ["immunisations", "results", "care-history", "discharges", "discharge-notice", "documents"];

/// Fields that say when it was.
const DATES: [&str; 6] = ["date", "given", "discharged_on", "admitted", "period", "referred_on"];

/// Danger, date and name, as far as a section goes by them.
type Key = (u8, Reverse<String>, String);

/// Views with their entries in the order of a document.
pub(super) fn ordered(views: &[View]) -> Vec<View> {
    let mut views = views.to_vec();
    for view in &mut views {
        let section = view.section.clone();
        view.entries.sort_by_cached_key(|entry| key(&section, entry));
    }
    views
}

fn key(section: &SectionName, entry: &EntryNow) -> Key {
    let named = || {
        let kind = section.spec().kind(&entry.kind);
        kind.and_then(|k| said(entry, k.label)).unwrap_or_default().to_lowercase()
    };
    let (rank, date, name) = match section.as_str() {
        "allergies" => (danger(entry), None, named()),
        "medications" | "problems" => (0, None, named()),
        "contacts" => {
            let is_for_emergencies = said(entry, "emergency").is_some_and(|s| s.contains("yes"));
            (u8::from(!is_for_emergencies), None, String::new())
        }
        dated if DATED.contains(&dated) => {
            (0, DATES.iter().find_map(|field| said(entry, field)), String::new())
        }
        _ => (0, None, String::new()),
    };
    (rank, Reverse(date.unwrap_or_default()), name)
}

/// How far down an allergy stands. Of a conflict the worse counts, and what nobody judged stands
/// above what is known to be mild.
fn danger(entry: &EntryNow) -> u8 {
    let says = |field, word| said(entry, field).is_some_and(|said| said.contains(word));
    if says("criticality", "high") || says("severity", "severe") {
        0
    } else if says("criticality", "low") || says("severity", "mild") {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use passport_core::author::Author;
    use passport_core::edit::FieldVersion;
    use passport_core::id::EntryId;
    use passport_core::replica::{FieldNow, Stance};
    use passport_core::section::Value;
    use passport_core::time::Timestamp;

    use super::*;

    fn entry(kind: &str, fields: &[(&str, &[&str])]) -> EntryNow {
        let version = |value: &&str| FieldVersion {
            value: Value::Text((*value).to_owned()),
            author: Author::Holder,
            at: Timestamp::from_seconds(0),
        };
        let field = |(name, values): &(&str, &[&str])| {
            let versions = values.iter().map(version).collect();
            ((*name).to_owned(), FieldNow { versions })
        };
        EntryNow {
            id: EntryId::from_bytes([1; 16]),
            kind: kind.to_owned(),
            author: Author::Holder,
            recorded_at: Timestamp::from_seconds(0),
            fields: fields.iter().map(field).collect(),
            attestations: Vec::new(),
            remarks: Vec::new(),
            settled: BTreeMap::new(),
            stance: Stance::Present,
        }
    }

    /// The field of each entry, in the order in which they stand in a document.
    fn order(section: &str, field: &str, mut entries: Vec<EntryNow>) -> Vec<String> {
        let section = section.parse().unwrap();
        entries.sort_by_cached_key(|entry| key(&section, entry));
        entries.iter().map(|entry| said(entry, field).unwrap_or_default()).collect()
    }

    #[test]
    fn the_most_dangerous_allergy_is_first_and_a_conflict_counts_as_the_worse() {
        let allergy = |agent, more: &[(&str, &[&str])]| {
            entry("allergy", &[&[("agent", &[agent][..])][..], more].concat())
        };
        let found = order(
            "allergies",
            "agent",
            vec![
                allergy("Latex", &[("criticality", &["low"])]),
                allergy("Trimethoprim", &[]),
                allergy("Peanut", &[("criticality", &["high", "low"])]),
                allergy("Penicillin", &[("severity", &["severe"]), ("criticality", &["low"])]),
            ],
        );
        assert_eq!(found, ["Peanut", "Penicillin", "Trimethoprim", "Latex"]);
    }

    #[test]
    fn news_stands_before_what_is_old_and_names_by_the_alphabet() {
        let result = |date| entry("result", &[("date", &[date][..])]);
        let dates = ["2026-02-10", "2026-12", "2025-01-01"].map(result).to_vec();
        assert_eq!(order("results", "date", dates), ["2026-12", "2026-02-10", "2025-01-01"]);
        let medicine = |item| entry("medication", &[("item", &[item][..])]);
        let items = ["sertraline", "Levothyroxine", "Salbutamol"].map(medicine).to_vec();
        let found = order("medications", "item", items);
        assert_eq!(found, ["Levothyroxine", "Salbutamol", "sertraline"]);
        let contact = |name, emergency| {
            entry("contact", &[("name", &[name][..]), ("emergency", &[emergency][..])])
        };
        let people = vec![contact("Friend", "no"), contact("Sister", "yes")];
        assert_eq!(order("contacts", "name", people), ["Sister", "Friend"]);
        let plans = ["Walk", "Call"].map(|action| entry("action", &[("action", &[action][..])]));
        assert_eq!(order("plan", "action", plans.to_vec()), ["Walk", "Call"], "as recorded");
    }
}
