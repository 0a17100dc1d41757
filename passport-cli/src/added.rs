//! What `add` and `import` answer, and the notice that a discharge brings with it.

use std::fmt::Write as _;

use passport_core::fhir::smart::{HealthCard, Vouched};
use passport_core::holder::NewEntry;
use passport_core::id::EntryId;
use passport_core::section::display::{display_value, neutralise_line};
use passport_core::section::{SectionName, Value};
use passport_core::time::Timestamp;
use serde::Serialize;

use crate::names::short;

/// What was added, and what was not.
#[derive(Serialize)]
pub(crate) struct Added {
    /// New entries.
    pub(crate) entries: Vec<Placed>,
    /// Entries that were there, and say something new now.
    pub(crate) updated: Vec<Placed>,
    /// Entries that were there, and stay as they are.
    pub(crate) kept: Vec<Placed>,
    /// What could not be placed.
    pub(crate) skipped: Vec<Skipped>,
    /// The health cards that it came out of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cards: Vec<CardLine>,
}

/// A health card, and whether its signature was looked at.
#[derive(Serialize)]
pub(crate) struct CardLine {
    issuer: String,
    issued: Option<Timestamp>,
    expires: Option<Timestamp>,
    /// Whether it had ended when it was read.
    ended: bool,
    verified: bool,
}

impl CardLine {
    /// A card at this moment; `vouched` where its issuer's keys were at hand.
    pub(crate) fn of(card: &HealthCard, vouched: Option<&Vouched>, now: Timestamp) -> Self {
        Self {
            issuer: vouched.map_or(card.issuer(), |v| &v.issuer).to_owned(),
            issued: card.issued(),
            expires: card.expires(),
            ended: card.expires().is_some_and(|end| end < now),
            verified: vouched.is_some(),
        }
    }

    fn words(&self) -> String {
        let issued = self.issued.map(|at| format!(", issued {}", at.date())).unwrap_or_default();
        let end = self.expires.filter(|_| self.ended);
        let ended = end.map(|end| format!(", ended {}", end.date())).unwrap_or_default();
        let verified = if self.verified {
            "signature verified; whether the issuer took it back since was not asked"
        } else {
            "signature not verified: --issuer-keys FILE holds it against the issuer's keys"
        };
        format!("Health card of {}{issued}{ended}: {verified}", neutralise_line(&self.issuer))
    }
}

/// An entry and where it is.
#[derive(Serialize)]
pub(crate) struct Placed {
    /// Its id; none while nothing was written yet.
    pub(crate) id: Option<EntryId>,
    /// Its section.
    pub(crate) section: SectionName,
    /// Its kind, where an import says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// What it is called, where an import says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
}

impl Placed {
    /// An entry by the label of its kind, or by its kind.
    pub(crate) fn named<'a>(
        id: Option<EntryId>,
        section: SectionName,
        kind: &str,
        field: impl Fn(&str) -> Option<&'a Value>,
    ) -> Self {
        let spec = section.spec().kind(kind);
        let label = spec.and_then(|k| field(k.label)).map(display_value);
        let name = label.or_else(|| spec.map(|k| k.title.to_owned()));
        Self { id, section, kind: Some(kind.to_owned()), name }
    }
}

/// Something that could not be placed.
#[derive(Serialize)]
pub(crate) struct Skipped {
    /// Where it was.
    pub(crate) resource: String,
    /// Why.
    pub(crate) reason: String,
}

impl Added {
    /// Only new entries.
    pub(crate) fn new(entries: impl Iterator<Item = (EntryId, SectionName)>) -> Self {
        let placed = |(id, section)| Placed { id: Some(id), section, kind: None, name: None };
        Self {
            entries: entries.map(placed).collect(),
            updated: Vec::new(),
            kept: Vec::new(),
            skipped: Vec::new(),
            cards: Vec::new(),
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        self.told(["Added", "Updated", "Kept as it is"])
    }

    /// For people, of what was not done.
    pub(crate) fn planned(&self) -> String {
        self.told(["Would add", "Would update", "There already, would stay as it is"])
    }

    fn told(&self, [added, updated, kept]: [&str; 3]) -> String {
        let mut text = String::new();
        for card in &self.cards {
            let _ = writeln!(text, "{}", card.words());
        }
        for (what, placed) in [(added, &self.entries), (updated, &self.updated), (kept, &self.kept)]
        {
            for one in placed {
                let id = one.id.map(|id| format!("  [{}]", short(&id.to_string())));
                let title = one.section.spec().title;
                let place = one.section.as_str();
                let name = one.name.as_ref().map(|n| format!("{}, to ", neutralise_line(n)));
                let (name, id) = (name.unwrap_or_default(), id.unwrap_or_default());
                let _ = writeln!(text, "{what}: {name}{title} ({place}){id}");
            }
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "Not placed: {}: {}", skipped.resource, skipped.reason);
        }
        if text.is_empty() { "Nothing to add.\n".to_owned() } else { text }
    }
}

/// The notice that goes with a discharge: nothing of why.
pub(crate) fn notice_of(entry: &NewEntry) -> Option<NewEntry> {
    if entry.kind != "discharge" {
        return None;
    }
    let section = "discharge-notice".parse().ok()?;
    let fields = passport_core::discharge::notice_of(&entry.fields);
    Some(NewEntry { section, kind: "notice".to_owned(), fields })
}
